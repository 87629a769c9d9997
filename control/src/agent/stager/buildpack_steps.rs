//! The part of a build that buildpacks do: fetched, run, and asked how to start what they built.

use std::fs;
use std::time::{Duration, Instant};

use super::build::{Build, Step};
use super::container::{Container, Ended, Ran};
use super::environment::{Surroundings, variables};
use super::scripts::{BUILDER, BUILTINS, Builtin};
use crate::staging::{
    Available, BuilderExit, Failure, Hook, Hooks, Launch, LaunchFiles, Phase, Plan, Source, padded,
};
use crate::wire::{StagedBuildpack, StagingRequest};

/// What came out of the buildpacks.
pub(super) struct Released {
    pub(super) launch: Launch,
    /// What the buildpack called the application.
    pub(super) detected: String,
    /// The buildpacks that took part, in order.
    pub(super) buildpacks: Vec<StagedBuildpack>,
}

impl Build<'_> {
    pub(super) async fn fetch_buildpacks(&mut self) -> Step<Plan> {
        self.task.enter(Phase::Fetching);
        let available = available(self.request);
        let named = named(self.request, &available);
        let plan = Plan::new(&named, &available).map_err(|bad| self.failed(bad.to_string()))?;
        let count = plan.sources().len();
        for (index, source) in plan.sources().iter().enumerate() {
            let name = format!(".staging/buildpacks/{}", padded(index, count));
            let into = self.place.inside(&name);
            let provided = self.tools.buildpacks.provide(source, &into).await;
            let label = source.label();
            provided.map_err(|reason| {
                self.failed(format!("cannot get the buildpack `{label}`: {reason}"))
            })?;
            fs::write(into.with_added_extension("name"), &label)
                .map_err(|error| self.failed(error.to_string()))?;
        }
        Ok(plan)
    }

    pub(super) fn write_hooks(&self) -> Step<()> {
        let Some(text) = self.place.read("app/stackato.yml") else {
            return Ok(());
        };
        let hooks = Hooks::read(&text)
            .map_err(|reason| self.failed(format!("invalid YAML in stackato.yml: {reason}")))?;
        for (name, hooks) in [("pre-staging", hooks.before), ("post-staging", hooks.after)] {
            if hooks.is_empty() {
                continue;
            }
            let path = self.place.inside(".staging/hooks").join(name);
            fs::write(path, script(&hooks)).map_err(|error| self.failed(error.to_string()))?;
        }
        Ok(())
    }

    pub(super) async fn build(&mut self, plan: &Plan) -> Step<()> {
        self.task.enter(Phase::Building);
        fs::write(self.place.inside(".staging/builder.sh"), BUILDER)
            .map_err(|error| self.failed(error.to_string()))?;
        let begun = Instant::now();
        let root = self.place.root();
        let seen = self.tools.runtime.seen_root(&root);
        let container = Container {
            runtime: &self.tools.runtime,
            place: &self.place,
            limits: self.limits,
            env: variables(
                self.request,
                Surroundings {
                    root: &seen,
                    path: &self.tools.path,
                    memory_mb: self.limits.memory_mb,
                    seconds: self.limits.seconds,
                },
            ),
            mode: match plan {
                Plan::Detect(_) => "detect",
                Plan::Given(_) => "given",
            },
        };
        let ran = container.run(self.request, &mut self.voice).await;
        let Ran { image, ended } =
            ran.map_err(|error| self.failed(format!("the container did not run: {error}")))?;
        self.image = image;
        self.judge(ended, plan, begun.elapsed())
    }

    fn judge(&self, ended: Ended, plan: &Plan, took: Duration) -> Step<()> {
        let step = self.place.read(".staging/result/phase").unwrap_or_default();
        let step = step.trim();
        let seconds = took.as_secs();
        let status = match ended {
            Ended::Status(status) => status,
            Ended::Stopped(reason) => {
                return Err(self.failed(format!("`{step}` failed after {seconds} s: {reason}")));
            }
        };
        let exit = BuilderExit::of(status);
        let Some(fault) = exit.fault() else {
            return Ok(());
        };
        let reason = match exit {
            BuilderExit::NoneDetected => format!(
                "none of {} wants it; at its top are: {}",
                plan.labels(),
                self.place.top_names()
            ),
            BuilderExit::Other(status) => {
                format!("`{step}` ended with status {status} after {seconds} s")
            }
            BuilderExit::Compile
            | BuilderExit::Done
            | BuilderExit::Finalize
            | BuilderExit::Hook
            | BuilderExit::Release
            | BuilderExit::Supply => format!("`{step}` failed after {seconds} s"),
        };
        Err(Failure {
            fault,
            phase: Phase::Building,
            reason,
        })
    }

    pub(super) async fn release(&mut self, plan: &Plan) -> Step<Released> {
        self.task.enter(Phase::Releasing);
        let index = self.result("index");
        let plain = index.bytes().all(|byte| byte.is_ascii_digit());
        let launch_file = plain
            .then(|| self.place.read(&format!("deps/{index}/launch.yml")))
            .flatten();
        let launch = Launch::read(LaunchFiles {
            procfile: self.place.read("app/Procfile").as_deref(),
            release: self.place.read(".staging/result/release.yml").as_deref(),
            launch: launch_file.as_deref(),
        })?;
        let detected = self.result("detected");
        let chosen = self.result("chosen").parse::<usize>().unwrap_or_default();
        let used = match plan {
            Plan::Detect(sources) => sources.get(chosen).into_iter().collect::<Vec<_>>(),
            Plan::Given(sources) => sources.iter().collect(),
        };
        let buildpacks: Vec<StagedBuildpack> = used
            .into_iter()
            .map(|source| StagedBuildpack {
                name: source.label(),
                detect_output: detected.clone(),
                version: None,
            })
            .collect();
        let own = self.request.properties.meta.command.as_deref();
        let text = match launch.start_command(own) {
            Some(command) => format!("Start command: {command}"),
            None => {
                "Nothing says how to start this application: add a Procfile with a `web` line, \
                     or give a start command"
                    .to_owned()
            }
        };
        self.voice.say(text).await;
        Ok(Released {
            launch,
            detected,
            buildpacks,
        })
    }

    fn result(&self, name: &str) -> String {
        let text = self.place.read(&format!(".staging/result/{name}"));
        text.unwrap_or_default().trim().to_owned()
    }
}

/// The platform's buildpacks in their order. A controller that names none of ours does not know them:
/// then they come last.
fn available(request: &StagingRequest) -> Vec<Available> {
    let told = request.admin_buildpacks.iter().map(|link| Available {
        key: link.key.clone(),
        url: link.url.clone(),
    });
    let mut all: Vec<Available> = told.collect();
    let ours = |offer: &Available| matches!(Source::of(offer), Source::Builtin(_));
    if !all.iter().any(ours) {
        let builtins = BUILTINS.iter().map(|builtin| Available {
            key: builtin.name.to_owned(),
            url: String::new(),
        });
        all.extend(builtins);
    }
    all
}

/// The buildpacks that the user named, under the names that we know them by.
fn named(request: &StagingRequest, available: &[Available]) -> Vec<String> {
    let properties = &request.properties;
    let one = properties.buildpack.iter().chain(&properties.buildpack_key);
    let words: Vec<&String> = match properties.buildpacks.as_slice() {
        [] => one.take(1).collect(),
        several => several.iter().collect(),
    };
    let known = |word: &str| available.iter().any(|offer| offer.key == word);
    let words = words.into_iter().filter(|word| !word.trim().is_empty());
    words
        .map(|word| match Builtin::named(word) {
            Some(builtin) if !known(word) => builtin.name.to_owned(),
            Some(_) | None => word.clone(),
        })
        .collect()
}

/// A script that runs an application's hooks one after the other.
fn script(hooks: &[Hook]) -> String {
    let mut text = String::new();
    for hook in hooks {
        // A shell of its own, so that a hook cannot end the script; the end ends the build.
        let quoted = hook.command.replace('\'', r"'\''");
        let after = if hook.must_succeed { "exit 1" } else { "true" };
        text.push_str(&format!("bash -c '{quoted}' || {after}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{BuildpackLink, StagingProperties};

    fn request(buildpacks: &[&str], key: Option<&str>) -> StagingRequest {
        StagingRequest {
            properties: StagingProperties {
                buildpacks: buildpacks.iter().map(|word| (*word).to_owned()).collect(),
                buildpack_key: key.map(str::to_owned),
                ..StagingProperties::default()
            },
            ..StagingRequest::default()
        }
    }

    #[test]
    fn the_names_of_cloud_foundrys_buildpacks_lead_to_ours() {
        let request = request(&["staticfile_buildpack", "nodejs_buildpack"], Some("x"));
        let named = named(&request, &available(&request));
        assert_eq!(named, ["static", "node"]);
    }

    #[test]
    fn an_operators_buildpack_goes_before_ours_of_another_name() {
        let mut request = request(&[], Some("nodejs_buildpack"));
        request.admin_buildpacks.push(BuildpackLink {
            key: "nodejs_buildpack".to_owned(),
            url: "http://blobs/1".to_owned(),
        });
        assert_eq!(named(&request, &available(&request)), ["nodejs_buildpack"]);
        assert_eq!(available(&request).len(), 1 + BUILTINS.len());
    }

    #[test]
    fn a_controller_that_knows_ours_decides_which_are_asked() {
        let mut request = request(&[], None);
        request.admin_buildpacks.push(BuildpackLink {
            key: "static".to_owned(),
            url: "builtin:static".to_owned(),
        });
        assert_eq!(available(&request).len(), 1);
    }

    #[test]
    fn hooks_keep_their_quotes_and_their_right_to_fail() {
        let hooks = Hooks::read("hooks:\n  pre-staging: [\"echo 'a b'\", \"- false\"]\n").unwrap();
        assert_eq!(
            script(&hooks.before),
            "bash -c 'echo '\\''a b'\\''' || exit 1\nbash -c 'false' || true\n"
        );
    }
}
