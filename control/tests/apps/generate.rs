//! What a hostile client may send: documents, query strings and manifests, right here and there.

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// Makes bodies by chance, the same ones in every run.
pub(crate) struct Chance {
    runner: TestRunner,
    guids: Vec<String>,
}

impl Chance {
    /// Mixes these guids into what it makes.
    pub(crate) fn new(guids: Vec<String>) -> Self {
        Self {
            runner: TestRunner::deterministic(),
            guids,
        }
    }

    /// Any JSON object whose names are known here and there.
    pub(crate) fn document(&mut self) -> Value {
        self.draw(objects(self.guids.clone()))
    }

    /// A guid of something, or what is none.
    pub(crate) fn guid(&mut self) -> String {
        self.draw(words(self.guids.clone()))
    }

    /// A value of a query parameter.
    pub(crate) fn parameter(&mut self) -> String {
        let guids = self.guids.clone();
        let known = prop::sample::select(VALUES).prop_map(str::to_owned);
        self.draw(prop_oneof![known, words(guids)])
    }

    /// A text with a few bytes changed, cut or doubled.
    pub(crate) fn damaged(&mut self, bytes: &[u8]) -> Vec<u8> {
        let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6);
        let cut = prop::option::weighted(0.3, any::<prop::sample::Index>());
        let (edits, cut) = self.draw((edits, cut));
        let mut damaged = bytes.to_vec();
        for (at, byte) in edits {
            let at = at.index(damaged.len());
            damaged[at] = byte;
        }
        if let Some(at) = cut {
            damaged.truncate(at.index(damaged.len()));
        }
        damaged
    }

    fn draw<T: std::fmt::Debug>(&mut self, strategy: impl Strategy<Value = T>) -> T {
        strategy.new_tree(&mut self.runner).unwrap().current()
    }
}

fn words(guids: Vec<String>) -> impl Strategy<Value = String> {
    prop_oneof![
        2 => prop::sample::select(guids),
        2 => prop::sample::select(WORDS).prop_map(str::to_owned),
        1 => ".{0,12}",
    ]
}

fn objects(guids: Vec<String>) -> impl Strategy<Value = Value> {
    let named = guids.clone();
    let relation = words(guids.clone()).prop_map(|guid| json!({ "data": { "guid": guid } }));
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-3_i64..3000).prop_map(Value::from),
        words(guids).prop_map(Value::from),
        relation,
    ];
    let inner = leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keys(), inner, 0..6).prop_map(object),
        ]
    });
    let fields = prop::collection::btree_map(keys(), inner, 0..5).prop_map(object);
    (fields, any::<bool>(), prop::sample::select(named)).prop_map(|(mut fields, dressed, guid)| {
        if let (Some(fields), true) = (fields.as_object_mut(), dressed) {
            fields.entry("name").or_insert_with(|| json!("shop"));
            fields.entry("guid").or_insert_with(|| json!(guid));
        }
        fields
    })
}

fn object(map: std::collections::BTreeMap<String, Value>) -> Value {
    Value::Object(map.into_iter().collect())
}

fn keys() -> impl Strategy<Value = String> {
    prop::sample::select(KEYS).prop_map(str::to_owned)
}

const WORDS: &[&str] = &[
    "",
    "*",
    "/x",
    "a.b",
    "app",
    "bits",
    "buildpack",
    "docker",
    "http",
    "key",
    "managed",
    "port",
    "rolling",
    "user-provided",
    "web",
    "\u{1F600}",
    "a'b\"c",
    "../../x",
    "512M",
    "-1G",
];

/// What a query may hold, encoded already.
const VALUES: &[&str] = &[
    "",
    ",",
    ",,,",
    "0",
    "1",
    "-1",
    "5000",
    "4294967295",
    "99999999999999999999",
    "1.5",
    "true",
    "%00",
    "%ff",
    "%F0%9F%98%80",
    "a%20b",
    "'%3B--",
    "2026-01-02T03:04:05Z",
    "-created_at",
    "name",
    "0000-00-00T00:00:00Z",
    "!a",
    "a%3Db",
    "a%20in%20(b,c)",
    "a%20in%20(",
    "app",
    "space",
    "*",
];

const KEYS: &[&str] = &[
    "annotations",
    "app",
    "apps",
    "buildpacks",
    "canary",
    "client_id",
    "command",
    "credentials",
    "data",
    "default-route",
    "destinations",
    "disk_in_mb",
    "docker",
    "domain",
    "droplet",
    "email",
    "enabled",
    "env",
    "environment_variables",
    "guid",
    "health_check",
    "host",
    "instance_weight",
    "instances",
    "internal",
    "labels",
    "lifecycle",
    "limit",
    "loadbalancing",
    "locked",
    "max_in_flight",
    "memory",
    "memory_in_mb",
    "metadata",
    "name",
    "options",
    "organization",
    "package",
    "password",
    "path",
    "port",
    "position",
    "process",
    "process_types",
    "processes",
    "protocol",
    "relationships",
    "resources",
    "routes",
    "service_instance",
    "services",
    "shared_organizations",
    "space",
    "stack",
    "state",
    "steps",
    "strategy",
    "suspended",
    "tags",
    "timeout",
    "total_routes",
    "type",
    "user",
    "userName",
    "username",
    "var",
];
