//! `manifest.yml`: the applications in it, and the one that is meant.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::error::KatoError;
use super::plan::Plan;

/// A manifest as it was read.
#[derive(Clone, Debug)]
pub(super) struct Manifest {
    path: PathBuf,
    applications: Vec<Map<String, Value>>,
}

impl Manifest {
    /// Reads the file, or the usual one of the directory when none is named.
    pub(super) fn find(named: Option<&Path>, directory: &Path) -> Result<Option<Self>, KatoError> {
        if let Some(path) = named {
            let path = if path.is_dir() {
                usual(path).unwrap_or_else(|| path.join(USUAL[0]))
            } else {
                path.to_owned()
            };
            return Self::read(path).map(Some);
        }
        usual(directory).map(Self::read).transpose()
    }

    fn read(path: PathBuf) -> Result<Self, KatoError> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(KatoError::File { path, source }),
        };
        match applications(&text) {
            Ok(applications) => Ok(Self { path, applications }),
            Err(problem) => Err(KatoError::Manifest { path, problem }),
        }
    }

    /// The plans for the application that is named, or for all of them.
    pub(super) fn plans(&self, name: Option<&str>) -> Result<Vec<Plan>, KatoError> {
        let fault = |problem| KatoError::Manifest {
            path: self.path.clone(),
            problem,
        };
        let mut plans = Vec::new();
        for application in &self.applications {
            let own = application.get("name").and_then(Value::as_str);
            // compat: a name on the command line renames the only application (cf push).
            let alone = self.applications.len() == 1;
            let chosen = match (name, own) {
                (Some(name), own) if alone || own == Some(name) => name,
                (Some(_), _) => continue,
                (None, Some(own)) => own,
                (None, None) => return Err(fault("an application has no name".to_owned())),
            };
            plans.push(self.plan(chosen, application));
        }
        if plans.is_empty() {
            let wanted = name.unwrap_or_default();
            return Err(fault(format!("it has no application `{wanted}`")));
        }
        Ok(plans)
    }

    fn plan(&self, name: &str, application: &Map<String, Value>) -> Plan {
        let home = self.path.parent().unwrap_or_else(|| Path::new(""));
        let below = application.get("path").and_then(Value::as_str);
        Plan {
            application: application.clone(),
            from_file: true,
            ..Plan::new(name, home.join(below.unwrap_or(".")))
        }
    }
}

fn usual(directory: &Path) -> Option<PathBuf> {
    let mut paths = USUAL.iter().map(|name| directory.join(name));
    paths.find(|path| path.is_file())
}

fn applications(text: &str) -> Result<Vec<Map<String, Value>>, String> {
    let options = serde_saphyr::options! {
        // An environment value `on` is a word, as in every tool that reads these files.
        strict_booleans: true,
        with_snippet: false,
        budget: serde_saphyr::budget! { max_nodes: 20_000, max_depth: 64, },
    };
    let document: Value =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())?;
    let list = document.get("applications").and_then(Value::as_array);
    let Some(list) = list.filter(|list| !list.is_empty()) else {
        return Err("it has no list of `applications`".to_owned());
    };
    let entries = list.iter().map(|entry| entry.as_object().cloned());
    entries
        .collect::<Option<_>>()
        .ok_or_else(|| "an entry of `applications` is not a map".to_owned())
}

const USUAL: [&str; 2] = ["manifest.yml", "manifest.yaml"];

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(text: &str) -> Result<Manifest, KatoError> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("manifest.yml"), text).unwrap();
        Manifest::find(None, dir.path()).map(Option::unwrap)
    }

    #[test]
    fn anchors_and_merges_are_resolved_before_the_platform_sees_them() {
        let text =
            "base: &base\n  memory: 64M\napplications:\n- name: a\n  <<: *base\n  env: {A: on}\n";
        let plans = manifest(text).unwrap().plans(None).unwrap();
        let application = &plans.first().unwrap().application;
        assert_eq!(application["memory"], "64M");
        assert_eq!(application["env"]["A"], "on");
    }

    #[test]
    fn a_path_is_meant_from_the_manifest() {
        let manifest = manifest("applications:\n- name: a\n  path: sub/dir\n").unwrap();
        let plan = manifest.plans(None).unwrap().remove(0);
        assert!(plan.path.ends_with("sub/dir"));
        assert!(plan.path.is_absolute());
    }

    #[test]
    fn a_name_picks_one_of_several_and_renames_a_lonely_one() {
        let several = manifest("applications:\n- name: a\n- name: b\n").unwrap();
        assert_eq!(several.plans(Some("b")).unwrap().len(), 1);
        assert!(several.plans(Some("c")).is_err());
        assert_eq!(several.plans(None).unwrap().len(), 2);
        let one = manifest("applications:\n- name: a\n").unwrap();
        assert_eq!(one.plans(Some("c")).unwrap().remove(0).name, "c");
    }

    #[test]
    fn a_manifest_without_applications_says_so() {
        let told = manifest("name: a\n").unwrap_err().to_string();
        assert!(told.ends_with("it has no list of `applications`"), "{told}");
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_line() {
        let told = manifest("applications:\n- name: [\n")
            .unwrap_err()
            .to_string();
        assert!(told.contains("line"), "{told}");
    }

    #[test]
    fn no_manifest_is_no_fault_unless_one_was_named() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Manifest::find(None, dir.path()).unwrap().is_none());
        let named = dir.path().join("other.yml");
        assert!(Manifest::find(Some(&named), dir.path()).is_err());
    }
}
