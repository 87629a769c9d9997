//! Reading a body field by field; every problem is kept, and all are told at once.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::{ApiError, MetadataPatch};

/// The fields of a JSON object. What was not asked for by [`Fields::finish`] is refused as unknown.
#[derive(Debug)]
pub struct Fields<'v> {
    object: &'v Map<String, Value>,
    known: Vec<&'static str>,
    problems: Vec<String>,
}

impl<'v> Fields<'v> {
    /// The fields of an object.
    #[must_use]
    pub const fn of(object: &'v Map<String, Value>) -> Self {
        Self {
            object,
            known: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// A field as it is; `null` counts as there.
    pub fn value(&mut self, name: &'static str) -> Option<&'v Value> {
        self.known.push(name);
        self.object.get(name)
    }

    /// A string that may be left out; `null` counts as left out.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        self.nullable_text(name).flatten()
    }

    /// A string that may be left out or `null`, which are different things.
    pub fn nullable_text(&mut self, name: &'static str) -> Option<Option<String>> {
        match self.value(name)? {
            Value::Null => Some(None),
            Value::String(text) => Some(Some(text.clone())),
            _ => self.refuse(name, "must be a string"),
        }
    }

    /// A string that must be there and not empty; empty when it is not.
    pub fn required_text(&mut self, name: &'static str) -> String {
        match self.value(name) {
            Some(Value::String(text)) if !text.is_empty() => return text.clone(),
            None | Some(Value::Null | Value::String(_)) => self.problem_of(name, "can't be blank"),
            Some(_) => self.problem_of(name, "must be a string"),
        }
        String::new()
    }

    /// A name that must be there, of at most 255 characters.
    pub fn required_name(&mut self, name: &'static str) -> String {
        let text = self.required_text(name);
        self.check_length(name, &text);
        text
    }

    /// A name that may be left out; where it is there it is not empty and at most 255 characters.
    pub fn name(&mut self, name: &'static str) -> Option<String> {
        self.value(name)?;
        Some(self.required_name(name))
    }

    /// `true` or `false`, or left out.
    pub fn flag(&mut self, name: &'static str) -> Option<bool> {
        match self.value(name)? {
            Value::Null => None,
            Value::Bool(flag) => Some(*flag),
            _ => self.refuse(name, "must be a boolean"),
        }
    }

    /// An integer within a range, or left out; `null` counts as left out.
    pub fn integer(&mut self, name: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        self.nullable_integer(name, range).flatten()
    }

    /// An integer within a range, `null` or left out, which are different things.
    pub fn nullable_integer(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<Option<i64>> {
        match self.value(name)? {
            Value::Null => Some(None),
            Value::Number(number) => match number.as_i64() {
                Some(integer) if range.contains(&integer) => Some(Some(integer)),
                Some(integer) if integer < *range.start() => {
                    let words = format!("must be greater than or equal to {}", range.start());
                    self.refuse(name, &words)
                }
                Some(_) => {
                    let words = format!("must be less than or equal to {}", range.end());
                    self.refuse(name, &words)
                }
                None => self.refuse(name, "must be an integer"),
            },
            _ => self.refuse(name, "must be an integer"),
        }
    }

    /// A list of strings, or left out.
    pub fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        let value = self.value(name)?;
        if value.is_null() {
            return None;
        }
        let texts = value.as_array().and_then(|values| {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            values.iter().map(text).collect::<Option<Vec<_>>>()
        });
        if texts.is_none() {
            self.problem_of(name, "must be an array of strings");
        }
        texts
    }

    /// An object whose own fields `read` reads, or left out.
    pub fn nested<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        let object = match self.value(name)? {
            Value::Null => return None,
            Value::Object(object) => object,
            _ => return self.refuse(name, "must be an object"),
        };
        let mut inner = Self::of(object);
        let outcome = read(&mut inner);
        let whole = title(name);
        let problems = inner.all_problems().into_iter();
        self.problems
            .extend(problems.map(|problem| format!("{whole} {problem}")));
        Some(outcome)
    }

    /// `{"data": {"guid": …}}`, or left out; `Some(None)` for `{"data": null}`.
    pub fn one(&mut self, name: &'static str) -> Option<Option<String>> {
        let value = self.value(name)?;
        match guid_of(value) {
            Some(guid) => Some(guid),
            None => {
                let example = format!("{name}: {{\"data\": {{\"guid\": \"valid-guid\"}}}}");
                self.refuse(
                    name,
                    &format!("must be structured like this: \"{example}\""),
                )
            }
        }
    }

    /// `{"data": {"guid": …}}`, which must be there; empty when it is not.
    pub fn required_one(&mut self, name: &'static str) -> String {
        let problems = self.problems.len();
        match self.one(name).flatten() {
            Some(guid) => guid,
            None if self.problems.len() > problems => String::new(),
            None => {
                self.problem_of(name, "can't be blank");
                String::new()
            }
        }
    }

    /// `{"data": [{"guid": …}, …]}`, or left out.
    pub fn many(&mut self, name: &'static str) -> Option<Vec<String>> {
        let value = self.value(name)?;
        let guids = value
            .get("data")
            .and_then(Value::as_array)
            .and_then(|entries| entries.iter().map(bare_guid).collect::<Option<Vec<_>>>());
        if guids.is_none() {
            let example = format!("{name}: {{\"data\": [{{\"guid\": \"valid-guid\"}}]}}");
            self.problem_of(
                name,
                &format!("must be structured like this: \"{example}\""),
            );
        }
        guids
    }

    /// The required relationship of this name: `relationships.<name>.data.guid`; empty when missing.
    pub fn relationship(&mut self, name: &'static str) -> String {
        let found = self.nested("relationships", |inner| inner.required_one(name));
        match found {
            Some(guid) => guid,
            None => {
                if !self.object.contains_key("relationships") {
                    self.problem_of("relationships", "can't be blank");
                }
                String::new()
            }
        }
    }

    /// Labels and annotations.
    pub fn metadata(&mut self) -> MetadataPatch {
        self.nested("metadata", MetadataPatch::read)
            .unwrap_or_default()
    }

    /// Adds a problem with one field, as in `Name must be a string`.
    pub fn problem_of(&mut self, name: &str, words: &str) {
        self.problems.push(format!("{} {words}", title(name)));
    }

    /// Adds a problem in words of its own.
    pub fn problem(&mut self, words: impl Into<String>) {
        self.problems.push(words.into());
    }

    /// The names that are in the object.
    pub fn names(&self) -> impl Iterator<Item = &'v str> {
        self.object.keys().map(String::as_str)
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// 10008 with every problem, and every field that nothing asked for.
    pub fn finish(self) -> Result<(), ApiError> {
        let problems = self.all_problems();
        if problems.is_empty() {
            return Ok(());
        }
        Err(ApiError::unprocessable(problems.join(", ")))
    }

    /// Leaves the fields that nothing asked for alone, where any name is allowed.
    pub fn allow_others(&mut self) {
        self.object = EMPTY.get_or_init(Map::new);
    }

    fn all_problems(self) -> Vec<String> {
        let unknown: Vec<String> = self
            .object
            .keys()
            .filter(|name| !self.known.contains(&name.as_str()))
            .map(|name| format!("'{name}'"))
            .collect();
        let mut problems = self.problems;
        if !unknown.is_empty() {
            problems.insert(0, format!("Unknown field(s): {}", unknown.join(", ")));
        }
        problems
    }

    fn check_length(&mut self, name: &'static str, text: &str) {
        if text.chars().count() > MAX_NAME_CHARS {
            let words = format!("is too long (maximum is {MAX_NAME_CHARS} characters)");
            self.problem_of(name, &words);
        }
    }

    fn refuse<T>(&mut self, name: &str, words: &str) -> Option<T> {
        self.problem_of(name, words);
        None
    }
}

/// `memory_in_mb` is told as `Memory in mb`.
fn title(name: &str) -> String {
    let mut words = name.replace('_', " ");
    if let Some(first) = words.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    words
}

/// `Some(None)` for `{"data": null}`, `None` for what is neither this nor a guid.
fn guid_of(value: &Value) -> Option<Option<String>> {
    match value.get("data")? {
        Value::Null => Some(None),
        entry => bare_guid(entry).map(Some),
    }
}

fn bare_guid(entry: &Value) -> Option<String> {
    let guid = entry.get("guid")?.as_str()?;
    (!guid.is_empty() && guid.len() <= MAX_GUID_BYTES).then(|| guid.to_owned())
}

static EMPTY: std::sync::OnceLock<Map<String, Value>> = std::sync::OnceLock::new();
const MAX_NAME_CHARS: usize = 255;
const MAX_GUID_BYTES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(value: Value, read: impl FnOnce(&mut Fields<'_>)) -> String {
        let object = value.as_object().unwrap();
        let mut fields = Fields::of(object);
        read(&mut fields);
        fields.finish().unwrap_err().detail().to_owned()
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let body = json!({"name": 1, "suspended": "yes", "x": 1, "relationships": {"space": {}}});
        let detail = refusal(body, |fields| {
            fields.required_name("name");
            fields.flag("suspended");
            fields.relationship("space");
        });
        assert_eq!(
            detail,
            "Unknown field(s): 'x', Name must be a string, Suspended must be a boolean, \
             Relationships Space must be structured like this: \
             \"space: {\"data\": {\"guid\": \"valid-guid\"}}\""
        );
    }

    #[test]
    fn integers_keep_their_range() {
        let detail = refusal(json!({"memory_in_mb": 0, "instances": 1.5}), |fields| {
            fields.integer("memory_in_mb", 1..=10);
            fields.integer("instances", 0..=10);
        });
        assert_eq!(
            detail,
            "Memory in mb must be greater than or equal to 1, Instances must be an integer"
        );
    }

    #[test]
    fn null_differs_from_nothing_where_it_matters() {
        let value = json!({"command": null});
        let mut fields = Fields::of(value.as_object().unwrap());
        assert_eq!(fields.nullable_text("command"), Some(None));
        assert_eq!(fields.nullable_text("user"), None);
    }

    #[test]
    fn a_missing_relationship_is_told_once() {
        let detail = refusal(json!({}), |fields| {
            fields.relationship("space");
        });
        assert_eq!(detail, "Relationships can't be blank");
    }
}
