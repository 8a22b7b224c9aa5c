//! Cohere's usage.
//!
//! Invariant: what is billed counts, and not the raw `tokens` beside it, which hold Cohere's own templates.
//! <https://docs.cohere.com/reference/chat>

use domain::TokenClass::{ImageInput, Input, Output, Request};
use domain::TokenUsage;

use super::{Absurd, Classes, count, details};
use crate::json::Fields;

/// A unit that was not billed is left out, so only an answer without any bill says nothing. Reranking is charged by
/// search units: a query with up to a hundred documents makes one.
pub(super) fn classes(usage: &Fields<'_>) -> Result<Option<Classes>, Absurd> {
    let billed = details(usage, "billed_units")?;
    let (mut classes, mut is_billed) = (TokenUsage::default(), false);
    for (name, class) in [
        ("input_tokens", Input),
        ("output_tokens", Output),
        ("image_tokens", ImageInput),
        ("search_units", Request),
    ] {
        if let Some(units) = count(&billed, name)? {
            classes.set(class, units);
            is_billed = true;
        }
    }
    Ok(is_billed.then_some((classes, false)))
}
