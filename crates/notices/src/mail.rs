//! Messages to people: a short plain text, by the operator's mail server.
//!
//! Invariant: nothing leaves without TLS but to a server on this machine, or where the operator says so.

use std::time::Duration;

use domain::Secret;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::message::Message;
use crate::{InvalidDestination, Undelivered, last_cause};

/// From the first packet to the server's last word. Seconds.
const PATIENCE_S: u64 = 15;

/// The operator's mail server.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// `smtps://user@host:465` or `smtp://user@host:587`.
    pub url: String,
    /// Of the URL's user.
    pub password: Secret<String>,
    /// Whom mails are from: an address, or `Name <address>`.
    pub from: String,
    /// `smtp://` does without TLS, also to another machine.
    pub allow_plaintext: bool,
}

/// Why the settings are none of a mail server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMail {
    /// The URL cannot be read.
    #[error("smtp.url is not like smtps://user@host:465 or smtp://user@host:587")]
    Url,
    /// A password in the URL would be shown wherever the URL is.
    #[error("smtp.url has a password in it: use smtp.password")]
    PasswordInUrl,
    /// One without the other.
    #[error("smtp.password is set, and smtp.url names no user")]
    NoUser,
    /// The sender cannot be read.
    #[error("smtp.from is neither an address nor like Weir <weir@example.com>")]
    From,
    /// TLS cannot be used.
    #[error("TLS to the mail server cannot be used: {0}")]
    Tls(String),
}

/// An e-mail address, if it is one.
pub(crate) fn address(text: &str) -> Option<Address> {
    text.parse().ok()
}

/// Sends mails.
pub(crate) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    admin_url: String,
}

impl Mailer {
    /// Opens no connection yet.
    pub(crate) fn new(settings: MailSettings, admin_url: String) -> Result<Self, InvalidMail> {
        let from: Mailbox = settings.from.parse().map_err(|_| InvalidMail::From)?;
        let url = Url::parse(&settings.url).map_err(|_| InvalidMail::Url)?;
        if url.password().is_some() {
            return Err(InvalidMail::PasswordInUrl);
        }
        let user = percent_decode_str(url.username()).decode_utf8().map_err(|_| InvalidMail::Url)?;
        if user.is_empty() && !settings.password.expose().is_empty() {
            return Err(InvalidMail::NoUser);
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(InvalidMail::Url)?;
        let host = host.trim_matches(['[', ']']);
        let mut transport = transport(host, security(&url, settings.allow_plaintext)?)?;
        if let Some(port) = url.port() {
            transport = transport.port(port);
        }
        if !user.is_empty() {
            let password = settings.password.expose().clone();
            transport = transport.credentials(Credentials::new(user.into_owned(), password));
        }
        let transport = transport.timeout(Some(Duration::from_secs(PATIENCE_S))).build();
        Ok(Self { transport, from, admin_url })
    }

    /// Delivers a message to the mail server, which takes it from there.
    pub(crate) async fn send(&self, to: &str, message: &Message<'_>) -> Result<(), Undelivered> {
        let mail = self.mail(to, message)?;
        let patience = Duration::from_secs(PATIENCE_S);
        match tokio::time::timeout(patience, self.transport.send(mail)).await {
            Err(_) => Err(Undelivered::Silent(PATIENCE_S)),
            Ok(Err(error)) => Err(Undelivered::Mail(last_cause(&error))),
            Ok(Ok(_)) => Ok(()),
        }
    }

    fn mail(&self, to: &str, message: &Message<'_>) -> Result<lettre::Message, Undelivered> {
        let to = address(to).ok_or(InvalidDestination::Address)?;
        // The same for each try, as is what receivers of webhooks tell doubles by.
        let id = format!("<{}@{}>", message.id(), self.from.email.domain());
        let mut mail = lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(message.subject())
            .message_id(Some(id))
            .header(ContentType::TEXT_PLAIN)
            .body(message.text(&self.admin_url))
            .map_err(|_| Undelivered::Unsendable("the mail cannot be written"))?;
        // Nobody's holiday reply is wanted.
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        mail.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
        Ok(mail)
    }
}

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    /// TLS from the start.
    Tls,
    /// TLS after the greeting, or not at all.
    StartTls,
    None,
}

fn security(url: &Url, allow_plaintext: bool) -> Result<Security, InvalidMail> {
    match url.scheme() {
        "smtps" => Ok(Security::Tls),
        "smtp" if allow_plaintext || is_loopback(url) => Ok(Security::None),
        "smtp" => Ok(Security::StartTls),
        _ => Err(InvalidMail::Url),
    }
}

fn transport(host: &str, security: Security) -> Result<AsyncSmtpTransportBuilder, InvalidMail> {
    type Transport = AsyncSmtpTransport<Tokio1Executor>;
    let transport = match security {
        Security::Tls => Transport::relay(host),
        Security::StartTls => Transport::starttls_relay(host),
        Security::None => Ok(Transport::builder_dangerous(host)),
    };
    transport.map_err(|error| InvalidMail::Tls(last_cause(&error)))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // Of a scheme that is not the web's, addresses are names too.
        Some(Host::Domain(name)) => {
            name.eq_ignore_ascii_case("localhost")
                || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
