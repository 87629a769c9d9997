//! YAML text to a tree whose every node knows its line. The only place that knows the parser.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Error, NonFiniteFloatPolicy, Spanned};

use super::error::{NotYaml, Place};

/// One node of the file.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// What a node holds. A scalar is only text here: the key decides what it means, as in Go.
#[derive(Clone, Debug)]
pub(super) enum Value {
    List(Vec<Node>),
    Map(Vec<Entry>),
    Null,
    Text(String),
}

/// One key of a map with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) node: Node,
}

/// Reads a text of another kind than `gorouter.yml`, such as a file of static routes, so that the
/// parser is known in this file only.
///
/// # Errors
///
/// Fails when the text is not YAML, or not a `T`; a key given twice is no YAML.
pub fn from_yaml<T: DeserializeOwned>(text: &str) -> Result<T, NotYaml> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! { max_nodes: MAX_NODES, max_depth: MAX_DEPTH, },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| NotYaml::new(&error))
}

/// Parses one document; an empty text is a null.
pub(super) fn parse(text: &str) -> Result<Node, NotYaml> {
    let options = serde_saphyr::options! {
        // A plain scalar keeps its spelling: `trace_key: 022` is "022", `zone: on` is "on".
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
        budget: serde_saphyr::budget! { max_nodes: MAX_NODES, max_depth: MAX_DEPTH, },
    };
    let raw: Option<Spanned<Raw>> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| NotYaml::new(&error))?;
    Ok(raw.map_or_else(Node::empty, |raw| raw_node(raw, text)))
}

/// The tree as the parser gives it: typed scalars, whose text is still to be taken from the file.
enum Raw {
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
    Null,
    Text(String),
    /// A plain number or boolean, with a fallback for when its span is not known.
    Typed(String),
}

impl Node {
    fn empty() -> Self {
        Self {
            place: Place { line: 1, column: 1 },
            value: Value::Null,
        }
    }
}

impl Value {
    /// What an operator would call this value.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::List(_) => "a list".into(),
            Self::Map(_) => "a map".into(),
            Self::Null => "nothing".into(),
            Self::Text(text) => match text.char_indices().nth(LONGEST_QUOTE) {
                None => format!("`{}`", text.escape_debug()),
                Some(_) => "a long text".into(),
            },
        }
    }
}

impl NotYaml {
    fn new(error: &Error) -> Self {
        let place = error
            .location()
            .map(place_of)
            .filter(|place| place.line > 0);
        let rendered = match error.without_snippet() {
            // The parser's own words give advice about its options, which an operator does not have.
            Error::DuplicateMappingKey { key: Some(key), .. } => format!("`{key}` is given twice"),
            Error::MultipleDocuments { .. } => "the file has more than one document".to_owned(),
            Error::NullIntoString { .. } => "a key is missing".to_owned(),
            other => other.to_string(),
        };
        // The place is said once, by whoever prints the error.
        let message = rendered.split(" at line ").next().unwrap_or_default();
        Self {
            message: message.trim_end_matches([',', ':', ' ']).to_owned(),
            place,
        }
    }
}

fn raw_node(raw: Spanned<Raw>, text: &str) -> Node {
    let place = place_of(raw.referenced);
    let value = match raw.value {
        Raw::List(items) => {
            Value::List(items.into_iter().map(|item| raw_node(item, text)).collect())
        }
        Raw::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| Entry {
                    key_place: place_of(key.referenced),
                    key: key.value,
                    node: raw_node(value, text),
                })
                .collect(),
        ),
        Raw::Null => Value::Null,
        Raw::Text(text) => Value::Text(text),
        Raw::Typed(fallback) => {
            Value::Text(spelling(raw.defined, text).map_or(fallback, str::to_owned))
        }
    };
    Node { place, value }
}

/// The text of the file at `location`.
fn spelling(location: serde_saphyr::Location, text: &str) -> Option<&str> {
    let span = location.span();
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let length = usize::try_from(span.byte_len()?).ok()?;
    let found = text.get(start..start.checked_add(length)?)?.trim();
    (!found.is_empty()).then_some(found)
}

fn place_of(location: serde_saphyr::Location) -> Place {
    Place {
        line: location.line(),
        column: location.column(),
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scalar, a list or a map")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

/// More nodes than any configuration has; an alias bomb ends here.
const MAX_NODES: usize = 200_000;
const MAX_DEPTH: usize = 64;
/// Longer values (certificates, mostly) are not repeated in messages.
const LONGEST_QUOTE: usize = 60;

#[cfg(test)]
mod tests {
    use super::{Node, Place, Value, parse};

    fn entry(text: &str, key: &str) -> Node {
        let Value::Map(entries) = parse(text).unwrap().value else {
            panic!("not a map")
        };
        entries
            .into_iter()
            .find(|entry| entry.key == key)
            .unwrap()
            .node
    }

    fn text(node: &Node) -> &str {
        let Value::Text(text) = &node.value else {
            panic!("not a text: {node:?}")
        };
        text
    }

    #[test]
    fn a_scalar_keeps_its_spelling() {
        for spelling in [
            "022", "1.10", "1e3", "0x1F", "1_000", "yes", "on", "True", "-7", ".5", "+3",
        ] {
            let node = entry(&format!("a: 1\nkey: {spelling} # why\nb: 2\n"), "key");
            assert_eq!(text(&node), spelling);
        }
    }

    #[test]
    fn quotes_and_blocks_are_texts() {
        assert_eq!(text(&entry("key: '22'\n", "key")), "22");
        assert_eq!(text(&entry("key: \"a\\tb\"\n", "key")), "a\tb");
        assert_eq!(text(&entry("key: |\n  one\n  two\n", "key")), "one\ntwo\n");
        assert_eq!(text(&entry("key: ''\n", "key")), "");
    }

    #[test]
    fn an_unquoted_nothing_is_null() {
        for nothing in ["", "~", "null", "Null"] {
            let node = entry(&format!("key: {nothing}\n"), "key");
            assert!(matches!(node.value, Value::Null), "{nothing}");
        }
    }

    #[test]
    fn an_empty_file_is_null() {
        for empty in ["", "\n", "# only this\n", "---\n", "---\n...\n"] {
            assert!(
                matches!(parse(empty).unwrap().value, Value::Null),
                "{empty:?}"
            );
        }
    }

    #[test]
    fn a_node_knows_its_place() {
        let node = entry("# first\nport: 1\n  \nzone:   ä\n", "zone");
        assert_eq!(node.place, Place { line: 4, column: 9 });
    }

    #[test]
    fn anchors_and_merges_are_expanded() {
        let merged = entry("base: &b {x: 1.10}\nkey:\n  <<: *b\n", "key");
        let Value::Map(entries) = merged.value else {
            panic!("not a map")
        };
        assert_eq!(text(&entries[0].node), "1.10");
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for n in 1..12 {
            let before = vec![format!("*a{}", n - 1); 10].join(",");
            bomb.push_str(&format!("a{n}: &a{n} [{before}]\n"));
        }
        assert!(parse(&bomb).is_err());
    }

    #[test]
    fn a_file_of_another_kind_names_its_line_too() {
        type Weights = std::collections::BTreeMap<String, u8>;
        assert_eq!(
            super::from_yaml::<Weights>("a: 1\nb: 2\n").unwrap().len(),
            2
        );
        let error = super::from_yaml::<Weights>("a: 1\nb: 300\n").unwrap_err();
        assert!(error.to_string().starts_with("2:4: "), "{error}");
    }

    #[test]
    fn broken_yaml_names_its_line() {
        let error = parse("port: 1\nzone: [a, b\nindex: 2\n").unwrap_err();
        assert!(
            error.place.is_some_and(|place| place.line >= 2),
            "{error:?}"
        );
        assert!(
            !error.message.is_empty() && !error.message.contains(" line "),
            "{error:?}"
        );
    }

    #[test]
    fn other_line_ends_and_a_byte_order_mark_change_nothing() {
        let node = entry("\u{feff}port: 1.50\r\nzone: a\r\n", "port");
        assert_eq!(text(&node), "1.50");
        assert_eq!(
            text(&entry("\u{feff}port: 1\r\nzone: 1.50\r\n", "zone")),
            "1.50"
        );
    }

    #[test]
    fn every_kind_of_broken_yaml_has_a_place_and_a_reason() {
        for broken in [
            "a: \"b\n",
            "a: [1\n",
            "a: {b: 1\n",
            "a:\n  b: 1\n c: 2\n",
            "a: *nobody\n",
            "a: 1\nb\n",
            "a: !!int x\n",
            "a: &x\n  <<: 1\n",
            "? [a]\n: b\n",
            "~: b\n",
            "a: 1\n---\nb: 2\n",
            "a: b: c\n",
            "%YAML 9.9\na: 1\n",
        ] {
            let error = parse(broken).unwrap_err();
            assert!(error.place.is_some(), "{broken:?}");
            assert!(!error.message.is_empty(), "{broken:?}");
            // Advice for users of the parser is none for operators.
            for word in ["\n", "Option", "from_str"] {
                assert!(
                    !error.message.contains(word),
                    "{broken:?}: {}",
                    error.message
                );
            }
        }
    }

    #[test]
    fn a_key_given_twice_is_refused() {
        let error = parse("port: 1\nport: 2\n").unwrap_err();
        assert_eq!(error.place.map(|place| place.line), Some(2), "{error:?}");
    }
}
