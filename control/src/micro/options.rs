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

impl MicroOptions {
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
