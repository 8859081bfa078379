//! The rules of providers beside their schemas.

use std::collections::BTreeSet;

use url::Url;

use super::model::GroupLink;
use crate::http::{
    FieldError,
    rules::{complaints, rule},
};

/// Whether Provost talks to that address: TLS, or a server on this very machine.
pub fn is_reachable(url: &Url) -> bool {
    let is_here = || match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.has_host() && (url.scheme() == "https" || url.scheme() == "http" && is_here())
}

pub(super) fn is_issuer(text: &str) -> Result<(), validator::ValidationError> {
    let is_plain = |url: &Url| {
        url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    match Url::parse(text) {
        Ok(url) if is_reachable(&url) && is_plain(&url) => Ok(()),
        _ => rule(
            "",
            "must be an https:// address without query and fragment (http:// on this machine only)",
        ),
    }
}

/// What may stand in a list of words with spaces between (RFC 6749, section 3.3).
fn is_scope(text: &str) -> bool {
    (1..=200).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

pub(super) fn are_scopes(scopes: &[String]) -> Result<(), validator::ValidationError> {
    let lacks_openid = scopes.iter().all(|scope| scope != "openid");
    let whole = lacks_openid.then(|| FieldError::new("", "must have openid among them"));
    let unfit = unfit(
        "/scopes",
        scopes,
        is_scope,
        "must be a word of visible ASCII characters",
    );
    complaints(unfit.chain(whole))
}

/// A complaint for each item of the list at `pointer` that is not as it must be.
fn unfit(
    pointer: &str,
    items: &[String],
    is_fit: impl Fn(&str) -> bool,
    detail: &str,
) -> impl Iterator<Item = FieldError> {
    let unfit = items.iter().enumerate().filter(move |(_, item)| !is_fit(item));
    unfit.map(move |(index, _)| FieldError::new(format!("{pointer}/{index}"), detail))
}

/// Where a front end may be: on the web, or an app with a scheme of its own (RFC 8252, section 7.1), which has a full stop.
fn is_redirect_uri(text: &str) -> bool {
    text.len() <= 2000
        && !text.contains(char::is_whitespace)
        && Url::parse(text)
            .is_ok_and(|url| url.fragment().is_none() && (is_reachable(&url) || url.scheme().contains('.')))
}

pub(super) fn are_redirect_uris(uris: &[String]) -> Result<(), validator::ValidationError> {
    let detail = "must be an https:// address (http:// on this machine only) or of an app's own scheme such as \
        com.example.app:/done, without fragment";
    complaints(unfit("/redirect_uris", uris, is_redirect_uri, detail))
}

pub(super) fn are_filled(audiences: &[String]) -> Result<(), validator::ValidationError> {
    let is_filled = |audience: &str| (1..=500).contains(&audience.chars().count());
    complaints(unfit(
        "/audiences",
        audiences,
        is_filled,
        "must have 1 to 500 characters",
    ))
}

pub(super) fn are_distinct(groups: &[GroupLink]) -> Result<(), validator::ValidationError> {
    let values: BTreeSet<_> = groups.iter().map(|link| link.value.as_str()).collect();
    if values.len() == groups.len() {
        return Ok(());
    }
    rule("", "must name each value once")
}
