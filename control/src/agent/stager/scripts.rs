//! The buildpacks that every agent brings along, and the script that runs all of them.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What runs inside the container; the plan is its first argument.
pub(super) const BUILDER: &str = include_str!("scripts/builder.sh");

/// A buildpack that the agent brings along.
#[derive(Debug)]
pub(super) struct Builtin {
    pub(super) name: &'static str,
    detect: &'static str,
    compile: &'static str,
    release: &'static str,
}

/// All of them, in the order in which they are asked.
pub(super) const BUILTINS: &[Builtin] = &[
    Builtin {
        name: "static",
        detect: include_str!("scripts/static/detect"),
        compile: include_str!("scripts/static/compile"),
        release: include_str!("scripts/static/release"),
    },
    Builtin {
        name: "node",
        detect: include_str!("scripts/node/detect"),
        compile: include_str!("scripts/node/compile"),
        release: include_str!("scripts/node/release"),
    },
    Builtin {
        name: "python",
        detect: include_str!("scripts/python/detect"),
        compile: include_str!("scripts/python/compile"),
        release: include_str!("scripts/python/release"),
    },
    Builtin {
        name: "procfile",
        detect: include_str!("scripts/procfile/detect"),
        compile: include_str!("scripts/procfile/compile"),
        release: include_str!("scripts/procfile/release"),
    },
];

impl Builtin {
    /// Finds one by the names that users know it under.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        // compat: the names of Cloud Foundry's own buildpacks lead to ours.
        let name = match name.strip_suffix("_buildpack").unwrap_or(name) {
            "binary" => "procfile",
            "nodejs" => "node",
            "staticfile" => "static",
            other => other,
        };
        BUILTINS.iter().find(|builtin| builtin.name == name)
    }

    /// Writes its scripts into the directory `into`.
    pub(super) fn write(&self, into: &Path) -> io::Result<()> {
        let bin = into.join("bin");
        fs::create_dir_all(&bin)?;
        for (name, text) in [
            ("detect", self.detect),
            ("compile", self.compile),
            ("release", self.release),
        ] {
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o755)
                .open(bin.join(name))?;
            file.write_all(text.as_bytes())?;
        }
        Ok(())
    }
}
