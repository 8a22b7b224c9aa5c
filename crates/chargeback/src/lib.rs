//! chargeback
