//! Labels and annotations: what may be written, and which rows a selector means.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{ApiError, Fields};
use crate::store::{Filter, MetadataKind};

pub use crate::store::{Metadata, MetadataPatch};

impl Metadata {
    /// The document that every object carries.
    #[must_use]
    pub fn document(&self) -> Value {
        json!({"labels": self.labels, "annotations": self.annotations})
    }
}

impl MetadataPatch {
    /// Reads the `metadata` of a body: a value is set, `null` takes away.
    pub fn read(fields: &mut Fields<'_>) -> Self {
        let labels = section(fields, "labels", MetadataKind::Label);
        let annotations = section(fields, "annotations", MetadataKind::Annotation);
        Self {
            labels,
            annotations,
        }
    }
}

fn section(
    fields: &mut Fields<'_>,
    name: &'static str,
    kind: MetadataKind,
) -> BTreeMap<String, Option<String>> {
    let Some(value) = fields.value(name) else {
        return BTreeMap::new();
    };
    let Value::Object(entries) = value else {
        if !value.is_null() {
            fields.problem(format!("'{name}' is not an object"));
        }
        return BTreeMap::new();
    };
    match entries_of(entries, kind) {
        Ok(entries) => entries,
        Err(problem) => {
            fields.problem(problem);
            BTreeMap::new()
        }
    }
}

fn entries_of(
    entries: &Map<String, Value>,
    kind: MetadataKind,
) -> Result<BTreeMap<String, Option<String>>, String> {
    let mut read = BTreeMap::new();
    for (key, value) in entries {
        check_key(key, kind)?;
        let value = match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            _ => return Err(format!("{} value error: must be a string", kind.as_str())),
        };
        if let Some(text) = &value {
            check_value(text, kind)?;
        }
        read.insert(key.clone(), value);
    }
    Ok(read)
}

fn check_key(key: &str, kind: MetadataKind) -> Result<(), String> {
    let what = kind.as_str();
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if name.is_empty() {
        return Err(format!("{what} key error: key cannot be empty string"));
    }
    if name.len() > 63 {
        return Err(format!(
            "{what} key error: '{}...' is greater than 63 characters",
            cut(name)
        ));
    }
    if !is_label(name) {
        return Err(format!(
            "{what} key error: '{}' contains invalid characters",
            cut(key)
        ));
    }
    let good_prefix = |prefix: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
        prefix.len() <= 253 && prefix.contains('.') && prefix.bytes().all(fits)
    };
    if prefix.is_some_and(|prefix| !good_prefix(prefix)) {
        return Err(format!(
            "{what} key error: prefix must be in valid dns format"
        ));
    }
    Ok(())
}

fn check_value(value: &str, kind: MetadataKind) -> Result<(), String> {
    match kind {
        MetadataKind::Annotation if value.len() > 5000 => {
            Err("annotation value error: is greater than 5000 characters".to_owned())
        }
        MetadataKind::Label if value.len() > 63 => Err(format!(
            "label value error: '{}...' is greater than 63 characters",
            cut(value)
        )),
        MetadataKind::Label if !value.is_empty() && !is_label(value) => Err(format!(
            "label value error: '{value}' contains invalid characters"
        )),
        MetadataKind::Annotation | MetadataKind::Label => Ok(()),
    }
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let outer = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    text.bytes().all(inner) && outer(text.bytes().next()) && outer(text.bytes().last())
}

fn cut(text: &str) -> String {
    text.chars().take(8).collect()
}

/// The conditions of a `label_selector`: `a`, `!a`, `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`.
pub(super) fn select(selector: &str) -> Result<Vec<Filter>, ApiError> {
    let requirements = split(selector);
    requirements.iter().map(|text| requirement(text)).collect()
}

fn requirement(text: &str) -> Result<Filter, ApiError> {
    let refuse = || ApiError::bad_query("Invalid label_selector value");
    let text = text.trim();
    if let Some(key) = text.strip_prefix('!') {
        let key = checked(key).ok_or_else(refuse)?;
        return Ok(Filter::sql(WITHOUT).value(key).then(")"));
    }
    if let Some((key, values)) = text.split_once('(') {
        let values = values.strip_suffix(')').ok_or_else(refuse)?;
        let values: Vec<&str> = values.split(',').map(str::trim).collect();
        let mut words = key.split_whitespace();
        let key = words.next().and_then(checked).ok_or_else(refuse)?;
        let begin = match (words.next(), words.next()) {
            (Some("in"), None) => WITH,
            (Some("notin"), None) => WITHOUT,
            _ => return Err(refuse()),
        };
        return Ok(Filter::sql(begin)
            .value(key)
            .then(" AND m.value IN ")
            .values(values)
            .then(")"));
    }
    let (begin, key, value) = match text.split_once("!=") {
        Some((key, value)) => (WITHOUT, key, Some(value)),
        None => match text.split_once("==").or_else(|| text.split_once('=')) {
            Some((key, value)) => (WITH, key, Some(value)),
            None => (WITH, text, None),
        },
    };
    let filter = Filter::sql(begin).value(checked(key).ok_or_else(refuse)?);
    Ok(match value {
        Some(value) => filter.then(" AND m.value = ").value(value.trim()).then(")"),
        None => filter.then(")"),
    })
}

fn checked(key: &str) -> Option<&str> {
    let key = key.trim();
    check_key(key, MetadataKind::Label).ok().map(|()| key)
}

/// Splits at the commas outside of parentheses.
fn split(selector: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut inside = false;
    for letter in selector.chars() {
        inside = match letter {
            '(' => true,
            ')' => false,
            _ => inside,
        };
        match parts.last_mut() {
            Some(part) if letter != ',' || inside => part.push(letter),
            _ => parts.push(String::new()),
        }
    }
    parts
}

const WITH: &str = "EXISTS (SELECT 1 FROM metadata m WHERE m.resource_guid = t.guid \
    AND m.kind = 'label' AND m.name = ";
const WITHOUT: &str = "NOT EXISTS (SELECT 1 FROM metadata m WHERE m.resource_guid = t.guid \
    AND m.kind = 'label' AND m.name = ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_split_outside_of_parentheses() {
        assert_eq!(split("a=b,c in (d,e),!f"), ["a=b", "c in (d,e)", "!f"]);
        assert_eq!(select("a=b,c in (d,e),!f,g notin (h)").unwrap().len(), 4);
        for bad in ["", "a in b", "a on (b)", "!", "a in (b", "ä=b"] {
            assert!(select(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_and_values_have_their_forms() {
        let long = "a".repeat(64);
        for bad in ["", "-a", "a/", "nodots/a", long.as_str()] {
            assert!(check_key(bad, MetadataKind::Label).is_err(), "{bad}");
        }
        assert!(check_key("example.com/a_b.c", MetadataKind::Label).is_ok());
        assert!(check_value(&long, MetadataKind::Label).is_err());
        assert!(check_value(&long, MetadataKind::Annotation).is_ok());
    }
}
