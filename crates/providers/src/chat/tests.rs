use domain::model::Dialect;

use super::*;
use crate::translator::{Target, chat_request};

const HELLO: &str = r#"[{"role": "user", "content": "hello"}]"#;

fn parse(body: &str) -> Result<ChatRequest, BadRequest> {
    ChatRequest::parse(&Bytes::copy_from_slice(body.as_bytes()))
}

fn with(fields: &str) -> Result<ChatRequest, BadRequest> {
    parse(&format!(r#"{{"messages": {HELLO}, {fields}}}"#))
}

fn refused(result: Result<ChatRequest, BadRequest>) -> BadRequest {
    match result {
        Ok(_) => panic!("was accepted"),
        Err(refused) => refused,
    }
}

#[test]
fn what_the_gateway_needs_is_read() {
    let request = with(
        r#""model": "a/b", "models": ["c/d"], "stream": true, "stream_options": {"include_usage": true}, "n": 3,
        "max_tokens": 100, "max_completion_tokens": 50, "user": "u", "session_id": "s", "max_cost": 0.25,
        "metadata": {"b": "2", "a": "1"}, "service_tier": "flex", "store": true,
        "tools": [{"type": "function", "function": {"name": "f"}}], "reasoning": {"exclude": true},
        "provider": {"only": ["openai"], "ignore": ["azure"], "zdr": true, "data_collection": "deny",
            "allow_fallbacks": false, "require_parameters": false, "sort": null}"#,
    )
    .unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!((request.model(), request.models()), (Some("a/b"), &["c/d".to_owned()][..]));
    assert!(
        request.streams() && request.include_usage() && request.is_stored() && request.excludes_reasoning()
    );
    assert_eq!((request.choices(), request.max_output_tokens()), (3, Some(50)));
    assert_eq!((request.user(), request.session()), (Some("u"), Some("s")));
    assert_eq!(request.max_cost(), "0.25".parse().ok());
    let sorted = [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())];
    assert_eq!(request.metadata(), &sorted[..]);
    assert_eq!(request.priced().service_tier.as_deref(), Some("flex"));
    assert_eq!((request.message_count(), request.tool_count()), (1, 1));
    let prefs = ProviderPrefs {
        only: vec!["openai".to_owned()],
        ignore: vec!["azure".to_owned()],
        allow_fallbacks: false,
        zdr: Some(true),
        no_training: true,
        ..ProviderPrefs::default()
    };
    assert_eq!(request.prefs(), &prefs);
}

#[test]
fn absent_and_null_fields_are_the_same() {
    let request = with(
        r#""n": null, "stop": null, "max_tokens": null, "tools": null, "provider": null, "stream": null"#,
    );
    let request = request.unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!((request.choices(), request.max_output_tokens(), request.tool_count()), (1, None, 0));
    assert!(!request.streams());
    assert_eq!(request.prefs(), &ProviderPrefs::default());
}

#[test]
fn a_wrong_field_is_refused_by_its_name() {
    let long = "x".repeat(65);
    let cases = [
        (r#""n": 0"#, "n"),
        (r#""n": 129"#, "n"),
        (r#""n": 1.5"#, "n"),
        (r#""max_tokens": 0"#, "max_tokens"),
        (r#""max_tokens": "1""#, "max_tokens"),
        (r#""max_completion_tokens": -1"#, "max_completion_tokens"),
        (r#""temperature": 2.1"#, "temperature"),
        (r#""temperature": "hot""#, "temperature"),
        (r#""top_p": 1.1"#, "top_p"),
        (r#""presence_penalty": -3"#, "presence_penalty"),
        (r#""top_logprobs": 21"#, "top_logprobs"),
        (r#""logprobs": 1"#, "logprobs"),
        (r#""seed": 1.5"#, "seed"),
        (r#""stop": ["1","2","3","4","5"]"#, "stop"),
        (r#""stop": 1"#, "stop"),
        (r#""logit_bias": {"5": 101}"#, "logit_bias"),
        (r#""stream": "yes""#, "stream"),
        (r#""stream_options": {"include_usage": 1}"#, "stream_options.include_usage"),
        (r#""model": 1"#, "model"),
        (r#""models": ["1","2","3","4","5","6","7","8","9"]"#, "models"),
        (r#""user": 1"#, "user"),
        (r#""user": "a\u0000b""#, "user"),
        (r#""model": "a\u0000b""#, "model"),
        (r#""session_id": "\u0000""#, "session_id"),
        (r#""metadata": {"a": "\u0000"}"#, "metadata.a"),
        (r#""metadata": {"\u0000": "a"}"#, "metadata"),
        (r#""session_id": 1"#, "session_id"),
        (r#""metadata": {"a": 1}"#, "metadata.a"),
        (r#""service_tier": "best""#, "service_tier"),
        (r#""modalities": "text""#, "modalities"),
        (r#""max_cost": 0"#, "max_cost"),
        (r#""max_cost": 1e-3"#, "max_cost"),
        (r#""max_cost": "0.0000000000001""#, "max_cost"),
        (r#""tools": {}"#, "tools"),
        (r#""tools": [{"function": {"name": "f"}}]"#, "tools[0].type"),
        (r#""tools": [{"type": "function"}]"#, "tools[0].function"),
        (r#""tools": [{"type": "function", "function": {"name": ""}}]"#, "tools[0].function.name"),
        (r#""tools": [{"type": "openrouter:web_search"}]"#, "tools[0].type"),
        (r#""tool_choice": "maybe""#, "tool_choice"),
        (r#""tool_choice": {"type": "function"}"#, "tool_choice.function"),
        (r#""response_format": {"type": "yaml"}"#, "response_format.type"),
        (r#""response_format": {"type": "json_schema"}"#, "response_format.json_schema"),
        (
            r#""response_format": {"type": "json_schema", "json_schema": {}}"#,
            "response_format.json_schema.name",
        ),
        (r#""reasoning": {"effort": "high", "max_tokens": 5}"#, "reasoning"),
        (r#""reasoning": {"effort": "huge"}"#, "reasoning.effort"),
        (r#""reasoning_effort": 3"#, "reasoning_effort"),
        (r#""provider": []"#, "provider"),
        (r#""provider": {"only": "openai"}"#, "provider.only"),
        (r#""provider": {"data_collection": "maybe"}"#, "provider.data_collection"),
    ];
    for (fields, field) in cases {
        let refused = refused(with(fields));
        assert_eq!(refused.field, field, "{fields}: {refused}");
        assert!(!refused.message.is_empty());
    }
    assert_eq!(refused(with(&format!(r#""metadata": {{"{long}": "v"}}"#))).field, "metadata");
    let pairs: Vec<String> = (0..17).map(|number| format!("\"{number}\":\"v\"")).collect();
    assert_eq!(refused(with(&format!(r#""metadata": {{{}}}"#, pairs.join(",")))).field, "metadata");
    assert_eq!(refused(with(&format!(r#""session_id": "{}""#, "s".repeat(257)))).field, "session_id");
}

#[test]
fn a_filter_that_is_not_enforced_is_refused_not_ignored() {
    for name in
        ["require_parameters", "quantizations", "sort", "max_price", "preferred_min_throughput", "made_up"]
    {
        let refused = refused(with(&format!(r#""provider": {{"{name}": ["x"]}}"#)));
        assert_eq!(refused.field, format!("provider.{name}"));
    }
    for name in ["plugins", "transforms", "route", "preset", "stop_server_tools_when", "prompt"] {
        assert_eq!(refused(with(&format!(r#""{name}": ["x"]"#))).field, name);
    }
    assert!(with(r#""plugins": [], "transforms": [], "route": null"#).is_ok());
}

#[test]
fn a_wrong_message_is_refused_by_its_path() {
    let cases = [
        ("1", "messages"),
        ("[]", "messages"),
        ("[1]", "messages"),
        (r#"[{"content": "x"}]"#, "messages[0].role"),
        (r#"[{"role": "robot", "content": "x"}]"#, "messages[0].role"),
        (r#"[{"role": "user"}]"#, "messages[0].content"),
        (r#"[{"role": "user", "content": null}]"#, "messages[0].content"),
        (r#"[{"role": "user", "content": 5}]"#, "messages[0].content"),
        (r#"[{"role": "user", "content": ["x"]}]"#, "messages[0].content"),
        (r#"[{"role": "user", "content": [{"text": "x"}]}]"#, "messages[0].content[0].type"),
        (r#"[{"role": "user", "content": [{"type": "text"}]}]"#, "messages[0].content[0].text"),
        (
            r#"[{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]"#,
            "messages[0].content[0].image_url.url",
        ),
        (
            r#"[{"role": "user", "content": [{"type": "input_audio", "input_audio": "x"}]}]"#,
            "messages[0].content[0].input_audio",
        ),
        (r#"[{"role": "user", "name": 1, "content": "x"}]"#, "messages[0].name"),
        (r#"[{"role": "tool", "content": "x"}]"#, "messages[0].tool_call_id"),
        (r#"[{"role": "assistant", "tool_calls": {}}]"#, "messages[0].tool_calls"),
        (r#"[{"role": "assistant", "tool_calls": [{}]}]"#, "messages[0].tool_calls[0].id"),
        (
            r#"[{"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": {}}}]}]"#,
            "messages[0].tool_calls[0].function.arguments",
        ),
    ];
    for (messages, field) in cases {
        assert_eq!(refused(parse(&format!(r#"{{"messages": {messages}}}"#))).field, field, "{messages}");
    }
    assert_eq!(refused(parse("{}")).field, "messages");
    assert_eq!(refused(parse("[]")).field, "body");
    assert_eq!(refused(parse("{")).field, "body");
    assert!(parse(r#"{"messages": [{"role": "assistant", "content": null}]}"#).is_ok());
}

#[test]
fn a_duplicate_key_is_refused_by_its_path_wherever_it_is() {
    assert_eq!(refused(with(r#""n": 1, "n": 2"#)).field, "n");
    let arguments =
        r#"{"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "text": "b"}]}]}"#;
    assert_eq!(refused(parse(arguments)).field, "messages[0].content[0].text");
    assert_eq!(refused(with(r#""x_unknown": {"deep": [{"k": 1, "k": 2}]}"#)).field, "x_unknown.deep[0].k");
}

#[test]
fn a_refusal_quotes_no_value() {
    let refused = refused(with(r#""temperature": "my secret""#));
    assert!(!refused.to_string().contains("secret"));
}

#[test]
fn everything_that_may_become_prompt_is_counted_in_bytes() {
    let messages = HELLO.len();
    assert_eq!(
        with(r#""model": "a/b", "temperature": 1, "user": "somebody", "stop": ["x"]"#)
            .ok()
            .map(|r| r.prompt_bytes()),
        Some(messages)
    );
    let tools = r#"[{"type":"function","function":{"name":"f"}}]"#;
    let counted =
        with(&format!(r#""tools": {tools}, "x_unknown": "documents""#)).ok().map(|r| r.prompt_bytes());
    assert_eq!(counted, Some(messages + tools.len() + "\"documents\"".len()));
}

#[test]
fn media_is_counted_apart() {
    let image = r#"{"url": "https://example.org/x.png"}"#;
    let body = format!(
        r#"{{"messages": [{{"role": "user", "content": [{{"type": "image_url", "image_url": {image}}}, {{"type": "text", "text": "?"}}]}}]}}"#
    );
    let counted = parse(&body).map(|request| request.media());
    assert_eq!(counted, Ok(Media { images: 1, bytes: image.len(), ..Media::default() }));
}

#[test]
fn a_part_that_nobody_knows_may_be_media() {
    let body = r#"{"messages": [{"role": "user", "content": [{"type": "hologram", "url": "https://example.org/x"}]}]}"#;
    assert_eq!(parse(body).map(|request| request.media().most_tokens("openai", "gpt-4.1")), Ok(None));
}

#[test]
fn fields_that_change_the_price_are_told() {
    let request = with(
        r#""modalities": ["text", "audio"], "audio": {"voice": "a"}, "prediction": {"type": "content", "content": "x"},
        "web_search_options": {}, "service_tier": "auto""#,
    );
    let priced = request.map(|request| request.priced().clone());
    let expected = PricedFields {
        service_tier: None,
        prediction_bytes: 35,
        audio_output: true,
        image_output: false,
        web_search: true,
    };
    assert_eq!(priced, Ok(expected));
}

#[test]
fn nothing_that_only_the_gateway_understands_reaches_a_provider() {
    let request = with(
        r#""model": "a/b", "models": ["c/d"], "provider": {"zdr": true}, "session_id": "s", "max_cost": "1",
        "usage": {"include": true}, "trace": {}, "debug": {}, "plugins": [], "transforms": [], "route": null,
        "preset": null, "reasoning": {"effort": "low"}, "include_reasoning": true, "structured_outputs": true,
        "metadata": {"a": "b"}"#,
    );
    let request = request.unwrap_or_else(|refused| panic!("{refused}"));
    for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
        let target = Target {
            base_url: "https://p.example/v1",
            upstream_model: "m",
            credential: "c",
            event_id: "e",
            output_cap: None,
        };
        let sent = chat_request(dialect, &request, &target).unwrap_or_else(|refused| panic!("{refused}"));
        let body: serde_json::Value = serde_json::from_slice(&sent.body).expect("JSON");
        let names: Vec<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
        let expected: &[&str] = match dialect {
            Dialect::OpenAi => &["model", "messages", "reasoning_effort"],
            Dialect::Anthropic => &["model", "max_tokens", "messages"],
        };
        // 20 % of 4096 is too little to think with; the least of 1024 is taken
        let names: Vec<&str> = names.into_iter().filter(|name| *name != "thinking").collect();
        assert_eq!(names, expected);
    }
}
