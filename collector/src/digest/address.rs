//! Decides which IP address an event's user has. Source: protocol section 3.12.

use faultwire_protocol::event::Event;
use faultwire_protocol::json::Value;

const AUTO: &str = "{{auto}}";

/// Fills or empties `user.ip_address`.
///
/// `client_ip` is the address that intake saw. The SDK's setting `sdk.settings.infer_ip` decides: `auto` fills a
/// missing address, `never` fills nothing and removes a literal `{{auto}}`; SDKs without the setting get their
/// `{{auto}}` filled, and browsers and Apple apps a missing address as well, which is what those SDKs expect.
/// `REMOTE_ADDR` of a reported request is nearer to the user than our connection, so it goes first. An address that
/// nobody knows becomes absent, never the text `{{auto}}`.
pub(super) fn fill(event: &mut Value<'_>, client_ip: Option<&str>) {
    let stated = event
        .path(&["user", "ip_address"])
        .and_then(Value::as_str)
        .map(str::trim);
    let (auto, missing) = (stated == Some(AUTO), stated.is_none_or(str::is_empty));
    let setting = event
        .path(&["sdk", "settings", "infer_ip"])
        .and_then(Value::as_str);
    let remote = remote_addr(event).map(str::to_owned);

    let fill = match setting {
        Some("never") => false,
        Some("auto") => auto || missing,
        _ => {
            let from_connection = matches!(
                Event::new(event).platform(),
                "javascript" | "cocoa" | "objc"
            );
            auto || (missing && (remote.is_some() || from_connection))
        }
    };
    let known = remote.or_else(|| client_ip.map(str::to_owned));
    match known.filter(|_| fill) {
        Some(address) => {
            let user = event.make_object().entry("user").make_object();
            user.insert("ip_address", Value::from(address));
        }
        None if auto => {
            if let Some(user) = event.get_mut("user").and_then(Value::as_object_mut) {
                user.remove("ip_address");
            }
        }
        None => {}
    }
}

fn remote_addr<'v>(event: &'v Value<'_>) -> Option<&'v str> {
    let env = event.path(&["request", "env"])?;
    let listed = || {
        env.as_array()?
            .iter()
            .find_map(|pair| match pair.as_array()? {
                [name, value] if name.as_str() == Some("REMOTE_ADDR") => value.as_str(),
                _ => None,
            })
    };
    let address = env
        .get("REMOTE_ADDR")
        .and_then(Value::as_str)
        .or_else(listed)?
        .trim();
    address
        .parse::<std::net::IpAddr>()
        .is_ok()
        .then_some(address)
}

#[cfg(test)]
mod tests {
    use super::fill;
    use faultwire_protocol::json::{self, Value};

    fn filled(text: &str, client_ip: Option<&str>) -> Option<String> {
        let mut event = json::parse(text).unwrap();
        fill(&mut event, client_ip);
        event
            .path(&["user", "ip_address"])
            .and_then(Value::as_str)
            .map(str::to_owned)
    }

    #[test]
    fn table() {
        let peer = Some("192.0.2.7");
        for (event, client_ip, expected) in [
            (r#"{"user":{"ip_address":"{{auto}}"}}"#, peer, peer),
            (r#"{"user":{"ip_address":"{{auto}}"}}"#, None, None),
            (
                r#"{"user":{"ip_address":"198.51.100.1"}}"#,
                peer,
                Some("198.51.100.1"),
            ),
            (r#"{"platform":"node"}"#, peer, None),
            (r#"{"platform":"javascript"}"#, peer, peer),
            (r#"{"platform":"javascript"}"#, None, None),
            (
                r#"{"platform":"python","request":{"env":{"REMOTE_ADDR":"198.51.100.9"}}}"#,
                peer,
                Some("198.51.100.9"),
            ),
            (
                r#"{"platform":"python","request":{"env":[["REMOTE_ADDR","198.51.100.9"]]}}"#,
                peer,
                Some("198.51.100.9"),
            ),
            (
                r#"{"platform":"python","request":{"env":{"REMOTE_ADDR":"unix:"}}}"#,
                peer,
                None,
            ),
            (r#"{"sdk":{"settings":{"infer_ip":"auto"}}}"#, peer, peer),
            (
                r#"{"sdk":{"settings":{"infer_ip":"auto"}},"user":{"ip_address":"198.51.100.1"}}"#,
                peer,
                Some("198.51.100.1"),
            ),
            (
                r#"{"sdk":{"settings":{"infer_ip":"never"}},"platform":"javascript"}"#,
                peer,
                None,
            ),
            (
                r#"{"sdk":{"settings":{"infer_ip":"never"}},"user":{"ip_address":"{{auto}}"}}"#,
                peer,
                None,
            ),
        ] {
            assert_eq!(
                filled(event, client_ip).as_deref(),
                expected,
                "{event} from {client_ip:?}"
            );
        }
    }

    #[test]
    fn an_event_without_an_address_gets_no_user() {
        let mut event = json::parse("{}").unwrap();
        fill(&mut event, None);
        assert!(event.get("user").is_none());
    }
}
