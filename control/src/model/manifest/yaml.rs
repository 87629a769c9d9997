//! A document as YAML text: blocks for objects and lists, quotes for whatever could mean more.

use serde_json::Value;

/// Writes a document as a YAML stream with its `---`.
#[must_use]
pub fn to_yaml(document: &Value) -> String {
    let mut text = "---\n".to_owned();
    block(&mut text, document, 0);
    text
}

/// Writes a value that begins on a line of its own.
fn block(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Array(list) if !list.is_empty() => {
            for item in list {
                indent(text, depth);
                text.push_str("- ");
                item_of(text, item, depth + 1);
            }
        }
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                indent(text, depth);
                entry(text, key, value, depth);
            }
        }
        other => {
            indent(text, depth);
            text.push_str(&scalar(other));
            text.push('\n');
        }
    }
}

/// Writes what follows `- ` on the same line: the first key of an object, or a scalar.
fn item_of(text: &mut String, item: &Value, depth: usize) {
    match item {
        Value::Object(map) if !map.is_empty() => {
            for (at, (key, value)) in map.iter().enumerate() {
                if at > 0 {
                    indent(text, depth);
                }
                entry(text, key, value, depth);
            }
        }
        other => {
            text.push_str(&scalar(other));
            text.push('\n');
        }
    }
}

fn entry(text: &mut String, key: &str, value: &Value, depth: usize) {
    text.push_str(&plain(key));
    match value {
        Value::Array(list) if !list.is_empty() => {
            text.push_str(":\n");
            block(text, value, depth);
        }
        Value::Object(map) if !map.is_empty() => {
            text.push_str(":\n");
            block(text, value, depth + 1);
        }
        other => {
            text.push_str(": ");
            text.push_str(&scalar(other));
            text.push('\n');
        }
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text),
        // JSON is YAML, so what is left is written as JSON.
        other => other.to_string(),
    }
}

/// The text itself when nobody could read it as something else, otherwise in quotes.
fn plain(text: &str) -> String {
    let first = text
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '/');
    let rest = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '+'));
    let lower = text.to_ascii_lowercase();
    let word = matches!(
        &*lower,
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if first && rest && !word {
        text.to_owned()
    } else {
        Value::String(text.to_owned()).to_string()
    }
}

fn indent(text: &mut String, depth: usize) {
    for _ in 0..depth {
        text.push_str("  ");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let document = json!({
            "applications": [{
                "name": "shop",
                "env": { "A": "yes", "B": "1", "C": "a: b", "D": "line\nline", "E": "" },
                "processes": [{ "type": "web", "instances": 2, "none": [] }, { "type": "worker" }],
                "services": ["db", "- q"],
                "nested": [[1, 2], []],
                "empty": {},
            }],
        });
        assert_eq!(read(&to_yaml(&document)), document);
    }

    #[test]
    fn plain_words_stand_without_quotes() {
        let text = to_yaml(&json!({ "name": "my-app", "memory": "512M" }));
        assert_eq!(text, "---\nmemory: \"512M\"\nname: my-app\n");
    }
}
