//! Large route tables over the bus, no faster than the router reads.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::Stand;
use crate::bus::{app_route, register};
use crate::probe::Probe;

/// Announces `routes` routes; returns when the last one is in the router's table, with the time that it took.
///
/// The bus may drop what is sent faster than it is read, so after each part a route to the origin is announced too, and
/// only one part is on its way before that route answers.
pub(super) fn fill(stand: &Stand, router: SocketAddr, routes: u32) -> anyhow::Result<Duration> {
    let mut probe = Probe::connect(router)?;
    let begin = Instant::now();
    let mut behind: Option<String> = None;
    let mut first = 0;
    while first < routes {
        let end = routes.min(first + PART);
        let marker = format!("marker-{end}-of-{routes}.example.com");
        let message = register(&marker, stand.around.origin);
        stand
            .bus
            .announce((first..end).map(app_route).chain([message]))?;
        if let Some(earlier) = behind.replace(marker) {
            wait_for(&mut probe, &earlier)?;
        }
        first = end;
    }
    if let Some(last) = behind {
        wait_for(&mut probe, &last)?;
    }
    Ok(begin.elapsed())
}

fn wait_for(probe: &mut Probe, host: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + DEADLINE;
    while probe.ask(host, "/")? != 200 {
        crate::interrupt::check()?;
        if Instant::now() > deadline {
            bail!("{host} was announced but is not served");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

const PART: u32 = 20_000;
const DEADLINE: Duration = Duration::from_secs(60);
