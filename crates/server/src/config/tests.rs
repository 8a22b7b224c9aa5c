use super::*;

fn load(text: &str) -> anyhow::Result<Config> {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    Config::load(Some(file.path()))
}

#[test]
fn the_defaults_stand_alone() {
    let config = Config::load(None).unwrap();
    assert_eq!(config.data.listen.port(), 8080);
    assert_eq!(config.data.body_limit_bytes, 32 * 1024 * 1024);
    assert_eq!(config.store_url(), "sqlite://./data/weir.db?mode=rwc");
}

#[test]
fn a_file_replaces_single_keys() {
    let config = load("[data]\nlisten = \"127.0.0.1:1\"\n").unwrap();
    assert_eq!(config.data.listen.port(), 1);
    assert_eq!(config.admin.listen.port(), 8081);
}

#[test]
fn an_unknown_key_is_an_error_that_names_it() {
    let error = format!("{:#}", load("[data]\nlistne = \"127.0.0.1:1\"\n").unwrap_err());
    assert!(error.contains("listne"), "{error}");
}

#[test]
fn a_control_plane_without_tls_stays_on_loopback() {
    let error = load("[admin]\nlisten = \"0.0.0.0:8081\"\n").unwrap_err().to_string();
    assert!(error.contains("loopback"), "{error}");
}
