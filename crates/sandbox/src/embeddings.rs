//! Embeddings in the OpenAI dialect: deterministic unit vectors, as numbers or as base64.
//!
//! Invariant: both encodings of one input hold the same 32-bit numbers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::ask::{Ask, model_of};
use crate::knobs::UsageFault;
use crate::prices::Model;
use crate::refusal::Refusal;
use crate::tokens::Tokens;

/// Dimensions of `text-embedding-3-small`, where the request does not say.
const DIMENSIONS: u64 = 1536;

/// The three characters that the script counts as one token.
const CHARS_PER_TOKEN: usize = 3;

/// Reads an embeddings request: a text, a list of texts, a list of tokens, or a list of lists of tokens.
pub(crate) fn ask(body: &Value) -> Result<Ask, Refusal> {
    let inputs = inputs(body)?;
    let texts: Vec<&str> = inputs.iter().filter_map(|input| input.as_str()).collect();
    let tokens: usize = inputs.iter().filter_map(|input| input.as_array()).map(Vec::len).sum();
    let chars: usize = texts.iter().map(|text| text.chars().count()).sum();
    Ok(Ask {
        model: model_of(body)?,
        choices: 1,
        prompt: texts.join("\n"),
        prompt_chars: chars + tokens * CHARS_PER_TOKEN,
        ..Ask::default()
    })
}

pub(crate) fn check(model: &Model) -> Result<(), Refusal> {
    if model.prices.output.is_some() {
        return Err(Refusal::new(403, "You are not allowed to generate embeddings from this model"));
    }
    Ok(())
}

/// The list of vectors.
pub(crate) fn list(
    body: &Value,
    model: &Model,
    tokens: &Tokens,
    fault: Option<UsageFault>,
) -> Result<Value, Refusal> {
    let dimensions = body.get("dimensions").and_then(Value::as_u64).unwrap_or(DIMENSIONS);
    if dimensions == 0 || dimensions > DIMENSIONS {
        let message = format!("Invalid value for 'dimensions': must be from 1 to {DIMENSIONS}.");
        return Err(Refusal { param: Some("dimensions"), ..Refusal::invalid(message) });
    }
    let as_base64 = body.get("encoding_format").is_some_and(|format| format == "base64");
    let data: Vec<Value> = inputs(body)?
        .iter()
        .enumerate()
        .map(|(index, input)| {
            let vector = vector(&input.to_string(), dimensions);
            let embedding = if as_base64 { base64_of(&vector) } else { json!(vector) };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let mut list = json!({"object": "list", "data": data, "model": model.served_as});
    match fault {
        Some(fault) => {
            if let Some([prompt, total]) = fault.counts() {
                list["usage"] = json!({"prompt_tokens": prompt, "total_tokens": total});
            }
        }
        None => list["usage"] = json!({"prompt_tokens": tokens.prompt(), "total_tokens": tokens.prompt()}),
    }
    Ok(list)
}

/// The inputs one by one.
fn inputs(body: &Value) -> Result<Vec<&Value>, Refusal> {
    let inputs = match body.get("input") {
        Some(Value::Array(list)) if list.iter().all(Value::is_number) => {
            body.get("input").into_iter().collect()
        }
        Some(Value::Array(list)) => list.iter().collect(),
        Some(text @ Value::String(_)) => vec![text],
        _ => Vec::new(),
    };
    let is_valid = |input: &&Value| match input {
        Value::String(text) => !text.is_empty(),
        Value::Array(tokens) => !tokens.is_empty(),
        _ => false,
    };
    if inputs.is_empty() || !inputs.iter().all(is_valid) {
        return Err(Refusal { param: Some("input"), ..Refusal::invalid("'$.input' is invalid.") });
    }
    Ok(inputs)
}

/// A vector of length one that depends on the text alone.
fn vector(text: &str, dimensions: u64) -> Vec<f32> {
    let seed = text.bytes().fold(FNV_START, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
    let raw: Vec<f64> =
        (0..dimensions).map(|at| spread(seed.wrapping_add(at.wrapping_mul(GOLDEN)))).collect();
    let length = raw.iter().map(|value| value * value).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    raw.iter().map(|value| (value / length) as f32).collect()
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A number from -1 to 1, by the mixing step of SplitMix64.
fn spread(seed: u64) -> f64 {
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// Little-endian 32-bit numbers.
fn base64_of(vector: &[f32]) -> Value {
    let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    Value::from(STANDARD.encode(bytes))
}
