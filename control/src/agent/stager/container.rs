//! The container of a build: its start, its output while it runs, and how it ended.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::voice::Voice;
use super::workspace::Workspace;
use crate::agent::runtime::{
    Access, Cause, ContainerSpec, Image, Labels, Role, Runtime, RuntimeError,
};
use crate::logs::{End, LineFile};
use crate::staging::Limits;
use crate::wire::StagingRequest;

/// The run of a builder: in which image, where there are images, and how it ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) image: Option<String>,
    pub(super) ended: Ended,
}

/// How the builder ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// With this status.
    Status(i32),
    /// It was ended for this reason.
    Stopped(String),
}

/// What is run, and in what.
pub(super) struct Container<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) place: &'a Workspace,
    pub(super) limits: Limits,
    pub(super) env: Vec<(String, String)>,
    /// `detect` or `given`.
    pub(super) mode: &'static str,
}

impl Container<'_> {
    /// Runs the builder to its end and passes on what it prints.
    ///
    /// # Errors
    ///
    /// Fails when the container cannot be started.
    pub(super) async fn run(
        &self,
        request: &StagingRequest,
        voice: &mut Voice,
    ) -> Result<Ran, RuntimeError> {
        let handle = handle(&request.task_id);
        let image = self.runtime.start(self.spec(request, &handle)).await?.image;
        let mut output = LineFile::at(self.place.inside(OUTPUT), 0);
        let mut looked = Instant::now();
        let waiting = self.runtime.wait(&handle);
        tokio::pin!(waiting);
        let ended = loop {
            tokio::select! {
                exit = &mut waiting => break reason(exit?.cause, self.limits),
                () = sleep(OUTPUT_PAUSE) => {}
            }
            pass(&mut output, End::Open, voice).await;
            if looked.elapsed() > USAGE_PAUSE {
                looked = Instant::now();
                if let Some(reason) = self.overdrawn(&handle).await {
                    // Whatever it still does is ended by the removal.
                    break Ended::Stopped(reason);
                }
            }
        };
        while pass(&mut output, End::Closed, voice).await {}
        self.runtime.remove(&handle).await?;
        Ok(Ran { image, ended })
    }

    fn spec(&self, request: &StagingRequest, handle: &str) -> ContainerSpec {
        let fds = u64::try_from(request.properties.limits.fds).unwrap_or(0);
        ContainerSpec {
            handle: handle.to_owned(),
            labels: Labels {
                app_guid: request.app_id.clone(),
                instance_guid: request.task_id.clone(),
                index: 0,
                version: String::new(),
                role: Role::Stage,
            },
            image: Image::Default,
            root: self.place.root(),
            memory_mb: self.limits.memory_mb,
            disk_mb: self.limits.disk_mb,
            max_open_files: fds,
            env: self.env.clone(),
            command: ["bash", ".staging/builder.sh", self.mode]
                .map(str::to_owned)
                .to_vec(),
            stdout: self.place.inside(OUTPUT),
            // One file for both, so that lines stay in their order.
            stderr: self.place.inside(OUTPUT),
            port: None,
            access: Access::default(),
        }
    }

    async fn overdrawn(&self, handle: &str) -> Option<String> {
        let usage = self.runtime.usage(handle).await.ok()?;
        let taken = usage.disk_bytes? >> 20;
        let allowed = self.limits.disk_mb;
        (taken > allowed)
            .then(|| format!("it took {taken} MB of disk, and {allowed} MB are allowed"))
    }
}

/// The name of a build's container at the engine.
pub(super) fn handle(task: &str) -> String {
    format!("stage-{task}")
}

/// Passes on what is new; true when there is more.
async fn pass(output: &mut LineFile, end: End, voice: &mut Voice) -> bool {
    let Ok(found) = output.read(end) else {
        return false;
    };
    voice.pass(found.lines).await;
    found.more
}

fn reason(cause: Cause, limits: Limits) -> Ended {
    Ended::Stopped(match cause {
        Cause::Code(status) => return Ended::Status(status),
        Cause::Lost => "its container vanished".to_owned(),
        Cause::OutOfMemory { .. } => format!("it took more than {} MB of memory", limits.memory_mb),
        Cause::Signal(signal) => format!("signal {signal} ended it"),
        Cause::TooManyProcesses { limit } => format!("it had more than {limit} processes"),
    })
}

const OUTPUT: &str = ".staging/output";
const OUTPUT_PAUSE: Duration = Duration::from_millis(100);
const USAGE_PAUSE: Duration = Duration::from_secs(2);
