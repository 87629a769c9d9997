//! The command lines of the parts.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::MicroError;
use super::directory::Directory;
use super::options::MicroOptions;
use super::plan::{Plan, local};
use super::settings::Settings;

/// The files through which parts are told what no command line should show.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) router_settings: PathBuf,
    pub(super) operator: PathBuf,
    pub(super) setup_link: PathBuf,
    pub(super) access_log: PathBuf,
}

/// Writes the router's settings and forgets what only an earlier run could use.
pub(super) fn write_settings(
    options: &MicroOptions,
    plan: &Plan,
    directory: &Directory,
) -> Result<PathBuf, MicroError> {
    // Routes of an earlier run lead to ports that may belong to somebody else by now, and its
    // setup link may have been used.
    let snapshot = directory.file("routes.snapshot");
    for stale in [&snapshot, &directory.file(SETUP_LINK)] {
        let _ = fs::remove_file(stale);
    }
    let password = uuid::Builder::from_random_bytes(rand::random())
        .into_uuid()
        .to_string();
    let settings = Settings {
        port: plan.router,
        bus: plan.bus,
        status: plan.status,
        routes: plan.routes,
        prometheus: plan.prometheus,
        password: &password,
        access_log: &directory.file(ACCESS_LOG),
        snapshot: &snapshot,
        workers: options.workers,
    };
    directory.write_private("gorouter.yml", &settings.render())
}

impl Files {
    pub(super) fn of(directory: &Directory, router_settings: PathBuf, operator: PathBuf) -> Self {
        Self {
            router_settings,
            operator,
            setup_link: directory.file(SETUP_LINK),
            access_log: directory.file(ACCESS_LOG),
        }
    }

    pub(super) fn router(&self) -> Vec<OsString> {
        vec!["-c".into(), self.router_settings.clone().into()]
    }

    pub(super) fn controller(
        &self,
        options: &MicroOptions,
        plan: &Plan,
        directory: &Directory,
    ) -> Result<Vec<OsString>, MicroError> {
        let mut words = Words::of("controller");
        words.pair("--dir", directory.file("controller"));
        words.pair("--nats", bus_url(plan));
        words.pair("--listen", local(plan.api).to_string());
        words.pair("--domain", "localhost");
        words.pair("--external-url", api_url(plan));
        words.pair("--app-port", plan.router.to_string());
        words.pair("--operator-file", &self.operator);
        if let Some((name, password)) = options.admin()? {
            words.pair("--admin-user", name);
            words.pair("--admin-password-file", password);
        } else {
            words.pair("--setup-link-file", &self.setup_link);
        }
        Ok(words.0)
    }

    pub(super) fn agent(
        options: &MicroOptions,
        plan: &Plan,
        directory: &Directory,
    ) -> Vec<OsString> {
        let mut words = Words::of("agent");
        words.pair("--dir", directory.file("agent"));
        words.pair("--nats", bus_url(plan));
        words.pair("--ip", "127.0.0.1");
        words.pair("--files-domain", format!("localhost:{}", plan.router));
        words.pair("--runtime", options.runtime.word());
        if let Some(images) = &options.docker_images {
            words.pair("--docker-images", images);
        }
        if let Some(memory) = options.memory_mb {
            words.pair("--memory-mb", memory.to_string());
        }
        if let Some(disk) = options.disk_mb {
            words.pair("--disk-mb", disk.to_string());
        }
        words.0
    }
}

/// The words of a command line.
struct Words(Vec<OsString>);

impl Words {
    fn of(command: &str) -> Self {
        Self(vec![command.into()])
    }

    fn pair(&mut self, option: &str, value: impl AsRef<Path>) {
        self.0.push(option.into());
        self.0.push(value.as_ref().into());
    }
}

/// Where agents and clients reach the API on this machine.
pub(super) fn api_url(plan: &Plan) -> String {
    format!("http://{}", local(plan.api))
}

pub(super) fn bus_url(plan: &Plan) -> String {
    format!("nats://{}", local(plan.bus))
}

const ACCESS_LOG: &str = "access.log";
const SETUP_LINK: &str = "setup-link";
