//! The engine: from a captured event to an envelope in the queue.
//!
//! It holds no state that changes, so one engine serves all threads by shared reference. A driver uses it in one of two ways:
//!
//! - without a hook: [`Engine::admit`] on the calling thread, [`Engine::capture`] on the worker;
//! - with a hook: [`Engine::prepare`] on the calling thread, the host's hook on its result, [`Engine::submit`] on the
//!   worker.
//!
//! ```
//! use faultwire_core::engine::{Admission, Capture, Engine, NoSources, Outcome, SdkInfo};
//! use faultwire_core::options::Options;
//! use faultwire_protocol::{id::EventId, time::{Millis, Now}};
//!
//! let text = r#"{"dsn": "https://0123456789abcdef0123456789abcdef@errors.example/1", "release": "shop@1.4.2"}"#;
//! let (options, warnings) = Options::from_json(text, &|_| None);
//! assert!(warnings.is_empty());
//! let sdk = SdkInfo { name: "faultwire.doc".into(), version: "0.1.0".into(), platform: "rust".into() };
//! let (engine, _) = Engine::new(options, sdk);
//!
//! let mut scope = engine.scope();
//! scope.set("tag", "region", "\"eu\"").unwrap();
//! let id = EventId::from_random([7; 16]);
//! assert_eq!(engine.admit(id), Admission::Accepted);
//! let now = Now { mono: Millis(0), wall: Millis(1_762_071_330_120) };
//! let capture = Capture { event_json: r#"{"message": "out of stock"}"#.into(), scope, id, now, fatal: false };
//! let Outcome::Ready(ready) = engine.capture(&capture, &mut NoSources) else { panic!("dropped") };
//! assert!(String::from_utf8_lossy(&ready.payload).contains("shop@1.4.2"));
//! ```
//!
//! Every event that does not come out as [`Outcome::Ready`] comes out with its [`Loss`], to be booked by the outbox. The
//! order of the steps, and the reasons, are in `pipeline`.

use crate::loss::Loss;
use crate::options::{Options, Warning};
use crate::outbox::{EntryMeta, NewEntry, Priority};
use crate::pipeline::{self, IgnoreList, depth};
use crate::scope::Scope;
use faultwire_protocol::fingerprint;
use faultwire_protocol::id::EventId;
use faultwire_protocol::json::{self, Object, Value};
use faultwire_protocol::scrub::{ScrubOptions, Scrubber};
use faultwire_protocol::time::{Millis, Now};
use std::borrow::Cow;

/// Who sends: goes into `event.sdk` and `event.platform`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdkInfo {
    /// Such as `faultwire.node`.
    pub name: String,
    /// Such as `0.1.0`.
    pub version: String,
    /// Such as `node` (protocol §3.2).
    pub platform: String,
}

/// The processing of one client. See the module.
#[derive(Debug)]
pub struct Engine {
    options: Options,
    sdk: SdkInfo,
    ignore: IgnoreList,
    scrubber: Scrubber,
}

/// One captured event, as it travels from the calling thread to the worker.
#[derive(Debug, Clone)]
pub struct Capture {
    /// The event as JSON text. An exception may carry its raw stack text under `stack`.
    pub event_json: String,
    /// The scope at the moment of the capture.
    pub scope: Scope,
    /// The event's id; replaces one that the event names.
    pub id: EventId,
    /// The moment of the capture.
    pub now: Now,
    /// Whether the process is about to die of it.
    pub fatal: bool,
}

/// Whether an event goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Hand it over.
    Accepted,
    /// Dropped; book it.
    Lost(Loss),
    /// The client is disabled: forget it, uncounted (protocol §6.3, step 1).
    Disabled,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// To be stored and queued.
    Ready(Ready),
    /// Dropped; book it under category `error`.
    Dropped(Loss),
}

/// An event on its way into the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Its id.
    pub id: EventId,
    /// Data category (protocol §4.4).
    pub category: Cow<'static, str>,
    /// Its rank in the queue.
    pub priority: Priority,
    /// When it was captured, wall time.
    pub captured: Millis,
    /// The envelope without `sent_at`; [`crate::envelope::seal`] completes it.
    pub payload: Vec<u8>,
    /// The fault it belongs to, for storm control; never sent.
    pub fingerprint: String,
}

impl Ready {
    /// What the outbox is told of it, stored as `bytes` bytes under `key`.
    pub fn entry(&self, key: u64, bytes: u64) -> NewEntry {
        NewEntry {
            key,
            event_id: self.id,
            category: self.category.clone(),
            priority: self.priority,
            bytes,
        }
    }

    /// What is stored beside the payload.
    pub fn meta(&self) -> EntryMeta {
        EntryMeta {
            event_id: self.id,
            priority: self.priority,
            captured: self.captured,
            category: self.category.clone(),
        }
    }
}

/// Source lines around a place in the app's files. Implemented by drivers; browsers have none ([`NoSources`]).
pub trait Sources {
    /// The lines around `line` (from 1) of the file at `path`; `None` if it cannot be read or has no such line.
    fn lines(&mut self, path: &str, line: u32) -> Option<SourceLines>;
}

/// A line and its neighbours, without line ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceLines {
    /// Up to five lines before, in order.
    pub pre: Vec<String>,
    /// The line itself.
    pub line: String,
    /// Up to five lines after, in order.
    pub post: Vec<String>,
}

/// No files to read from.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSources;

impl Sources for NoSources {
    fn lines(&mut self, _: &str, _: u32) -> Option<SourceLines> {
        None
    }
}

impl Engine {
    /// Prepares processing for these options. The warnings are about expressions in `ignoreErrors` that do not compile.
    pub fn new(options: Options, sdk: SdkInfo) -> (Engine, Vec<Warning>) {
        let (ignore, complaints) = IgnoreList::new(&options.ignore_errors);
        let scrubber = Scrubber::new(ScrubOptions {
            send_default_pii: options.send_default_pii,
            extra_keys: options.scrub_keys.clone(),
            safe_keys: options.scrub_safe_keys.clone(),
        });
        (
            Engine {
                options,
                sdk,
                ignore,
                scrubber,
            },
            complaints.into_iter().map(Warning).collect(),
        )
    }

    /// The options it was made with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// A scope with this client's limits.
    pub fn scope(&self) -> Scope {
        Scope::new(self.options.max_breadcrumbs)
    }

    /// Decides on the calling thread whether an event goes on, without looking at it. Only for captures without a hook;
    /// with one, [`Engine::submit`] samples.
    pub fn admit(&self, id: EventId) -> Admission {
        if !self.options.is_active() {
            Admission::Disabled
        } else if self.sampled(id) {
            Admission::Accepted
        } else {
            Admission::Lost(Loss::SampleRate)
        }
    }

    /// Processes an admitted event.
    pub fn capture(&self, capture: &Capture, sources: &mut dyn Sources) -> Outcome {
        match self.merge(capture) {
            Ok(event) => self.finish(event, capture.id, capture.fatal, capture.now, sources),
            Err(loss) => Outcome::Dropped(loss),
        }
    }

    /// Gives the event as a hook shall see it: merged, with frames, before scrubbing (decision 6: a hook cannot leak).
    ///
    /// Fails with the loss to book if `ignoreErrors` matches or the event is no JSON object. The caller has checked
    /// [`Options::is_active`].
    pub fn prepare(&self, capture: &Capture) -> Result<String, Loss> {
        self.merge(capture).map(|event| event.to_string())
    }

    /// Processes what a hook returned. The event keeps the id that [`Engine::prepare`] gave it; if the hook took it away,
    /// it gets `id`.
    pub fn submit(
        &self,
        json: &str,
        id: EventId,
        fatal: bool,
        now: Now,
        sources: &mut dyn Sources,
    ) -> Outcome {
        let mut event = match parse(json) {
            Ok(event) => event,
            Err(loss) => return Outcome::Dropped(loss),
        };
        let id = event
            .get("event_id")
            .and_then(Value::as_str)
            .and_then(EventId::parse)
            .unwrap_or(id);
        if !self.sampled(id) {
            return Outcome::Dropped(Loss::SampleRate);
        }
        let object = event.make_object();
        pipeline::identify(object, id, now);
        pipeline::complete_hooked(object, &self.options, &self.sdk.platform);
        self.finish(event, id, fatal, now, sources)
    }

    /// Parse, ignore, scope, defaults, frames.
    fn merge<'a>(&'a self, capture: &'a Capture) -> Result<Value<'a>, Loss> {
        let mut event = parse(&capture.event_json)?;
        if self.ignore.matches(&event) {
            return Err(Loss::EventProcessor);
        }
        let object = event.make_object();
        pipeline::identify(object, capture.id, capture.now);
        let own_level = object
            .get("level")
            .filter(|level| !level.is_null())
            .cloned();
        capture.scope.merge_into(object, capture.now.wall);
        if capture.fatal {
            // A scope that lowers levels does not make a crash a warning; a host that names the level knows better.
            object.insert("level", own_level.unwrap_or(Value::from("fatal")));
        }
        pipeline::add_defaults(object, &self.options, &self.sdk.platform, self.sdk_value());
        pipeline::make_frames(object, &self.options);
        Ok(event)
    }

    /// Source lines, scrub, trim, fingerprint, envelope.
    fn finish(
        &self,
        mut event: Value<'_>,
        id: EventId,
        fatal: bool,
        now: Now,
        sources: &mut dyn Sources,
    ) -> Outcome {
        pipeline::add_sources(event.make_object(), sources);
        self.scrubber.scrub(&mut event);
        pipeline::cut(&mut event, &self.options);
        Outcome::Ready(Ready {
            id,
            category: Cow::Borrowed("error"),
            priority: pipeline::priority(&event, fatal),
            captured: now.wall,
            fingerprint: fingerprint::v1::compute(&event).hash,
            payload: crate::envelope::build(&id.to_string(), self.sdk_value(), &event),
        })
    }

    /// Whether the event with this id is kept: a fixed function of id and rate, so that it can be decided anywhere.
    fn sampled(&self, id: EventId) -> bool {
        // The last seven bytes of a version 4 UUID are random throughout.
        let bytes = id.as_bytes();
        let random = bytes[9..]
            .iter()
            .fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        // Rate 1 keeps all, also the few numbers that round up to 2^56.
        self.options.sample_rate >= 1.0
            || (random as f64) < self.options.sample_rate * (1u64 << 56) as f64
    }

    fn sdk_value(&self) -> Value<'_> {
        let entries = [
            ("name", Value::from(self.sdk.name.as_str())),
            ("version", Value::from(self.sdk.version.as_str())),
        ];
        Value::Object(entries.into_iter().collect::<Object<'_>>())
    }
}

/// Reads an event. What is nested too deeply for any parser is cut first, since the rest of the event is still worth having.
fn parse(json: &str) -> Result<Value<'_>, Loss> {
    let tree = match json::parse(json) {
        Err(error) if error.kind == json::ErrorKind::TooDeep => {
            let flat = depth::flatten(json, depth::MAX_EVENT_DEPTH);
            json::parse(&flat).map(Value::into_owned)
        }
        tree => tree,
    };
    match tree {
        Ok(event @ Value::Object(_)) => Ok(event),
        _ => Err(Loss::Invalid),
    }
}

#[cfg(test)]
mod tests;
