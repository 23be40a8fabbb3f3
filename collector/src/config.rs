//! What an operator decides: where to listen, where the data lives, what a stranger may push.
//!
//! Everything has a default that suits one small machine; the command line and the environment override it
//! (`cli` parses, this file checks). Secret are the admin password and the data base's URL, which never appear in
//! `Debug` output.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// The settings of one running server.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address and port to listen on; port 0 asks the system for a free one.
    pub listen: SocketAddr,
    /// Folder that holds `faultwire.db`, `spool/` and `lock`.
    pub data_dir: PathBuf,
    /// A PostgreSQL server instead of SQLite in the data folder. Secret, because it holds a password.
    pub database_url: Option<Secret>,
    /// Address under which people and SDKs reach this server; used to print DSNs.
    /// None: derived from the request or from the listening address.
    pub public_url: Option<String>,
    /// What this process does.
    pub roles: Roles,
    /// Peers whose forwarding headers (`X-Forwarded-For` and its kin) are believed.
    pub trusted_proxies: Vec<Network>,
    /// Bounds for everything a stranger can push.
    pub limits: Limits,
    /// The first admin password, for scripted installations; ignored once a password exists.
    pub admin_password: Option<Secret>,
}

impl Config {
    /// Returns a configuration with every default, for `data_dir`.
    pub fn new(listen: SocketAddr, data_dir: PathBuf) -> Self {
        Config {
            listen,
            data_dir,
            database_url: None,
            public_url: None,
            roles: Roles::default(),
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
            admin_password: None,
        }
    }
}

/// Bounds of intake. Sizes are bytes after decompression.
///
/// Source: protocol.md section 1.12. One departure: a whole envelope may be 32 MiB instead of 200, because the
/// promise here is a server that lives in tens of megabytes; `--max-envelope-bytes` raises it.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A whole envelope.
    pub max_envelope_bytes: usize,
    /// One event, security report or store body.
    pub max_event_bytes: usize,
    /// One attachment that is kept; larger ones are counted and dropped, the event stays.
    pub max_attachment_bytes: usize,
    /// Attachments kept of one envelope.
    pub max_attachments: usize,
    /// Items in one envelope.
    pub max_items: usize,
    /// Events in one request to `/api/v1/events`.
    pub max_batch_events: usize,
    /// Request bodies held in memory at one time, over all connections.
    pub max_in_flight_bytes: usize,
    /// Connections open at one time; further ones wait in the kernel's queue.
    pub max_connections: usize,
    /// Time a client may take to send its headers.
    pub header_timeout: Duration,
    /// Time a client may take to send its body.
    pub body_timeout: Duration,
    /// Bytes the spool may occupy on disk before intake answers 503.
    pub max_spool_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Limits {
            max_envelope_bytes: 32 * MIB,
            max_event_bytes: MIB,
            max_attachment_bytes: MIB,
            max_attachments: 30,
            max_items: 500,
            max_batch_events: 1000,
            max_in_flight_bytes: 64 * MIB,
            max_connections: 4096,
            header_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(30),
            max_spool_bytes: 1024 * MIB as u64,
        }
    }
}

/// The work one process takes on. All of it by default; a large installation spreads it over machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Takes events from SDKs into the spool.
    pub intake: bool,
    /// Moves events from the spool into the store.
    pub digest: bool,
    /// Serves the API and the dashboard.
    pub web: bool,
}

impl Default for Roles {
    fn default() -> Self {
        Roles {
            intake: true,
            digest: true,
            web: true,
        }
    }
}

impl FromStr for Roles {
    type Err = String;

    /// Reads a comma-separated list such as `intake,digest,web`. An empty list or an unknown name is an error.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut roles = Roles {
            intake: false,
            digest: false,
            web: false,
        };
        for name in text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            match name {
                "intake" => roles.intake = true,
                "digest" => roles.digest = true,
                "web" => roles.web = true,
                other => {
                    return Err(format!(
                        "unknown role `{other}`; the roles are intake, digest and web"
                    ));
                }
            }
        }
        if roles
            == (Roles {
                intake: false,
                digest: false,
                web: false,
            })
        {
            return Err("no role given; the roles are intake, digest and web".to_owned());
        }
        Ok(roles)
    }
}

/// A network such as `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Tells whether `address` lies inside. An IPv4 address mapped into IPv6 counts as IPv4, because that is how
    /// a dual-stack socket reports its IPv4 peers.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32 - u32::from(self.prefix.min(32));
                shift == 32 || own.to_bits() >> shift == other.to_bits() >> shift
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = 128 - u32::from(self.prefix.min(128));
                shift == 128 || own.to_bits() >> shift == other.to_bits() >> shift
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address
            .parse()
            .map_err(|_| format!("`{text}` is not an address or network such as 10.0.0.0/8"))?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => widest,
            Some(prefix) => prefix
                .parse()
                .ok()
                .filter(|bits| *bits <= widest)
                .ok_or_else(|| {
                    format!("`{text}`: the prefix length must be between 0 and {widest}")
                })?,
        };
        Ok(Network { address, prefix })
    }
}

/// A text that must not be printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: String) -> Self {
        Secret(text)
    }

    /// Hands out the secret; for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[Filtered]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses_and_no_others() {
        let cases = [
            ("10.0.0.0/8", "10.200.3.4", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("192.168.1.7", "192.168.1.7", true),
            ("192.168.1.7", "192.168.1.8", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("0.0.0.0/0", "2001:db8::1", false),
        ];
        for (network, address, inside) in cases {
            let network: Network = network.parse().unwrap();
            assert_eq!(
                network.contains(address.parse().unwrap()),
                inside,
                "{network:?} {address}"
            );
        }
    }

    #[test]
    fn wrong_networks_and_roles_are_named() {
        assert!(
            "10.0.0.0/33"
                .parse::<Network>()
                .unwrap_err()
                .contains("10.0.0.0/33")
        );
        assert!(
            "example.com"
                .parse::<Network>()
                .unwrap_err()
                .contains("example.com")
        );
        assert!(
            "intake,alert"
                .parse::<Roles>()
                .unwrap_err()
                .contains("alert")
        );
        assert!("".parse::<Roles>().is_err());
        assert_eq!(
            "intake, web".parse::<Roles>().unwrap(),
            Roles {
                intake: true,
                digest: false,
                web: true
            }
        );
    }

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(
            format!("{:?}", Secret::new("hunter22".into())),
            "[Filtered]"
        );
    }
}
