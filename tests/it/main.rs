//! Black-box and structure tests of the whole product, in one binary.

#![expect(clippy::expect_used, clippy::panic, reason = "this binary is tests and what they need")]

mod arch;
mod tidy;
mod workspace;
