//! What an answer of the server means for the envelope that was sent.

/// The fate of an envelope after one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Accepted: forget it.
    Delivered,
    /// Refused for good: forget it and count it under this reason (protocol §4.5).
    Discard(&'static str),
    /// Refused by a limit (429): forget it without counting, the server has counted. Limits: [`crate::rate_limit`].
    RateLimited,
    /// No answer, or an overloaded server: keep it and try again later.
    Retry,
}

/// Judges an HTTP status; `None` stands for no answer at all (refused connection, time-out, TLS failure).
///
/// Every 2xx is success, also on servers that answer 202. 500, 502, 503 and 504 are retried, unlike in the official SDKs,
/// which discard: our collector answers 503 with a time when it is overloaded, proxies answer 502 and 504 during a
/// deployment, and an event that waits on disk costs nothing. A redirect is a misconfiguration and is discarded.
/// Source: protocol §1.6 and §4.2.
pub fn verdict(status: Option<u16>) -> Verdict {
    match status {
        None => Verdict::Retry,
        Some(200..=299) => Verdict::Delivered,
        Some(429) => Verdict::RateLimited,
        Some(500 | 502 | 503 | 504) => Verdict::Retry,
        Some(_) => Verdict::Discard("send_error"),
    }
}
