//! A PostgreSQL server of the tests' own: in a temporary folder, as an unprivileged user, stopped at the end.
//!
//! One server serves all tests of a program, each in a data base of its own; a test that stops servers starts its own. A server never
//! outlives its test program: it is told to stop when the program exits, and the kernel tells it when the program is killed.

// Every test file is a program of its own and uses its share of this.
#![allow(dead_code)]
#![allow(clippy::unwrap_used)]

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use postgres::{Client, NoTls};

/// The server's only user.
pub const USER: &str = "mara";
/// Full of what must be percent-encoded, so that every test also proves that.
pub const PASSWORD: &str = "p@ss/w?rd#1";
/// The same in a URL.
pub const PASSWORD_ENCODED: &str = "p%40ss%2Fw%3Frd%231";

/// An empty data base; dropped with this value.
pub struct Database {
    /// With the password.
    pub url: String,
    name: String,
    port: u16,
}

impl Database {
    /// A fresh data base; None, and a line that says so, where PostgreSQL is not installed.
    pub fn or_skip(test: &str) -> Option<Self> {
        if Programs::find().is_none() {
            println!("skipped: {test}: PostgreSQL's server programs are absent");
            return None;
        }
        Some(Self::create(Server::shared()))
    }

    /// A fresh data base when the whole test program is to run on PostgreSQL (`FAULTWIRE_TEST_STORE=postgres`).
    pub fn if_wanted() -> Option<Self> {
        is_wanted().then(|| {
            assert!(
                Programs::find().is_some(),
                "FAULTWIRE_TEST_STORE=postgres, but PostgreSQL's server programs are absent"
            );
            Self::create(Server::shared())
        })
    }

    /// A fresh data base on the server at this port.
    pub fn create(port: u16) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut admin = connect(port, "postgres");
        // A language whose order of texts differs from their bytes': answers must not depend on it.
        let plain = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
        let icu = format!("{plain} LOCALE_PROVIDER icu ICU_LOCALE 'en-US'");
        if admin.batch_execute(&icu).is_err() {
            admin.batch_execute(&plain).unwrap();
        }
        Self {
            url: url(port, &name),
            name,
            port,
        }
    }

    /// A connection for looking behind the store.
    pub fn raw(&self) -> Client {
        connect(self.port, &self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let url = url(self.port, "postgres");
        if let Ok(mut admin) = Client::connect(&url, NoTls) {
            let _ = admin.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

/// Whether the whole test program is to run on PostgreSQL.
pub fn is_wanted() -> bool {
    std::env::var_os("FAULTWIRE_TEST_STORE").is_some_and(|store| store == "postgres")
}

pub fn url(port: u16, name: &str) -> String {
    format!("postgres://{USER}:{PASSWORD_ENCODED}@127.0.0.1:{port}/{name}")
}

fn connect(port: u16, name: &str) -> Client {
    Client::connect(&url(port, name), NoTls).unwrap()
}

/// PostgreSQL's programs, and the user to run them as when we are root (it refuses to run as root).
struct Programs {
    folder: PathBuf,
    user: Option<(u32, u32)>,
}

impl Programs {
    fn find() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file());
        // Debian keeps the server's programs off the PATH, one folder a version.
        let debian = || {
            let folders = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
            let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
            folders
                .map(|entry| entry.path())
                .filter(|path| path.join("bin/initdb").is_file())
                .max_by_key(|path| version(path))
                .map(|path| path.join("bin"))
        };
        let folder = on_path.or_else(debian)?;
        // SAFETY: no arguments, always succeeds.
        let is_root = unsafe { libc::geteuid() } == 0;
        let user = is_root.then(|| user("postgres").or_else(|| user("nobody")).unwrap());
        Some(Self { folder, user })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.folder.join(program));
        command.stdin(Stdio::null()).env("LC_ALL", "C");
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }
}

fn user(name: &str) -> Option<(u32, u32)> {
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = passwd
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2).map(|field| field.parse().ok());
    Some((fields.next()??, fields.next()??))
}

/// A running server. Stopped and removed when dropped.
pub struct Server {
    pub port: u16,
    dir: tempfile::TempDir,
    programs: Programs,
    arguments: Vec<String>,
    running: Option<(i32, JoinHandle<ExitStatus>)>,
}

static SHARED: Mutex<Option<Server>> = Mutex::new(None);

impl Server {
    /// The port of the server that the tests of this program share; starts it at the first call.
    fn shared() -> u16 {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.is_none() {
            *shared = Some(Self::start().expect("callers have looked for the programs"));
            // SAFETY: the function takes a lock that nobody holds at exit, and touches nothing that is gone by then.
            unsafe { libc::atexit(stop_shared) };
        }
        shared.as_ref().unwrap().port
    }

    /// A server of the caller's own; None, and a line that says so, where PostgreSQL is not installed.
    pub fn or_skip(test: &str) -> Option<Self> {
        let server = Self::start();
        if server.is_none() {
            println!("skipped: {test}: PostgreSQL's server programs are absent");
        }
        server
    }

    fn start() -> Option<Self> {
        let programs = Programs::find()?;
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let password = dir.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        if let Some((uid, gid)) = programs.user {
            chown(dir.path(), Some(uid), Some(gid)).unwrap();
            chown(&password, Some(uid), Some(gid)).unwrap();
        }
        let made = programs
            .command("initdb")
            .arg("--pgdata")
            .arg(dir.path().join("data"))
            .arg("--pwfile")
            .arg(&password)
            .args(["--username", USER, "--encoding=UTF8", "--no-locale"])
            .args([
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "--no-sync",
            ])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "initdb: {said}");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
        let mut server = Self {
            port: port.unwrap().port(),
            dir,
            programs,
            arguments: Vec::new(),
            running: None,
        };
        server.up();
        Some(server)
    }

    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Makes a file that only the server's user may read.
    pub fn give(&self, file: &Path) {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
        if let Some((uid, gid)) = self.programs.user {
            chown(file, Some(uid), Some(gid)).unwrap();
        }
    }

    /// Adds a setting, for the next start.
    pub fn configure(&mut self, setting: &str) {
        self.arguments.extend(["-c".to_owned(), setting.to_owned()]);
    }

    /// Starts it again on the same port, and waits until it takes connections.
    pub fn up(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"))
            .unwrap();
        let mut command = self.programs.command("postgres");
        command
            .arg("-D")
            .arg(self.dir.path().join("data"))
            .args(["-p", &self.port.to_string(), "-k"])
            .arg(self.dir.path())
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
            .args(["-c", "max_connections=200"])
            .args(&self.arguments)
            .stdout(Stdio::null())
            .stderr(log);
        #[cfg(target_os = "linux")]
        // SAFETY: prctl only sets a flag of the new process, and may be called between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGINT);
                Ok(())
            });
        }
        // The signal comes when the thread ends that started it; this one lives as long as the server.
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut child = command.spawn().expect("postgres starts");
            sender.send(child.id()).unwrap();
            child.wait().unwrap()
        });
        self.running = Some((receiver.recv().unwrap() as i32, thread));
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Err(error) = Client::connect(&url(self.port, "postgres"), NoTls) {
            let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "{error}: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops it as an operator would; open connections are cut.
    pub fn down(&mut self) {
        self.end(libc::SIGINT);
    }

    /// Stops it as a crash would; it recovers at the next start.
    pub fn crash(&mut self) {
        self.end(libc::SIGQUIT);
    }

    fn end(&mut self, signal: i32) {
        if let Some((pid, thread)) = self.running.take() {
            // SAFETY: no memory is involved; the process is our own child and not yet waited for.
            unsafe { libc::kill(pid, signal) };
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end(libc::SIGINT);
    }
}

extern "C" fn stop_shared() {
    drop(SHARED.lock().unwrap_or_else(PoisonError::into_inner).take());
}
