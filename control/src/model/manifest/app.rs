//! One application of a manifest.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fields::Fields;
use super::process::ProcessManifest;
use crate::model::route::LOAD_BALANCING;
use crate::model::{RouteText, WEB, environment, route};

/// What a manifest says about one application; what it does not say stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AppManifest {
    /// Which application of the space.
    pub name: String,
    /// Admin buildpacks or URLs; an empty list asks every one.
    pub buildpacks: Option<Vec<String>>,
    /// The image, when it is one.
    pub docker: Option<String>,
    /// `docker` or `buildpack`, when it is said.
    pub lifecycle: Option<String>,
    /// The stack.
    pub stack: Option<String>,
    /// Variables to set; others stay.
    pub environment: BTreeMap<String, String>,
    /// Features to switch; others stay.
    pub features: BTreeMap<String, bool>,
    /// Routes to have; others stay.
    pub routes: Vec<RouteManifest>,
    /// Take all routes away.
    pub no_route: bool,
    /// Make a route of its own if there is none.
    pub random_route: bool,
    /// Make a route of the application's name if there is none.
    pub default_route: bool,
    /// Services to be bound to; others stay.
    pub services: Vec<ServiceManifest>,
    /// Processes to change or make.
    pub processes: Vec<ProcessManifest>,
    /// Sidecars to change or make.
    pub sidecars: Vec<SidecarManifest>,
    /// Labels to set, or to remove.
    pub labels: BTreeMap<String, Option<String>>,
    /// Annotations to set, or to remove.
    pub annotations: BTreeMap<String, Option<String>>,
}

/// One route of a manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteManifest {
    /// The name, before its domain is known.
    pub text: RouteText,
    /// As it was written, for messages.
    pub written: String,
    /// `http1`, `http2` or `tcp`.
    pub protocol: Option<String>,
    /// Per-route options to set, or with `null` to remove.
    pub options: Map<String, Value>,
}

/// One service of a manifest.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ServiceManifest {
    /// The service's name in the space.
    pub name: String,
    /// The name that the application sees.
    pub binding_name: Option<String>,
    /// What the service's broker is to know.
    pub parameters: Option<Map<String, Value>>,
}

/// One sidecar of a manifest.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SidecarManifest {
    /// Unique in its application.
    pub name: String,
    /// What is run.
    pub command: String,
    /// Beside which process types.
    pub process_types: Vec<String>,
    /// How much of the container's memory it may use, in MB.
    pub memory_mb: Option<u32>,
}

impl AppManifest {
    /// Reads one entry of `applications`, whose name is known.
    pub(super) fn read(name: &str, map: &Map<String, Value>, problems: &mut Vec<String>) -> Self {
        let processes = read_processes(map, problems);
        let mut fields = Fields::new(map, String::new(), problems);
        let (labels, annotations) = read_metadata(&mut fields);
        let app = Self {
            name: name.to_owned(),
            buildpacks: read_buildpacks(&mut fields),
            docker: read_docker(&mut fields),
            lifecycle: read_lifecycle(&mut fields),
            stack: fields.text("stack"),
            environment: read_environment(&mut fields),
            features: read_features(&mut fields),
            routes: read_routes(&mut fields),
            no_route: fields.flag("no-route").unwrap_or(false),
            random_route: fields.flag("random-route").unwrap_or(false),
            default_route: fields.flag("default-route").unwrap_or(false),
            services: read_services(&mut fields),
            processes,
            sidecars: read_sidecars(&mut fields),
            labels,
            annotations,
        };
        app.check(&mut fields);
        app
    }

    fn check(&self, fields: &mut Fields<'_, '_>) {
        if self.docker.is_some()
            && self
                .buildpacks
                .as_ref()
                .is_some_and(|list| !list.is_empty())
        {
            fields.problem("Cannot specify both buildpack(s) and docker keys");
        }
        if self.lifecycle.as_deref() == Some("buildpack") && self.docker.is_some() {
            fields.problem("Lifecycle buildpack does not go with a docker key");
        }
        if self.random_route && self.default_route {
            fields.problem("Random-route and default-route may not be used together");
        }
        if self.default_route && route::default_host(&self.name).is_none() {
            fields.problem(
                "Failed to create default route from app name: Host must be at most 63 characters \
                 of letters, digits, hyphens and underscores",
            );
        }
    }
}

/// The process keys of the application mean `web`; an entry of `processes` wins over them.
fn read_processes(map: &Map<String, Value>, problems: &mut Vec<String>) -> Vec<ProcessManifest> {
    let mut processes: Vec<ProcessManifest> = Vec::new();
    if map.keys().any(|key| ProcessManifest::is_key(key)) {
        processes.push(ProcessManifest::read(map, WEB, problems));
    }
    let objects = Fields::new(map, String::new(), problems).objects("processes");
    for object in objects {
        let mut fields = Fields::new(object, String::new(), problems);
        let Some(process_type) = fields.text("type").filter(|text| !text.is_empty()) else {
            fields.problem("All Processes must specify a type");
            continue;
        };
        let own = ProcessManifest::read(object, &process_type, problems);
        match processes
            .iter()
            .position(|p| p.process_type == process_type)
        {
            Some(at) => {
                let base = processes.remove(at);
                processes.insert(at, base.under(own));
            }
            None => processes.push(own),
        }
    }
    processes
}

fn read_buildpacks(fields: &mut Fields<'_, '_>) -> Option<Vec<String>> {
    if let Some(buildpacks) = fields.texts("buildpacks") {
        return Some(buildpacks);
    }
    let one = fields.text("buildpack")?;
    let automatic = matches!(one.as_str(), "" | "null" | "default");
    Some(if automatic { Vec::new() } else { vec![one] })
}

fn read_lifecycle(fields: &mut Fields<'_, '_>) -> Option<String> {
    let word = fields.text("lifecycle")?;
    if !matches!(word.as_str(), "buildpack" | "docker") {
        fields.problem(format!("Lifecycle type {UNKNOWN_LIFECYCLE}"));
    }
    Some(word)
}

fn read_docker(fields: &mut Fields<'_, '_>) -> Option<String> {
    let docker = fields.object("docker")?;
    let image = docker.get("image").and_then(Value::as_str);
    if image.is_none_or(str::is_empty) {
        fields.problem("Docker image required");
    }
    image.map(str::to_owned)
}

fn read_environment(fields: &mut Fields<'_, '_>) -> BTreeMap<String, String> {
    let Some(map) = fields.object("env") else {
        return BTreeMap::new();
    };
    for problem in map.keys().filter_map(|name| environment::refusal(name)) {
        fields.problem(format!("Env {problem}"));
    }
    let set = map.iter().filter(|(_, value)| !value.is_null());
    set.map(|(name, value)| (name.clone(), environment::text_of(value)))
        .collect()
}

fn read_features(fields: &mut Fields<'_, '_>) -> BTreeMap<String, bool> {
    let Some(map) = fields.object("features") else {
        return BTreeMap::new();
    };
    if map.values().any(|value| !value.is_boolean()) {
        fields.problem("Features must be a map of valid feature names to booleans");
    }
    map.iter()
        .filter_map(|(name, value)| Some((name.clone(), value.as_bool()?)))
        .collect()
}

fn read_routes(fields: &mut Fields<'_, '_>) -> Vec<RouteManifest> {
    let Some(value) = fields.value("routes") else {
        return Vec::new();
    };
    let entries = value.as_array().map(Vec::as_slice).unwrap_or_default();
    if !value.is_array() || entries.iter().any(|entry| entry.get("route").is_none()) {
        fields.problem("Routes must be a list of route objects");
        return Vec::new();
    }
    entries
        .iter()
        .filter_map(|entry| read_route(entry, fields))
        .collect()
}

fn read_route(entry: &Value, fields: &mut Fields<'_, '_>) -> Option<RouteManifest> {
    let written = entry.get("route").map(environment::text_of)?;
    let protocol = entry.get("protocol").filter(|value| !value.is_null());
    let known = |word: &&str| matches!(*word, "http1" | "http2" | "tcp");
    if protocol.is_some_and(|value| value.as_str().filter(known).is_none()) {
        fields.problem("Route protocol must be 'http1', 'http2' or 'tcp'.");
    }
    let Some(text) = RouteText::parse(&written) else {
        fields.problem(format!(
            "The route '{written}' is not a properly formed URL"
        ));
        return None;
    };
    let options = read_options(entry, &written).unwrap_or_else(|problem| {
        fields.problem(problem);
        Map::new()
    });
    Some(RouteManifest {
        text,
        protocol: protocol.and_then(Value::as_str).map(str::to_owned),
        options,
        written,
    })
}

fn read_options(entry: &Value, route: &str) -> Result<Map<String, Value>, String> {
    let options = match entry.get("options") {
        None | Some(Value::Null) => return Ok(Map::new()),
        Some(Value::Object(options)) => options,
        Some(_) => return Err(format!("Route '{route}': options must be an object")),
    };
    for (name, value) in options {
        if name != "loadbalancing" {
            return Err(format!(
                "Route '{route}' contains invalid route option '{name}'. Valid keys: 'loadbalancing'"
            ));
        }
        let known = value
            .as_str()
            .is_some_and(|word| LOAD_BALANCING.contains(&word));
        if !known && !value.is_null() {
            let valid = LOAD_BALANCING.join(", ");
            let said = environment::text_of(value);
            return Err(format!(
                "Cannot use loadbalancing value '{said}' for Route '{route}'. Valid values are: '{valid}'"
            ));
        }
    }
    Ok(options.clone())
}

fn read_services(fields: &mut Fields<'_, '_>) -> Vec<ServiceManifest> {
    let Some(value) = fields.value("services") else {
        return Vec::new();
    };
    let entries = value.as_array();
    let read = entries.and_then(|list| list.iter().map(read_service).collect());
    read.unwrap_or_else(|| {
        fields.problem("Services must be a list of service instance names or objects");
        Vec::new()
    })
}

fn read_service(entry: &Value) -> Option<ServiceManifest> {
    let name = entry.as_str().or_else(|| entry.get("name")?.as_str())?;
    let binding_name = entry.get("binding_name").and_then(Value::as_str);
    Some(ServiceManifest {
        name: name.to_owned(),
        binding_name: binding_name.map(str::to_owned),
        parameters: entry.get("parameters").and_then(Value::as_object).cloned(),
    })
}

fn read_sidecars(fields: &mut Fields<'_, '_>) -> Vec<SidecarManifest> {
    let mut sidecars = Vec::new();
    let mut problems = Vec::new();
    for object in fields.objects("sidecars") {
        let mut own = Fields::new(object, String::new(), &mut problems);
        let name = own.text("name").unwrap_or_default();
        let prefix = format!("Sidecar \"{name}\": ");
        let mut own = Fields::new(object, prefix, &mut problems);
        let sidecar = SidecarManifest {
            command: own.text("command").unwrap_or_default(),
            process_types: own.texts("process_types").unwrap_or_default(),
            memory_mb: own.megabytes("memory"),
            name,
        };
        if sidecar.name.is_empty() || sidecar.command.is_empty() {
            own.problem("Name and command can't be blank");
        }
        sidecars.push(sidecar);
    }
    for problem in problems {
        fields.problem(problem);
    }
    sidecars
}

type Words = BTreeMap<String, Option<String>>;

fn read_metadata(fields: &mut Fields<'_, '_>) -> (Words, Words) {
    let Some(metadata) = fields.object("metadata") else {
        return (Words::new(), Words::new());
    };
    let mut read = |key: &str| -> Words {
        let map = match metadata.get(key) {
            None | Some(Value::Null) => return Words::new(),
            Some(Value::Object(map)) => map,
            Some(_) => {
                fields.problem(format!("Metadata '{key}' is not an object"));
                return Words::new();
            }
        };
        map.iter()
            .map(|(name, value)| {
                let text = (!value.is_null()).then(|| environment::text_of(value));
                (name.clone(), text)
            })
            .collect()
    };
    (read("labels"), read("annotations"))
}

/// What follows the key of a lifecycle that there is none of.
pub const UNKNOWN_LIFECYCLE: &str = "is not included in the list: buildpack, docker";
