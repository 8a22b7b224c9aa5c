use std::time::Duration;

use super::Directive;

#[test]
fn a_path_tells_how_to_answer() {
    let told = Directive::of("/_m/chunks=100;delay_us=10000/v1/chat/completions", b"{}");
    assert_eq!(told, Directive { chunks: 100, delay: Duration::from_millis(10), latency: Duration::ZERO });
}

#[test]
fn a_prompt_overrules_the_path() {
    let body = br#"{"messages":[{"content":"[[mock chunks=3;latency_ms=5]] hello"}]}"#;
    let told = Directive::of("/_m/chunks=100;delay_ms=7/v1/messages", body);
    assert_eq!(
        told,
        Directive { chunks: 3, delay: Duration::from_millis(7), latency: Duration::from_millis(5) }
    );
}

#[test]
fn what_is_no_directive_changes_nothing() {
    let plain = Directive::of("/v1/messages", b"{}");
    assert_eq!(Directive::of("/v1/messages", b"[[mock chunks=3"), plain, "never closed");
    assert_eq!(Directive::of("/_m/chunks=many;pace=2/v1/messages", b""), plain);
}
