use serde_json::{Value, json};

use super::of;

#[test]
fn every_property_is_filled_after_its_type() {
    let schema = json!({"type": "object", "properties": {
        "city": {"type": "string"},
        "unit": {"enum": ["celsius", "kelvin"]},
        "days": {"type": ["integer", "null"]},
        "exact": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "place": {"anyOf": [{"type": "object", "properties": {"lat": {"type": "number"}}}, {"type": "null"}]},
    }});
    assert_eq!(
        of(&schema),
        json!({"city": "a city", "unit": "celsius", "days": 1, "exact": true, "tags": ["a tags"], "place": {"lat": 1}})
    );
}

#[test]
fn a_schema_without_properties_is_an_empty_object() {
    assert_eq!(of(&json!({"type": "object"})), json!({}));
}

#[test]
fn a_very_deep_schema_ends() {
    let mut schema = json!({"type": "string"});
    for _ in 0..50 {
        schema = json!({"type": "array", "items": schema});
    }
    let mut value = &of(&schema);
    while let Some(inner) = value.get(0) {
        value = inner;
    }
    assert_eq!(value, &Value::Null);
}
