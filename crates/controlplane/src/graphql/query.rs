//! Where every query begins.
//!
//! Invariant: an organization's objects are reached through the actor only; a foreign one is null or NOT_FOUND, like one
//! that does not exist.

use std::sync::Arc;

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, Object};

use crate::auth::actor::Actor;
use crate::deps::App;
use crate::error::AdminError;
use crate::graphql::error::Result;
use crate::graphql::page::{connection, cost, page};
use crate::graphql::types::model::Model;
use crate::graphql::types::node::{self, Node};
use crate::graphql::types::organization::Organization;
use crate::graphql::types::viewer::Viewer;
use crate::service::models;

pub(crate) struct Query;

/// Everything that can be read.
#[Object]
impl Query {
    /// Who is calling.
    async fn viewer(&self, ctx: &Context<'_>) -> Viewer {
        Viewer { app: app(ctx), actor: actor(ctx) }
    }

    /// An organization the caller is a member of.
    async fn organization(&self, ctx: &Context<'_>, id: ID) -> Result<Organization> {
        let org = id.parse().map_err(|_| AdminError::NotFound("organization"))?;
        Organization::read(app(ctx), actor(ctx).access(org)?).await
    }

    /// The models there are, with where they can be reached.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn models(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<String, Model>> {
        let app = app(ctx);
        let now = app.deps.clock.now();
        let models = models::list(&app.deps.store, &page(first, after)?).await?;
        Ok(connection(
            models,
            |(model, _)| model.slug.clone(),
            |(model, endpoints)| Model { model, endpoints, now },
        ))
    }

    /// Whatever has this id, if the caller may see it.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Node>> {
        node::find(&app(ctx), &actor(ctx), &id).await
    }
}

fn app(ctx: &Context<'_>) -> Arc<App> {
    Arc::clone(ctx.data_unchecked::<Arc<App>>())
}

fn actor(ctx: &Context<'_>) -> Arc<Actor> {
    Arc::clone(ctx.data_unchecked::<Arc<Actor>>())
}
