//! HTTP in: routes, who is calling, bodies, errors. Handlers are thin; the work is in `pipeline`.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod chat;
pub(crate) mod embeddings;
pub(crate) mod error;
pub(crate) mod extract;
pub(crate) mod generation;
pub(crate) mod key;
pub(crate) mod models;
pub(crate) mod reads;
pub(crate) mod router;
