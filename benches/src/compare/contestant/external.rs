//! A proxy that is given by a path: `--peer NAME=PATH:ARGUMENTS`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::str::FromStr;

use super::{Contestant, Surroundings, loopback};
use crate::child::{Child, Pinned};
use crate::machine::free_port;

/// A program and how to call it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    arguments: Vec<String>,
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form =
            || format!("{text:?} is not NAME=PATH:ARGUMENTS, such as x=/opt/x:--listen {{port}}");
        let (name, rest) = text.split_once('=').ok_or_else(form)?;
        let (program, arguments) = rest.split_once(':').ok_or_else(form)?;
        if name.is_empty() || program.is_empty() || !arguments.contains("{port}") {
            return Err(form());
        }
        let arguments = arguments.split_whitespace().map(str::to_owned).collect();
        Ok(Self {
            name: name.to_owned(),
            program: program.into(),
            arguments,
        })
    }
}

impl Peer {
    pub(super) fn start(&self, around: &Surroundings, dir: &Path) -> anyhow::Result<Contestant> {
        let http = loopback(free_port()?);
        let args = self.arguments_for(http.port(), &around.origin.to_string());
        let cpu = around.cpus.proxy;
        let command = Pinned {
            name: &self.name,
            cpu,
            program: &self.program,
            args,
        };
        let child = Child::start(&command, dir, Stdio::null())?;
        Ok(Contestant {
            name: self.name.clone(),
            http,
            https: None,
            child,
        })
    }

    fn arguments_for(&self, port: u16, origin: &str) -> Vec<String> {
        let fill = |argument: &String| {
            argument
                .replace("{port}", &port.to_string())
                .replace("{origin}", origin)
        };
        self.arguments.iter().map(fill).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_name_path_and_arguments() {
        let peer: Peer = "x=/opt/x:-l 127.0.0.1:{port} -o {origin}".parse().unwrap();
        assert_eq!(
            (peer.name.as_str(), peer.program.to_str()),
            ("x", Some("/opt/x"))
        );
        let filled = peer.arguments_for(81, "127.0.0.1:82");
        assert_eq!(filled, ["-l", "127.0.0.1:81", "-o", "127.0.0.1:82"]);
    }

    #[test]
    fn a_peer_without_a_port_is_refused() {
        assert!("x=/opt/x:--listen".parse::<Peer>().is_err());
        assert!("x".parse::<Peer>().is_err());
    }
}
