//! One build, from the package to the droplet: the walk of its phases.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus::Bus;

use super::buildpack_steps::Released;
use super::pack::{Packed, pack, unpack};
use super::sources::Buildpacks;
use super::transfer::{Download, download, upload};
use super::unzip::{UnzipLimits, unzip};
use super::voice::Voice;
use super::workspace::{PARTS, Workspace};
use crate::agent::runtime::Runtime;
use crate::dial::Trust;
use crate::staging::{Failure, Limits, Phase, StagingInfo, StagingTask};
use crate::wire::StagingRequest;

/// What builds share on a node.
#[derive(Debug)]
pub(super) struct Tools {
    pub(super) bus: Bus,
    pub(super) runtime: Runtime,
    pub(super) buildpacks: Buildpacks,
    /// Where builds have their directories.
    pub(super) dir: PathBuf,
    /// The search path of programs in a container.
    pub(super) path: String,
    /// Whom to trust, where addresses are `https://`.
    pub(super) trust: Trust,
}

/// A build that succeeded.
pub(super) struct Staged {
    pub(super) droplet: Packed,
    pub(super) released: Released,
}

/// A build under way.
pub(super) struct Build<'a> {
    pub(super) tools: &'a Tools,
    pub(super) request: &'a StagingRequest,
    pub(super) limits: Limits,
    pub(super) place: Workspace,
    pub(super) task: StagingTask,
    pub(super) voice: Voice,
    /// The image that the buildpacks ran in, where there are images.
    pub(super) image: Option<String>,
}

pub(super) type Step<T> = Result<T, Failure>;

impl<'a> Build<'a> {
    /// Makes the directory of a build.
    ///
    /// # Errors
    ///
    /// Fails when the disk does.
    pub(super) fn begin(
        tools: &'a Tools,
        request: &'a StagingRequest,
        limits: Limits,
    ) -> io::Result<Self> {
        let allowed = i64::try_from(limits.seconds).unwrap_or(i64::MAX);
        Ok(Self {
            tools,
            request,
            limits,
            place: Workspace::create(&tools.dir, &request.task_id)?,
            task: StagingTask::begin(now_micros(), allowed.saturating_mul(1_000_000)),
            voice: Voice::new(tools.bus.clone(), &request.app_id),
            image: None,
        })
    }

    /// What it is doing.
    pub(super) fn phase(&self) -> Phase {
        self.task.phase()
    }

    /// How long it may still take.
    pub(super) fn left(&self) -> Duration {
        Duration::from_micros(self.task.left(now_micros()).unsigned_abs())
    }

    /// Walks through all phases.
    ///
    /// # Errors
    ///
    /// Fails with whose fault it is and what went wrong.
    pub(super) async fn run(&mut self) -> Step<Staged> {
        let Limits {
            memory_mb,
            disk_mb,
            seconds,
        } = self.limits;
        self.voice
            .say(format!(
                "Staging begins (memory {memory_mb} MB, disk {disk_mb} MB, at most {seconds} s)"
            ))
            .await;
        self.download().await?;
        self.unpack().await?;
        self.fetch_cache().await;
        let plan = self.fetch_buildpacks().await?;
        self.write_hooks()?;
        self.build(&plan).await?;
        let released = self.release(&plan).await?;
        let droplet = self.pack(&released).await?;
        self.upload(&droplet).await?;
        self.task.enter(Phase::Done);
        let taken = self.task.taken(now_micros()) / 100_000;
        self.voice
            .say(format!("Staging done in {}.{} s", taken / 10, taken % 10))
            .await;
        Ok(Staged { droplet, released })
    }

    /// Removes the directory.
    pub(super) fn clear(&self) {
        // What stays is removed when the agent starts again.
        let _ = self.place.remove();
    }

    async fn download(&mut self) -> Step<()> {
        self.task.enter(Phase::Downloading);
        let (trust, address) = (&self.tools.trust, &self.request.download_uri);
        let limit = self.limits.disk_mb << 20;
        let found = download(trust, address, &self.place.beside(PACKAGE), limit, None).await;
        match found.map_err(|error| self.failed(format!("cannot fetch the package: {error}")))? {
            Download::File { bytes, .. } => {
                let text = format!("Downloaded the package ({})", size(bytes));
                self.voice.say(text).await;
                Ok(())
            }
            Download::Missing | Download::Unchanged => Err(self.failed("the package is gone")),
        }
    }

    async fn unpack(&mut self) -> Step<()> {
        self.task.enter(Phase::Unpacking);
        let limits = UnzipLimits {
            bytes: self.limits.disk_mb << 20,
            entries: ENTRIES_MAX,
        };
        let (archive, app) = (self.place.beside(PACKAGE), self.place.inside("app"));
        let unpacked = blocking(move || unzip(&archive, &app, limits)).await;
        let unpacked =
            unpacked.map_err(|error| self.failed(format!("cannot unpack the package: {error}")))?;
        let text = format!(
            "Unpacked {} files ({})",
            unpacked.files,
            size(unpacked.bytes)
        );
        self.voice.say(text).await;
        // Its space is wanted by the build.
        let _ = fs::remove_file(self.place.beside(PACKAGE));
        Ok(())
    }

    /// Takes what the last build kept. Without it a build is slower, not wrong.
    async fn fetch_cache(&mut self) {
        let address = &self.request.buildpack_cache_download_uri;
        if address.is_empty() {
            return;
        }
        let archive = self.place.beside(CACHE);
        let trust = &self.tools.trust;
        let found = download(trust, address, &archive, CACHE_MAX_BYTES, None).await;
        let into = self.place.root();
        let text = match found {
            Ok(Download::File { bytes, .. }) => {
                match blocking(move || unpack(&archive, &into)).await {
                    Ok(()) => format!("Downloaded the build cache ({})", size(bytes)),
                    Err(error) => format!("The build cache is left out: {error}"),
                }
            }
            Ok(Download::Missing | Download::Unchanged) => return,
            Err(error) => format!("The build cache is left out: {error}"),
        };
        self.voice.say(text).await;
    }

    async fn pack(&mut self, released: &Released) -> Step<Packed> {
        self.task.enter(Phase::Packing);
        let launch = &released.launch;
        let own = self.request.properties.meta.command.as_deref();
        let buildpack = released.buildpacks.last();
        let buildpack = buildpack.map(|used| used.name.clone());
        let info = StagingInfo {
            detected_buildpack: released.detected.clone(),
            buildpack: buildpack.unwrap_or_default(),
            start_command: launch.start_command(own).unwrap_or_default(),
            effective_procfile: launch.process_types.clone(),
            image: self.image.clone(),
        };
        fs::write(self.place.inside(INFO), info.yaml())
            .map_err(|error| self.failed(error.to_string()))?;
        let (root, archive) = (self.place.root(), self.place.beside(DROPLET));
        let packed = blocking(move || {
            let parts: Vec<&str> = PARTS.iter().copied().chain([INFO]).collect();
            pack(&root, &parts, &archive)
        });
        let packed = packed
            .await
            .map_err(|error| self.failed(format!("cannot pack the droplet: {error}")))?;
        let text = format!("Packed the droplet ({})", size(packed.bytes));
        self.voice.say(text).await;
        Ok(packed)
    }

    async fn upload(&mut self, droplet: &Packed) -> Step<()> {
        self.task.enter(Phase::Uploading);
        let to = &self.request.upload_uri;
        let sent = upload(&self.tools.trust, to, &self.place.beside(DROPLET)).await;
        sent.map_err(|error| self.failed(format!("cannot send the droplet: {error}")))?;
        let text = format!("Uploaded the droplet (SHA-256 {})", droplet.sha256);
        self.voice.say(text).await;
        self.upload_cache().await;
        Ok(())
    }

    /// Keeps the cache for the next build. Without it that build is slower, not wrong.
    async fn upload_cache(&mut self) {
        let address = &self.request.buildpack_cache_upload_uri;
        let empty = fs::read_dir(self.place.inside("cache/final"))
            .map_or(true, |mut found| found.next().is_none());
        if address.is_empty() || empty {
            return;
        }
        let (root, archive) = (self.place.root(), self.place.beside(CACHE));
        let packed = blocking(move || pack(&root, &["cache"], &archive)).await;
        let sent = match packed {
            Ok(packed) => upload(&self.tools.trust, address, &self.place.beside(CACHE))
                .await
                .map(|()| packed.bytes)
                .map_err(|error| error.to_string()),
            Err(error) => Err(error),
        };
        let text = match sent {
            Ok(bytes) => format!("Uploaded the build cache ({})", size(bytes)),
            Err(reason) => format!("The build cache is not kept: {reason}"),
        };
        self.voice.say(text).await;
    }

    pub(super) fn failed(&self, reason: impl Into<String>) -> Failure {
        Failure::staging(self.task.phase(), reason)
    }
}

/// Runs what waits for the disk away from the threads that must not wait.
async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, String>
where
    T: Send + 'static,
    E: ToString + Send + 'static,
{
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())
}

/// A size for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..=1023 => format!("{bytes} bytes"),
        1024..=1_048_575 => format!("{} KB", bytes >> 10),
        _ => format!("{}.{} MB", bytes >> 20, ((bytes & 0xF_FFFF) * 10) >> 20),
    }
}

fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    })
}

const CACHE: &str = "cache.tgz";
const CACHE_MAX_BYTES: u64 = 2 << 30;
const DROPLET: &str = "droplet.tgz";
const ENTRIES_MAX: usize = 200_000;
const INFO: &str = "staging_info.yml";
const PACKAGE: &str = "package.zip";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_the_unit_that_fits() {
        for (bytes, text) in [
            (17, "17 bytes"),
            (2048, "2 KB"),
            (1_572_864, "1.5 MB"),
            (1 << 30, "1024.0 MB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
