//! Black-box and structure tests of the whole product, in one binary.

mod arch;
mod tidy;
mod workspace;
