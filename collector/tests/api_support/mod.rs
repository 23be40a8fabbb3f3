//! A collector without sockets: store, spool and digest on a temporary folder, and the API's router to ask.

#![allow(dead_code, reason = "each test file uses its part")]

#[path = "../postgres_support/mod.rs"]
pub mod postgres;
pub mod schema;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use faultwire_collector::config::{Config, Secret};
use faultwire_collector::intake::spool::{Record, Spool, SpoolLimits};
use faultwire_collector::server::AppState;
use faultwire_collector::store::{self, NewProject, Store, StoreConfig};
use faultwire_collector::telemetry::Metrics;
use faultwire_collector::{api, digest};
use faultwire_protocol::id::EventId;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

pub const PASSWORD: &str = "correct horse battery";

/// See the module's documentation.
pub struct World {
    pub store: Arc<dyn Store>,
    pub dir: TempDir,
    pub token: String,
    router: Router,
    /// Of a world whose store is not in the folder.
    pub database: Option<postgres::Database>,
}

/// An answer of the API.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.bytes);
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// The JSON body of an answer that must be `status`.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(
            self.status,
            status,
            "{}",
            String::from_utf8_lossy(&self.bytes)
        );
        self.json()
    }

    /// The login cookie that the answer sets, as a browser would send it back.
    pub fn cookie(&self) -> String {
        let cookie = self.headers["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }
}

impl World {
    /// An empty collector with one token.
    pub fn new() -> Self {
        Self::on(postgres::Database::if_wanted())
    }

    /// An empty collector on this data base, or on SQLite.
    pub fn on(database: Option<postgres::Database>) -> Self {
        let dir = TempDir::new().unwrap();
        let config = StoreConfig {
            data_dir: dir.path().to_owned(),
            database_url: database
                .as_ref()
                .map(|database| Secret::new(database.url.clone())),
        };
        let store = store::open(&config).unwrap();
        let metrics = Arc::new(Metrics::new());
        let spool_dir = dir.path().join("spool-of-api");
        let spool = Spool::open(&spool_dir, SpoolLimits::default(), metrics.clone()).unwrap();
        let listen = SocketAddr::from(([127, 0, 0, 1], 9000));
        let config = Arc::new(Config::new(listen, dir.path().to_owned()));
        let token = store.create_token("test").unwrap();
        let router = api::router(AppState {
            store: store.clone(),
            spool,
            config,
            metrics,
        });
        Self {
            store,
            dir,
            token,
            router,
            database,
        }
    }

    /// Creates a project with this id.
    pub fn project(&self, id: u64) {
        let new = NewProject {
            name: format!("Shop {id}"),
            id: Some(id),
            ..NewProject::default()
        };
        self.store.create_project(new).unwrap();
    }

    /// Sends records through a spool and the digest, and returns when they are stored.
    pub fn digest(&self, records: &[Record]) {
        let metrics = Arc::new(Metrics::new());
        let dir = TempDir::new_in(self.dir.path()).unwrap();
        let spool = Spool::open(dir.path(), SpoolLimits::default(), metrics.clone()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(spool.append_all(records)).unwrap();
        spool.close();
        let listen = SocketAddr::from(([127, 0, 0, 1], 9000));
        let config = Arc::new(Config::new(listen, self.dir.path().to_owned()));
        digest::run(self.store.clone(), spool, metrics, config);
    }

    /// Asks with the token.
    pub fn get(&self, path: &str) -> Answer {
        self.ask(
            Method::GET,
            path,
            &[("authorization", &format!("Bearer {}", self.token))],
            None,
        )
    }

    /// Asks with the token and a JSON body.
    pub fn send(&self, method: Method, path: &str, body: &str) -> Answer {
        self.ask(
            method,
            path,
            &[("authorization", &format!("Bearer {}", self.token))],
            Some(body),
        )
    }

    /// Asks with these headers only, from 192.0.2.1.
    pub fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        self.ask_from([192, 0, 2, 1].into(), method, path, headers, body)
    }

    pub fn ask_from(
        &self,
        peer: IpAddr,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_owned()));
        let mut request = request.body(body).unwrap();
        request
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::new(peer, 4711)));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let bytes = axum::body::to_bytes(body, usize::MAX)
                .await
                .unwrap()
                .to_vec();
            Answer {
                status: parts.status,
                headers: parts.headers,
                bytes,
            }
        })
    }
}

/// The id whose last digits are `n`.
pub fn event_id(n: u64) -> EventId {
    let mut bytes = [0xa5; 16];
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    EventId::from_bytes(bytes).unwrap()
}

/// 2026-11-22T12:00:00Z, in milliseconds.
pub const NOON_MS: u64 = 1_795_348_800_000;

/// A record as intake would spool it, received at [`NOON_MS`] + `n` seconds.
pub fn record(project_id: u64, n: u64, json: &str) -> Record {
    Record::event(
        project_id,
        NOON_MS + n * 1000,
        event_id(n),
        json.to_owned().into(),
    )
}

/// An exception with one in-app frame in `function`.
pub fn exception(kind: &str, value: &str, function: &str, more: &str) -> String {
    format!(
        r#"{{"platform":"node","exception":{{"values":[{{"type":"{kind}","value":"{value}","stacktrace":{{"frames":[
            {{"function":"{function}","filename":"app/{function}.js","lineno":3,"in_app":true}}]}}}}]}}{more}}}"#
    )
}
