//! Whom the audit log names.
//!
//! Invariant: an id, never a name; a person can be erased.

use domain::{KeyId, PersonId};

/// Who makes a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    kind: &'static str,
    id: Option<String>,
}

impl Author {
    /// A person who logged in.
    #[must_use]
    pub fn person(id: PersonId) -> Self {
        Self { kind: "person", id: Some(id.to_string()) }
    }

    /// A management key.
    #[must_use]
    pub fn key(id: KeyId) -> Self {
        Self { kind: "key", id: Some(id.to_string()) }
    }

    /// Weir itself, for example at its first start.
    #[must_use]
    pub fn system() -> Self {
        Self { kind: "system", id: None }
    }

    pub(crate) fn kind(&self) -> &'static str {
        self.kind
    }

    /// The person or key.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}
