//! Reading the keys of one manifest object; what is wrong is collected, not thrown.

use serde_json::{Map, Value};

use super::size;

/// The keys of one object, and where its problems go.
pub(super) struct Fields<'m, 'p> {
    map: &'m Map<String, Value>,
    /// What stands before each problem, as in `Process "web": `.
    prefix: String,
    problems: &'p mut Vec<String>,
}

impl<'m, 'p> Fields<'m, 'p> {
    pub(super) const fn new(
        map: &'m Map<String, Value>,
        prefix: String,
        problems: &'p mut Vec<String>,
    ) -> Self {
        Self {
            map,
            prefix,
            problems,
        }
    }

    /// What a key holds; a null is as good as nothing.
    pub(super) fn value(&self, key: &str) -> Option<&'m Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    pub(super) fn problem(&mut self, text: impl AsRef<str>) {
        self.problems
            .push(format!("{}{}", self.prefix, text.as_ref()));
    }

    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match self.value(key)? {
            Value::String(text) => Some(text.clone()),
            _ => self.wrong(key, "must be a string"),
        }
    }

    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        match self.value(key)? {
            Value::Bool(flag) => Some(*flag),
            _ => self.wrong(key, "must be a boolean"),
        }
    }

    /// A whole number that is at least `least`.
    pub(super) fn number(&mut self, key: &str, least: u32) -> Option<u32> {
        let number = match self.value(key)? {
            Value::Number(number) => number.clone(),
            _ => return self.wrong(key, "is not a number"),
        };
        let fits = number.as_u64().and_then(|n| u32::try_from(n).ok());
        match fits.filter(|&n| n >= least && n <= LARGEST) {
            Some(number) => Some(number),
            None if number.as_i64().is_some_and(|n| n > 0) => {
                self.wrong(key, &format!("must be less than or equal to {LARGEST}"))
            }
            None if number.as_i64().is_some() => {
                self.wrong(key, &format!("must be greater than or equal to {least}"))
            }
            None => self.wrong(key, "must be an integer"),
        }
    }

    /// A size in MB, at least 1.
    pub(super) fn megabytes(&mut self, key: &str) -> Option<u32> {
        let value = self.value(key)?;
        let Some(megabytes) = value.as_str().and_then(size::megabytes) else {
            return self.wrong(key, size::UNITS);
        };
        if (1..=LARGEST).contains(&megabytes) {
            Some(megabytes)
        } else {
            self.wrong(key, "must be greater than 0MB")
        }
    }

    /// Bytes per second, or -1 for no limit.
    pub(super) fn log_rate(&mut self, key: &str) -> Option<i64> {
        let text = match self.value(key)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return self.wrong(key, size::UNITS),
        };
        if text == "-1" || text == "0" {
            return text.parse().ok();
        }
        let bytes = size::bytes(&text).and_then(|bytes| i64::try_from(bytes).ok());
        if bytes.is_none() {
            return self.wrong(key, size::UNITS);
        }
        bytes
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        let list = self.value(key)?.as_array();
        let texts = list.and_then(|list| {
            let texts = list.iter().map(|item| item.as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>()
        });
        if texts.is_none() {
            return self.wrong(key, "must be an array of strings");
        }
        texts
    }

    pub(super) fn object(&mut self, key: &str) -> Option<&'m Map<String, Value>> {
        match self.value(key)? {
            Value::Object(map) => Some(map),
            _ => self.wrong(key, "must be an object"),
        }
    }

    /// A list of objects; what is no object is told and left out.
    pub(super) fn objects(&mut self, key: &str) -> Vec<&'m Map<String, Value>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let objects = value
            .as_array()
            .and_then(|list| list.iter().map(Value::as_object).collect());
        objects.unwrap_or_else(|| {
            self.wrong::<()>(key, "must be an array of objects");
            Vec::new()
        })
    }

    fn wrong<T>(&mut self, key: &str, problem: &str) -> Option<T> {
        self.problem(format!("{} {problem}", spoken(key)));
        None
    }
}

/// A key as clients are told of it: `health-check-type` is `Health check type`.
pub(super) fn spoken(key: &str) -> String {
    let words = key.replace(['-', '_'], " ");
    let mut letters = words.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// What fits in every column and message that counts things.
const LARGEST: u32 = i32::MAX as u32;
