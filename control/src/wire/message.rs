//! What every message of the bus has in common: from JSON, to JSON, and what is wrong with it.

use bus::codec;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One JSON object on the bus.
///
/// Unknown fields are ignored, optional ones may be missing or `null`.
pub trait Wire: Serialize + DeserializeOwned {
    /// The first mandatory field whose text is empty, which is as bad as missing.
    fn empty_key(&self) -> Option<&'static str> {
        None
    }

    /// Reads one message.
    ///
    /// # Errors
    ///
    /// Fails on what is not JSON, on a field of the wrong type, and when a mandatory field is
    /// missing, `null` or empty; the error names the field.
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let message: Self = serde_json::from_slice(bytes)?;
        match message.empty_key() {
            Some(key) => Err(DecodeError::Empty { key }),
            None => Ok(message),
        }
    }

    /// Writes the message with every field that an older part may look for.
    fn encode(&self) -> Vec<u8> {
        codec::encode(self).expect("invariant: messages are text, numbers and maps with text keys")
    }
}

/// A message that is dropped, and why.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A mandatory field is there, but holds nothing.
    #[error("`{key}` is empty")]
    Empty {
        /// The field, as on the wire.
        key: &'static str,
    },
    /// No JSON, a field of the wrong type, or a mandatory one that is missing.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Picks the first named text that is empty.
pub(super) fn first_empty(fields: &[(&'static str, &str)]) -> Option<&'static str> {
    let empty = fields.iter().find(|(_, text)| text.is_empty());
    empty.map(|(key, _)| *key)
}
