use domain::model::Dialect;

use super::*;
use crate::translator::{Target, TranslateError, embeddings_answer, embeddings_request};

fn parse(body: &str) -> Result<EmbeddingsRequest, BadRequest> {
    EmbeddingsRequest::parse(&Bytes::copy_from_slice(body.as_bytes()))
}

fn target() -> Target<'static> {
    Target {
        base_url: "https://api.openai.com/v1",
        upstream_model: "text-embedding-3-small",
        credential: "c",
        event_id: "req_1.1",
        output_cap: None,
    }
}

#[test]
fn every_shape_of_input_is_counted() {
    for (input, count) in [(r#""text""#, 1), (r#"["a", "b", ""]"#, 3), ("[1, 2, 3]", 1), ("[[1, 2], [3]]", 2)]
    {
        let request = parse(&format!(r#"{{"model": "m", "input": {input}}}"#));
        let counted = request.map(|request| (request.input_count(), request.prompt_bytes()));
        assert_eq!(counted, Ok((count, input.len())), "{input}");
    }
}

#[test]
fn a_wrong_field_is_refused_by_its_name() {
    let many = format!("[{}]", vec!["\"x\""; 2049].join(","));
    for input in ["\"\"", "[]", "[[]]", "5", "[1, \"a\"]", "[-1]", "[1.5]", "{}", "null", many.as_str()] {
        let refused = parse(&format!(r#"{{"input": {input}}}"#)).err().map(|refused| refused.field);
        assert_eq!(refused.as_deref(), Some("input"), "{input:.20}");
    }
    for (fields, field) in [
        (r#""dimensions": 0"#, "dimensions"),
        (r#""encoding_format": "hex""#, "encoding_format"),
        (r#""provider": {"sort": "price"}"#, "provider.sort"),
        (r#""user": 1"#, "user"),
        (r#""input": "twice""#, "input"),
    ] {
        let refused = parse(&format!(r#"{{"input": "x", {fields}}}"#)).err().map(|refused| refused.field);
        assert_eq!(refused.as_deref(), Some(field), "{fields}");
    }
}

#[test]
fn the_request_goes_out_as_it_came_but_for_the_model() {
    let request = parse(
        r#"{"model": "a/b", "input": ["x \u00e9"], "encoding_format": "base64", "dimensions": 8, "session_id": "s",
        "provider": {"zdr": true}, "x_unknown": 1.50}"#,
    );
    let request = request.unwrap_or_else(|refused| panic!("{refused}"));
    let sent =
        embeddings_request(Dialect::OpenAi, &request, &target()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(sent.url, "https://api.openai.com/v1/embeddings");
    let expected = r#"{"model":"text-embedding-3-small","input":["x \u00e9"],"encoding_format":"base64","dimensions":8,"x_unknown":1.50}"#;
    assert_eq!(std::str::from_utf8(&sent.body), Ok(expected));
    let refused = embeddings_request(Dialect::Anthropic, &request, &target()).err();
    assert!(matches!(refused, Some(TranslateError::Unsupported { .. })));
}

#[test]
fn the_answer_keeps_its_vectors_byte_for_byte() {
    let body = Bytes::from_static(
        br#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.10, -1e-3]}],"model":"up","usage":{"prompt_tokens":12,"total_tokens":12}}"#,
    );
    let answer = embeddings_answer(Dialect::OpenAi, &body).unwrap_or_else(|error| panic!("{error}"));
    let usage = answer.reported.usage.expect("usage is read");
    assert_eq!((usage.prompt_tokens(), usage.completion_tokens()), (12, 0));
    let written = answer.write(&crate::golden::context(), &crate::golden::bill(&answer.reported));
    let text = std::str::from_utf8(&written).expect("UTF-8");
    assert!(
        text.contains(r#""data":[{"object":"embedding","index":0,"embedding":[0.10, -1e-3]}]"#),
        "{text}"
    );
    assert!(
        text.contains(r#""model":"author/model""#) && text.contains(r#""cost":0.000081000001"#),
        "{text}"
    );
    assert!(!text.contains("completion_tokens"), "{text}");
    let no_data = embeddings_answer(Dialect::OpenAi, &Bytes::from_static(b"{}"));
    assert!(no_data.is_err());
}
