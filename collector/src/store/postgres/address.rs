//! Where the data base is: `postgres://USER:PASSWORD@HOST:PORT/NAME?sslmode=…`. The password is in here and nowhere else; what
//! errors and logs show is host, port and name.

use std::fmt;
use std::time::Duration;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config};

use super::fault;
use super::tls::Tls;
use super::{Error, Result};

/// A data base and how to get into it.
pub(super) struct Address {
    config: Config,
    tls: Tls,
    /// "database `NAME` on HOST:PORT"
    shown: String,
}

impl Address {
    /// Reads a URL. Invalid: it is not one of PostgreSQL's, a part is missing or unknown. No error repeats the user or the password.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::invalid(format!(
                "the database url is wrong: {why}; it looks like postgres://USER:PASSWORD@HOST:5432/NAME"
            ))
        };
        let rest = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
            .ok_or_else(|| wrong("it does not begin with postgres://"))?;
        // A raw @ or / in a password shifts all parts, and a piece of it would be taken for the host and shown.
        let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, name) = location.split_once('/').unwrap_or((location, ""));
        if authority.matches('@').count() > 1 || name.contains(['@', '/']) || query.contains('@') {
            return Err(wrong(
                "special characters in user or password must be percent-encoded (@ is %40, / is %2F, ? is %3F)",
            ));
        }
        let (options, plain) = Options::split(query);
        let plain_url = match plain.as_str() {
            "" => format!("postgres://{location}"),
            plain => format!("postgres://{location}?{plain}"),
        };
        // The cause may quote a part of the URL: only its outline is told.
        let mut config: Config = plain_url.parse().map_err(|_| {
            wrong("a part of it cannot be read (the port, a percent sign, or an unknown parameter)")
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(wrong("the host is missing"));
        }
        if config.get_user().is_none_or(str::is_empty) {
            return Err(wrong("the user is missing"));
        }
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(wrong("the name of the data base is missing"));
        }
        let tls = options.apply(&mut config).map_err(|why| wrong(&why))?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(LOST_AFTER);
        }
        if config.get_application_name().is_none() {
            config.application_name("faultwire");
        }
        let shown = shown(&config);
        Ok(Self { config, tls, shown })
    }

    /// Opens a connection. The error names the data base and what to do.
    pub(super) fn connect(&self) -> Result<Client> {
        let name = self.config.get_dbname().unwrap_or_default();
        let user = self.config.get_user().unwrap_or_default();
        self.config
            .connect(self.tls.clone())
            .map_err(|error| fault::unreachable(&self.shown, name, user, &error))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// The parameters that we read ourselves, because the client library knows fewer modes.
#[derive(Default)]
struct Options {
    mode: Option<String>,
    root_file: Option<String>,
}

impl Options {
    /// Takes our parameters out of a query; the others come back as they were.
    fn split(query: &str) -> (Self, String) {
        let mut options = Self::default();
        let mut others = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let mut decoded = form_urlencoded::parse(pair.as_bytes());
            match decoded.next() {
                Some((key, value)) if key == "sslmode" => options.mode = Some(value.into_owned()),
                Some((key, value)) if key == "sslrootcert" => {
                    options.root_file = Some(value.into_owned());
                }
                _ => others.push(pair),
            }
        }
        (options, others.join("&"))
    }

    fn apply(&self, config: &mut Config) -> std::result::Result<Tls, String> {
        let root_file = self.root_file.as_deref();
        let mode = self.mode.as_deref().unwrap_or("prefer");
        if root_file.is_some() && mode != "verify-full" {
            return Err("sslrootcert needs sslmode=verify-full".to_owned());
        }
        match mode {
            "disable" => config.ssl_mode(SslMode::Disable),
            "prefer" => config.ssl_mode(SslMode::Prefer),
            "require" => config.ssl_mode(SslMode::Require),
            "verify-full" => {
                config.ssl_mode(SslMode::Require);
                return Tls::verified(root_file);
            }
            _ => {
                return Err("sslmode must be disable, prefer, require or verify-full".to_owned());
            }
        };
        Tls::unverified()
    }
}

fn shown(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate().map(|(n, host)| {
        let port = ports.get(n).or(ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            #[cfg(unix)]
            Host::Unix(path) => format!("{}/.s.PGSQL.{port}", path.display()),
        }
    });
    let mut hosts: Vec<String> = hosts.collect();
    if hosts.is_empty() {
        hosts.extend(config.get_hostaddrs().iter().map(ToString::to_string));
    }
    format!(
        "database `{}` on {}",
        config.get_dbname().unwrap_or_default(),
        hosts.join(",")
    )
}

/// Long enough for a slow network; short enough that a person who mistyped the host waits for it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A host that vanished without a word is given up after this long.
const LOST_AFTER: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_port_and_name_are_shown_and_the_password_is_not() {
        for (url, expected) in [
            (
                "postgres://mara:s3cr3t@db.example.com/shop",
                "database `shop` on db.example.com:5432",
            ),
            (
                "postgresql://mara:s3%40cr3t@10.0.0.7:5433/shop?sslmode=disable",
                "database `shop` on 10.0.0.7:5433",
            ),
            (
                "postgres://mara@%2Fvar%2Frun%2Fpostgresql/shop?connect_timeout=3",
                "database `shop` on /var/run/postgresql/.s.PGSQL.5432",
            ),
            (
                "postgres://mara:s3cr3t@one,two:5444/shop?sslmode=require",
                "database `shop` on one:5432,two:5444",
            ),
        ] {
            assert_eq!(Address::parse(url).unwrap().to_string(), expected, "{url}");
        }
    }

    #[test]
    fn wrong_urls_are_explained_without_their_secrets() {
        for (url, word) in [
            ("mysql://u:s3cr3t@h/db", "postgres://"),
            ("host=h password=s3cr3t", "postgres://"),
            ("postgres://u:s3cr3t@x@h/db", "%40"),
            ("postgres://u:s3cr3t/x@h/db", "%2F"),
            ("postgres://u:s3cr3t?x@h/db", "%3F"),
            ("postgres://u:s3cr3t@h:port/db", "port"),
            ("postgres://u:s3cr3t@/db", "host"),
            ("postgres://:s3cr3t@h/db", "user"),
            ("postgres://u:s3cr3t@h", "name of the data base"),
            ("postgres://u:s3cr3t@h/db?pool=3", "unknown parameter"),
            ("postgres://u:s3cr3t@h/db?sslmode=verify-ca", "verify-full"),
            ("postgres://u:s3cr3t@h/db?sslrootcert=x", "verify-full"),
            (
                "postgres://u:s3cr3t@h/db?sslmode=verify-full&sslrootcert=absent.pem",
                "absent.pem",
            ),
        ] {
            let error = Address::parse(url).err();
            let error = error
                .unwrap_or_else(|| panic!("{url} was taken"))
                .to_string();
            assert!(error.contains(word), "{url}: {error}");
            assert!(!error.contains("s3cr3t"), "{error}");
        }
    }
}
