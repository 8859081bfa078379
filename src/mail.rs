//! Sends mail over SMTP, one message at a time, on the thread that asks. For jobs: no mail is sent inside a transaction.

use std::time::Duration;

use lettre::{
    Address, Message, SmtpTransport, Transport,
    message::{Mailbox, header::ContentType},
};

use crate::email;

/// What sending mail takes.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// The mail server.
    pub smtp_url: String,
    /// Whom mail comes from.
    pub from: String,
    /// Where people choose a password.
    pub password_page: String,
}

/// A message to one person, in plain text.
#[derive(Debug)]
pub struct Mail {
    /// Whom it goes to.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// The server is given so long for each step.
const PATIENCE: Duration = Duration::from_secs(20);

/// The way to the server that a URL names.
pub fn transport(url: &str) -> Result<SmtpTransport, String> {
    let transport = SmtpTransport::from_url(url).map_err(|error| error.to_string())?;
    Ok(transport.timeout(Some(PATIENCE)).build())
}

/// A name and an e-mail address, or an address alone.
pub fn mailbox(text: &str) -> Result<Mailbox, String> {
    let Mailbox { name, email } = text
        .parse()
        .map_err(|error: lettre::address::AddressError| error.to_string())?;
    Ok(Mailbox::new(name, address(email.as_ref())?))
}

/// An e-mail address, its domain in ASCII. What stands before the `@` may need a server that knows SMTPUTF8 (RFC 6531).
fn address(text: &str) -> Result<Address, String> {
    if !email::is_address(text) {
        return Err(format!("{text} is no e-mail address"));
    }
    email::with_ascii_domain(text)
        .parse()
        .map_err(|error: lettre::address::AddressError| error.to_string())
}

/// Sends a message.
pub fn send(settings: &MailSettings, mail: Mail) -> Result<(), String> {
    let message = Message::builder()
        .from(mailbox(&settings.from)?)
        .to(Mailbox::new(None, address(&mail.to)?))
        .subject(mail.subject)
        .header(ContentType::TEXT_PLAIN)
        .body(mail.text)
        .map_err(|error| error.to_string())?;
    let sent = transport(&settings.smtp_url)?.send(&message);
    sent.map(drop).map_err(|error| error.to_string())
}
