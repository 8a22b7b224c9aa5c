use domain::time::FixedClock;

use super::*;

fn seed(byte: u8) -> Secret<[u8; 32]> {
    Secret::new([byte; 32])
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00Z").unwrap()
}

fn person() -> PersonId {
    PersonId::new(now(), 7)
}

#[test]
fn a_token_is_accepted_for_five_minutes() {
    let (keys, clock) = (SigningKeys::new(&seed(1), &[]).unwrap(), FixedClock::new(now()));
    let token = keys.issue(person(), &clock).unwrap();
    assert_eq!(keys.verify(&token, &clock), Some(person()));
    clock.set(now().plus_seconds(299));
    assert_eq!(keys.verify(&token, &clock), Some(person()));
    clock.set(now().plus_seconds(300));
    assert_eq!(keys.verify(&token, &clock), None);
    clock.set(now().plus_seconds(-61));
    assert_eq!(keys.verify(&token, &clock), None, "it is not valid before it was issued");
}

#[test]
fn after_a_rotation_the_previous_key_is_accepted_and_no_other() {
    let clock = FixedClock::new(now());
    let token = SigningKeys::new(&seed(1), &[]).unwrap().issue(person(), &clock).unwrap();
    assert_eq!(SigningKeys::new(&seed(2), &[seed(1)]).unwrap().verify(&token, &clock), Some(person()));
    assert_eq!(SigningKeys::new(&seed(2), &[]).unwrap().verify(&token, &clock), None);
}

#[test]
fn another_algorithm_issuer_or_audience_is_refused() {
    let (keys, clock) = (SigningKeys::new(&seed(1), &[]).unwrap(), FixedClock::new(now()));
    let claims = |iss: &str, aud: &str| Claims {
        iss: iss.to_owned(),
        aud: aud.to_owned(),
        sub: person().to_string(),
        exp: now().as_seconds() + 60,
        nbf: now().as_seconds(),
    };
    let ours = Header { kid: Some(keys.current_id.clone()), ..Header::new(Algorithm::EdDSA) };
    let signed = |iss, aud| encode(&ours, &claims(iss, aud), &keys.current).unwrap();
    assert_eq!(keys.verify(&signed(ISSUER, AUDIENCE), &clock), Some(person()));
    assert_eq!(keys.verify(&signed("other", AUDIENCE), &clock), None);
    assert_eq!(keys.verify(&signed(ISSUER, "other"), &clock), None);

    let Some(jwk) = keys.public().find(&keys.current_id) else {
        panic!("our own key is among the public ones")
    };
    let public = serde_json::to_value(jwk).unwrap();
    let as_secret = EncodingKey::from_secret(public["x"].as_str().unwrap().as_bytes());
    let confused = Header { kid: Some(keys.current_id.clone()), ..Header::new(Algorithm::HS256) };
    let forged = encode(&confused, &claims(ISSUER, AUDIENCE), &as_secret).unwrap();
    assert_eq!(keys.verify(&forged, &clock), None, "the public key is no HMAC secret");
}

#[test]
fn a_token_that_would_live_for_longer_is_refused() {
    let (keys, clock) = (SigningKeys::new(&seed(1), &[]).unwrap(), FixedClock::new(now()));
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: person().to_string(),
        exp: now().as_seconds() + 86_400,
        nbf: now().as_seconds(),
    };
    let header = Header { kid: Some(keys.current_id.clone()), ..Header::new(Algorithm::EdDSA) };
    assert_eq!(keys.verify(&encode(&header, &claims, &keys.current).unwrap(), &clock), None);
}

#[test]
fn what_is_published_holds_no_private_part() {
    let keys = SigningKeys::new(&seed(1), &[seed(2)]).unwrap();
    let published = serde_json::to_value(keys.public()).unwrap();
    assert_eq!(published["keys"].as_array().unwrap().len(), 2);
    assert_eq!(published["keys"][0]["alg"], "EdDSA");
    assert_eq!(published["keys"][0]["use"], "sig");
    assert!(published["keys"][0].get("d").is_none());
}
