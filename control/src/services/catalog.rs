//! A broker's catalogue: read with all its problems told, or taken as it is.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::model::{Catalog, ListedOffering, ListedPlan, OfferingFacts, PlanFacts};

/// What is wrong with a catalogue, one problem in each line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BadCatalog(pub String);

/// Reads the answer to `GET /v2/catalog`.
///
/// # Errors
///
/// Fails with all problems when anything is missing, of the wrong type, or there twice.
pub fn read_catalog(document: &Map<String, Value>) -> Result<Catalog, BadCatalog> {
    let mut reader = Reader::default();
    let offerings = match document.get("services") {
        Some(Value::Array(services)) if services.len() <= MAX_ENTRIES => {
            let mut offerings = Vec::with_capacity(services.len());
            for service in services {
                offerings.push(reader.offering(service));
            }
            offerings
        }
        Some(Value::Array(_)) => {
            reader.problem(format!("more than {MAX_ENTRIES} services"));
            Vec::new()
        }
        _ => {
            reader.problem("Service broker catalog: services must be a list".to_owned());
            Vec::new()
        }
    };
    reader.check_twice(offerings.iter().map(|one| &one.id), "Service ids");
    reader.check_twice(offerings.iter().map(|one| &one.name), "Service names");
    let plans = || offerings.iter().flat_map(|one| &one.plans);
    reader.check_twice(plans().map(|plan| &plan.id), "Plan ids");
    for offering in &offerings {
        let whose = format!("Plan names of service {}", offering.name);
        reader.check_twice(offering.plans.iter().map(|plan| &plan.name), &whose);
    }
    if reader.problems.is_empty() {
        Ok(Catalog { offerings })
    } else {
        Err(BadCatalog(reader.problems.join("\n")))
    }
}

#[derive(Default)]
struct Reader {
    problems: Vec<String>,
}

impl Reader {
    fn offering(&mut self, value: &Value) -> ListedOffering {
        let mut entry = Entry::of(value, "Service", self);
        let (id, name) = (entry.name("id"), entry.name("name"));
        let description = entry.text("description");
        let facts = OfferingFacts {
            bindable: entry.required_flag("bindable"),
            tags: entry.texts("tags"),
            requires: entry.texts("requires"),
            plan_updateable: entry.flag("plan_updateable").unwrap_or(false),
            instances_retrievable: entry.flag("instances_retrievable").unwrap_or(false),
            bindings_retrievable: entry.flag("bindings_retrievable").unwrap_or(false),
            allow_context_updates: entry.flag("allow_context_updates").unwrap_or(false),
            metadata: entry.object("metadata").unwrap_or_default(),
        };
        let plans = match entry.fields.get("plans") {
            Some(Value::Array(plans)) if (1..=MAX_ENTRIES).contains(&plans.len()) => plans.clone(),
            Some(Value::Array(plans)) if !plans.is_empty() => {
                entry.problem("has too many plans");
                Vec::new()
            }
            _ => {
                entry.problem("must have at least one plan");
                Vec::new()
            }
        };
        let plans = plans.iter().map(|plan| self.plan(plan)).collect();
        ListedOffering {
            id,
            name,
            description,
            facts,
            plans,
        }
    }

    fn plan(&mut self, value: &Value) -> ListedPlan {
        let mut entry = Entry::of(value, "Plan", self);
        let (id, name) = (entry.name("id"), entry.name("name"));
        let description = entry.text("description");
        let facts = PlanFacts {
            free: entry.flag("free").unwrap_or(true),
            bindable: entry.flag("bindable"),
            plan_updateable: entry.flag("plan_updateable"),
            maximum_polling_duration: entry.seconds("maximum_polling_duration"),
            maintenance_info: entry.maintenance_info(),
            schemas: entry.object("schemas").unwrap_or_default(),
            metadata: entry.object("metadata").unwrap_or_default(),
        };
        ListedPlan {
            id,
            name,
            description,
            facts,
        }
    }

    fn problem(&mut self, words: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(words);
        }
    }

    fn check_twice<'a>(&mut self, words: impl Iterator<Item = &'a String>, what: &str) {
        let mut known = HashSet::new();
        for word in words {
            if !word.is_empty() && !known.insert(word) {
                self.problem(format!("{what} must be unique: {word}"));
            }
        }
    }
}

/// One service or plan.
struct Entry<'r> {
    fields: Map<String, Value>,
    whose: String,
    reader: &'r mut Reader,
}

impl<'r> Entry<'r> {
    fn of(value: &Value, what: &str, reader: &'r mut Reader) -> Self {
        let fields = value.as_object().cloned().unwrap_or_default();
        let name = fields.get("name").and_then(Value::as_str);
        let name = name.unwrap_or("without a name");
        Self {
            whose: format!("{what} {}", name.chars().take(80).collect::<String>()),
            fields,
            reader,
        }
    }

    fn problem(&mut self, words: &str) {
        self.reader.problem(format!("{}: {words}", self.whose));
    }

    /// A text that rows are found by.
    fn name(&mut self, name: &str) -> String {
        let text = self.text(name);
        if text.trim().is_empty() {
            self.problem(&format!("{name} must be a non-empty string"));
        } else if text.chars().count() > MAX_NAME_CHARS {
            self.problem(&format!(
                "{name} must have at most {MAX_NAME_CHARS} characters"
            ));
        }
        text
    }

    fn text(&mut self, name: &str) -> String {
        match self.fields.get(name) {
            Some(Value::String(text)) if text.chars().count() <= MAX_TEXT_CHARS => text.clone(),
            _ => {
                let words =
                    format!("{name} must be a string of at most {MAX_TEXT_CHARS} characters");
                self.problem(&words);
                String::new()
            }
        }
    }

    fn required_flag(&mut self, name: &str) -> bool {
        let flag = self.flag(name);
        if self.fields.get(name).is_none_or(Value::is_null) {
            self.problem(&format!("{name} is required"));
        }
        flag.unwrap_or(false)
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        match self.fields.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::Bool(flag)) => Some(*flag),
            Some(_) => {
                self.problem(&format!("{name} must be a boolean"));
                None
            }
        }
    }

    fn texts(&mut self, name: &str) -> Vec<String> {
        let texts = match self.fields.get(name) {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(value) => value.as_array().and_then(|values| {
                let text = |value: &Value| value.as_str().map(str::to_owned);
                values.iter().map(text).collect()
            }),
        };
        texts.unwrap_or_else(|| {
            self.problem(&format!("{name} must be a list of strings"));
            Vec::new()
        })
    }

    fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        match self.fields.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::Object(object)) => Some(object.clone()),
            Some(_) => {
                self.problem(&format!("{name} must be an object"));
                None
            }
        }
    }

    fn seconds(&mut self, name: &str) -> Option<u64> {
        match self.fields.get(name) {
            None | Some(Value::Null) => None,
            Some(value) => {
                let seconds = value.as_u64();
                if seconds.is_none() {
                    self.problem(&format!("{name} must be a number of seconds"));
                }
                seconds
            }
        }
    }

    fn maintenance_info(&mut self) -> Option<Map<String, Value>> {
        let found = self.object("maintenance_info")?;
        if found
            .get("version")
            .is_none_or(|version| !version.is_string())
        {
            self.problem("maintenance_info.version must be a string");
        }
        Some(found)
    }
}

const MAX_ENTRIES: usize = 1000;
const MAX_PROBLEMS: usize = 50;
const MAX_NAME_CHARS: usize = 255;
const MAX_TEXT_CHARS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(document: &Value) -> Result<Catalog, BadCatalog> {
        read_catalog(document.as_object().unwrap())
    }

    fn good() -> Value {
        json!({ "services": [{ "id": "s", "name": "db", "description": "d", "bindable": true,
            "tags": ["sql"], "plans": [{ "id": "p", "name": "small", "description": "d",
            "maintenance_info": { "version": "1.0.0" }, "maximum_polling_duration": 9 }] }] })
    }

    #[test]
    fn a_catalogue_comes_in_whole() {
        let catalog = read(&good()).unwrap();
        let offering = &catalog.offerings[0];
        assert!(offering.facts.bindable && offering.plans[0].facts.free);
        assert_eq!(offering.facts.tags, ["sql"]);
        assert_eq!(offering.plans[0].facts.maximum_polling_duration, Some(9));
    }

    #[test]
    fn every_problem_is_told() {
        let bad = json!({ "services": [
            { "id": "s", "name": "a", "description": "", "bindable": "yes", "plans": [] },
            { "id": "s", "name": "b", "description": 1, "tags": [1],
              "plans": [{ "id": "", "name": "p", "description": "", "schemas": [] },
                        { "id": "x", "name": "p", "description": "", "maintenance_info": {} }] },
        ] });
        let told = read(&bad).unwrap_err().0;
        for words in [
            "Service a: bindable must be a boolean",
            "Service a: must have at least one plan",
            "Service b: description must be a string of at most 10000 characters",
            "Service b: bindable is required",
            "Service b: tags must be a list of strings",
            "Plan p: id must be a non-empty string",
            "Plan p: schemas must be an object",
            "Plan p: maintenance_info.version must be a string",
            "Service ids must be unique: s",
            "Plan names of service b must be unique: p",
        ] {
            assert!(told.contains(words), "{words} is not in {told}");
        }
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from),
        ];
        let name = prop::sample::select(vec![
            "services",
            "plans",
            "id",
            "name",
            "description",
            "bindable",
            "tags",
            "metadata",
        ]);
        leaf.prop_recursive(5, 40, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_document_is_read_or_refused(services in anything()) {
            if let Ok(catalog) = read(&json!({ "services": services })) {
                for offering in catalog.offerings {
                    prop_assert!(!offering.id.is_empty() && !offering.plans.is_empty());
                }
            }
        }
    }
}
