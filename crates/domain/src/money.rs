//! Money in pico-USD (10⁻¹² US dollars): [`Pico`] for unit prices and event costs, [`Amount`] for limits, balances and
//! sums.
//!
//! Invariant: integers only, every operation checked or widening; nothing here rounds but [`Pico::from_usd_times_ceil`],
//! which serves price versions alone.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

const PICO_PER_USD: i128 = 1_000_000_000_000;
const PICO_PER_MICRO: i128 = 1_000_000;
const PERCENT_1: i128 = 10_000;
const PERCENT_100: i128 = 100 * PERCENT_1;

/// Text that is no decimal number of US dollars with at most twelve decimals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an amount of US dollars with at most 12 decimals")]
pub struct InvalidAmount;

/// A unit price or the cost of one event, in pico-USD. At most about 9.2 million US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Pico(i64);

impl Pico {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// This many pico-USD.
    #[must_use]
    pub const fn new(pico: i64) -> Self {
        Self(pico)
    }

    /// The number of pico-USD.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// `self × quantity`, or `None` beyond `i64`.
    #[must_use]
    pub fn times(self, quantity: u64) -> Option<Self> {
        i64::try_from(quantity).ok().and_then(|quantity| self.0.checked_mul(quantity)).map(Self)
    }

    /// `self + other`, or `None` beyond `i64`.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// US dollars per `units` units, as a decimal string, rounded up to whole pico-USD per unit. For creating a price
    /// version: `from_usd_ceil("0.40", 1_000_000)` is the price of one token at 0.40 USD per million.
    ///
    /// # Errors
    /// [`InvalidAmount`] for text that is no plain decimal, is negative, has over 24 decimals, or is too large.
    pub fn from_usd_ceil(usd: &str, units: u32) -> Result<Self, InvalidAmount> {
        Self::from_usd_times_ceil(usd, units, Factor::ONE)
    }

    /// [`Self::from_usd_ceil`] with markup and discount folded in before the one rounding.
    ///
    /// # Errors
    /// As there.
    pub fn from_usd_times_ceil(usd: &str, units: u32, factor: Factor) -> Result<Self, InvalidAmount> {
        let (whole, decimals) = usd.split_once('.').unwrap_or((usd, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(decimals) || decimals.len() > 24 || units == 0 {
            return Err(InvalidAmount);
        }
        let scaled: i128 = format!("{whole}{decimals}").parse().map_err(|_| InvalidAmount)?;
        let scale = 10_i128.pow(u32::try_from(decimals.len()).map_err(|_| InvalidAmount)?);
        let pico = scaled.checked_mul(PICO_PER_USD).and_then(|pico| pico.checked_mul(factor.numerator));
        let divisor = scale.checked_mul(i128::from(units)).and_then(|by| by.checked_mul(factor.denominator));
        let (pico, divisor) = pico.zip(divisor).ok_or(InvalidAmount)?;
        let rounded_up = pico / divisor + i128::from(pico % divisor != 0);
        i64::try_from(rounded_up).map(Self).map_err(|_| InvalidAmount)
    }
}

impl fmt::Display for Pico {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Amount::from(*self), f)
    }
}

/// Text that is no plain decimal number of per cent with at most four decimals, within its bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a number of per cent with at most 4 decimals: a markup is at most 1000, a discount at most 100")]
pub struct InvalidPercent;

/// What published prices are multiplied with, exactly: a markup, a discount, or one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factor {
    numerator: i128,
    denominator: i128,
}

impl Factor {
    /// Prices as they are published.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// `(1 + markup) × (1 − discount)`, both in per cent as plain decimals: `"5"`, `"2.5"`.
    ///
    /// # Errors
    /// [`InvalidPercent`].
    pub fn of_percent(markup: &str, discount: &str) -> Result<Self, InvalidPercent> {
        let (markup, discount) = (percent(markup, 1_000)?, percent(discount, 100)?);
        let numerator = (PERCENT_100 + markup) * (PERCENT_100 - discount);
        let denominator = PERCENT_100 * PERCENT_100;
        let common = gcd(numerator, denominator);
        Ok(Self { numerator: numerator / common, denominator: denominator / common })
    }
}

/// Per cent in steps of 0.0001.
fn percent(text: &str, most: i128) -> Result<i128, InvalidPercent> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !plain(whole) || !plain(decimals) || decimals.len() > 4 || whole.len() > 4 {
        return Err(InvalidPercent);
    }
    let steps: i128 = format!("{whole}{decimals:0<4}").parse().map_err(|_| InvalidPercent)?;
    if steps <= most * PERCENT_1 { Ok(steps) } else { Err(InvalidPercent) }
}

/// Never zero where `b` is not.
const fn gcd(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// A limit, balance or sum, in pico-USD. Stored as whole micro-USD and the pico rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Amount(i128);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// This many pico-USD.
    #[must_use]
    pub const fn from_pico(pico: i128) -> Self {
        Self(pico)
    }

    /// The number of pico-USD.
    #[must_use]
    pub const fn pico(self) -> i128 {
        self.0
    }

    /// The stored form: `(micro-USD, pico rest)`, the rest in 0..10⁶. Saturates beyond ±9.2 trillion US dollars.
    #[must_use]
    pub fn to_parts(self) -> (i64, i32) {
        let micro = self.0.div_euclid(PICO_PER_MICRO);
        let rest = self.0.rem_euclid(PICO_PER_MICRO);
        let bound = if micro < 0 { i64::MIN } else { i64::MAX };
        (i64::try_from(micro).unwrap_or(bound), i32::try_from(rest).unwrap_or(0))
    }

    /// Reads the stored form back.
    #[must_use]
    pub fn from_parts(micro: i64, rest: i32) -> Self {
        Self(i128::from(micro) * PICO_PER_MICRO + i128::from(rest))
    }

    /// As one event's cost, or `None` beyond `i64`.
    #[must_use]
    pub fn to_pico(self) -> Option<Pico> {
        i64::try_from(self.0).ok().map(Pico)
    }
}

impl From<Pico> for Amount {
    fn from(pico: Pico) -> Self {
        Self(i128::from(pico.0))
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Amount {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

/// US dollars as a plain decimal, digit for digit: `0.000081`, `12`, `-0.5`. Also a valid JSON number.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let pico = self.0.unsigned_abs();
        let whole = pico / PICO_PER_USD.unsigned_abs();
        let decimals = format!("{:012}", pico % PICO_PER_USD.unsigned_abs());
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            decimals => write!(f, "{sign}{whole}.{decimals}"),
        }
    }
}

/// Reads a plain decimal number of US dollars with at most twelve decimals, exactly.
impl FromStr for Amount {
    type Err = InvalidAmount;
    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !plain(whole) || !plain(decimals) || decimals.len() > 12 || whole.len() > 15 {
            return Err(InvalidAmount);
        }
        let pico: i128 = format!("{whole}{decimals:0<12}").parse().map_err(|_| InvalidAmount)?;
        Ok(Self(if negative { -pico } else { pico }))
    }
}

#[cfg(test)]
mod tests;
