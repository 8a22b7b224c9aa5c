//! Nothing: this package exists for its test binary `it`, and Cargo asks every package for a library or a program.
