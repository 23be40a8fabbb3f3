//! Puts the parts together and runs them until the operator stops the process.
//!
//! Order of the start: folder, lock, port, store, spool, digest, then requests. So two servers never share a folder,
//! and nothing is changed on disk before the port is known to be free. Order of the stop: no new connections, requests
//! in hand are answered, the spool is flushed, digest ends its batch. Nothing depends on the stop being orderly: what
//! was acknowledged is durable at any moment.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::Service as _;

use crate::config::Config;
use crate::data_lock::DataLock;
use crate::intake::outcomes::Outcomes;
use crate::intake::spool::{Spool, SpoolLimits};
use crate::intake::{self, Intake};
use crate::store::{Store, StoreConfig};
use crate::telemetry::Metrics;
use crate::{api, digest, store, ui};

/// What request handlers share.
#[derive(Clone)]
pub struct AppState {
    /// Issues, events, projects, keys.
    pub store: Arc<dyn Store>,
    /// What was acknowledged and is not in the store yet.
    pub spool: Arc<Spool>,
    /// The settings; `listen` holds the real port.
    pub config: Arc<Config>,
    /// Figures.
    pub metrics: Arc<Metrics>,
}

/// Runs a server until SIGTERM or SIGINT. `ready` is called once it accepts connections, with its real address.
///
/// Errors are sentences for the operator: they name what is in the way and what to do.
pub fn run(mut config: Config, ready: impl FnOnce(SocketAddr)) -> anyhow::Result<()> {
    let mut lock = DataLock::take(&config.data_dir)?;
    let listener = listen(config.listen)?;
    config.listen = listener
        .local_addr()
        .context("the listening address cannot be read")?;
    lock.announce(&format!("http://{}", config.listen))?;

    let metrics = Arc::new(Metrics::new());
    let store = store::open(&StoreConfig {
        data_dir: config.data_dir.clone(),
        database_url: config.database_url.clone(),
    })
    .map_err(|error| anyhow::anyhow!("the store cannot be opened: {error}"))?;
    if let Some(password) = &config.admin_password {
        store
            .set_first_password(password.reveal())
            .map_err(|error| anyhow::anyhow!("FAULTWIRE_ADMIN_PASSWORD cannot be used: {error}"))?;
    }
    let spool_dir = config.data_dir.join("spool");
    let limits = SpoolLimits {
        max_bytes: config.limits.max_spool_bytes,
        ..SpoolLimits::default()
    };
    let spool = Spool::open(&spool_dir, limits, metrics.clone())
        .with_context(|| format!("the spool in {} cannot be opened", spool_dir.display()))?;
    let state = AppState {
        store,
        spool,
        config: Arc::new(config),
        metrics,
    };

    let digest = state
        .config
        .roles
        .digest
        .then(|| start_digest(&state))
        .transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("web")
        .build()
        .context("the async runtime cannot be started")?;
    let outcomes = Arc::new(Outcomes::new(state.metrics.clone()));
    runtime.block_on(async {
        let flushing = tokio::spawn(flush_outcomes(state.store.clone(), outcomes.clone()));
        let router = router(&state, &outcomes);
        let served = serve(listener, router, &state.config, ready).await;
        flushing.abort();
        served
    })?;

    state.spool.close();
    outcomes.flush(&*state.store);
    state.spool.stop_reading();
    if let Some(digest) = digest {
        wait_for(digest);
    }
    // A blocking call that hangs (a dead disk) must not hold up the exit.
    runtime.shutdown_timeout(Duration::from_millis(500));
    tracing::info!("stopped");
    Ok(())
}

/// All routes. Intake stands in front because it takes paths with any prefix.
fn router(state: &AppState, outcomes: &Arc<Outcomes>) -> Router {
    let roles = state.config.roles;
    let mut router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(state.clone());
    if roles.web {
        router = router.merge(api::router(state.clone())).merge(ui::router());
    }
    if roles.intake {
        let intake = Intake::new(
            &state.config,
            state.store.clone(),
            state.spool.clone(),
            outcomes.clone(),
            state.metrics.clone(),
        );
        router = router.layer(from_fn_with_state(intake, intake::layer));
    }
    router
}

/// 200 when events can be taken, shown and stored; 503 with the reason otherwise.
async fn readyz(State(state): State<AppState>) -> Response {
    let fill = state.spool.stats();
    if fill.bytes >= state.config.limits.max_spool_bytes {
        return (StatusCode::SERVICE_UNAVAILABLE, "the spool is full\n").into_response();
    }
    let store = state.store.clone();
    match tokio::task::spawn_blocking(move || store.key("00000000000000000000000000000000")).await {
        Ok(Ok(_)) => "ready\n".into_response(),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready: the store does not answer");
            // The cause alone: anybody may ask, and need not learn where the data base is.
            let cause = std::error::Error::source(&error);
            let why = cause.map_or_else(String::new, |cause| format!(": {cause}"));
            let text = format!("the store does not answer{why}\n");
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the store does not answer\n",
        )
            .into_response(),
    }
}

async fn metrics(State(state): State<AppState>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], state.metrics.encode()).into_response()
}

fn start_digest(state: &AppState) -> anyhow::Result<std::thread::JoinHandle<()>> {
    let AppState {
        store,
        spool,
        config,
        metrics,
    } = state.clone();
    std::thread::Builder::new()
        .name("digest".into())
        .spawn(move || {
            give_way();
            digest::run(store, spool, metrics, config);
        })
        .context("the digest thread cannot be started")
}

/// Lets requests go first when processors are short: clients wait for intake, and the spool waits for digest. Threads
/// that digest starts inherit this.
fn give_way() {
    // SAFETY: no memory is involved. On Linux, process 0 means the calling thread.
    let result = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, DIGEST_NICENESS) };
    if result != 0 {
        tracing::debug!("digest keeps the priority of requests");
    }
}

fn wait_for(digest: std::thread::JoinHandle<()>) {
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ = done.send(digest.join().is_ok());
    });
    match ended.recv_timeout(DIGEST_GRACE) {
        Ok(true) => {}
        Ok(false) => tracing::error!("digest had panicked; its events are still in the spool"),
        Err(_) => tracing::warn!(
            "digest did not end its batch in time; it will be done again at the next start"
        ),
    }
}

async fn flush_outcomes(store: Arc<dyn Store>, outcomes: Arc<Outcomes>) {
    let mut every = tokio::time::interval(Duration::from_secs(1));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let (store, outcomes) = (store.clone(), outcomes.clone());
        // A panic inside would be logged by the hook; the next tick tries again.
        let _ = tokio::task::spawn_blocking(move || outcomes.flush(&*store)).await;
    }
}

async fn serve(
    listener: std::net::TcpListener,
    router: Router,
    config: &Config,
    ready: impl FnOnce(SocketAddr),
) -> anyhow::Result<()> {
    let listener =
        TcpListener::from_std(listener).context("the listening socket cannot be used")?;
    let mut stop = std::pin::pin!(stop_signal()?);
    let graceful = GracefulShutdown::new();
    let connections = Arc::new(Semaphore::new(config.limits.max_connections));
    ready(config.listen);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        let (stream, peer, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: trying again at once would only burn the processor.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let service =
            hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(ConnectInfo(peer));
                router.clone().call(request)
            });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(config.limits.header_timeout)
            .max_buf_size(CONNECTION_BUFFER)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    tracing::info!(
        open = graceful.count(),
        "stopping: requests in hand are finished first"
    );
    if tokio::time::timeout(REQUEST_GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            "some requests did not finish in time and were cut off; they were not acknowledged"
        );
    }
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> std::io::Result<(
    tokio::net::TcpStream,
    SocketAddr,
    tokio::sync::OwnedSemaphorePermit,
)> {
    let permit = connections
        .clone()
        .acquire_owned()
        .await
        .map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, permit))
}

/// Resolves at the first SIGTERM or SIGINT.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be watched")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be watched")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn listen(address: SocketAddr) -> anyhow::Result<std::net::TcpListener> {
    use std::io::ErrorKind;
    let listener = std::net::TcpListener::bind(address).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow::anyhow!(
            "port {} on {} is taken by another program; stop it, or choose another one with --listen {}:PORT",
            address.port(),
            address.ip(),
            address.ip()
        ),
        ErrorKind::PermissionDenied => anyhow::anyhow!(
            "port {} may not be opened by this user; choose one above 1023 with --listen {}:PORT",
            address.port(),
            address.ip()
        ),
        ErrorKind::AddrNotAvailable => anyhow::anyhow!(
            "{} is not an address of this machine; use --listen 127.0.0.1:{} or 0.0.0.0:{}",
            address.ip(),
            address.port(),
            address.port()
        ),
        _ => anyhow::anyhow!("{address} cannot be listened on: {error}"),
    })?;
    listener
        .set_nonblocking(true)
        .context("the listening socket cannot be used")?;
    Ok(listener)
}

/// Time for requests in hand after the stop signal. With the digest's it stays below the five seconds after which
/// service managers lose patience.
const REQUEST_GRACE: Duration = Duration::from_millis(2500);
/// A third of the processor time that an equal thread would get, when both want it.
const DIGEST_NICENESS: i32 = 5;
const DIGEST_GRACE: Duration = Duration::from_millis(1500);
/// Largest read buffer of one connection.
const CONNECTION_BUFFER: usize = 128 * 1024;
