//! `/auth/*` and the public keys.
//!
//! Invariant: a wrong password and an unknown address get the same answer after the same work; only the cookie carries
//! a refresh token, and it is never in a body.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::{PersonId, Secret};
use http::header::{CACHE_CONTROL, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use jsonwebtoken::jwk::JwkSet;
use serde::{Deserialize, Serialize};

use crate::auth::cookie::refuse_foreign_page;
use crate::auth::session;
use crate::auth::token::LIFETIME_SECONDS;
use crate::deps::App;
use crate::error::AdminError;

#[derive(Deserialize)]
pub(crate) struct LoginRequest {
    email: String,
    password: String,
}

#[derive(Serialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: i64,
    token_type: &'static str,
}

/// `POST /auth/login`
pub(crate) async fn login(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(request): Json<LoginRequest>,
) -> Result<Response, AdminError> {
    refuse_foreign_page(&headers)?;
    let person = check_password(&app, request).await;
    app.deps.metrics.login(match &person {
        Ok(_) => "ok",
        Err(AdminError::RateLimited { .. }) => "throttled",
        Err(_) => "refused",
    });
    let person = person?;
    let refresh = session::open(&app.deps, person).await?;
    answer(&app, person, &refresh)
}

async fn check_password(app: &App, request: LoginRequest) -> Result<PersonId, AdminError> {
    let email = request.email.trim().to_lowercase();
    app.accounts.count(&email, app.deps.clock.now()).await?;
    let person = app.deps.store.person_by_email(&email).await?;
    let stored = person.as_ref().map(|person| person.password_hash.clone());
    let is_right = app.passwords.check(Secret::new(request.password), stored).await?;
    let Some(person) = person.filter(|_| is_right) else {
        return Err(AdminError::Unauthenticated("the e-mail address or the password is wrong"));
    };
    app.accounts.forgive(&email).await;
    Ok(person.id)
}

/// `POST /auth/refresh`: a new access token for the cookie, and a new cookie.
pub(crate) async fn refresh(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, AdminError> {
    refuse_foreign_page(&headers)?;
    let refused = AdminError::Unauthenticated("the session has ended; log in again");
    let presented = app.deps.cookies.read(&headers).ok_or(refused)?;
    let (person, refresh) = session::rotate(&app.deps, presented).await?;
    answer(&app, person, &refresh)
}

/// `POST /auth/logout`: ends the session, if there is one.
pub(crate) async fn logout(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, AdminError> {
    refuse_foreign_page(&headers)?;
    if let Some(presented) = app.deps.cookies.read(&headers) {
        session::close(&app.deps, presented).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, app.deps.cookies.clear()?)]).into_response())
}

/// `GET /.well-known/jwks.json`
pub(crate) async fn jwks(State(app): State<Arc<App>>) -> Json<JwkSet> {
    Json(app.deps.signing_keys.public().clone())
}

fn answer(app: &App, person: PersonId, refresh: &str) -> Result<Response, AdminError> {
    let access_token =
        app.deps.signing_keys.issue(person, app.deps.clock.as_ref()).map_err(AdminError::internal)?;
    let body = TokenAnswer { access_token, expires_in: LIFETIME_SECONDS, token_type: "Bearer" };
    let cookie = app.deps.cookies.set(refresh, session::LIFETIME_SECONDS)?;
    let kept_nowhere = HeaderValue::from_static("no-store");
    Ok(([(SET_COOKIE, cookie), (CACHE_CONTROL, kept_nowhere)], Json(body)).into_response())
}
