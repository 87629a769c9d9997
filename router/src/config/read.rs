//! Nodes to values, with Go's leniency: what a key may be written as.

use std::path::PathBuf;

use super::duration::GoDuration;
use super::error::{Place, Report};
use super::yaml::{Node, Value};

/// A value and where it was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<T> {
    pub(super) place: Place,
    pub(super) value: T,
}

/// What a key can hold.
pub(super) trait FromYaml: Sized {
    /// The keys below this one, with their full paths; none for a scalar or a list.
    fn keys(_path: &str, _found: &mut Vec<String>) {}

    /// Reads `node`, the value of `path`. `None` keeps the default: the node is a null, or the report
    /// says what is wrong.
    fn from_yaml(node: &Node, path: &str, report: &mut Report) -> Option<Self>;
}

/// A key that may be absent. Short methods, since every slice uses them on every key.
pub(super) trait Field<T> {
    /// The value, or the default.
    fn value_or(self, default: T) -> T;
    /// The value, or the type's default.
    fn or_empty(self) -> T
    where
        T: Default;
}

impl<T> Field<T> for Option<At<T>> {
    fn value_or(self, default: T) -> T {
        self.map_or(default, |at| at.value)
    }

    fn or_empty(self) -> T
    where
        T: Default,
    {
        self.map(|at| at.value).unwrap_or_default()
    }
}

/// Where a key was written, if it was.
pub(super) fn place_of<T>(field: Option<&At<T>>) -> Option<Place> {
    field.map(|at| at.place)
}

impl<T: FromYaml> FromYaml for At<T> {
    fn keys(path: &str, found: &mut Vec<String>) {
        T::keys(path, found);
    }

    fn from_yaml(node: &Node, path: &str, report: &mut Report) -> Option<Self> {
        T::from_yaml(node, path, report).map(|value| Self {
            place: node.place,
            value,
        })
    }
}

/// A list; a null is an empty one, as in Go.
impl<T: FromYaml> FromYaml for Vec<T> {
    fn keys(path: &str, found: &mut Vec<String>) {
        T::keys(&format!("{path}[]"), found);
    }

    fn from_yaml(node: &Node, path: &str, report: &mut Report) -> Option<Self> {
        match &node.value {
            Value::List(items) => Some(
                items
                    .iter()
                    .enumerate()
                    .filter_map(|(n, item)| T::from_yaml(item, &format!("{path}[{n}]"), report))
                    .collect(),
            ),
            Value::Null => Some(Self::new()),
            Value::Map(_) | Value::Text(_) => wrong(node, path, "a list", report),
        }
    }
}

/// Text: any scalar, in the spelling of the file.
impl FromYaml for String {
    fn from_yaml(node: &Node, path: &str, report: &mut Report) -> Option<Self> {
        scalar(node, path, "a text", report, |text| Some(text.to_owned()))
    }
}

/// A file's path; an empty text is kept, since it turns a file off.
impl FromYaml for PathBuf {
    fn from_yaml(node: &Node, path: &str, report: &mut Report) -> Option<Self> {
        scalar(node, path, "a path", report, |text| Some(Self::from(text)))
    }
}

impl FromYaml for bool {
    fn from_yaml(node: &Node, path: &str, report: &mut Report) -> Option<Self> {
        // compat: Go's YAML takes the words of YAML 1.1 where a boolean is wanted (gorouter 11.1).
        scalar(node, path, "`true` or `false`", report, |text| {
            match text.to_ascii_lowercase().as_str() {
                "false" | "n" | "no" | "off" => Some(false),
                "on" | "true" | "y" | "yes" => Some(true),
                _ => None,
            }
        })
    }
}

impl FromYaml for f64 {
    fn from_yaml(node: &Node, path: &str, report: &mut Report) -> Option<Self> {
        scalar(node, path, "a number", report, |text| {
            text.replace('_', "")
                .parse()
                .ok()
                .filter(|number: &Self| number.is_finite())
        })
    }
}

impl FromYaml for i64 {
    fn from_yaml(node: &Node, path: &str, report: &mut Report) -> Option<Self> {
        scalar(node, path, "a whole number", report, integer)
    }
}

impl FromYaml for u16 {
    fn from_yaml(node: &Node, path: &str, report: &mut Report) -> Option<Self> {
        scalar(
            node,
            path,
            "a whole number from 0 to 65535",
            report,
            |text| integer(text).and_then(|number| Self::try_from(number).ok()),
        )
    }
}

impl FromYaml for u32 {
    fn from_yaml(node: &Node, path: &str, report: &mut Report) -> Option<Self> {
        scalar(
            node,
            path,
            "a whole number from 0 to 4294967295",
            report,
            |text| integer(text).and_then(|number| Self::try_from(number).ok()),
        )
    }
}

impl FromYaml for GoDuration {
    fn from_yaml(node: &Node, path: &str, report: &mut Report) -> Option<Self> {
        let found = scalar(
            node,
            path,
            "a duration like `30s` or `1m30s`",
            report,
            Self::parse,
        );
        if let (None, Value::Text(text)) = (found, &node.value)
            && integer(text).is_some()
        {
            report.help(format!("add a unit: `{}s` or `{0}ms`", text.trim()));
        }
        found
    }
}

/// An integer as Go's YAML reads it: any base, underscores, and floats cut to whole numbers.
fn integer(text: &str) -> Option<i64> {
    let text = text.replace('_', "");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(&text)),
    };
    let based = |prefix: &str, radix| {
        let rest = digits
            .strip_prefix(prefix)
            .filter(|rest| !rest.starts_with(['+', '-']))?;
        i64::from_str_radix(rest, radix).ok()
    };
    let whole = based("0x", 16)
        .or_else(|| based("0b", 2))
        .or_else(|| based("0o", 8))
        // compat: a leading zero means octal (gorouter 11.1, by Go's ParseInt with base 0).
        .or_else(|| based("0", 8))
        .or_else(|| based("", 10));
    whole.map(|number| sign * number).or_else(|| cut(&text))
}

/// The whole part of a float, when it is an integer of 64 bits.
fn cut(text: &str) -> Option<i64> {
    let number: f64 = text.parse().ok()?;
    let whole = number.trunc();
    // Beyond 2^53 a float no longer names one integer; nothing here is that large.
    (whole.abs() <= LARGEST_EXACT)
        .then(|| format!("{whole:.0}").parse().ok())
        .flatten()
}

fn scalar<T>(
    node: &Node,
    path: &str,
    wanted: &str,
    report: &mut Report,
    read: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    match &node.value {
        Value::Null => None,
        Value::Text(text) => read(text).or_else(|| wrong(node, path, wanted, report)),
        Value::List(_) | Value::Map(_) => wrong(node, path, wanted, report),
    }
}

/// The value that `field` names, or the default when it names none or is empty.
pub(super) fn choose<T: Copy + Default>(
    field: Option<&At<String>>,
    path: &str,
    choices: &[(&str, T)],
    report: &mut Report,
) -> T {
    let Some(at) = field.filter(|at| !at.value.is_empty()) else {
        return T::default();
    };
    if let Some((_, value)) = choices.iter().find(|(name, _)| *name == at.value) {
        return *value;
    }
    let names: Vec<_> = choices
        .iter()
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    let (wanted, found) = (names.join(", "), at.value.escape_debug());
    report.error(
        at.place,
        format!("`{path}` must be one of {wanted}, found `{found}`"),
    );
    T::default()
}

/// Says what was wanted and what was found.
pub(super) fn wrong<T>(node: &Node, path: &str, wanted: &str, report: &mut Report) -> Option<T> {
    let found = node.value.describe();
    let subject = if path.is_empty() {
        "the file".to_owned()
    } else {
        format!("`{path}`")
    };
    report.error(
        node.place,
        format!("{subject} must be {wanted}, found {found}"),
    );
    None
}

const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use super::integer;

    #[test]
    fn an_integer_is_written_as_gos_yaml_allows() {
        for (text, expected) in [
            ("80", 80),
            ("+80", 80),
            ("-80", -80),
            ("0", 0),
            ("1_000", 1000),
            ("0x1F", 31),
            ("0o17", 15),
            ("017", 15),
            ("0b101", 5),
            ("3.9", 3),
            ("-3.9", -3),
            ("1e3", 1000),
            ("089", 89),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(integer(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "-",
            "--1",
            "0x",
            "0x-1",
            "1 2",
            "80a",
            ".nan",
            "inf",
            "NaN",
            "1e300",
            "9223372036854775808",
        ] {
            assert_eq!(integer(text), None, "{text}");
        }
    }
}
