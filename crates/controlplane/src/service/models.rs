//! The catalogue as everybody who is logged in may read it.
//!
//! Invariant: prices and data policies are the platform's; no organization sees another's here.

use domain::model::{Endpoint, Model};
use store::{Page, Paged, Store};

use crate::error::AdminError;

/// A page of models, each with the endpoints where it can be reached.
pub(crate) async fn list(store: &Store, page: &Page) -> Result<Paged<(Model, Vec<Endpoint>)>, AdminError> {
    let models = store.models(page).await?;
    let slugs: Vec<String> = models.items.iter().map(|model| model.slug.clone()).collect();
    let mut endpoints = store.endpoints(&slugs).await?;
    let with_endpoints = |model: Model| {
        let own = endpoints.extract_if(.., |endpoint| endpoint.model == model.slug).collect();
        (model, own)
    };
    Ok(Paged { items: models.items.into_iter().map(with_endpoints).collect(), has_next: models.has_next })
}
