//! How long does it take until an announcement is served, and until a withdrawn route is gone?
//!
//! The announcer is as plain as they come: a TCP connection to a nats-server, and NATS's text protocol written by hand.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::Stand;
use crate::bus;
use crate::contestant::{Contestant, Logs, Settings};
use crate::floors;
use crate::probe::Probe;
use crate::report::{Figure, Results};

/// Announces and withdraws one route after the other.
pub(super) fn ask(stand: &Stand, name: &str, results: &mut Results) -> anyhow::Result<()> {
    let settings = Settings {
        label: "visible",
        ..Settings::usual(Logs::On)
    };
    let router = Contestant::router(&stand.around, &settings)?;
    let mut announcer = Announcer::connect(stand.bus.port)?;
    let mut probe = Probe::connect(router.http)?;
    let (mut come, mut gone) = (Vec::new(), Vec::new());
    for nth in 0..ROUTES / stand.method.shorten {
        let host = format!("visible-{nth}.example.com");
        let message = bus::register(&host, stand.around.origin);
        for (subject, status, times) in [
            (bus::REGISTER, 200, &mut come),
            (bus::UNREGISTER, 404, &mut gone),
        ] {
            let begin = Instant::now();
            announcer.publish(subject, &message)?;
            while probe.ask(&host, "/")? != status {
                anyhow::ensure!(begin.elapsed() < DEADLINE, "{host} never answered {status}");
            }
            times.push(begin.elapsed());
        }
    }
    for (metric, times) in [
        ("route served, p99", &mut come),
        ("route gone, p99", &mut gone),
    ] {
        let figure = Figure::told((name, "switchyard"), metric, "ms", p99_millis(times));
        let figure = figure.with_floor(Some(floors::VISIBLE_MILLIS));
        results.figures.push(figure);
    }
    Ok(())
}

fn p99_millis(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    let at = (times.len() * 99).div_ceil(100).saturating_sub(1);
    times
        .get(at)
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

/// A client of the bus that knows three words.
struct Announcer {
    stream: TcpStream,
}

impl Announcer {
    fn connect(port: u16) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        stream.write_all(b"CONNECT {\"verbose\":false}\r\nPING\r\n")?;
        let mut lines = BufReader::new(&stream).lines();
        let greeted = lines.any(|line| line.is_ok_and(|line| line == "PONG"));
        anyhow::ensure!(greeted, "the bus does not answer");
        Ok(Self { stream })
    }

    fn publish(&mut self, subject: &str, message: &str) -> anyhow::Result<()> {
        let text = format!("PUB {subject} {}\r\n{message}\r\n", message.len());
        self.stream
            .write_all(text.as_bytes())
            .context("the bus is gone")
    }
}

const ROUTES: u64 = 1_000;
const DEADLINE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_99th_of_a_hundred_is_the_second_slowest() {
        let mut times: Vec<_> = (1..=100).rev().map(Duration::from_millis).collect();
        assert!((p99_millis(&mut times) - 99.0).abs() < 1e-9);
        assert!((p99_millis(&mut [Duration::from_millis(7)]) - 7.0).abs() < 1e-9);
        assert!(p99_millis(&mut []).is_nan());
    }
}
