//! The generated code, in the packages of `proto/weir`.
//!
//! Invariant: nobody edits it; the test `generated_code_is_fresh` makes it anew.

/// `weir.domain`.
pub mod domain {
    /// `weir.domain.v1`.
    pub mod v1 {
        include!("gen/weir.domain.v1.rs");
    }
}

/// `weir.policy`.
pub mod policy {
    /// `weir.policy.v1`.
    pub mod v1 {
        include!("gen/weir.policy.v1.rs");
    }
}

/// `weir.metering`.
pub mod metering {
    /// `weir.metering.v1`.
    pub mod v1 {
        include!("gen/weir.metering.v1.rs");
    }
}

/// `weir.node`.
pub mod node {
    /// `weir.node.v1`.
    pub mod v1 {
        include!("gen/weir.node.v1.rs");
    }
}
