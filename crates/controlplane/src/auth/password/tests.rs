use super::*;

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

#[tokio::test]
async fn a_password_is_the_one_that_was_hashed() {
    let passwords = Passwords::new();
    let stored = passwords.hash(secret("correct horse battery")).await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert!(passwords.check(secret("correct horse battery"), Some(stored.clone())).await.unwrap());
    assert!(!passwords.check(secret("correct horse batterz"), Some(stored)).await.unwrap());
}

#[tokio::test]
async fn nobody_has_a_password() {
    assert!(!Passwords::new().check(secret("correct horse battery"), None).await.unwrap());
    assert!(PasswordHash::new(NOBODY).is_ok(), "the stand-in must be computed, not refused at once");
}

#[tokio::test]
async fn who_comes_when_too_many_wait_is_sent_away() {
    let passwords = Passwords::new();
    let all = u32::try_from(AT_ONCE + WAITING).unwrap();
    let _taken = passwords.admitted.try_acquire_many(all).unwrap();
    let refused = passwords.hash(secret("correct horse battery")).await.unwrap_err();
    assert_eq!(refused.code(), "RATE_LIMITED");
}

#[test]
fn a_short_password_is_refused_by_name() {
    let refused = check_strength("password", &secret("short")).unwrap_err();
    assert_eq!(refused.to_string(), "password: has 5 characters; 12 to 256 are needed");
}
