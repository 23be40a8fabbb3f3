//! One record from the spool to one event for the store. No input stops the batch it is in: what cannot be
//! understood, and what makes our own code panic, is set aside with the reason.
//!
//! The event is a tree that borrows from the record's bytes from beginning to end; only what a rule replaces is
//! copied. Personal data: secrets go, always, in messages too. E-mail and IP addresses stay, because an SDK sends
//! them only if the app asked for it (`sendDefaultPii`, `setUser`), and counting users needs them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use faultwire_protocol::event::{Event, normalize};
use faultwire_protocol::json::{self, Value};
use faultwire_protocol::scrub::{ScrubOptions, Scrubber};
use faultwire_protocol::time::Millis;
use faultwire_protocol::{fingerprint, trim};

use super::{address, clock, facets};
use crate::intake::spool::{Attachment, Record};
use crate::store::payload::Packer;
use crate::store::{self, DigestedEvent, NewAttachment, PoisonEvent};

/// What one thread needs to prepare records.
pub(super) struct Preparer {
    packer: Packer,
    scrubber: Scrubber,
    max_bytes: usize,
}

/// Why a record was set aside: a code for the account of outcomes, a sentence for people.
struct Rejected {
    code: &'static str,
    reason: String,
}

impl Preparer {
    /// `max_event_bytes` is what intake lets through. Normalization and remarks may add an eighth to that; what is
    /// larger then is trimmed, never dropped.
    pub(super) fn new(max_event_bytes: usize) -> store::Result<Self> {
        let options = ScrubOptions {
            send_default_pii: true,
            ..ScrubOptions::default()
        };
        Ok(Self {
            packer: Packer::new()?,
            scrubber: Scrubber::new(options),
            max_bytes: max_event_bytes.saturating_add(max_event_bytes / 8),
        })
    }

    /// Digests one record, or sets it aside.
    pub(super) fn prepare(&mut self, record: &Record) -> Result<DigestedEvent, PoisonEvent> {
        let result = catch_unwind(AssertUnwindSafe(|| self.digest(record)));
        let rejected = match result {
            Ok(Ok(event)) => return Ok(event),
            Ok(Err(rejected)) => rejected,
            Err(panic) => {
                // The compressor may have been left in the middle of something.
                if let Ok(packer) = Packer::new() {
                    self.packer = packer;
                }
                Rejected {
                    code: "internal",
                    reason: format!("digest panicked: {}", text_of(&*panic)),
                }
            }
        };
        Err(PoisonEvent {
            project_id: record.project_id,
            event_id: *record.event_id.as_bytes(),
            received_ms: record.received_ms,
            code: rejected.code,
            reason: rejected.reason,
            payload: self.packer.pack(&record.payload),
        })
    }

    fn digest(&mut self, record: &Record) -> Result<DigestedEvent, Rejected> {
        let text = json::decode(&record.payload);
        let mut event = json::parse(&text).map_err(|error| Rejected {
            code: match error.kind {
                json::ErrorKind::TooDeep => "nesting_too_deep",
                _ => "invalid_json",
            },
            reason: error.to_string(),
        })?;
        if event.as_object().is_none() {
            return Err(Rejected {
                code: "payload",
                reason: "event is not a JSON object".to_owned(),
            });
        }

        normalize(&mut event, Millis(record.received_ms));
        // The id that was answered to the client is the event's id, whatever the payload says.
        event
            .make_object()
            .insert("event_id", Value::from(record.event_id.to_string()));
        let timestamp_ms =
            clock::correct(&mut event, record.sent_at.as_deref(), record.received_ms);
        address::fill(&mut event, record.client_ip.as_deref());
        // The raw address survives only where it was asked for.
        self.scrubber.scrub(&mut event);
        trim::trim(&mut event, self.max_bytes);

        let fingerprint = fingerprint::v1::compute(&event);
        let view = Event::new(&event);
        let title = view.title();
        let (kind, value) = facets::kind_and_value(view, &title);
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let mut payload = String::with_capacity(text.len() + text.len() / 8);
        event.write(&mut payload);
        Ok(DigestedEvent {
            project_id: record.project_id,
            event_id: *record.event_id.as_bytes(),
            received_ms: record.received_ms,
            timestamp_ms,
            fingerprint: fingerprint.hash,
            grouping_version: fingerprint.version.to_owned(),
            grouping_parts: fingerprint.parts,
            kind,
            value,
            culprit: view.culprit(),
            level: view.level(),
            platform: view.platform().to_owned(),
            handled: view
                .main_exception()
                .and_then(|exception| exception.handled()),
            release: owned(view.release()),
            environment: owned(view.environment()),
            user: facets::user_label(view),
            user_hash: facets::user_hash(view),
            tags: facets::tags(view),
            title,
            payload: self.packer.pack(payload.as_bytes()),
            attachments: record
                .attachments
                .iter()
                .map(|file| self.pack(file))
                .collect(),
        })
    }

    fn pack(&mut self, file: &Attachment) -> NewAttachment {
        NewAttachment {
            filename: file.filename.clone(),
            content_type: file.content_type.clone(),
            size: file.data.len() as u64,
            packed: self.packer.pack(&file.data),
        }
    }
}

/// The message of a panic.
pub(super) fn text_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
