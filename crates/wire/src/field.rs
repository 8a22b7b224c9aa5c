//! Reads single fields: ids, moments, money, enums, lists.
//!
//! Invariant: an error names the field.

use domain::{Amount, Pico, Timestamp};

use crate::WireError;
use crate::pb::domain::v1 as pb;

const REST_PER_MICRO: i32 = 1_000_000;

/// The 16 bytes of an id.
pub(crate) fn bits(id: u128) -> Vec<u8> {
    id.to_be_bytes().to_vec()
}

/// An id from its 16 bytes; `make` is the id's `from_bits`.
pub(crate) fn id<T>(field: &'static str, bytes: &[u8], make: fn(u128) -> T) -> Result<T, WireError> {
    array(field, bytes).map(u128::from_be_bytes).map(make)
}

/// An id that may be absent.
pub(crate) fn optional_id<T>(
    field: &'static str,
    bytes: Option<&[u8]>,
    make: fn(u128) -> T,
) -> Result<Option<T>, WireError> {
    bytes.map(|bytes| id(field, bytes, make)).transpose()
}

/// Exactly `N` bytes.
pub(crate) fn array<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], WireError> {
    bytes.try_into().map_err(|_| WireError::Invalid(field))
}

/// A message that must be there.
pub(crate) fn required<T>(field: &'static str, value: Option<T>) -> Result<T, WireError> {
    value.ok_or(WireError::Missing(field))
}

/// A message that must be there, converted.
pub(crate) fn message<T, P>(field: &'static str, value: Option<P>) -> Result<T, WireError>
where
    P: TryInto<T, Error = WireError>,
{
    required(field, value)?.try_into()
}

/// Every item converted.
pub(crate) fn all<T, P>(items: Vec<P>) -> Result<Vec<T>, WireError>
where
    P: TryInto<T, Error = WireError>,
{
    items.into_iter().map(TryInto::try_into).collect()
}

/// An enum's number as the domain's choice, by way of the generated enum `P`.
pub(crate) fn choice<P, T>(field: &'static str, number: i32) -> Result<T, WireError>
where
    P: TryFrom<i32>,
    T: TryFrom<P>,
{
    P::try_from(number).ok().and_then(|choice| T::try_from(choice).ok()).ok_or(WireError::Invalid(field))
}

/// A number in the domain's width.
pub(crate) fn narrow<N, T: TryFrom<N>>(field: &'static str, number: N) -> Result<T, WireError> {
    T::try_from(number).map_err(|_| WireError::Invalid(field))
}

pub(crate) fn moment(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// A price or a cost: never negative.
pub(crate) fn pico(field: &'static str, pico: i64) -> Result<Pico, WireError> {
    if pico < 0 { Err(WireError::Invalid(field)) } else { Ok(Pico::new(pico)) }
}

/// A limit or a sum: never negative.
pub(crate) fn amount(field: &'static str, amount: pb::Amount) -> Result<Amount, WireError> {
    let sound = amount.micro >= 0 && (0..REST_PER_MICRO).contains(&amount.rest);
    if sound { Ok(Amount::from_parts(amount.micro, amount.rest)) } else { Err(WireError::Invalid(field)) }
}

impl From<Amount> for pb::Amount {
    fn from(amount: Amount) -> Self {
        let (micro, rest) = amount.to_parts();
        Self { micro, rest }
    }
}
