//! Worker threads, one per core, each with a runtime of its own.

use std::future::Future;
use std::io;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, LocalOptions};

/// Whether a worker stays on a core of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pinning {
    /// The kernel moves it as it likes.
    Floating,
    /// Worker `n` stays on core `n`.
    Pinned,
}

/// Events that one turn of a runtime takes from the kernel.
const EVENTS_PER_TURN: usize = 512;

/// Starts `count` workers. Each calls `make` with its number, on its own thread, and runs what it
/// gets to the end; what it gets may spawn tasks that never leave the thread.
///
/// # Errors
///
/// Fails when a thread cannot be made.
pub fn spawn<M, F>(count: usize, pinning: Pinning, make: M) -> io::Result<Vec<JoinHandle<()>>>
where
    M: Fn(usize) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + 'static,
{
    let cores = match pinning {
        Pinning::Floating => Vec::new(),
        Pinning::Pinned => core_affinity::get_core_ids().unwrap_or_default(),
    };
    (0..count)
        .map(|number| {
            let make = make.clone();
            let core = cores.get(number).copied();
            thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || {
                    if let Some(core) = core {
                        core_affinity::set_for_current(core);
                    }
                    run(number, &make);
                })
        })
        .collect()
}

fn run<F: Future<Output = ()> + 'static>(number: usize, make: &impl Fn(usize) -> F) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_io_events_per_tick(EVENTS_PER_TURN)
        .build_local(LocalOptions::default());
    match runtime {
        Ok(runtime) => runtime.block_on(make(number)),
        Err(error) => tracing::error!(worker = number, error = %error, "worker-runtime-failed"),
    }
}
