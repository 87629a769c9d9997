//! The two yardsticks of our own: the null forwarder and the hyper proxy.

use std::path::Path;

use super::{Contestant, Logs, Surroundings};
use crate::child::{Child, Pinned, args};

/// The physical limit. It cannot log, so it takes part as it is in both log modes.
pub(super) fn null(around: &Surroundings, dir: &Path) -> anyhow::Result<Contestant> {
    let program = around.programs.ours.join("null_forwarder");
    let args = args([format!("--origin={}", around.origin)]);
    let command = Pinned {
        name: "null",
        cpu: around.cpus.proxy,
        program: &program,
        args,
    };
    let (child, http) = Child::listening(&command, dir)?;
    Ok(Contestant {
        name: "null".into(),
        http,
        https: None,
        child,
    })
}

/// hyper on both sides.
pub(super) fn hyper(around: &Surroundings, logs: Logs, dir: &Path) -> anyhow::Result<Contestant> {
    let program = around.programs.ours.join("hyper_proxy");
    let mut args = args([format!("--origin={}", around.origin)]);
    if logs == Logs::On {
        args.push(format!("--access-log={}/access.log", dir.display()));
    }
    let command = Pinned {
        name: "hyper",
        cpu: around.cpus.proxy,
        program: &program,
        args,
    };
    let (child, http) = Child::listening(&command, dir)?;
    Ok(Contestant {
        name: "hyper".into(),
        http,
        https: None,
        child,
    })
}
