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

fn refusal(role: Role, text: &str) -> String {
    load(text).unwrap().check(role).unwrap_err().to_string()
}

#[test]
fn a_control_plane_that_others_can_reach_needs_tls() {
    let open = "[admin]\nlisten = \"0.0.0.0:8081\"\n";
    for role in [Role::Run, Role::Control] {
        let error = refusal(role, open);
        assert!(error.contains("admin.tls.cert_file") && error.contains("behind_tls_proxy"), "{error}");
    }
    assert!(load(&format!("{open}behind_tls_proxy = true\n")).unwrap().check(Role::Run).is_ok());
}

#[test]
fn a_node_link_that_others_can_reach_needs_tls() {
    let open = "[store]\nurl = \"postgres://a@b/c\"\n[link]\nlisten = \"0.0.0.0:8082\"\n";
    let error = refusal(Role::Control, open);
    assert!(error.contains("link.tls.cert_file"), "{error}");
    let half = "[store]\nurl = \"postgres://a@b/c\"\n[link.tls]\nca_file = \"ca.crt\"\n";
    let error = refusal(Role::Control, half);
    assert!(error.contains("link.tls.ca_file is set without link.tls.cert_file"), "{error}");
}

#[test]
fn each_role_names_what_it_lacks() {
    assert!(refusal(Role::Control, "").contains("store.url"));
    assert!(refusal(Role::Data, "").contains("link.url"));
    assert!(refusal(Role::Run, "[store]\nurl = \"postgres://a@b/c\"\n").contains("weir control"));
}

#[test]
fn a_mail_server_that_cannot_be_used_is_refused_with_its_setting() {
    let smtp = |text: &str| format!("[smtp]\n{text}\n");
    for (text, named) in [
        ("url = \"mail.example.com\"\nfrom = \"a@b.c\"", "smtp.url"),
        ("url = \"smtps://mail.example.com\"", "smtp.from"),
        ("url = \"smtps://a:b@mail.example.com\"\nfrom = \"a@b.c\"", "smtp.password"),
    ] {
        let error = refusal(Role::Run, &smtp(text));
        assert!(error.contains(named), "{error}");
        assert!(load(&smtp(text)).unwrap().check(Role::Run).is_err());
    }
    let good = smtp("url = \"smtps://a@mail.example.com\"\npassword = \"p\"\nfrom = \"Weir <a@b.c>\"");
    assert!(load(&good).unwrap().check(Role::Run).is_ok());
    assert!(refusal(Role::Run, "[notices]\nretry_after_s = 0\n").contains("notices.retry_after_s"));
}

#[test]
fn every_provider_of_the_price_book_can_be_connected_and_no_other() {
    let book = crate::catalogue::published(domain::Timestamp::from_millis(1)).unwrap();
    let mut listed: Vec<&str> = book.providers.iter().map(|provider| provider.slug.as_str()).collect();
    let mut connectable = CONNECTABLE;
    listed.sort_unstable();
    connectable.sort_unstable();
    assert_eq!(listed, connectable);
}
