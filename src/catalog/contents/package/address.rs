//! Addresses in manifests: where in the package, or outside of it, they lead.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Whether an address leads out of the package: it names a scheme or a host.
pub fn is_elsewhere(address: &str) -> bool {
    let scheme = address.split([':', '/', '?', '#']).next().unwrap_or_default();
    address.starts_with("//") || address[scheme.len()..].starts_with(':')
}

/// The path in the package that an address names; none if it leads out of the package.
pub fn path_of(address: &str) -> Option<String> {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let path = percent_decode_str(path).decode_utf8().ok()?.replace('\\', "/");
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// A path as an address writes it.
pub fn encoded(path: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'.')
        .remove(b'-')
        .remove(b'_')
        .remove(b'~')
        .remove(b'(')
        .remove(b')')
        .remove(b',')
        .remove(b'!')
        .remove(b'+')
        .remove(b'\'');
    utf8_percent_encode(path, KEPT).to_string()
}

/// An address with the parameters of an item, as the standards join them.
pub fn with_parameters(address: &str, parameters: &str) -> String {
    let parameters = parameters.trim_start_matches(['?', '&']);
    if parameters.is_empty() {
        return address.to_owned();
    }
    if parameters.starts_with('#') {
        return match address.contains('#') {
            true => address.to_owned(),
            false => format!("{address}{parameters}"),
        };
    }
    let (before, fragment) = match address.find('#') {
        Some(at) => address.split_at(at),
        None => (address, ""),
    };
    let joined = if before.contains('?') { '&' } else { '?' };
    format!("{before}{joined}{parameters}{fragment}")
}
