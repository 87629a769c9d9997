//! What a container of ours is, in Docker's labels.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::agent::runtime::contract::{ContainerSpec, Labels, PortRequest, Role};

/// The label that names the agent a container belongs to; one Engine may serve several.
pub(super) const NODE: &str = "switchyard_node";
/// The label that names the container's directory on the node.
const ROOT: &str = "switchyard_root";
/// The label with the internal and the external port.
const PORT: &str = "switchyard_port";

/// All labels of a new container.
pub(super) fn write(spec: &ContainerSpec, node: &Path) -> HashMap<String, String> {
    let labels = &spec.labels;
    let mut map = HashMap::new();
    let mut put = |key: &str, value: String| map.insert(key.to_owned(), value);
    put("app_guid", labels.app_guid.clone());
    put("instance_guid", labels.instance_guid.clone());
    put("index", labels.index.to_string());
    put("version", labels.version.clone());
    put("role", labels.role.as_str().to_owned());
    put(NODE, node.display().to_string());
    put(ROOT, spec.root.display().to_string());
    if let Some(PortRequest { internal, external }) = spec.port {
        put(PORT, format!("{internal}:{external}"));
    }
    map
}

/// Whose a container is; `None` when it is none of ours.
pub(super) fn read(map: &HashMap<String, String>) -> Option<Labels> {
    Some(Labels {
        app_guid: map.get("app_guid")?.clone(),
        instance_guid: map.get("instance_guid")?.clone(),
        index: map.get("index")?.parse().ok()?,
        version: map.get("version")?.clone(),
        role: match map.get("role")?.as_str() {
            "app" => Role::App,
            "stage" => Role::Stage,
            _ => return None,
        },
    })
}

pub(super) fn port(map: &HashMap<String, String>) -> Option<PortRequest> {
    let (internal, external) = map.get(PORT)?.split_once(':')?;
    Some(PortRequest {
        internal: internal.parse().ok()?,
        external: external.parse().ok()?,
    })
}

pub(super) fn root(map: &HashMap<String, String>) -> Option<PathBuf> {
    map.get(ROOT).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::super::spec::tests::spec;
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let spec = spec();
        let map = write(&spec, Path::new("/var/agent"));
        assert_eq!(read(&map).unwrap(), spec.labels);
        assert_eq!(port(&map), spec.port);
        assert_eq!(root(&map).unwrap(), spec.root);
        assert_eq!(read(&HashMap::new()), None);
    }
}
