//! Checks that several nouns share; each names the field it refuses.
//!
//! Invariant: text that people see is trimmed, printable and of bounded length before it is stored.

use std::str::FromStr;

use async_graphql::ID;

use crate::error::AdminError;

/// The longest name, in characters.
const NAME: usize = 100;
const EMAIL: usize = 254;

/// A name people see: 1 to 100 characters, no control characters, no blanks around.
pub(crate) fn name(field: &str, text: &str) -> Result<String, AdminError> {
    let trimmed = text.trim();
    let length = trimmed.chars().count();
    if length == 0 || length > NAME {
        return Err(AdminError::bad_input(field, format!("has {length} characters; 1 to {NAME} are needed")));
    }
    if trimmed.chars().any(char::is_control) {
        return Err(AdminError::bad_input(field, "has control characters"));
    }
    Ok(trimmed.to_owned())
}

/// An e-mail address, in lower case: what a person logs in with.
pub(crate) fn email(field: &str, text: &str) -> Result<String, AdminError> {
    let trimmed = text.trim();
    let well_formed = trimmed.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !domain.starts_with('.')
    });
    let printable = trimmed.chars().all(|c| !c.is_control() && !c.is_whitespace());
    if !well_formed || !printable || trimmed.len() > EMAIL {
        return Err(AdminError::bad_input(field, "is not an e-mail address"));
    }
    Ok(trimmed.to_lowercase())
}

/// An id in an input.
pub(crate) fn id<T: FromStr>(field: &str, text: &str) -> Result<T, AdminError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| AdminError::bad_input(field, error.to_string()))
}

/// An id in an input that may be left out.
pub(crate) fn optional_id<T: FromStr>(field: &str, text: Option<&ID>) -> Result<Option<T>, AdminError>
where
    T::Err: std::fmt::Display,
{
    text.map(|text| id(field, text)).transpose()
}

/// A field that is needed here.
pub(crate) fn required<'a>(field: &str, text: Option<&'a ID>) -> Result<&'a str, AdminError> {
    text.map(|text| text.as_str()).ok_or_else(|| AdminError::bad_input(field, "is needed"))
}

/// A field that means nothing here.
pub(crate) fn no_id(field: &str, text: Option<&ID>) -> Result<(), AdminError> {
    text.map_or(Ok(()), |_| Err(AdminError::bad_input(field, "must be left out for the whole organization")))
}

#[cfg(test)]
mod tests;
