//! Buildpacks from wherever they are to a directory of the build.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use aws_lc_rs::digest::{SHA256, digest};
use tokio::process::Command;

use super::scripts::Builtin;
use super::transfer::{Download, download};
use super::unzip::{UnzipLimits, unzip};
use crate::dial::Trust;
use crate::staging::{GitAddress, Source};

/// The buildpacks that this node can get, and its store of those that it has got.
#[derive(Clone, Debug)]
pub(super) struct Buildpacks {
    store: PathBuf,
    trust: Trust,
}

impl Buildpacks {
    /// Uses the directory `store`, which is made.
    ///
    /// # Errors
    ///
    /// Fails when the disk does.
    pub(super) fn open(store: PathBuf, trust: Trust) -> io::Result<Self> {
        fs::create_dir_all(&store)?;
        Ok(Self { store, trust })
    }

    /// Puts a buildpack into the directory `into`, so that `into/bin` holds its programs.
    ///
    /// # Errors
    ///
    /// Fails with what went wrong, for the application's owner.
    pub(super) async fn provide(&self, source: &Source, into: &Path) -> Result<(), String> {
        match source {
            Source::Admin { key, url } => {
                self.unpacked(key, url, into).await?;
            }
            Source::Builtin(name) => {
                let known = Builtin::named(name);
                let builtin = known.ok_or_else(|| format!("no agent brings `{name}` along"))?;
                builtin.write(into).map_err(|error| error.to_string())?;
            }
            Source::Git(address) => clone(address, into).await?,
            Source::Zip(url) => {
                self.unpacked(url, url, into).await?;
            }
        }
        settle(into)
    }

    async fn unpacked(&self, key: &str, url: &str, into: &Path) -> Result<(), String> {
        let archive = self.archive(key, url).await?;
        match unpack(archive.clone(), into.to_owned()).await {
            // Another build has just replaced it by a newer one.
            Err(_) if !archive.is_file() => {
                let newer = self.archive(key, url).await?;
                unpack(newer, into.to_owned()).await
            }
            unpacked => unpacked,
        }
    }

    /// The archive of a buildpack; fetched again only when the other side says that it changed.
    async fn archive(&self, key: &str, url: &str) -> Result<PathBuf, String> {
        // The query is a signature, which is new each time.
        let plain = url.split('?').next().unwrap_or(url);
        let name = file_name(key, plain);
        let tag_file = self.store.join(format!("{name}.etag"));
        // Each content has a file of its own, so that a tag never stands for another one.
        let kept = |tag: &str| self.store.join(format!("{}.zip", file_name(&name, tag)));
        let tag = fs::read_to_string(&tag_file).ok();
        let tag = tag.filter(|tag| kept(tag).is_file());
        let mut trouble = String::new();
        for _ in 0..ATTEMPTS {
            // Two builds may fetch the same one; each writes a file of its own and the last one stays.
            let fresh = tempfile::NamedTempFile::new_in(&self.store);
            let fresh = fresh.map_err(|error| error.to_string())?;
            let fetched = download(
                &self.trust,
                url,
                fresh.path(),
                ARCHIVE_MAX_BYTES,
                tag.as_deref(),
            );
            match fetched.await {
                Ok(Download::File { etag, .. }) => {
                    let archive = kept(etag.as_deref().unwrap_or_default());
                    fresh.persist(&archive).map_err(|error| error.to_string())?;
                    // Without a tag it is fetched again next time.
                    let _ = match &etag {
                        Some(etag) => fs::write(&tag_file, etag),
                        None => fs::remove_file(&tag_file),
                    };
                    if let Some(old) = tag.filter(|old| etag.as_ref() != Some(old)) {
                        let _ = fs::remove_file(kept(&old));
                    }
                    return Ok(archive);
                }
                Ok(Download::Unchanged) => return Ok(kept(&tag.unwrap_or_default())),
                Ok(Download::Missing) => trouble = format!("there is none at {plain}"),
                Err(error) => trouble = error.to_string(),
            }
        }
        Err(format!("{trouble} ({ATTEMPTS} attempts)"))
    }
}

async fn unpack(archive: PathBuf, into: PathBuf) -> Result<(), String> {
    let unpacking = tokio::task::spawn_blocking(move || {
        fs::create_dir_all(&into).map_err(|error| error.to_string())?;
        unzip(&archive, &into, LIMITS).map_err(|error| error.to_string())
    });
    let unpacked = unpacking.await.map_err(|error| error.to_string())?;
    unpacked.map(|_| ())
}

/// Clones as little as the other side lets us.
async fn clone(address: &GitAddress, into: &Path) -> Result<(), String> {
    if git(address, into, &["--depth", "1"]).await.is_ok() {
        return Ok(());
    }
    // What a broken attempt left would be in the way. Some servers know no shallow clones.
    let _ = fs::remove_dir_all(into);
    git(address, into, &[]).await
}

async fn git(address: &GitAddress, into: &Path, depth: &[&str]) -> Result<(), String> {
    let mut command = Command::new("git");
    command
        .args(["clone", "--quiet", "--recursive"])
        .args(depth);
    if let Some(branch) = &address.branch {
        command.args(["--branch", branch]);
    }
    let running = command
        .arg("--")
        .arg(&address.url)
        .arg(into)
        // Never a question on a terminal, never a program named by an address.
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ALLOW_PROTOCOL", "http:https:git:ssh")
        .env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = running.await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            "this node has no git: install it there (Debian: apt-get install git)".to_owned()
        }
        _ => error.to_string(),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    Err(format!(
        "git clone failed: {}",
        last.unwrap_or("no reason given")
    ))
}

/// Archives of repositories hold everything in one directory: its content moves up.
fn settle(into: &Path) -> Result<(), String> {
    if into.join("bin").is_dir() {
        return Ok(());
    }
    let entries = fs::read_dir(into).map_err(|error| error.to_string())?;
    let dirs: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("bin").is_dir())
        .collect();
    let [only] = dirs.as_slice() else {
        return Err("it has no directory `bin`, so it is no buildpack".to_owned());
    };
    let aside = into.with_added_extension("outer");
    fs::rename(into, &aside)
        .and_then(|()| fs::rename(aside.join(only.file_name().unwrap_or_default()), into))
        .and_then(|()| fs::remove_dir_all(&aside))
        .map_err(|error| error.to_string())
}

fn file_name(key: &str, url: &str) -> String {
    let digest = digest(&SHA256, format!("{key}\n{url}").as_bytes());
    let bytes = digest.as_ref().iter().take(16);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

const ARCHIVE_MAX_BYTES: u64 = 2 << 30;
const ATTEMPTS: u32 = 3;
const LIMITS: UnzipLimits = UnzipLimits {
    bytes: 4 << 30,
    entries: 200_000,
};
