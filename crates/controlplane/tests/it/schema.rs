//! The committed schema is the one that is served.

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "asks whether to rewrite the committed file; read by nothing that runs"
)]
fn the_committed_schema_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");
    let current = controlplane::sdl();
    if std::env::var("UPDATE_GENERATED").is_ok() {
        std::fs::write(path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == current, "schema.graphql is stale: run the test with UPDATE_GENERATED=1");
}
