//! Where a request comes from: the peer's address, or what proxies that the settings trust say of it.
//!
//! The one home of that question: the access log, sessions and all limits ask here.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::{
    HttpMessage, HttpRequest,
    dev::ServiceRequest,
    http::header::{FORWARDED, HeaderMap, HeaderName},
};

use crate::config::{Config, ProxyHeader};

/// The address of a request's client, left by the outermost middleware.
#[derive(Debug, Clone, Copy)]
struct ClientAddress(IpAddr);

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Finds the client's address out and leaves it in the request; none where the transport knows no address.
pub fn remember(request: &ServiceRequest, config: &Config) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    let address = if config.trusted_proxies.contain(peer) {
        behind(peer, request.headers(), config)
    } else {
        peer
    };
    request.extensions_mut().insert(ClientAddress(address));
    Some(address)
}

/// The address of a request's client.
pub fn of(request: &HttpRequest) -> Option<IpAddr> {
    let address = request.extensions().get::<ClientAddress>().copied();
    address.map(|address| address.0)
}

/// What one client has: an IPv4 address, or the /64 of an IPv6 address.
pub fn network(address: IpAddr) -> IpAddr {
    const NETWORK: u128 = u128::MAX << 64;
    match address {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & NETWORK)),
    }
}

/// The right-most address that no trusted proxy has: what stands left of it is the client's own word. What cannot be
/// read ends the search, at the last proxy that is known.
fn behind(peer: IpAddr, headers: &HeaderMap, config: &Config) -> IpAddr {
    let (name, read): (_, fn(&str) -> Option<IpAddr>) = match config.proxy_header {
        ProxyHeader::XForwardedFor => (X_FORWARDED_FOR, node),
        ProxyHeader::Forwarded => (FORWARDED, forwarded_for),
    };
    let lines: Vec<&str> = headers
        .get_all(name)
        .map(|line| line.to_str().unwrap_or_default())
        .collect();
    let mut known = peer;
    for hop in lines.iter().flat_map(|line| line.split(',')).rev() {
        let Some(address) = read(hop) else { break };
        known = address;
        if !config.trusted_proxies.contain(address) {
            break;
        }
    }
    known
}

/// The `for` of one element (RFC 7239, section 4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let is_for = |name: &str| name.trim().eq_ignore_ascii_case("for");
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| is_for(name))?;
    node(value.trim().trim_matches('"'))
}

/// An address, with or without a port, IPv6 with or without brackets.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    Some(address.or_else(with_port).or_else(bracketed)?.to_canonical())
}
