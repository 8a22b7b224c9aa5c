use super::{in_header, in_prompt};

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_directive_is_taken_out_of_the_prompt() {
    let found = in_prompt("Hi [[sandbox status=503 retry_after=2]] there").unwrap();
    assert_eq!(found.directives, [pairs(&[("status", "503"), ("retry_after", "2")])]);
    assert_eq!(found.rest, "Hi  there");
}

#[test]
fn quoted_values_may_hold_spaces_quotes_and_brackets() {
    let found = in_prompt(r#"[[sandbox reply="a \"b\" ]] c" chunks=2]]"#).unwrap();
    assert_eq!(found.directives, [pairs(&[("reply", r#"a "b" ]] c"#), ("chunks", "2")])]);
}

#[test]
fn a_json_object_needs_no_quotes() {
    let found = in_prompt(r#"[[sandbox tool=weather tool_args={"city":"Bern","days":[1,2]}]]x"#).unwrap();
    assert_eq!(
        found.directives,
        [pairs(&[("tool", "weather"), ("tool_args", r#"{"city":"Bern","days":[1,2]}"#)])]
    );
    assert_eq!(found.rest, "x");
}

#[test]
fn several_directives_keep_their_order() {
    let found = in_prompt("[[sandbox site=openai status=500]][[sandbox site=zdr reply=yes]]").unwrap();
    assert_eq!(
        found.directives,
        [pairs(&[("site", "openai"), ("status", "500")]), pairs(&[("site", "zdr"), ("reply", "yes")])]
    );
}

#[test]
fn a_directive_that_is_not_closed_is_an_error() {
    for text in ["[[sandbox status=503", "[[sandbox reply=\"open]]", "[[sandbox oops]]", "[[sandbox =1]]"] {
        assert!(in_prompt(text).is_err(), "{text}");
    }
}

#[test]
fn a_prompt_without_directive_is_left_alone() {
    assert_eq!(in_prompt("[[note]] ünïcode").unwrap().rest, "[[note]] ünïcode");
}

#[test]
fn a_header_separates_with_semicolons() {
    let found = in_header(r#"latency_ms=5; reply="a; b" ; message=try again later;"#).unwrap();
    assert_eq!(found, pairs(&[("latency_ms", "5"), ("reply", "a; b"), ("message", "try again later")]));
    assert!(in_header("nonsense").is_err());
}
