//! YAML text to applications, or every reason why not.

use serde_json::{Map, Value};

use super::app::AppManifest;

/// A manifest whose every key is well formed.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// What it says, in its order.
    pub applications: Vec<AppManifest>,
    /// The entries of `applications` as they were written, for a comparison.
    pub written: Vec<Map<String, Value>>,
}

/// Why a manifest can not be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadManifest {
    /// The text is no YAML document.
    #[error("{0}")]
    NotYaml(String),
    /// Every problem, in the words that clients show.
    #[error("{}", .0.join(", "))]
    Wrong(Vec<String>),
}

impl Manifest {
    /// Reads the body of a request.
    ///
    /// # Errors
    ///
    /// Fails with every problem at once; each begins with the application that it is about.
    pub fn parse(text: &str) -> Result<Self, BadManifest> {
        let document = read_yaml(text)?;
        let version = document.get("version").and_then(Value::as_u64);
        if document.get("version").is_some() && version != Some(1) {
            return Err(BadManifest::Wrong(vec![WRONG_VERSION.to_owned()]));
        }
        let entries = document.get("applications").and_then(Value::as_array);
        let Some(entries) = entries.filter(|entries| !entries.is_empty()) else {
            return Err(BadManifest::Wrong(vec![NO_APPLICATIONS.to_owned()]));
        };
        read_entries(entries)
    }
}

fn read_entries(entries: &[Value]) -> Result<Manifest, BadManifest> {
    let (mut applications, mut written) = (Vec::new(), Vec::new());
    let mut problems = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        match named(entry) {
            Ok((name, map)) => {
                let mut own = Vec::new();
                applications.push(AppManifest::read(name, map, &mut own));
                written.push(map.clone());
                let told = own
                    .iter()
                    .map(|text| format!("For application '{name}': {text}"));
                problems.extend(told);
            }
            Err(problem) => problems.push(format!("For application at index {at}: {problem}")),
        }
    }
    if problems.is_empty() {
        Ok(Manifest {
            applications,
            written,
        })
    } else {
        Err(BadManifest::Wrong(problems))
    }
}

fn named(entry: &Value) -> Result<(&str, &Map<String, Value>), &'static str> {
    let map = entry.as_object().ok_or("must be an object")?;
    let name = match map.get("name") {
        None | Some(Value::Null) => return Err("Name must not be empty"),
        Some(Value::String(name)) => name.as_str(),
        Some(_) => return Err("Name must be a string"),
    };
    if name.trim().is_empty() {
        return Err("Name must not be empty");
    }
    Ok((name, map))
}

fn read_yaml(text: &str) -> Result<Value, BadManifest> {
    // `on` and `yes` are words, as in the YAML that the client writes, and `022` is no number.
    let options = serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
        budget: serde_saphyr::budget! { max_nodes: MAX_NODES, max_depth: MAX_DEPTH, },
    };
    let read: Result<Option<Value>, _> = serde_saphyr::from_str_with_options(text, options);
    match read {
        Ok(document) => Ok(document.unwrap_or(Value::Null)),
        Err(error) => Err(BadManifest::NotYaml(error.without_snippet().to_string())),
    }
}

const NO_APPLICATIONS: &str = "Cannot parse manifest with no 'applications' field.";
const WRONG_VERSION: &str =
    "Unsupported manifest schema version. Currently supported versions: [1].";

// A megabyte of text can nest and repeat far more than any manifest does.
const MAX_NODES: usize = 50_000;
const MAX_DEPTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::HealthCheckKind;

    fn one(text: &str) -> AppManifest {
        let manifest = Manifest::parse(text).unwrap_or_else(|error| panic!("{error}"));
        manifest.applications.into_iter().next().unwrap()
    }

    fn problems(app: &str) -> String {
        let text = format!("applications: [{{name: shop, {app}}}]");
        Manifest::parse(&text).unwrap_err().to_string()
    }

    #[test]
    fn a_manifest_needs_applications() {
        for text in [
            "",
            "a: 1",
            "applications:",
            "applications: []",
            "[]",
            "- x",
            "applications: 5",
        ] {
            let error = Manifest::parse(text).unwrap_err();
            assert_eq!(error.to_string(), NO_APPLICATIONS, "{text}");
        }
    }

    #[test]
    fn text_that_is_no_yaml_is_told_apart() {
        for text in ["a: [", "applications: [{name: x, name: y}]", "\u{0}"] {
            let error = Manifest::parse(text).unwrap_err();
            assert!(matches!(error, BadManifest::NotYaml(_)), "{text}: {error}");
        }
    }

    #[test]
    fn every_problem_names_its_application() {
        for (app, problem) in PROBLEMS {
            assert_eq!(problems(app), format!("For application 'shop': {problem}"));
        }
    }

    #[test]
    fn all_problems_of_all_applications_are_told() {
        let text = "applications: [{name: a, memory: 1}, {memory: 1G}, 7]";
        let told = Manifest::parse(text).unwrap_err().to_string();
        assert!(told.contains("For application 'a': Process"), "{told}");
        assert!(
            told.contains("For application at index 1: Name must not be empty"),
            "{told}"
        );
        assert!(
            told.contains("For application at index 2: must be an object"),
            "{told}"
        );
    }

    #[test]
    fn a_default_route_needs_a_plain_name() {
        let told = Manifest::parse("applications: [{name: 'a b', default-route: true}]")
            .unwrap_err()
            .to_string();
        assert!(
            told.starts_with("For application 'a b': Failed to create default route"),
            "{told}"
        );
    }

    #[test]
    fn keys_of_the_application_mean_its_web_process() {
        let app = one(
            "applications: [{name: a, memory: 256M, instances: 2, processes: [{type: web, instances: 3}, {type: worker, command: ./work}]}]",
        );
        let [web, worker] = app.processes.as_slice() else {
            panic!("{:?}", app.processes);
        };
        assert_eq!((web.memory_mb, web.instances), (Some(256), Some(3)));
        assert_eq!(worker.command, Some(Some("./work".to_owned())));
    }

    #[test]
    fn values_of_the_environment_become_text() {
        let app =
            one("applications: [{name: a, env: {A: 1, B: true, C: yes, D: {x: 1}, E: 022, F: ~}}]");
        let text = |name: &str| app.environment.get(name).map(String::as_str);
        assert_eq!(text("A"), Some("1"));
        assert_eq!(text("B"), Some("true"));
        assert_eq!(text("C"), Some("yes"));
        assert_eq!(text("D"), Some("{\"x\":1}"));
        assert_eq!(text("E"), Some("022"));
        assert_eq!(text("F"), None);
    }

    #[test]
    fn routes_services_and_checks_are_read() {
        let app = one(
            "applications:\n- name: a\n  routes:\n  - route: a.example.com/x\n    protocol: http2\n  \
             services:\n  - db\n  - name: q\n    binding_name: queue\n  health-check-type: http\n  \
             health-check-http-endpoint: /up\n  stack: switchyard\n  buildpack: default\n",
        );
        assert_eq!(app.routes[0].text.path, "/x");
        assert_eq!(app.services[1].binding_name.as_deref(), Some("queue"));
        let check = &app.processes[0].health_check;
        assert_eq!(check.kind, Some(HealthCheckKind::Http));
        assert_eq!(check.endpoint.as_deref(), Some("/up"));
        assert_eq!(app.buildpacks, Some(Vec::new()));
    }

    /// Keys of an application, and what is wrong with them.
    const PROBLEMS: &[(&str, &str)] = &[
        (
            "memory: 512",
            "Process \"web\": Memory must use a supported unit: B, K, KB, M, MB, G, GB, T, or TB",
        ),
        (
            "memory: 0M",
            "Process \"web\": Memory must be greater than 0MB",
        ),
        (
            "instances: -1",
            "Process \"web\": Instances must be greater than or equal to 0",
        ),
        (
            "instances: many",
            "Process \"web\": Instances is not a number",
        ),
        (
            "instances: 1.5",
            "Process \"web\": Instances must be an integer",
        ),
        (
            "timeout: 0",
            "Process \"web\": Timeout must be greater than or equal to 1",
        ),
        (
            "health-check-type: smell",
            "Process \"web\": Health check type must be \"port\", \"process\", or \"http\"",
        ),
        (
            "processes: [{instances: 1}]",
            "All Processes must specify a type",
        ),
        ("processes: x", "Processes must be an array of objects"),
        ("env: {VCAP_X: 1}", "Env cannot start with VCAP_"),
        ("env: [1]", "Env must be an object"),
        (
            "routes: [{route: 'a b'}]",
            "The route 'a b' is not a properly formed URL",
        ),
        ("routes: [x]", "Routes must be a list of route objects"),
        (
            "services: {a: b}",
            "Services must be a list of service instance names or objects",
        ),
        ("buildpacks: x", "Buildpacks must be an array of strings"),
        ("docker: {}", "Docker image required"),
        (
            "docker: {image: i}, buildpacks: [b]",
            "Cannot specify both buildpack(s) and docker keys",
        ),
        ("no-route: maybe", "No route must be a boolean"),
        (
            "metadata: {labels: 1}",
            "Metadata 'labels' is not an object",
        ),
    ];

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            let _ = Manifest::parse(&text);
            let _ = Manifest::parse(&format!("applications:\n- name: a\n  {text}"));
        }
    }
}
