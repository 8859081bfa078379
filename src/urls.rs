//! Addresses on the web that Provost talks to, or sends people to. Knows no domain; any module may call it.

use url::Url;

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

/// Whether a text is the issuer identifier of an OpenID provider that Provost talks to.
pub fn is_issuer(text: &str) -> bool {
    let is_plain = |url: &Url| {
        url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    Url::parse(text).is_ok_and(|url| is_reachable(&url) && is_plain(&url))
}

/// Where a front end may be: on the web, or an app with a scheme of its own (RFC 8252, section 7.1), which has a full stop.
pub fn is_redirect_uri(text: &str) -> bool {
    !text.contains(char::is_whitespace)
        && Url::parse(text)
            .is_ok_and(|url| url.fragment().is_none() && (is_reachable(&url) || url.scheme().contains('.')))
}
