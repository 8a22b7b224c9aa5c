//! Tells people outside: a message to a webhook, or by e-mail.
//!
//! Invariants: an organization's webhook is called at public addresses only, whatever its name resolves to at that moment;
//! what comes back is never shown but for its status; a message carries amounts and names, no content and no secret.

mod guard;
mod mail;
mod message;
mod webhook;

use domain::notice::Channel;
use domain::{Secret, Timestamp};

pub use guard::InvalidUrl;
pub use mail::{InvalidMail, MailSettings};
pub use message::Message;
pub use webhook::new_secret;

/// What everything is delivered by. Cheap to share.
pub struct Courier {
    client: webhook::Client,
    mailer: Option<mail::Mailer>,
}

/// How messages get out.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Webhooks may be at addresses that are not public, and without TLS.
    pub allow_private_networks: bool,
    /// The mail server; `None`: no e-mail is sent.
    pub mail: Option<MailSettings>,
    /// Where people reach the web admin, for the link in a mail; empty: no link.
    pub admin_url: String,
}

/// Why nothing can be delivered as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    /// The mail server's settings.
    #[error(transparent)]
    Mail(#[from] InvalidMail),
    /// TLS cannot be used.
    #[error("the client of webhooks cannot be made: {0}")]
    Client(String),
}

/// Why a destination is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDestination {
    /// Not a URL of a webhook.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// Not an e-mail address.
    #[error("is not an e-mail address")]
    Address,
    /// The operator has set no mail server.
    #[error("cannot be reached: this Weir sends no e-mail, since its operator has not set smtp.url")]
    NoMail,
}

/// Why a message did not arrive. Shown to admins of the organization whose target it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// The destination is none any more: the settings have changed.
    #[error("the destination {0}")]
    Destination(#[from] InvalidDestination),
    /// An answer, and not one of success.
    #[error("the receiver answered with status {0}")]
    Status(u16),
    /// No answer.
    #[error("the receiver did not answer within {0} s")]
    Silent(u64),
    /// A name, and no public address.
    #[error("{0} has no public address")]
    NotPublic(String),
    /// No connection.
    #[error("the receiver cannot be reached: {0}")]
    Unreachable(String),
    /// The mail server does not take it.
    #[error("the mail server does not take it: {0}")]
    Mail(String),
    /// Something of ours: the secret cannot be opened, say.
    #[error("{0}")]
    Unsendable(&'static str),
}

impl Courier {
    /// Opens no connection yet.
    ///
    /// # Errors
    /// [`InvalidSettings`], naming the setting.
    pub fn new(settings: Settings) -> Result<Self, InvalidSettings> {
        let Settings { allow_private_networks, mail, admin_url } = settings;
        let client = webhook::Client::new(allow_private_networks).map_err(InvalidSettings::Client)?;
        let mailer = mail.map(|mail| mail::Mailer::new(mail, admin_url)).transpose()?;
        Ok(Self { client, mailer })
    }

    /// Refuses a destination that nothing could be delivered to.
    ///
    /// # Errors
    /// [`InvalidDestination`]; reads on after the name of a field.
    pub fn check(&self, channel: &Channel) -> Result<(), InvalidDestination> {
        match channel {
            Channel::Webhook(url) => self.client.check(url).map(drop).map_err(Into::into),
            Channel::Email(_) if self.mailer.is_none() => Err(InvalidDestination::NoMail),
            Channel::Email(address) => mail::address(address).map(drop).ok_or(InvalidDestination::Address),
        }
    }

    /// Delivers `message`, signed with `secret` where it goes to a webhook.
    ///
    /// # Errors
    /// [`Undelivered`]; it may have arrived all the same where the answer got lost.
    pub async fn deliver(
        &self,
        channel: &Channel,
        secret: Option<&Secret<String>>,
        message: &Message<'_>,
        now: Timestamp,
    ) -> Result<(), Undelivered> {
        match channel {
            Channel::Webhook(url) => {
                let secret = secret.ok_or(Undelivered::Unsendable("the target has no secret"))?;
                self.client.post(url, secret, message, now).await
            }
            Channel::Email(address) => {
                let mailer = self.mailer.as_ref().ok_or(InvalidDestination::NoMail)?;
                mailer.send(address, message).await
            }
        }
    }
}

/// The last cause of an error, in at most 200 characters: the first ones only say that something went wrong.
fn last_cause(error: &dyn std::error::Error) -> String {
    const MOST: usize = 200;
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string().chars().filter(|letter| !letter.is_control()).take(MOST).collect()
}
