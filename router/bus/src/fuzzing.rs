//! Entry points for the fuzz targets, which are one line each.

use crate::codec::Reader;
use crate::message::{RegistryMessage, StartMessage};
use crate::server::parse::{Limits, split_invariance};

/// Decodes `bytes` as every message there is.
///
/// # Panics
///
/// Panics when a strict JSON parser takes what the codec refuses, or when what was decoded does not
/// survive being encoded.
pub fn message(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let skipped = reader.skip().and_then(|()| reader.end());
    if serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok() {
        assert_eq!(skipped, Ok(()), "strict JSON is refused");
    }
    if let Ok(message) = RegistryMessage::decode(bytes) {
        assert_eq!(skipped, Ok(()), "a message that is not JSON is taken");
        let encoded = message.encode();
        assert_eq!(RegistryMessage::decode(&encoded).as_ref(), Ok(&message));
    }
    if let Ok(start) = StartMessage::decode(bytes) {
        assert_eq!(StartMessage::decode(&start.encode()), Ok(start));
    }
}

/// Parses `bytes` as what a client sends, in one piece and in others.
///
/// # Panics
///
/// Panics when the operations depend on how the bytes were cut up.
pub fn protocol(bytes: &[u8]) {
    let Some((&cut, bytes)) = bytes.split_first() else {
        return;
    };
    let limits = Limits {
        control_line: 64,
        payload: 256,
    };
    split_invariance(bytes, &[1], limits);
    split_invariance(bytes, &[usize::from(cut), 3], limits);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Text that is JSON, or nearly so.
    fn nearly_json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            "-?[0-9]{1,6}(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
            "\"([ -~é]|\\\\u[0-9a-fA-F]{4}|\\\\[\"\\\\/bfnrt])*\"",
            "[ -~]{0,4}",
        ];
        leaf.prop_recursive(4, 24, 6, |inner| {
            let key = "\"(host|HOST|port|uris|tags|options|hash_balance|app|[a-z]{0,3})\"";
            let list = prop::collection::vec(inner.clone(), 0..4);
            let object = prop::collection::vec((key, inner), 0..6);
            prop_oneof![
                list.prop_map(|items| format!("[{}]", items.join(" ,"))),
                object.prop_map(|members| {
                    let pair = |(key, value): &(String, String)| format!("{key}: {value}");
                    let members: Vec<_> = members.iter().map(pair).collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn messages_hold_for_nearly_json(text in nearly_json()) {
            message(text.as_bytes());
        }

        #[test]
        fn messages_hold_for_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            message(&bytes);
        }

        #[test]
        fn the_protocol_holds_for_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            protocol(&bytes);
        }
    }
}
