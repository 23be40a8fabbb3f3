//! Whose address an event came from.
//!
//! Source: protocol.md section 1.8. A forwarding header is believed only when the connection comes from a configured
//! proxy; otherwise anybody could write any address into it.

use std::net::IpAddr;

use axum::http::HeaderMap;

use crate::config::Network;

/// The client's address: the first forwarding header's first element if `peer` is a trusted proxy, else `peer`.
pub fn client_address(headers: &HeaderMap, peer: IpAddr, trusted: &[Network]) -> IpAddr {
    let peer = peer.to_canonical();
    if !trusted.iter().any(|network| network.contains(peer)) {
        return peer;
    }
    HEADERS
        .iter()
        .find_map(|name| headers.get(*name))
        .and_then(|value| value.to_str().ok())
        .and_then(|list| list.split(',').next())
        .and_then(address)
        .unwrap_or(peer)
}

/// Reads an address with or without a port and brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.parse::<IpAddr>()
        .ok()
        .or_else(|| {
            text.parse::<std::net::SocketAddr>()
                .ok()
                .map(|socket| socket.ip())
        })
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
        .map(|ip: IpAddr| ip.to_canonical())
}

const HEADERS: [&str; 4] = [
    "cf-connecting-ip",
    "x-vercel-forwarded-for",
    "x-sentry-forwarded-for",
    "x-forwarded-for",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarding_headers_are_believed_from_proxies_only() {
        let trusted: Vec<Network> = vec!["10.0.0.0/8".parse().unwrap()];
        type Case = (
            &'static str,
            &'static [(&'static str, &'static str)],
            &'static str,
        );
        let cases: [Case; 8] = [
            (
                "203.0.113.9",
                &[("x-forwarded-for", "198.51.100.1")],
                "203.0.113.9",
            ),
            (
                "10.0.0.2",
                &[("x-forwarded-for", "198.51.100.1, 10.0.0.7")],
                "198.51.100.1",
            ),
            (
                "::ffff:10.0.0.2",
                &[("x-forwarded-for", "198.51.100.1:4711")],
                "198.51.100.1",
            ),
            (
                "10.0.0.2",
                &[("x-forwarded-for", "[2001:db8::1]:80")],
                "2001:db8::1",
            ),
            (
                "10.0.0.2",
                &[
                    ("x-forwarded-for", "1.1.1.1"),
                    ("cf-connecting-ip", "2.2.2.2"),
                ],
                "2.2.2.2",
            ),
            ("10.0.0.2", &[("x-forwarded-for", "unknown")], "10.0.0.2"),
            ("10.0.0.2", &[], "10.0.0.2"),
            ("::ffff:203.0.113.9", &[], "203.0.113.9"),
        ];
        for (peer, headers, expected) in cases {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, value.parse().unwrap());
            }
            let found = client_address(&map, peer.parse().unwrap(), &trusted);
            assert_eq!(
                found,
                expected.parse::<IpAddr>().unwrap(),
                "{peer} {headers:?}"
            );
        }
    }
}
