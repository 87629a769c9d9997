//! What the person asked for, and the parts that it implies.

use std::env;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::MicroError;

/// What `switchyard micro` is asked to do.
#[derive(Clone, Debug, clap::Args)]
pub struct MicroOptions {
    /// Where state, configuration and logs live [default: $XDG_DATA_HOME/switchyard]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// The router's port; the next free one is taken when it is busy, 0 means any, for all parts
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub(super) port: u16,

    /// The API's port [default: 8081, or the next free one]
    #[arg(long, value_name = "PORT")]
    pub(super) api_port: Option<u16>,

    /// The administrator's name; without it a link is printed, once, to choose one
    #[arg(long, value_name = "NAME", requires = "admin_password_file")]
    pub(super) admin_user: Option<String>,

    /// A file with the administrator's password
    #[arg(long, value_name = "FILE", requires = "admin_user")]
    admin_password_file: Option<PathBuf>,

    /// What instances run in
    #[arg(long, value_enum, default_value_t = MicroRuntime::Process)]
    pub(super) runtime: MicroRuntime,

    /// Docker images to run instances in, the first of them by default
    #[arg(long, value_name = "IMAGE,...")]
    pub(super) docker_images: Option<String>,

    /// The memory that instances may have in all [default: most of the machine's]
    #[arg(long, value_name = "MB")]
    pub(super) memory_mb: Option<u64>,

    /// The disk that instances may have in all [default: most of what is free]
    #[arg(long, value_name = "MB")]
    pub(super) disk_mb: Option<u64>,

    /// Print one JSON object per line, figures each second
    #[arg(long)]
    pub(super) json: bool,

    /// The router's worker threads [default: one per core]
    #[arg(long, value_name = "N")]
    pub(super) workers: Option<NonZeroUsize>,

    /// The router to run [default: switchyard-router beside this program]
    #[arg(long, value_name = "PATH")]
    router_bin: Option<PathBuf>,
}

/// What instances of a micro cloud run in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum MicroRuntime {
    /// Docker where its engine answers, plain processes otherwise.
    Auto,
    /// Containers of the Docker engine.
    Docker,
    /// Plain processes, which share this machine's files and network.
    Process,
}

impl MicroRuntime {
    /// As the agent's command line has it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Docker => "docker",
            Self::Process => "process",
        }
    }
}

impl MicroOptions {
    /// The administrator's name and the file of the password, if they were given.
    pub(super) fn admin(&self) -> Result<Option<(&str, PathBuf)>, MicroError> {
        let (Some(name), Some(file)) = (&self.admin_user, &self.admin_password_file) else {
            return Ok(None);
        };
        // An absolute path, and a clear word before anything starts.
        match file.canonicalize() {
            Ok(path) => Ok(Some((name, path))),
            Err(source) => Err(MicroError::Password {
                path: file.clone(),
                source,
            }),
        }
    }

    /// The directory asked for, else the usual place for a user's data.
    pub(super) fn directory(&self) -> Result<PathBuf, MicroError> {
        if let Some(dir) = &self.dir {
            return Ok(dir.clone());
        }
        usual_directory(
            env::var_os("XDG_DATA_HOME").map(PathBuf::from),
            env::home_dir(),
        )
        .ok_or(MicroError::NoHome)
    }

    /// The router's program file.
    pub(super) fn router(&self) -> Result<PathBuf, MicroError> {
        let path = match &self.router_bin {
            Some(path) => path.clone(),
            None => own_program()?.with_file_name(ROUTER),
        };
        // An absolute path, because the children run in a directory of their own.
        path.canonicalize()
            .ok()
            .filter(|path| path.is_file())
            .ok_or(MicroError::NoRouter { path })
    }
}

/// This program's own file, from which the shim and the sample are run.
pub(super) fn own_program() -> Result<PathBuf, MicroError> {
    env::current_exe().map_err(MicroError::Myself)
}

fn usual_directory(data_home: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    data_home
        // The XDG directory rules say that a relative path counts as none.
        .filter(absolute)
        .or_else(|| Some(home.filter(absolute)?.join(".local/share")))
        .map(|data| data.join(Path::new("switchyard")))
}

const ROUTER: &str = "switchyard-router";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_data_home_counts_as_none() {
        let dir = usual_directory(Some("data".into()), Some("/home/ada".into()));
        assert_eq!(dir, Some("/home/ada/.local/share/switchyard".into()));
    }

    #[test]
    fn the_data_home_comes_before_the_home() {
        let dir = usual_directory(Some("/data".into()), Some("/home/ada".into()));
        assert_eq!(dir, Some("/data/switchyard".into()));
    }
}
