//! Builds a JSON value that follows a JSON schema, from its property names.
//!
//! Invariant: ends for every schema, also for one that refers to itself.

use serde_json::{Map, Value, json};

/// Deeper schemas end in null.
const MAX_DEPTH: usize = 8;

/// An example of this schema: strings say the name of their property, numbers are 1.
pub(crate) fn of(schema: &Value) -> Value {
    example(schema, "answer", MAX_DEPTH)
}

fn example(schema: &Value, name: &str, depth: usize) -> Value {
    let Some(below) = depth.checked_sub(1) else { return Value::Null };
    if let Some(fixed) = schema.get("const").or_else(|| first(schema, "enum")) {
        return fixed.clone();
    }
    if let Some(branch) = first(schema, "anyOf").or_else(|| first(schema, "oneOf")) {
        return example(branch, name, below);
    }
    match type_of(schema) {
        "object" => object(schema, below),
        "array" => json!([schema.get("items").map_or(Value::Null, |items| example(items, name, below))]),
        "integer" | "number" => json!(1),
        "boolean" => json!(true),
        "null" => Value::Null,
        _ => json!(format!("a {name}")),
    }
}

fn object(schema: &Value, depth: usize) -> Value {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return json!({}) };
    let filled: Map<String, Value> =
        properties.iter().map(|(name, property)| (name.clone(), example(property, name, depth))).collect();
    Value::Object(filled)
}

/// The schema's type; of several the first; without one, an object if it has properties.
fn type_of(schema: &Value) -> &str {
    let kind = first(schema, "type").or_else(|| schema.get("type")).and_then(Value::as_str);
    kind.unwrap_or(if schema.get("properties").is_some() { "object" } else { "string" })
}

fn first<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    schema.get(key)?.as_array()?.first()
}

#[cfg(test)]
mod tests;
