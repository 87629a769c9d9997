//! What a process has open, as the kernel knows it.

use std::fs;

/// The TCP ports on which process `pid` listens.
pub(super) fn listening(pid: u32) -> Vec<u16> {
    let sockets = open_files(pid, "socket");
    let tables =
        ["tcp", "tcp6"].map(|table| fs::read_to_string(format!("/proc/{pid}/net/{table}")));
    let lines = tables
        .iter()
        .flatten()
        .flat_map(|table| table.lines().skip(1));
    lines.filter_map(|line| port_of(line, &sockets)).collect()
}

/// The inodes of its open files of this kind: `socket` or `pipe`.
pub(super) fn open_files(pid: u32, kind: &str) -> Vec<String> {
    let open = fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .flatten();
    let links = open.filter_map(|entry| fs::read_link(entry.path()).ok());
    links
        .filter_map(|link| {
            let inode = link.to_str()?.strip_prefix(kind)?;
            Some(inode.strip_prefix(":[")?.strip_suffix(']')?.to_owned())
        })
        .collect()
}

/// The port of one line of the kernel's table, when it listens and is one of `sockets`.
fn port_of(line: &str, sockets: &[String]) -> Option<u16> {
    const LISTENING: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let ours = sockets
        .iter()
        .any(|inode| Some(&inode.as_str()) == fields.get(9));
    if !ours || fields.get(3) != Some(&LISTENING) {
        return None;
    }
    u16::from_str_radix(fields.get(1)?.rsplit(':').next()?, 16).ok()
}
