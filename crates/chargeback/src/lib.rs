//! Ledger rows to finance reports: what a period cost, by team, key and model, as a table that adds up.
//!
//! A [`Report`] is put together from rows that were read elsewhere, tied out against the usage events and the ledger
//! with [`Report::check`], and written with [`write_csv`] and [`write_cut_calls_csv`].
//!
//! Invariant: pure, but for the writer it is given; money is an [`Amount`](domain::Amount) throughout and nothing here
//! rounds, so lines, total, events and ledger agree to the pico-dollar or the report says where they do not.

#![warn(missing_docs)]

pub mod export;
pub mod report;

pub use export::{write_csv, write_cut_calls_csv};
pub use report::{CutCall, Line, Organization, Report, TieOut};
