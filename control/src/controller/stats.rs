//! Stats: the numbers of instances, from the agents that run them.

use std::time::Duration;

use time::{Date, Month, OffsetDateTime, Time};
use tokio::time::{Instant, timeout_at};

use super::site::{Site, random_guid};
use crate::model::{InstancePort, InstanceStats, InstanceUsage, Micros};
use crate::wire::{FindInstances, FoundInstance, FoundUsage, Wire, subject};

/// Asks all agents for a process's instances until `expected` have been told of or `wait` is over.
pub(super) async fn find(
    site: &Site,
    question: &FindInstances,
    expected: usize,
    wait: Duration,
) -> Vec<FoundInstance> {
    let mut found = Vec::new();
    let inbox = format!("_INBOX.{}", random_guid());
    let Ok(mut answers) = site.bus.subscribe(&inbox).await else {
        return found;
    };
    let question = question.encode().into();
    let asked = site.bus.publish_with_reply(subject::FIND, &inbox, question);
    if asked.await.is_err() {
        return found;
    }
    let end = Instant::now() + wait;
    while found.len() < expected {
        let Ok(Some(answer)) = timeout_at(end, answers.next()).await else {
            break;
        };
        found.extend(FoundInstance::decode(&answer.payload).ok());
    }
    found
}

/// The numbers as the API shows them.
pub(super) fn stats(found: FoundInstance) -> InstanceStats {
    let numbers = found.stats.unwrap_or_default();
    let bytes = |number: i64| u64::try_from(number).ok().filter(|number| *number > 0);
    let port = numbers.port.map(|external| InstancePort {
        external,
        internal: found.app_port.unwrap_or(external),
    });
    InstanceStats {
        index: found.index,
        instance: found.instance,
        host: numbers.host.or(found.host_ip),
        internal_ip: found.app_ip,
        ports: port.into_iter().collect(),
        uptime_s: Some(seconds(numbers.uptime)),
        mem_quota_bytes: bytes(numbers.mem_quota),
        disk_quota_bytes: bytes(numbers.disk_quota),
        fds_quota: bytes(numbers.fds_quota),
        usage: usage(&numbers.usage),
    }
}

fn usage(told: &FoundUsage) -> Option<InstanceUsage> {
    Some(InstanceUsage {
        time: measured_at(&told.time)?,
        cpu: told.cpu,
        mem_bytes: u64::try_from(told.mem).unwrap_or(0).saturating_mul(1024),
        disk_bytes: u64::try_from(told.disk).unwrap_or(0),
    })
}

/// Reads `YYYY-MM-DD HH:MM:SS +0000`.
fn measured_at(text: &str) -> Option<Micros> {
    let mut numbers = text
        .split(['-', ' ', ':', '+'])
        .filter(|part| !part.is_empty())
        .map(str::parse::<u16>);
    let mut next = || numbers.next()?.ok();
    let (year, month, day) = (next()?, next()?, next()?);
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()?;
    let small = |part: u16| u8::try_from(part).ok();
    let (hour, minute, second) = (small(next()?)?, small(next()?)?, small(next()?)?);
    let time = Time::from_hms(hour, minute, second).ok()?;
    let at = OffsetDateTime::new_utc(date, time).unix_timestamp();
    Some(Micros::from_seconds(at))
}

/// Whole seconds; nothing for what is less than nothing or no number.
fn seconds(uptime: f64) -> u64 {
    Duration::try_from_secs_f64(uptime).map_or(0, |uptime| uptime.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_measurement_is_read() {
        let at = measured_at("2014-05-13 16:53:20 +0000");
        assert_eq!(at, Some(Micros::from_seconds(1_400_000_000)));
        for wrong in ["", "2014-05-13", "2014-13-13 16:53:20 +0000", "x"] {
            assert_eq!(measured_at(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_was_not_measured_is_unknown() {
        let stats = stats(FoundInstance::default());
        assert_eq!((stats.usage, stats.mem_quota_bytes), (None, None));
        assert!(stats.ports.is_empty());
    }
}
