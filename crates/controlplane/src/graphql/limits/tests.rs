use async_graphql::parser::parse_query;

use super::*;

fn outcome(query: &str) -> Result<bool, String> {
    check(&parse_query(query).unwrap()).map_err(|error| error.to_string())
}

#[test]
fn the_eleventh_root_field_and_the_sixteenth_alias_are_refused() {
    let fields = |n| (0..n).map(|i| format!("f{i} ")).collect::<String>();
    assert_eq!(outcome(&format!("{{ {} }}", fields(10))), Ok(false));
    assert!(outcome(&format!("{{ {} }}", fields(11))).unwrap_err().contains("11 root fields"));
    let aliases = |n| (0..n).map(|i| format!("a{i}: f ")).collect::<String>();
    assert_eq!(outcome(&format!("{{ x {{ {} }} }}", aliases(15))), Ok(false));
    assert!(outcome(&format!("{{ x {{ {} }} }}", aliases(16))).unwrap_err().contains("16 aliases"));
}

#[test]
fn root_fields_behind_fragments_count() {
    let spread = "{ ...f ...f } fragment f on Query { a b c d e g }";
    assert!(outcome(spread).unwrap_err().contains("12 root fields"));
}

#[test]
fn a_bomb_of_fragments_is_measured_without_unfolding_it() {
    let mut query = "{ x { ...f0 } }".to_owned();
    for i in 0..30 {
        query += &format!(" fragment f{i} on X {{ ...f{} ...f{} }}", i + 1, i + 1);
    }
    query += " fragment f30 on X { y }";
    assert!(outcome(&query).unwrap_err().contains("fields; at most 2000"));
}

#[test]
fn a_fragment_that_spreads_itself_is_refused() {
    assert!(outcome("{ ...f } fragment f on Query { a { ...f } }").unwrap_err().contains("spreads itself"));
    assert!(outcome("{ ...missing }").unwrap_err().contains("no fragment missing"));
}

#[test]
fn a_question_about_the_schema_alone_is_known_as_one() {
    assert_eq!(outcome("{ __schema { types { name } } __typename }"), Ok(true));
    assert_eq!(outcome("{ __schema { types { name } } viewer { person { id } } }"), Ok(false));
}

#[test]
fn text_that_nests_too_deep_never_reaches_the_parser() {
    let nested = |n: usize| format!("{}a{}", "{a".repeat(n), "}".repeat(n));
    assert!(check_text(&nested(48)).is_ok());
    assert_eq!(check_text(&nested(49)).unwrap_err().code(), "TOO_COMPLEX");
    assert!(check_text(&"[".repeat(100_000)).is_err());
}

#[test]
fn brackets_in_strings_and_comments_neither_count_nor_hide_others() {
    let many = "{".repeat(60);
    for harmless in [
        format!("{{ a(b: \"{many}\") }}"),
        format!("{{ a(b: \"\\\"{many}\") }}"),
        format!("{{ a(b: \"\"\"{many}\"\"\") }}"),
        format!("{{ a # {many}\n }}"),
    ] {
        assert!(check_text(&harmless).is_ok(), "{harmless}");
    }
    for hidden in ["{#}\n", "{\"}\"", "{\"\"\"}\"\"\"", "{\"\\\\\"\"}\""] {
        assert!(check_text(&hidden.repeat(49)).is_err(), "{hidden}");
    }
}
