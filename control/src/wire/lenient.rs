//! Fields that older parts fill loosely: `null` for nothing, a fraction for a whole number.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// `null` is the default, as a missing field is.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A whole number that may come with a fraction, which is cut off.
// compat: capacity times an overcommit factor is a float in Ruby (dea_ng resource_manager.rb).
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok(maybe_whole(deserializer)?.unwrap_or_default())
}

/// [`whole`], or nothing when it is `null`.
pub(super) fn maybe_whole<'de, D>(deserializer: D) -> Result<Option<i64>, D::Error>
where
    D: Deserializer<'de>,
{
    let number: Option<serde_json::Number> = Option::deserialize(deserializer)?;
    // A float that does not fit stops at the end of the range (`as` saturates).
    Ok(number.map(|n| {
        n.as_i64()
            .unwrap_or_else(|| n.as_f64().unwrap_or_default() as i64)
    }))
}

/// A list of texts; what is no list is an empty one, and what is no text is left out.
pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(list_of_texts(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// [`texts`], or nothing when it is no list at all.
pub(super) fn maybe_texts<'de, D>(deserializer: D) -> Result<Option<Vec<String>>, D::Error>
where
    D: Deserializer<'de>,
{
    Ok(list_of_texts(Value::deserialize(deserializer)?))
}

fn list_of_texts(value: Value) -> Option<Vec<String>> {
    let Value::Array(elements) = value else {
        return None;
    };
    let text = |element| match element {
        Value::String(text) => Some(text),
        _ => None,
    };
    Some(elements.into_iter().filter_map(text).collect())
}

/// Whether a list is left out of the message.
pub(super) fn is_empty<T>(list: &[T]) -> bool {
    list.is_empty()
}
