//! The demo: a collector on SQLite, a project called "shop", and an example app that really fails against it.
//! `up` shows it to a person, `shots` photographs it, `test up` proves that it works.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};

use crate::child::Running;
use crate::run::{Tool, say};
use crate::{http, needs, paths};

/// How the demo is to be set up.
pub struct Plan {
    /// Where the collector keeps its data.
    pub data: PathBuf,
    /// The port to listen on; without one the first free port from 9000 on.
    pub port: Option<u16>,
}

/// A demo that runs. Dropping it stops the collector.
pub struct Demo {
    pub address: SocketAddr,
    /// None if the data was there before and its password is not known to us.
    pub password: Option<String>,
    pub token: String,
    pub project: u64,
    pub dsn: String,
    pub collector: Running,
    data: PathBuf,
}

/// What the issues of the project say at one moment.
pub struct Seen {
    pub issues: usize,
    pub events: u64,
}

/// Removes the data of an earlier demo, and what was kept beside it.
pub fn forget(data: &Path) -> Result<()> {
    if data.exists() {
        // The folder may come from the command line: never remove one that is not a collector's.
        if !data.join(DATABASE).is_file()
            && fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some())
        {
            bail!(
                "{} holds no collector's data ({DATABASE} is not in it), so it is left alone",
                data.display()
            );
        }
        fs::remove_dir_all(data).with_context(|| format!("cannot remove {}", data.display()))?;
    }
    for beside in [queue_path(data), access_path(data)] {
        let removed = if beside.is_dir() {
            fs::remove_dir_all(&beside)
        } else {
            fs::remove_file(&beside)
        };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", beside.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

impl Demo {
    /// Starts the collector, which the caller has built, and makes sure of the project and a token.
    pub fn start(plan: &Plan) -> Result<Self> {
        let program = paths::collector("debug");
        let access_path = access_path(&plan.data);
        let is_fresh = !plan.data.join(DATABASE).exists();
        let access = if is_fresh {
            None
        } else {
            read_access(&access_path)
        };
        let password = match (&access, is_fresh) {
            (Some(access), _) => access["password"].as_str().map(str::to_owned),
            (None, true) => Some(chosen_password()?),
            (None, false) => std::env::var("FAULTWIRE_ADMIN_PASSWORD").ok(),
        };
        fs::create_dir_all(&plan.data)
            .with_context(|| format!("cannot create {}", plan.data.display()))?;
        let port = free_port(plan.port)?;
        let mut serve = Tool::new(&program)
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(&plan.data);
        if let (true, Some(password)) = (is_fresh, &password) {
            serve = serve.env("FAULTWIRE_ADMIN_PASSWORD", password);
        }
        let log = paths::state().join("logs").join("collector.log");
        let (collector, line) = Running::start(
            "the collector",
            &serve,
            &log,
            "is listening on",
            Duration::from_secs(30),
        )?;
        let address = line
            .rsplit("http://")
            .next()
            .and_then(|text| text.trim().parse().ok());
        let address = address
            .with_context(|| format!("the collector said `{line}`, which names no address"))?;
        let token = access
            .as_ref()
            .and_then(|access| access["token"].as_str())
            .map(str::to_owned);
        let token = match token
            .filter(|token| http::get_json(address, "/api/v1/projects", token).is_ok())
        {
            Some(token) => token,
            None => last_word(&cli(
                &plan.data,
                &["token", "create", "--name", "cargo xtask"],
            )?)?,
        };
        write_access(
            &access_path,
            &json!({ "password": password, "token": token }),
        )?;
        let mut demo = Self {
            address,
            password,
            token,
            project: 0,
            dsn: String::new(),
            collector,
            data: plan.data.clone(),
        };
        (demo.project, demo.dsn) = demo.project("shop")?;
        Ok(demo)
    }

    /// The id and DSN of a project, created if it is not there.
    pub fn project(&self, name: &str) -> Result<(u64, String)> {
        let found = self.find_project(name)?;
        let project = match found {
            Some(project) => project,
            None => {
                cli(&self.data, &["project", "create", name])?;
                self.find_project(name)?.with_context(|| {
                    format!("project {name} was created but the API does not list it")
                })?
            }
        };
        let id = project["id"].as_u64().context("a project without an id")?;
        let dsn = project["dsn"].as_str().context("a project without a DSN")?;
        Ok((id, at_address(dsn, self.address)?))
    }

    /// Runs an example's own script of failing requests against the project; returns how many failures it reported. `folder` holds
    /// the installed example.
    pub fn drive(&self, folder: &Path) -> Result<u64> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let said = self
            .host(needs::npm().args(["run", "--silent", "drive"]).dir(folder))
            .step(&format!("{name} fails"))?;
        // The script prints `reported as ID` for every failing answer.
        Ok(said.matches("reported as ").count() as u64)
    }

    /// Leaves the shop running for a person to break by hand; returns its address too.
    pub fn open_shop(&self) -> Result<(Running, String)> {
        let port = if is_free(SHOP_PORT) { SHOP_PORT } else { 0 };
        let shop = Tool::new("node")
            .arg("src/server.js")
            .dir(paths::at("examples/node-express"));
        let shop = self.host(shop).env("PORT", port.to_string());
        let log = paths::state().join("logs").join("shop.log");
        let (running, line) = Running::start(
            "the shop",
            &shop,
            &log,
            "is listening on",
            Duration::from_secs(30),
        )?;
        let url = line.find("http://").map(|at| line[at..].trim().to_owned());
        Ok((
            running,
            url.with_context(|| format!("the shop said `{line}`, which names no address"))?,
        ))
    }

    /// The environment of an app that reports to this demo. Its queue belongs to the demo as well: events that an app kept for
    /// an earlier collector must not turn up here.
    fn host(&self, app: Tool) -> Tool {
        app.env("FAULTWIRE_DSN", &self.dsn)
            .env("FAULTWIRE_QUEUE_DIR", queue_path(&self.data))
    }

    /// Issues and events of the project as the API lists them now.
    pub fn seen(&self) -> Result<Seen> {
        let path = format!("/api/v1/projects/{}/issues?query=&limit=100", self.project);
        let page = http::get_json(self.address, &path, &self.token)?;
        let items = page["items"]
            .as_array()
            .context("the issue list has no items")?;
        let events = items
            .iter()
            .filter_map(|issue| issue["count"].as_u64())
            .sum();
        Ok(Seen {
            issues: items.len(),
            events,
        })
    }

    /// Stops the collector and says so if it had to be killed: that would be a defect of its shutdown.
    pub fn stop(&mut self) -> Result<()> {
        if self.collector.stop() {
            Ok(())
        } else {
            bail!("the collector did not end on SIGTERM and had to be killed")
        }
    }

    /// The dashboard's page of the project.
    pub fn page(&self) -> String {
        format!("http://{}/projects/{}", self.address, self.project)
    }

    /// The base address.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    fn find_project(&self, name: &str) -> Result<Option<Value>> {
        let page = http::get_json(self.address, "/api/v1/projects", &self.token)?;
        let items = page["items"]
            .as_array()
            .context("the project list has no items")?;
        Ok(items
            .iter()
            .find(|project| project["name"] == name)
            .cloned())
    }
}

/// Runs one command of the collector's own CLI on the data; returns what it printed.
fn cli(data: &Path, args: &[&str]) -> Result<String> {
    let tool = Tool::new(paths::collector("debug"))
        .args(args)
        .arg("--data")
        .arg(data);
    let output = tool
        .command()
        .output()
        .with_context(|| format!("{} does not start", tool.line()))?;
    if !output.status.success() {
        bail!(
            "{} failed: {}",
            tool.line(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The DSN with the address that the collector listens on now: it may be another one than when the project was created.
fn at_address(dsn: &str, address: SocketAddr) -> Result<String> {
    let (scheme, rest) = dsn
        .split_once("://")
        .with_context(|| format!("`{dsn}` is not a DSN"))?;
    let (key, rest) = rest
        .split_once('@')
        .with_context(|| format!("`{dsn}` is not a DSN"))?;
    let (_, project) = rest
        .split_once('/')
        .with_context(|| format!("`{dsn}` is not a DSN"))?;
    Ok(format!("{scheme}://{key}@{address}/{project}"))
}

fn last_word(text: &str) -> Result<String> {
    let line = text
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .context("the collector printed nothing")?;
    Ok(line
        .split_whitespace()
        .last()
        .unwrap_or_default()
        .to_owned())
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// The wanted port if it is free. Without a wish the first free one from 9000 on, said aloud if it is another.
fn free_port(wanted: Option<u16>) -> Result<u16> {
    if let Some(port) = wanted {
        if port != 0 && !is_free(port) {
            bail!(
                "port {port} is taken by another program; choose another with --port, or leave it out and a free one is taken"
            );
        }
        return Ok(port);
    }
    let port = (FIRST_PORT..FIRST_PORT + 50).find(|port| is_free(*port));
    let port =
        port.with_context(|| format!("no free port from {FIRST_PORT} on; name one with --port"))?;
    if port != FIRST_PORT {
        say(&format!(
            "  port {FIRST_PORT} is taken by another program: using {port}"
        ));
    }
    Ok(port)
}

/// The admin password of a new data folder: FAULTWIRE_ADMIN_PASSWORD, or sixteen letters that are easy to type.
fn chosen_password() -> Result<String> {
    if let Ok(password) = std::env::var("FAULTWIRE_ADMIN_PASSWORD") {
        return Ok(password);
    }
    // 32 letters without look-alikes: five bits each, 80 bits in all.
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| anyhow!("no random numbers from the system: {error}"))?;
    let letters: Vec<char> = random
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect();
    Ok(letters
        .chunks(4)
        .map(|four| four.iter().collect::<String>())
        .collect::<Vec<_>>()
        .join("-"))
}

/// Where the example's SDK keeps what it could not send yet.
fn queue_path(data: &Path) -> PathBuf {
    data.with_extension("queue")
}

/// Beside the data folder, not in it: the collector owns what is inside.
fn access_path(data: &Path) -> PathBuf {
    data.with_extension("access.json")
}

fn read_access(path: &Path) -> Option<Value> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

/// Keeps the password and the token of the demo, so that the second start can print them again. Readable by its owner only.
fn write_access(path: &Path, access: &Value) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    std::io::Write::write_all(&mut file, access.to_string().as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The file by which a collector's data folder is recognized.
const DATABASE: &str = "faultwire.db";
const FIRST_PORT: u16 = 9000;
const SHOP_PORT: u16 = 3000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dsn_follows_the_collector_to_another_port() {
        let address = "127.0.0.1:9003".parse().unwrap();
        assert_eq!(
            at_address("http://abc@127.0.0.1:9000/7", address).unwrap(),
            "http://abc@127.0.0.1:9003/7"
        );
        assert!(at_address("nonsense", address).is_err());
    }

    #[test]
    fn only_a_collectors_data_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("demo");
        forget(&data).unwrap();
        fs::create_dir(&data).unwrap();
        fs::write(data.join("thesis.txt"), "ten years").unwrap();
        let error = forget(&data).unwrap_err().to_string();
        assert!(
            error.contains("left alone") && data.join("thesis.txt").exists(),
            "{error}"
        );
        fs::write(data.join(DATABASE), "").unwrap();
        fs::write(access_path(&data), "{}").unwrap();
        fs::create_dir(queue_path(&data)).unwrap();
        forget(&data).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_last_word_is_the_token() {
        assert_eq!(last_word("token created:\n  abc123\n\n").unwrap(), "abc123");
        assert!(last_word("\n").is_err());
    }

    #[test]
    fn a_taken_port_is_named_and_without_a_wish_passed_over() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = held.local_addr().unwrap().port();
        let error = free_port(Some(port)).unwrap_err().to_string();
        assert!(
            error.contains(&port.to_string()) && error.contains("--port"),
            "{error}"
        );
        assert_ne!(free_port(None).unwrap(), port);
    }

    #[test]
    fn a_generated_password_is_long_and_new_each_time() {
        let (one, other) = (chosen_password().unwrap(), chosen_password().unwrap());
        assert!(
            std::env::var_os("FAULTWIRE_ADMIN_PASSWORD").is_some()
                || (one.len() == 19 && one != other)
        );
    }
}
