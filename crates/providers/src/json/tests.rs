use super::*;

fn duplicate(body: &str) -> Option<String> {
    match check(body.as_bytes()) {
        Err(Unreadable::DuplicateKey(path)) => Some(path),
        Err(Unreadable::Syntax(_)) | Ok(()) => None,
    }
}

#[test]
fn a_duplicate_key_is_found_at_every_depth_and_named_by_its_path() {
    assert_eq!(duplicate(r#"{"a": 1, "a": 2}"#).as_deref(), Some("a"));
    assert_eq!(duplicate(r#"{"m": [{"b": 1}, {"c": {"d": 1, "d": 1}}]}"#).as_deref(), Some("m[1].c.d"));
    assert_eq!(duplicate(r#"{"m": [[{"x": 0, "x": 0}]]}"#).as_deref(), Some("m[0][0].x"));
    assert_eq!(
        duplicate(r#"{"model": 1, "mod\u0065l": 2}"#).as_deref(),
        Some("model"),
        "escapes hide nothing"
    );
    assert_eq!(duplicate(r#"{"a": {"k": 1}, "b": {"k": 1}}"#), None, "the same key in two objects is fine");
}

#[test]
fn a_duplicate_among_many_keys_is_found() {
    let mut keys: Vec<String> = (0..1000).map(|number| format!("\"k{number}\":0")).collect();
    assert_eq!(duplicate(&format!("{{{}}}", keys.join(","))), None);
    keys.push("\"k3\":0".to_owned());
    assert_eq!(duplicate(&format!("{{{}}}", keys.join(","))).as_deref(), Some("k3"));
    keys.pop();
    keys.push("\"k900\":0".to_owned());
    assert_eq!(duplicate(&format!("{{{}}}", keys.join(","))).as_deref(), Some("k900"));
}

#[test]
fn text_that_is_no_json_is_refused_without_quoting_it() {
    let deep = "[".repeat(10_000);
    for body in ["", "{", "{} x", "{\"secret\": tru}", "\u{feff}{}", deep.as_str()] {
        let Err(Unreadable::Syntax(message)) = check(body.as_bytes()) else { panic!("accepted: {body:.20}") };
        assert!(message.starts_with("not valid JSON at line") && !message.contains("secret"), "{message}");
    }
    assert!(matches!(check(b"{\"a\": \"\xff\"}"), Err(Unreadable::Syntax(_))), "not UTF-8");
}

#[test]
fn the_length_of_text_is_that_of_its_decoded_bytes() {
    for text in [r#""""#, r#""plain""#, r#""\n\"\\\/""#, r#""\u0041\u00e9\u20ac\ud83d\ude00""#, r#""é😀""#]
    {
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        let decoded: String = serde_json::from_str(text).unwrap();
        assert_eq!(text_len(raw), u64::try_from(decoded.len()).unwrap(), "{text}");
    }
    let number: &RawValue = serde_json::from_str("17").unwrap();
    assert_eq!(text_len(number), 0);
}

#[test]
fn strings_are_written_as_a_parser_reads_them_back() {
    let all: String = (0_u32..0x180).filter_map(char::from_u32).chain("\u{2028}😀".chars()).collect();
    let read: String = serde_json::from_slice(&string(&all)).unwrap();
    assert_eq!(read, all);
}

#[test]
fn an_event_has_no_line_breaks_but_its_end() {
    let mut event = ObjectWriter::after(b"data: {\"a\":1", 10);
    event.raw("b", "[1,\r\n 2]");
    assert_eq!(event.finish_event().as_ref(), b"data: {\"a\":1,\"b\":[1,   2]}\n\n");
}
