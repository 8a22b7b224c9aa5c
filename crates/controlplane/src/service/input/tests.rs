use domain::TeamId;

use super::*;

#[test]
fn a_name_is_trimmed_and_bounded() {
    assert_eq!(name("name", "  Search \n").unwrap(), "Search");
    assert_eq!(name("name", " ").unwrap_err().to_string(), "name: has 0 characters; 1 to 100 are needed");
    assert!(name("name", &"é".repeat(100)).is_ok());
    assert!(name("name", &"é".repeat(101)).is_err());
    assert!(name("name", "a\u{7}b").is_err());
}

#[test]
fn an_address_is_kept_in_lower_case() {
    assert_eq!(email("email", "Ada@Example.COM").unwrap(), "ada@example.com");
    for wrong in ["", "ada", "@example.com", "ada@", "ada@a@b", "a da@example.com", "ada@.com"] {
        assert_eq!(email("email", wrong).unwrap_err().code(), "BAD_USER_INPUT", "{wrong}");
    }
}

#[test]
fn an_id_of_another_kind_is_refused_by_field() {
    let refused = id::<TeamId>("teamId", "key_00000000000000000000000000000000").unwrap_err();
    assert_eq!(refused.to_string(), "teamId: not a valid team id");
}
