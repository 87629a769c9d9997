//! `staging_info.yml`: what a droplet says about itself.

use std::collections::BTreeMap;

use super::failure::Failure;

/// What a droplet says about itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StagingInfo {
    /// What the buildpack called the application, or its own name.
    pub detected_buildpack: String,
    /// Which buildpack it was.
    pub buildpack: String,
    /// The command of `web`; empty when there is none.
    pub start_command: String,
    /// Every process type with its command.
    pub effective_procfile: BTreeMap<String, String>,
    /// The image that it was built in, where there are images.
    pub image: Option<String>,
}

impl StagingInfo {
    /// The file's text.
    pub fn yaml(&self) -> String {
        let mut text = String::from("---\n");
        for (key, value) in [
            ("detected_buildpack", &self.detected_buildpack),
            ("buildpack_path", &self.buildpack),
            ("start_command", &self.start_command),
        ] {
            line(&mut text, "", key, value);
        }
        if let Some(image) = &self.image {
            line(&mut text, "", "image", image);
        }
        // Old and new readers look for different keys; both find theirs.
        text.push_str("config:\n");
        line(&mut text, "  ", "entrypoint_prefix", "");
        if self.effective_procfile.is_empty() {
            text.push_str("effective_procfile: {}\n");
            return text;
        }
        text.push_str("effective_procfile:\n");
        for (kind, command) in &self.effective_procfile {
            line(&mut text, "  ", &quoted(kind), command);
        }
        text
    }

    /// The file's text after a failure.
    pub fn of_failure(failure: &Failure, message: &str) -> String {
        let mut text = String::from("---\nstaging_error:\n");
        line(&mut text, "  ", "type", failure.fault.name());
        line(&mut text, "  ", "message", message);
        text
    }
}

fn line(text: &mut String, indent: &str, key: &str, value: &str) {
    text.push_str(indent);
    text.push_str(key);
    text.push_str(": ");
    text.push_str(&quoted(value));
    text.push('\n');
}

/// A JSON string, which is a YAML string too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::failure::Fault;
    use super::super::task::Phase;
    use super::super::yaml::from_yaml;
    use super::*;

    #[derive(Deserialize)]
    struct Read {
        detected_buildpack: String,
        start_command: String,
        effective_procfile: BTreeMap<String, String>,
    }

    #[derive(Deserialize)]
    struct Failed {
        staging_error: BTreeMap<String, String>,
    }

    #[test]
    fn any_command_survives_the_file() {
        let command = "sh -c 'echo \"a: b\" #c\t\\n' ; exec ./ümlaut {x}".to_owned();
        let info = StagingInfo {
            detected_buildpack: "- yes: no".to_owned(),
            start_command: command.clone(),
            effective_procfile: BTreeMap::from([("web: x".to_owned(), command.clone())]),
            ..StagingInfo::default()
        };
        let read: Read = from_yaml(&info.yaml()).unwrap();
        assert_eq!(read.detected_buildpack, "- yes: no");
        assert_eq!(read.start_command, command);
        assert_eq!(read.effective_procfile["web: x"], command);
    }

    #[test]
    fn a_failure_names_its_type_and_message() {
        let failure = Failure::staging(Phase::Packing, "the disk is full");
        let text = StagingInfo::of_failure(&failure, "a\nb");
        let read: Failed = from_yaml(&text).unwrap();
        assert_eq!(read.staging_error["type"], Fault::StagingError.name());
        assert_eq!(read.staging_error["message"], "a\nb");
    }
}
