//! The router as a process: signals in, an exit code out (decision 21, gorouter 8.5).

use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

use super::error::StartError;
use super::start::start_counted;
use crate::config::Config;
use crate::observe::events::Events;
use crate::observe::zone::Zone;

/// Runs the router until it is told to stop.
pub fn run(config: Config) -> ExitCode {
    match run_or_fail(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %error, "gorouter.failed");
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What the process was told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Order {
    Drain,
    Stop,
}

fn run_or_fail(config: Config) -> Result<(), StartError> {
    let events = Events::start(&config.observe, Zone::local())?;
    tracing::info!("starting");
    let (tell, orders) = mpsc::sync_channel(8);
    listen_for_signals(tell)?;
    let counts = events.counts();
    // Starting waits for the bus and for the warm-up; an order to stop must not wait for them.
    let (started, starting) = mpsc::sync_channel(1);
    thread::Builder::new().name("start".into()).spawn(move || {
        // Nobody waits any more when an order to stop came first.
        let _told = started.send(start_counted(config, counts));
    })?;
    let running = loop {
        match starting.recv_timeout(super::start::GLANCE) {
            Ok(result) => break result?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(StartError::Thread(std::io::ErrorKind::Other.into()));
            }
            Err(RecvTimeoutError::Timeout) if orders.try_recv().is_ok() => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
        }
    };
    match orders.recv() {
        Ok(Order::Drain) => running.drain(),
        Ok(Order::Stop) | Err(_) => running.stop(),
    }
    tracing::info!("gorouter.exited");
    drop(events);
    Ok(())
}

/// Turns signals into orders. During a drain, TERM and INT end the process at once: whoever sends
/// them has waited long enough.
fn listen_for_signals(tell: mpsc::SyncSender<Order>) -> Result<(), StartError> {
    let mut signals = Signals::new([SIGUSR1, SIGTERM, SIGINT])?;
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            let mut told = None;
            for signal in signals.forever() {
                let order = if signal == SIGUSR1 {
                    Order::Drain
                } else {
                    Order::Stop
                };
                match (told, order) {
                    (None, order) => {
                        told = Some(order);
                        let _gone = tell.send(order);
                    }
                    (Some(Order::Drain), Order::Stop) => {
                        tracing::warn!("gorouter.drain.cut-short");
                        std::process::exit(0);
                    }
                    _ => tracing::info!(signal, "gorouter.signal.ignored"),
                }
            }
        })?;
    Ok(())
}
