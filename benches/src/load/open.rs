//! The open loop: requests at fixed times, latencies from the time at which each was due.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use super::report::Report;
use super::runner::{Edge, Fleet, Target};
use crate::histogram::Histogram;
use crate::poller::Ready;

/// How to run an open loop.
#[derive(Clone, Debug)]
pub struct Open {
    /// Connections that requests may use; a due request waits for a free one, and its latency runs.
    pub connections: usize,
    /// Requests for each second.
    pub rate: f64,
    /// Load before the window.
    pub warmup: Duration,
    /// Length of the window.
    pub window: Duration,
}

/// Loads a target and reports; `edge` is called as the window begins and ends.
///
/// # Errors
///
/// Fails when the target cannot be connected to.
pub fn open(target: &Target, plan: &Open, edge: &mut dyn FnMut(Edge)) -> io::Result<Report> {
    let fleet = Fleet::connect(target, plan.connections, 1)?;
    let start = Instant::now();
    let begin = start + plan.warmup;
    let end = begin + plan.window;
    let mut run = Run {
        fleet,
        free: (0..plan.connections).collect(),
        start,
        interval: Duration::from_secs_f64(1.0 / plan.rate),
        sent: 0,
        begin,
        end,
        latency: Histogram::new(),
        answered: 0,
        body_bytes: 0,
    };
    run.until(begin)?;
    edge(Edge::Begin);
    run.until(end)?;
    edge(Edge::End);
    run.finish()?;
    let seconds = plan.window.as_secs_f64();
    Ok(Report {
        connections: plan.connections,
        seconds,
        requests: run.answered,
        rate: run.answered as f64 / seconds,
        body_bytes: run.body_bytes,
        errors: run.fleet.errors,
        latency: (&run.latency).into(),
    })
}

struct Run<'a> {
    fleet: Fleet<'a>,
    free: VecDeque<usize>,
    start: Instant,
    interval: Duration,
    sent: u64,
    begin: Instant,
    end: Instant,
    latency: Histogram,
    answered: u64,
    body_bytes: u64,
}

impl Run<'_> {
    fn until(&mut self, moment: Instant) -> io::Result<()> {
        let mut ready = Vec::new();
        loop {
            self.send_due(Instant::now())?;
            let now = Instant::now();
            if now >= moment {
                return Ok(());
            }
            let next = if self.free.is_empty() {
                moment
            } else {
                self.due().min(moment)
            };
            let timeout = next.saturating_duration_since(now);
            self.fleet.poller.wait(Some(timeout), &mut ready)?;
            for one in &ready {
                self.serve(*one)?;
            }
        }
    }

    /// When the next request is due.
    fn due(&self) -> Instant {
        // f64 is exact enough: a day of nanoseconds needs 47 bits.
        self.start + self.interval.mul_f64(self.sent as f64)
    }

    fn send_due(&mut self, now: Instant) -> io::Result<()> {
        while self.due() <= now && self.due() < self.end {
            let Some(token) = self.free.pop_front() else {
                return Ok(());
            };
            self.fleet.ask(token, self.due());
            self.sent += 1;
            self.fleet.flush(token)?;
        }
        Ok(())
    }

    fn serve(&mut self, ready: Ready) -> io::Result<()> {
        let token = ready.token as usize;
        if !ready.readable {
            return self.fleet.flush(token);
        }
        let now = Instant::now();
        let (begin, end) = (self.begin, self.end);
        let Self {
            fleet,
            latency,
            body_bytes,
            answered,
            ..
        } = self;
        let was_busy = fleet.owed_by(token) > 0;
        fleet.receive(ready, &mut |answer| {
            if (begin..end).contains(&answer.due) {
                latency.record(now.duration_since(answer.due).as_nanos() as u64);
                *body_bytes += answer.body_bytes;
                *answered += 1;
            }
        })?;
        if was_busy && fleet.owed_by(token) == 0 {
            self.free.push_back(token);
        }
        Ok(())
    }

    /// Waits a little for the last answers; what has none by then is counted with the time it has waited so far.
    fn finish(&mut self) -> io::Result<()> {
        let deadline = self.end + GRACE;
        let mut ready = Vec::new();
        while Instant::now() < deadline && (self.fleet.owed() > 0 || self.due() < self.end) {
            self.send_due(Instant::now())?;
            self.fleet
                .poller
                .wait(Some(Duration::from_millis(10)), &mut ready)?;
            for one in &ready {
                self.serve(*one)?;
            }
        }
        let now = Instant::now();
        for due in self.fleet.take_owed() {
            self.fleet.errors.unfinished += 1;
            self.latency
                .record(now.duration_since(due).as_nanos() as u64);
        }
        while self.due() < self.end {
            self.fleet.errors.unfinished += 1;
            self.latency
                .record(now.duration_since(self.due()).as_nanos() as u64);
            self.sent += 1;
        }
        Ok(())
    }
}

const GRACE: Duration = Duration::from_secs(2);
