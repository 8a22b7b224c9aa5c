use super::*;

fn names(entries: &[&str]) -> Vec<String> {
    entries.iter().map(|entry| (*entry).to_owned()).collect()
}

#[test]
fn a_slug_is_itself_and_a_wildcard_is_an_author() {
    let set = ModelSet::parse(&names(&["Openai/gpt-5:free", "meta/*"])).unwrap();
    assert!(set.contains("openai/gpt-5:free"));
    assert!(!set.contains("openai/gpt-5"));
    assert!(set.contains("meta/llama"));
    assert!(!set.contains("metal/llama"));
    assert!(!set.contains("meta"));
}

#[test]
fn what_could_not_match_is_an_error() {
    for entry in
        ["", "gpt", "*", "*/gpt", "openai/", "/gpt", "openai/g*", "open ai/gpt", "openai/gpt\n", "ö/gpt"]
    {
        assert!(ModelSet::parse(&names(&[entry])).is_err(), "{entry:?}");
    }
    for entry in ["", "*", "open ai", "öpenai"] {
        assert!(ProviderSet::parse(&names(&[entry])).is_err(), "{entry:?}");
    }
}

#[test]
fn sizes_are_limited() {
    let many = vec!["openai/gpt".to_owned(); MAX_ENTRIES + 1];
    assert!(ModelSet::parse(&many).is_err());
    assert!(ModelSet::parse(&many[1..]).is_ok());
    assert!(ModelSet::parse(&[format!("openai/{}", "x".repeat(MAX_ENTRY_BYTES))]).is_err());
    assert!(ProviderSet::parse(&["x".repeat(MAX_ENTRY_BYTES + 1)]).is_err());
}

#[test]
fn hostile_text_is_shortened_and_escaped() {
    assert_eq!(quote("a\r\nb"), r#""a\r\nb""#);
    assert!(quote(&"ü".repeat(1_000)).len() < 140);
}
