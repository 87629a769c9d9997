//! Documents: which of them a database can keep.

use serde_json::Value;

/// Whether U+0000 is in one of the document's texts or names; PostgreSQL keeps none.
#[must_use]
pub fn holds_nul(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(holds_nul),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::String(text) => text.contains('\0'),
        Value::Bool(_) | Value::Null | Value::Number(_) => false,
    }
}
