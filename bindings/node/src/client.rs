//! `NativeClient`: one client of the core, from options to shutdown.

use faultwire_native::{Client, Sdk};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::guard::guard;
use crate::scope::NativeScope;
use crate::tasks::{Wait, WaitFor};

/// A handle on the core's client. Dropping it does not close the client: the process may still be exiting through it.
#[napi]
pub struct NativeClient {
    inner: Client,
}

/// What the options came to, as far as the host has to know: see the core's `Settings`.
#[napi(object)]
pub struct NativeSettings {
    /// How long `flush()` waits when the app names no time, in milliseconds.
    pub flush_timeout_ms: f64,
    /// The most an exit may be held up, in milliseconds.
    pub shutdown_timeout_ms: f64,
    /// Whether a message carries the stack of the place that sent it.
    pub attach_stacktrace: bool,
    /// Whether the client's address may go on an event.
    pub send_default_pii: bool,
}

#[napi]
impl NativeClient {
    /// Builds a client from the options as JSON text. Wrong options become [`warnings`](Self::warnings), a wrong or
    /// missing DSN a disabled client.
    #[napi(constructor)]
    pub fn new(options_json: String, sdk_version: String) -> napi::Result<Self> {
        let sdk = Sdk {
            name: "faultwire.node".to_owned(),
            version: sdk_version,
            platform: "node".to_owned(),
        };
        // The one call that may throw: without a client there is nothing to hand out, and the loader answers with its
        // no-op client and a warning.
        guard(|| Some(Client::new(&options_json, sdk)))
            .map(|inner| Self { inner })
            .ok_or_else(|| napi::Error::from_reason("the native client failed to start"))
    }

    /// Warnings since the last call, each one sentence without a prefix.
    #[napi]
    pub fn warnings(&self) -> Vec<String> {
        guard(|| self.inner.warnings())
    }

    /// Whether events go anywhere.
    #[napi]
    pub fn enabled(&self) -> bool {
        guard(|| self.inner.enabled())
    }

    /// What the options came to, defaults included.
    #[napi]
    pub fn settings(&self) -> NativeSettings {
        let settings = self.inner.settings();
        NativeSettings {
            flush_timeout_ms: settings.flush_timeout_ms as f64,
            shutdown_timeout_ms: settings.shutdown_timeout_ms as f64,
            attach_stacktrace: settings.attach_stacktrace,
            send_default_pii: settings.send_default_pii,
        }
    }

    /// The process-wide scope.
    #[napi]
    pub fn scope(&self) -> NativeScope {
        NativeScope::new(self.inner.scope())
    }

    /// Takes an event back from a hook. With `fatal` it returns when the event is durable on disk.
    #[napi]
    pub fn submit(&self, prepared_json: String, fatal: bool) {
        guard(|| self.inner.submit(prepared_json, fatal));
    }

    /// Counts a prepared event that a hook dropped.
    #[napi]
    pub fn reject(&self, reason: String) {
        guard(|| self.inner.reject(&reason));
    }

    /// Waits on a pool thread until everything queued is delivered; resolves to whether that happened in time.
    #[napi(ts_return_type = "Promise<boolean>")]
    pub fn flush(&self, timeout_ms: f64) -> AsyncTask<Wait> {
        AsyncTask::new(Wait::new(self.inner.clone(), WaitFor::Flush, timeout_ms))
    }

    /// Like [`flush`](Self::flush), and stops the client.
    #[napi(ts_return_type = "Promise<boolean>")]
    pub fn close(&self, timeout_ms: f64) -> AsyncTask<Wait> {
        AsyncTask::new(Wait::new(self.inner.clone(), WaitFor::Close, timeout_ms))
    }

    /// [`flush`](Self::flush) on the calling thread: for `process.on("exit")`, where nothing asynchronous runs any more.
    #[napi]
    pub fn flush_sync(&self, timeout_ms: f64) -> bool {
        Wait::new(self.inner.clone(), WaitFor::Flush, timeout_ms).run()
    }

    /// [`close`](Self::close) on the calling thread: for replacing one client by the next.
    #[napi]
    pub fn close_sync(&self, timeout_ms: f64) -> bool {
        Wait::new(self.inner.clone(), WaitFor::Close, timeout_ms).run()
    }

    /// The loss ledger as JSON text: `{captured, delivered, queued, lost: {reason: n}}`.
    #[napi]
    pub fn stats(&self) -> String {
        guard(|| self.inner.stats())
    }
}
