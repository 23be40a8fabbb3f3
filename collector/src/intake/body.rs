//! Reading a request's body: bounded in bytes and in time, decoded while it arrives.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body_util::BodyExt as _;

use super::Intake;
use super::budget::Hold;
use super::decode::{DecodeError, Decoder};
use super::reply::Refusal;

/// A decoded body. The memory it occupies is accounted for until this is dropped.
pub struct DecodedBody {
    /// The bytes after undoing the content encoding.
    pub bytes: Bytes,
    _hold: Hold,
}

/// Reads the whole body. Refuses with 413 (too large), 415 (unknown encoding), 400 (not what the encoding says),
/// 408 (too slow), 429 (no room in memory).
pub async fn read(
    intake: &Intake,
    headers: &HeaderMap,
    mut body: Body,
) -> Result<DecodedBody, Refusal> {
    let max = intake.limits.max_envelope_bytes;
    let encoding = match headers
        .get(header::CONTENT_ENCODING)
        .map(|value| value.to_str())
    {
        None => "",
        Some(Ok(text)) => text,
        Some(Err(_)) => return Err(unknown_encoding("?")),
    };
    let mut decoder = Decoder::new(encoding, max, Hold::new(&intake.budget)).ok_or_else(|| {
        // Repeat only a plausible name: the answer may end up in somebody's log.
        let plausible = encoding.len() <= 20
            && encoding
                .bytes()
                .all(|byte| byte.is_ascii_graphic() || byte == b' ');
        unknown_encoding(if plausible { encoding } else { "?" })
    })?;
    let mut wire = 0;
    let result = tokio::time::timeout(intake.limits.body_timeout, async {
        if let Some(length) = content_length(headers) {
            if length > max as u64 {
                return Err(refuse(DecodeError::TooLarge, max));
            }
            decoder
                .expect(length as usize)
                .map_err(|error| refuse(error, max))?;
        }
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                Refusal::new(StatusCode::BAD_REQUEST, "the body could not be read")
                    .cause(error.to_string())
            })?;
            let Ok(chunk) = frame.into_data() else {
                continue;
            };
            wire += chunk.len();
            if wire > max {
                return Err(refuse(DecodeError::TooLarge, max));
            }
            for piece in chunk.chunks(PIECE) {
                let before = decoder.len();
                decoder.push(piece).map_err(|error| refuse(error, max))?;
                if decoder.len() - before > LONG_PIECE {
                    // A bomb costs milliseconds a piece; let other requests run in between.
                    tokio::task::yield_now().await;
                }
            }
        }
        Ok(())
    })
    .await
    .unwrap_or_else(|_| {
        let seconds = intake.limits.body_timeout.as_secs();
        Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body did not arrive within {seconds} s"),
        ))
    });
    intake.metrics.body(wire as u64, decoder.len() as u64);
    if let Err(refusal) = result {
        drop(decoder);
        drain(body).await;
        return Err(refusal);
    }
    let (bytes, hold) = decoder.finish().map_err(|error| refuse(error, max))?;
    Ok(DecodedBody {
        bytes: Bytes::from(bytes),
        _hold: hold,
    })
}

/// Reads on for a bounded while. A client that is still sending when the connection closes sees a reset instead of
/// the answer, and would retry what can never pass.
async fn drain(mut body: Body) {
    let _ = tokio::time::timeout(DRAIN_TIME, async {
        let mut left = DRAIN_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let size = frame.data_ref().map_or(0, Bytes::len);
            if size >= left {
                break;
            }
            left -= size;
        }
    })
    .await;
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn unknown_encoding(name: &str) -> Refusal {
    Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        format!("unknown content encoding `{name}`"),
    )
    .cause("send gzip, deflate, br, zstd or no encoding")
    .reason("content_encoding")
}

fn refuse(error: DecodeError, max: usize) -> Refusal {
    match error {
        DecodeError::TooLarge => Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than {max} bytes after decompression"),
        )
        .reason("request_too_large"),
        DecodeError::Busy => Refusal::overloaded(),
        DecodeError::Malformed(reason) => Refusal::new(
            StatusCode::BAD_REQUEST,
            "the body cannot be decompressed as its content encoding says",
        )
        .cause(reason)
        .reason("invalid_compression"),
    }
}

/// Input given to a decoder at a time; at the worst ratio of deflate it becomes 4 MiB.
const PIECE: usize = 4 * 1024;
/// Output of one piece after which others get their turn.
const LONG_PIECE: usize = 256 * 1024;
const DRAIN_BYTES: usize = 4 * 1024 * 1024;
const DRAIN_TIME: std::time::Duration = std::time::Duration::from_secs(2);
