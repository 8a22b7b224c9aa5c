use super::*;

fn error(status: u16, body: &str) -> ProviderError {
    let status = StatusCode::from_u16(status).expect("a status");
    provider_error(Dialect::OpenAi, status, &HeaderMap::new(), body.as_bytes())
}

#[test]
fn the_providers_words_are_in_neither_display_nor_debug() {
    let error =
        error(400, r#"{"error": {"message": "cannot handle: my secret prompt", "code": "bad value!"}}"#);
    assert_eq!(error.message.expose(), "cannot handle: my secret prompt");
    assert!(!format!("{error} {error:?}").contains("secret"));
    assert_eq!(error.provider_code, None, "a code that is no plain word is not passed on as one");
}

#[test]
fn a_status_decides_where_to_go_next() {
    let cases = [
        (400, ErrorCode::InvalidRequest, Retry::OtherModel),
        (401, ErrorCode::ProviderUnavailable, Retry::OtherEndpoint),
        (402, ErrorCode::ProviderUnavailable, Retry::OtherEndpoint),
        (403, ErrorCode::ProviderUnavailable, Retry::OtherEndpoint),
        (404, ErrorCode::NotFound, Retry::OtherEndpoint),
        (408, ErrorCode::Timeout, Retry::OtherEndpoint),
        (409, ErrorCode::InvalidRequest, Retry::OtherModel),
        (413, ErrorCode::PayloadTooLarge, Retry::OtherEndpoint),
        (422, ErrorCode::InvalidRequest, Retry::OtherModel),
        (429, ErrorCode::RateLimitExceeded, Retry::OtherEndpoint),
        (500, ErrorCode::ProviderUnavailable, Retry::OtherEndpoint),
        (502, ErrorCode::ProviderUnavailable, Retry::OtherEndpoint),
        (503, ErrorCode::ProviderOverloaded, Retry::OtherEndpoint),
        (504, ErrorCode::Timeout, Retry::OtherEndpoint),
        (529, ErrorCode::ProviderOverloaded, Retry::OtherEndpoint),
        (302, ErrorCode::ProviderUnavailable, Retry::OtherEndpoint),
    ];
    for (status, code, retry) in cases {
        let error = error(status, "");
        assert_eq!((error.code, error.retry), (code, retry), "{status}");
    }
}

#[test]
fn every_shape_of_error_body_is_read() {
    for body in [
        r#"{"error": {"message": "no", "type": "t", "code": "c"}}"#,
        r#"[{"error": {"message": "no", "code": "c"}}]"#,
        r#"{"object": "error", "message": "no", "type": "t", "code": "c"}"#,
    ] {
        let error = error(400, body);
        assert_eq!((error.message.expose(), error.provider_code.as_deref()), ("no", Some("c")), "{body}");
    }
    assert_eq!(error(400, r#"{"error": "no"}"#).message.expose(), "no");
    for body in ["", "null", "[]", "{}", "<html>", r#"{"error": null}"#, r#"{"error": 5}"#] {
        assert_eq!(error(400, body).message.expose(), "the provider gave no reason", "{body}");
    }
}

#[test]
fn long_words_are_cut_between_characters() {
    let error = error(400, &format!(r#"{{"error": "x{}"}}"#, "é".repeat(5000)));
    assert_eq!(error.message.expose().len(), 2047);
}
