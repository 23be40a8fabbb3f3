//! Version 1 of the grouping rules.

use super::Fingerprint;
use crate::event::Event;
use crate::json::Value;

/// Computes the fingerprint of an event.
pub fn compute(event: &Value<'_>) -> Fingerprint {
    let event = Event::new(event);
    let mut parts = Vec::new();
    for exception in event.exceptions() {
        parts.push(format!(
            "exception {}",
            exception.type_().unwrap_or("unknown")
        ));
        for frame in exception
            .frames()
            .filter(|frame| frame.in_app() != Some(false))
        {
            let place = frame.module().or(frame.filename()).unwrap_or("?");
            parts.push(format!(
                "frame {} in {place}",
                frame.function().unwrap_or("?")
            ));
        }
    }
    if parts.is_empty() {
        parts.push(format!(
            "message {}",
            event
                .message_template()
                .or(event.message())
                .unwrap_or_default()
        ));
    }
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    Fingerprint {
        hash: format!("{hash:032x}"),
        parts,
        version: "v1",
    }
}
