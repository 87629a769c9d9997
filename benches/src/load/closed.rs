//! The closed loop: a new request for each answer.

use std::io;
use std::time::{Duration, Instant};

use super::report::Report;
use super::runner::{Edge, Fleet, Target};
use crate::histogram::Histogram;
use crate::poller::Ready;

/// How to run a closed loop.
#[derive(Clone, Debug)]
pub struct Closed {
    /// Connections, all busy all the time.
    pub connections: usize,
    /// Requests on their way on each connection; 1 does not pipeline.
    pub pipeline: usize,
    /// Load before the window.
    pub warmup: Duration,
    /// The window ends after this time.
    pub window: Duration,
    /// The window ends earlier when this many answers have arrived; `None` counts only time.
    pub requests: Option<u64>,
}

/// Loads a target and reports; `edge` is called as the window begins and ends.
///
/// # Errors
///
/// Fails when the target cannot be connected to.
pub fn closed(target: &Target, plan: &Closed, edge: &mut dyn FnMut(Edge)) -> io::Result<Report> {
    let fleet = Fleet::connect(target, plan.connections, plan.pipeline)?;
    let mut run = Run {
        fleet,
        pipeline: plan.pipeline,
        latency: Histogram::new(),
        body_bytes: 0,
    };
    for token in 0..plan.connections {
        run.refill(token)?;
    }
    let start = Instant::now();
    run.until(start + plan.warmup, None)?;
    run.latency = Histogram::new();
    run.body_bytes = 0;
    edge(Edge::Begin);
    let begin = Instant::now();
    run.until(begin + plan.window, plan.requests)?;
    edge(Edge::End);
    let seconds = begin.elapsed().as_secs_f64();
    Ok(Report {
        connections: plan.connections,
        seconds,
        requests: run.latency.len(),
        rate: run.latency.len() as f64 / seconds,
        body_bytes: run.body_bytes,
        errors: run.fleet.errors,
        latency: (&run.latency).into(),
    })
}

struct Run<'a> {
    fleet: Fleet<'a>,
    pipeline: usize,
    latency: Histogram,
    body_bytes: u64,
}

impl Run<'_> {
    fn until(&mut self, end: Instant, requests: Option<u64>) -> io::Result<()> {
        let mut ready = Vec::new();
        loop {
            let now = Instant::now();
            if now >= end || requests.is_some_and(|limit| self.latency.len() >= limit) {
                return Ok(());
            }
            self.fleet.poller.wait(Some(end - now), &mut ready)?;
            for one in &ready {
                self.serve(*one)?;
            }
        }
    }

    fn serve(&mut self, ready: Ready) -> io::Result<()> {
        if !ready.readable {
            return self.fleet.flush(ready.token as usize);
        }
        let Self {
            fleet,
            latency,
            body_bytes,
            ..
        } = self;
        let now = Instant::now();
        fleet.receive(ready, &mut |answer| {
            latency.record(now.duration_since(answer.due).as_nanos() as u64);
            *body_bytes += answer.body_bytes;
        })?;
        self.refill(ready.token as usize)
    }

    fn refill(&mut self, token: usize) -> io::Result<()> {
        let now = Instant::now();
        for _ in self.fleet.owed_by(token)..self.pipeline {
            self.fleet.ask(token, now);
        }
        self.fleet.flush(token)
    }
}
