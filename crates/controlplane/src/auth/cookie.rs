//! The cookie that carries the refresh token, and what a request that uses it must prove.
//!
//! Invariant: a request that a foreign page can make a browser send never uses the cookie.

use http::header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use http::{HeaderMap, HeaderValue};

use crate::error::AdminError;

/// How the browser reaches us, which decides the cookie's name and flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieMode {
    /// Over TLS, ended here or by a declared proxy.
    Tls,
    /// Without TLS, on a loopback listener, where a browser takes no `__Host-` cookie.
    Loopback,
}

impl CookieMode {
    const fn name(self) -> &'static str {
        match self {
            Self::Tls => "__Host-weir_refresh",
            Self::Loopback => "weir_refresh",
        }
    }

    const fn flags(self) -> &'static str {
        match self {
            Self::Tls => "Path=/; HttpOnly; Secure; SameSite=Lax",
            Self::Loopback => "Path=/auth; HttpOnly; SameSite=Lax",
        }
    }

    /// The `Set-Cookie` that hands `token` over for `max_age_seconds`.
    pub(crate) fn set(self, token: &str, max_age_seconds: i64) -> Result<HeaderValue, AdminError> {
        let text = format!("{}={token}; Max-Age={max_age_seconds}; {}", self.name(), self.flags());
        let mut value = HeaderValue::try_from(text).map_err(AdminError::internal)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The `Set-Cookie` that takes it back.
    pub(crate) fn clear(self) -> Result<HeaderValue, AdminError> {
        self.set("", 0)
    }

    /// The refresh token that `headers` carry.
    pub(crate) fn read(self, headers: &HeaderMap) -> Option<&str> {
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, token)| *name == self.name() && !token.is_empty())
            .map(|(_, token)| token)
    }
}

/// Refuses what a form or a script of a foreign page could send: it can neither set our header nor a JSON content type
/// without asking first, and a browser that sends `Origin` says whose page it is.
pub(crate) fn refuse_foreign_page(headers: &HeaderMap) -> Result<(), AdminError> {
    let is_json = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(is_json);
    if !is_json && headers.get("x-weir-csrf").is_none_or(|value| value != "1") {
        return Err(AdminError::Forbidden("send the header x-weir-csrf: 1".to_owned()));
    }
    refuse_foreign_origin(headers)
}

/// Refuses what a browser sends for another page than ours.
pub(crate) fn refuse_foreign_origin(headers: &HeaderMap) -> Result<(), AdminError> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let authority =
        origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    if authority.is_some() && authority == host {
        return Ok(());
    }
    Err(AdminError::Forbidden("this page may not use the session of another".to_owned()))
}

/// Whether a `Content-Type` is JSON, with or without parameters.
pub(crate) fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests;
