//! Money and time on the wire.
//!
//! Invariant: money is a decimal string, digit for digit, in both directions; a JSON number is refused, since it has
//! been through a float.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use domain::{Amount, Pico, Timestamp};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usd(pub(crate) Amount);

/// US dollars as a decimal string with at most twelve decimals, e.g. `"0.000081"`.
#[Scalar]
impl ScalarType for Usd {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text.parse().map_err(InputValueError::custom)?)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<Pico> for Usd {
    fn from(pico: Pico) -> Self {
        Self(Amount::from(pico))
    }
}

impl From<Amount> for Usd {
    fn from(amount: Amount) -> Self {
        Self(amount)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DateTime(pub(crate) Timestamp);

/// A moment, RFC 3339 in UTC, e.g. `"2026-11-21T00:00:00Z"`.
#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = value else { return Err(InputValueError::expected_type(value)) };
        Timestamp::parse(&text)
            .map(Self)
            .ok_or_else(|| InputValueError::custom("not a moment as in RFC 3339"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<Timestamp> for DateTime {
    fn from(moment: Timestamp) -> Self {
        Self(moment)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) u64);

/// A whole number that may be larger than GraphQL's `Int`; stays below 2⁵³, so that a browser reads it exactly.
#[Scalar]
impl ScalarType for Count {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => {
                number.as_u64().map(Self).ok_or_else(|| InputValueError::custom("not a count"))
            }
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }
}
