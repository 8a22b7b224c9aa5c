use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
}

#[test]
fn over_tls_the_cookie_is_bound_to_the_host() {
    let set = CookieMode::Tls.set("abc", 60).unwrap();
    let text = set.to_str().unwrap();
    assert_eq!(text, "__Host-weir_refresh=abc; Max-Age=60; Path=/; HttpOnly; Secure; SameSite=Lax");
    assert!(set.is_sensitive());
}

#[test]
fn the_cookie_is_found_among_others() {
    let with = headers(&[("cookie", "a=b; weir_refresh=xyz; c=d")]);
    assert_eq!(CookieMode::Loopback.read(&with), Some("xyz"));
    assert_eq!(CookieMode::Tls.read(&with), None, "a plain cookie is no __Host- cookie");
}

#[test]
fn a_foreign_page_cannot_use_the_cookie() {
    let ours = [("x-weir-csrf", "1"), ("host", "weir.example"), ("origin", "https://weir.example")];
    assert!(refuse_foreign_page(&headers(&ours)).is_ok());
    assert!(refuse_foreign_page(&headers(&[("content-type", "application/json; charset=utf-8")])).is_ok());
    for foreign in [
        &[("content-type", "application/x-www-form-urlencoded")][..],
        &[("content-type", "text/plain")],
        &[("x-weir-csrf", "1"), ("host", "weir.example"), ("origin", "https://evil.example")],
        &[("x-weir-csrf", "1"), ("host", "weir.example"), ("origin", "null")],
        &[],
    ] {
        assert_eq!(refuse_foreign_page(&headers(foreign)).unwrap_err().code(), "FORBIDDEN");
    }
}
