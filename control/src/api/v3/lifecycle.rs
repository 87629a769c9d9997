//! How a droplet is made, as clients write and read it.

use serde_json::{Value, json};

use crate::api::{ApiError, Call, Fields};
use crate::model::manifest::UNKNOWN_LIFECYCLE;
use crate::model::{DEFAULT_STACK, Lifecycle};

/// What a body says about the lifecycle.
#[derive(Clone, Debug, Default)]
pub(super) struct LifecyclePatch {
    pub(super) docker: bool,
    pub(super) buildpacks: Option<Vec<String>>,
    pub(super) stack: Option<String>,
}

impl LifecyclePatch {
    /// Reads `lifecycle`, when it is there.
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        fields.nested("lifecycle", |inner| {
            let kind = inner.text("type");
            if !matches!(kind.as_deref(), None | Some("buildpack" | "docker")) {
                inner.problem(format!("Type {UNKNOWN_LIFECYCLE}"));
            }
            let read = inner.nested("data", |data| {
                // compat: credentials come with cloud native buildpacks, which are refused by their type.
                data.value("credentials");
                (data.texts("buildpacks"), data.text("stack"))
            });
            let (buildpacks, stack) = read.unwrap_or_default();
            Self {
                docker: kind.as_deref() == Some("docker"),
                buildpacks,
                stack,
            }
        })
    }
}

/// The lifecycle that a patch makes out of what was there; the stack and the buildpacks exist then.
pub(super) async fn resolve(
    call: &Call,
    patch: Option<LifecyclePatch>,
    before: Option<&Lifecycle>,
) -> Result<Lifecycle, ApiError> {
    let patch = patch.unwrap_or_default();
    if patch.docker {
        return Ok(Lifecycle::Docker);
    }
    if before == Some(&Lifecycle::Docker) && patch.buildpacks.is_none() && patch.stack.is_none() {
        return Ok(Lifecycle::Docker);
    }
    let before_stack = before
        .map(Lifecycle::stack)
        .filter(|stack| !stack.is_empty());
    let stack = match &patch.stack {
        Some(stack) => {
            call.check_stack(stack).await?;
            stack.clone()
        }
        None => before_stack.unwrap_or(DEFAULT_STACK).to_owned(),
    };
    let buildpacks = match patch.buildpacks {
        Some(buildpacks) => {
            check_buildpacks(call, &buildpacks).await?;
            buildpacks
        }
        None => before.map(|l| l.buildpacks().to_vec()).unwrap_or_default(),
    };
    Ok(Lifecycle::Buildpack { buildpacks, stack })
}

pub(super) fn document(lifecycle: &Lifecycle) -> Value {
    match lifecycle {
        Lifecycle::Buildpack { buildpacks, stack } => {
            json!({ "type": "buildpack", "data": { "buildpacks": buildpacks, "stack": stack } })
        }
        Lifecycle::Docker => json!({ "type": "docker", "data": {} }),
    }
}

async fn check_buildpacks(call: &Call, names: &[String]) -> Result<(), ApiError> {
    let named: Vec<&String> = names.iter().filter(|name| !is_url(name)).collect();
    if named.is_empty() {
        return Ok(());
    }
    let known = call.buildpack_names().await?;
    let unknown = |name: &&&String| !known.contains(**name) && !BUILT_IN.contains(&name.as_str());
    if named.iter().any(|name| unknown(&name)) {
        return Err(ApiError::unprocessable(UNKNOWN_BUILDPACK));
    }
    Ok(())
}

/// Whether a buildpack is fetched from somewhere else; a user and a password may stand in it.
fn is_url(name: &str) -> bool {
    let schemes = ["http://", "https://", "git://", "ssh://", "git@"];
    schemes.iter().any(|scheme| name.starts_with(scheme)) && !name.contains(char::is_whitespace)
}

const UNKNOWN_BUILDPACK: &str = "Buildpack must be an existing admin buildpack or a valid git URI";

/// What every agent brings along.
const BUILT_IN: [&str; 10] = [
    "binary",
    "binary_buildpack",
    "node",
    "nodejs_buildpack",
    "procfile",
    "procfile_buildpack",
    "python",
    "python_buildpack",
    "static",
    "staticfile_buildpack",
];
