//! The schema, built with its limits, and its text.
//!
//! Invariant: the committed `schema.graphql` is this schema's text; a test holds them together.

use async_graphql::{Request, Response, Schema, SchemaBuilder};
use futures::stream::BoxStream;

use crate::graphql::limits::{COMPLEXITY, DEPTH, DIRECTIVES, INTROSPECTION_DEPTH};
use crate::graphql::mutation::Mutation;
use crate::graphql::query::Query;
use crate::graphql::subscription::Subscription;

type Weir = Schema<Query, Mutation, Subscription>;

/// The schema twice: questions about the schema itself go deeper than any other, and may.
#[derive(Clone)]
pub(crate) struct Schemas {
    data: Weir,
    introspection: Weir,
}

impl Schemas {
    pub(crate) fn build() -> Self {
        Self {
            data: builder().limit_depth(DEPTH).finish(),
            introspection: builder().limit_depth(INTROSPECTION_DEPTH).introspection_only().finish(),
        }
    }

    /// Runs a request whose limits were checked.
    pub(crate) async fn execute(&self, request: Request, is_introspection: bool) -> Response {
        let schema = if is_introspection { &self.introspection } else { &self.data };
        schema.execute(request).await
    }

    /// Runs a subscription whose limits were checked.
    pub(crate) fn subscribe(&self, request: Request) -> BoxStream<'static, Response> {
        self.data.execute_stream(request)
    }
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query, Mutation, Subscription)
        .limit_complexity(COMPLEXITY)
        .limit_directives(DIRECTIVES)
        .disable_suggestions()
}

/// The schema's text (SDL), as committed in `schema.graphql`.
#[must_use]
pub fn sdl() -> String {
    builder().finish().sdl()
}
