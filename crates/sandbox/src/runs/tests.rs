use serde_json::{Value, json};

use super::Runs;

fn runs(value: &Value) -> Runs {
    let runs = Runs::default();
    runs.replace(value.as_object().unwrap()).unwrap();
    runs
}

#[test]
fn a_site_wins_over_the_star() {
    let runs = runs(&json!({"zdr": {"status": 503}, "*": {"status": 500, "latency_ms": 1}}));
    let taken: Vec<String> =
        runs.take("zdr").into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(taken, ["status=500", "latency_ms=1", "status=503"]);
    assert_eq!(runs.take("openai").len(), 2);
}

#[test]
fn times_counts_down_per_entry() {
    let runs = runs(&json!({"openai": {"status": 503, "times": 2}}));
    assert!(runs.take("zdr").is_empty());
    assert_eq!(runs.take("openai").len(), 1);
    assert_eq!(runs.view(), json!({"openai": {"status": "503", "times": 1}}));
    assert_eq!(runs.take("openai").len(), 1);
    assert!(runs.take("openai").is_empty());
}

#[test]
fn zero_times_never_applies() {
    assert!(runs(&json!({"*": {"status": 503, "times": 0}})).take("openai").is_empty());
}

#[test]
fn mistakes_are_refused_and_change_nothing() {
    let runs = runs(&json!({"openai": {"reply": "kept"}}));
    for bad in [
        json!({"opnai": {}}),
        json!({"openai": {"stauts": 500}}),
        json!({"openai": 5}),
        json!({"openai": {"times": "x"}}),
        json!({"openai": {"site": "zdr"}}),
    ] {
        assert!(runs.replace(bad.as_object().unwrap()).is_err(), "{bad}");
    }
    assert_eq!(runs.take("openai").len(), 1);
}
