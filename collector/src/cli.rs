//! What an operator types. Thin: each command opens what it needs, does one thing and says what it did.

mod offline;
mod password;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Limits, Network, Roles, Secret};
use crate::store::{self, NewProject, Store, StoreConfig};
use crate::telemetry::{self, LogFormat};
use crate::{data_lock, server};

/// Error tracking that one machine can carry: collects, groups and shows what broke.
#[derive(Parser)]
#[command(name = "faultwire", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(Box<Serve>),
    /// Projects and their DSNs.
    #[command(subcommand)]
    Project(ProjectCommand),
    /// Tokens for the API.
    #[command(subcommand)]
    Token(TokenCommand),
    /// The admin account of the dashboard.
    #[command(subcommand)]
    User(UserCommand),
    /// Group events offline: reads one event (JSON) a line, prints {"id","group"} a line.
    Group,
    /// Scrub events offline: reads one event (JSON) a line, prints it without secrets and personal data.
    Scrub {
        /// Keep e-mail and IP addresses, as `sendDefaultPii` does.
        #[arg(long)]
        keep_pii: bool,
    },
}

/// Where the data is; the same for every command that touches it.
#[derive(Args)]
struct Data {
    /// Folder of the data base, the spool and the lock.
    #[arg(long, env = "FAULTWIRE_DATA", value_name = "DIR")]
    data: PathBuf,
    /// A PostgreSQL server instead of SQLite in the data folder:
    /// postgres://USER:PASSWORD@HOST:5432/NAME?sslmode=disable|prefer|require|verify-full. In the environment the password is
    /// not shown to other users of this machine.
    #[arg(
        long,
        env = "FAULTWIRE_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        value_parser = |url: &str| Ok::<_, std::convert::Infallible>(Secret::new(url.to_owned()))
    )]
    database_url: Option<Secret>,
}

#[derive(Args)]
struct Serve {
    #[command(flatten)]
    data: Data,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(
        long,
        env = "FAULTWIRE_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:9000"
    )]
    listen: SocketAddr,
    /// Address under which SDKs and people reach this server, for DSNs: https://errors.example.com
    #[arg(long, env = "FAULTWIRE_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// What this process does: intake, digest, web.
    #[arg(
        long,
        env = "FAULTWIRE_ROLES",
        value_name = "LIST",
        default_value = "intake,digest,web"
    )]
    roles: Roles,
    /// Networks whose X-Forwarded-For is believed; may be given several times.
    #[arg(
        long,
        env = "FAULTWIRE_TRUSTED_PROXIES",
        value_name = "NETWORK",
        value_delimiter = ','
    )]
    trusted_proxies: Vec<Network>,
    /// Largest envelope after decompression, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_envelope_bytes)]
    max_envelope_bytes: usize,
    /// Largest event, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_event_bytes)]
    max_event_bytes: usize,
    /// Largest attachment that is kept, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_attachment_bytes)]
    max_attachment_bytes: usize,
    /// Request bodies held in memory at one time, in bytes; further ones are answered with 429.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_in_flight_bytes)]
    max_in_flight_bytes: usize,
    /// Bytes of acknowledged events waiting on disk; beyond it events are answered with 503.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_spool_bytes)]
    max_spool_bytes: u64,
    /// Seconds a client may take to send a body.
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().body_timeout.as_secs())]
    body_timeout: u64,
    /// How log lines look.
    #[arg(long, env = "FAULTWIRE_LOG_FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
}

#[derive(Subcommand)]
enum ProjectCommand {
    /// Create a project; its DSN is the last line printed.
    Create {
        /// Name for people.
        name: String,
        #[command(flatten)]
        data: Data,
        /// Keep the project id of a DSN that is in use already.
        #[arg(long, value_name = "N")]
        id: Option<u64>,
        /// Keep the key of a DSN that is in use already (32 hex digits).
        #[arg(long, value_name = "HEX")]
        public_key: Option<String>,
        /// What it runs on (node, python, rust, …), for the snippet on its first page.
        #[arg(long)]
        platform: Option<String>,
        /// Address of the server in the DSN. Default: where a server runs on this data now, else
        /// http://127.0.0.1:9000
        #[arg(long, env = "FAULTWIRE_PUBLIC_URL")]
        url: Option<String>,
    },
    /// List projects: id, name, DSN.
    List {
        #[command(flatten)]
        data: Data,
        /// Address of the server in the DSNs.
        #[arg(long, env = "FAULTWIRE_PUBLIC_URL")]
        url: Option<String>,
    },
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Create an API token; it is the last line printed and never shown again.
    Create {
        #[command(flatten)]
        data: Data,
        /// What it is for.
        #[arg(long, default_value = "cli")]
        name: String,
    },
}

#[derive(Subcommand)]
enum UserCommand {
    /// Set the admin password anew (read from standard input) and end all logins.
    Password {
        #[command(flatten)]
        data: Data,
    },
}

/// Runs the program. The error is a sentence for the person at the terminal.
pub fn run() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Serve(serve) => run_server(*serve),
        Command::Project(command) => project(command),
        Command::Token(TokenCommand::Create { data, name }) => {
            let token = open_store(&data)?.create_token(&name)?;
            print_line(&token)
        }
        Command::User(UserCommand::Password { data }) => {
            let store = open_store(&data)?;
            store.set_password(&password::read("new admin password: ")?)?;
            eprintln!("the admin password is set; all logins have ended");
            Ok(())
        }
        Command::Group => offline::group(),
        Command::Scrub { keep_pii } => offline::scrub(keep_pii),
    }
}

fn run_server(serve: Serve) -> anyhow::Result<()> {
    telemetry::start_logging(serve.log_format);
    let mut config = Config::new(serve.listen, serve.data.data);
    config.database_url = serve.data.database_url;
    config.public_url = serve.public_url.map(|url| checked_url(&url)).transpose()?;
    config.roles = serve.roles;
    config.trusted_proxies = serve.trusted_proxies;
    config.admin_password = std::env::var("FAULTWIRE_ADMIN_PASSWORD")
        .ok()
        .filter(|password| !password.is_empty())
        .map(Secret::new);
    config.limits = Limits {
        max_envelope_bytes: serve.max_envelope_bytes,
        max_event_bytes: serve.max_event_bytes,
        max_attachment_bytes: serve.max_attachment_bytes,
        max_in_flight_bytes: serve.max_in_flight_bytes,
        max_spool_bytes: serve.max_spool_bytes,
        body_timeout: Duration::from_secs(serve.body_timeout),
        ..Limits::default()
    };
    if config.limits.max_in_flight_bytes < config.limits.max_envelope_bytes {
        bail!(
            "--max-in-flight-bytes ({}) must not be smaller than --max-envelope-bytes ({})",
            config.limits.max_in_flight_bytes,
            config.limits.max_envelope_bytes
        );
    }
    server::run(config, |address| {
        // Scripts wait for this line.
        let _ = print_line(&format!("faultwire is listening on http://{address}"));
    })
}

fn project(command: ProjectCommand) -> anyhow::Result<()> {
    match command {
        ProjectCommand::Create {
            name,
            data,
            id,
            public_key,
            platform,
            url,
        } => {
            let url = server_url(url, &data.data)?;
            let project = open_store(&data)?.create_project(NewProject {
                name,
                id,
                public_key,
                platform,
            })?;
            print_line(&dsn(&url, &project.public_key, project.id))
        }
        ProjectCommand::List { data, url } => {
            let url = server_url(url, &data.data)?;
            let store = open_store(&data)?;
            let now = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |since| since.as_millis() as u64);
            let mut after = None;
            loop {
                let page = store.projects(after, 100, now)?;
                for line in &page {
                    let project = &line.project;
                    let dsn = dsn(&url, &project.public_key, project.id);
                    print_line(&format!("{}\t{}\t{dsn}", project.id, project.name))?;
                }
                after = page.last().map(|line| line.project.id);
                if page.len() < 100 {
                    return Ok(());
                }
            }
        }
    }
}

/// Opens the store of a data folder; a server may be running on it.
fn open_store(data: &Data) -> anyhow::Result<std::sync::Arc<dyn Store>> {
    std::fs::create_dir_all(&data.data).with_context(|| {
        format!(
            "the data folder {} cannot be created; choose another one with --data",
            data.data.display()
        )
    })?;
    store::open(&StoreConfig {
        data_dir: data.data.clone(),
        database_url: data.database_url.clone(),
    })
    .map_err(|error| match data.database_url {
        // It names the data base itself.
        Some(_) => anyhow::anyhow!("{error}"),
        None => anyhow::anyhow!(
            "the data in {} cannot be opened: {error}",
            data.data.display()
        ),
    })
}

fn server_url(given: Option<String>, dir: &Path) -> anyhow::Result<String> {
    match given {
        Some(url) => checked_url(&url),
        None => {
            Ok(data_lock::running_at(dir).unwrap_or_else(|| "http://127.0.0.1:9000".to_owned()))
        }
    }
}

/// A URL that a DSN can be made of, without a slash at the end.
fn checked_url(url: &str) -> anyhow::Result<String> {
    let trimmed = url.trim_end_matches('/');
    let rest = trimmed
        .strip_prefix("http://")
        .or_else(|| trimmed.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(['@', '?', '#', ' ']) => {
            Ok(trimmed.to_owned())
        }
        _ => bail!("`{url}` is not a server address such as https://errors.example.com"),
    }
}

/// `https://host/path` becomes `https://key@host/path/id`.
fn dsn(url: &str, key: &str, id: u64) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    format!("{scheme}://{key}@{rest}/{id}")
}

/// Prints a line that scripts may read; a closed pipe is an error, not a panic.
fn print_line(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .context("standard output cannot be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn dsns_keep_the_path_of_the_server() {
        let url = checked_url("https://example.com/errors/").unwrap();
        assert_eq!(dsn(&url, "abc", 7), "https://abc@example.com/errors/7");
        for wrong in ["example.com", "ftp://x", "https://", "https://key@host"] {
            assert!(
                checked_url(wrong).unwrap_err().to_string().contains(wrong),
                "{wrong}"
            );
        }
    }
}
