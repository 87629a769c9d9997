//! Pruning: stale and evicted endpoints leave, and empty routes after them, a few shards at a time.

use std::sync::Arc;

use super::pool::Pool;
use super::writer::{EmptyPools, TableWriter};
use super::{Endpoint, Millis};

/// What became of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteFate {
    /// It stays.
    Kept,
    /// It has gone.
    Removed,
}

/// A round over the table that stops and goes on where it stopped.
#[derive(Debug, Default)]
pub struct Sweep {
    next_shard: usize,
}

/// What a sweep has to know.
#[derive(Clone, Copy, Debug)]
pub struct SweepPolicy {
    /// Now.
    pub now: Millis,
    /// Nothing counts as unheard of since before this: when the bus came back, say.
    pub heard_floor: Millis,
    /// What becomes of routes that lose their last endpoint.
    pub empty_pools: EmptyPools,
}

/// One route that a sweep changed.
pub struct Pruned {
    /// The route, as it was.
    pub pool: Arc<Pool>,
    /// Endpoints that left it.
    pub endpoints: Vec<Arc<Endpoint>>,
    /// What became of it.
    pub route: RouteFate,
}

impl TableWriter {
    /// Sweeps up to `shards` shards on from where `sweep` stands, wrapping round at the end.
    ///
    /// It costs what the visited shards hold, so a caller bounds its own time by `shards`.
    pub fn sweep(
        &mut self,
        sweep: &mut Sweep,
        shards: usize,
        policy: &SweepPolicy,
        mut report: impl FnMut(&Pruned),
    ) {
        for _ in 0..shards.min(self.table.shard_count()) {
            let shard = sweep.next_shard;
            sweep.next_shard = (shard + 1) % self.table.shard_count();
            for pool in self.due(shard, policy) {
                if let Some(pruned) = self.prune(pool, policy) {
                    report(&pruned);
                }
            }
        }
    }

    /// Routes of a shard in which something is due.
    fn due(&self, shard: usize, policy: &SweepPolicy) -> Vec<Arc<Pool>> {
        let mut due = Vec::new();
        self.table.nodes_in(shard, |pool| {
            let has_gone = pool
                .members()
                .iter()
                .any(|member| member.is_gone(policy.now, policy.heard_floor));
            if has_gone || pool.empty_since().is_some() {
                due.push(Arc::clone(pool));
            }
        });
        due
    }

    fn prune(&mut self, pool: Arc<Pool>, policy: &SweepPolicy) -> Option<Pruned> {
        let SweepPolicy {
            now,
            heard_floor,
            empty_pools,
        } = *policy;
        if pool.empty_since().is_some() {
            let route = self.settle(&pool, empty_pools, now);
            return (route == RouteFate::Removed).then(|| Pruned {
                pool,
                endpoints: Vec::new(),
                route,
            });
        }
        let gone: Vec<_> = pool
            .members()
            .iter()
            .filter(|member| member.is_gone(now, heard_floor))
            .collect();
        let endpoints: Vec<_> = gone
            .iter()
            .map(|member| Arc::clone(member.endpoint()))
            .collect();
        let is_gone = |member: &super::Member| {
            endpoints
                .iter()
                .any(|gone| Arc::ptr_eq(gone, member.endpoint()))
        };
        let route = self.remove_members(&pool, now, empty_pools, &is_gone);
        Some(Pruned {
            pool,
            endpoints,
            route,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::route::{Algorithm, Announcement, Transport};

    fn announced(port: u16, transport: Transport) -> Announcement<'static> {
        Announcement {
            host: "h",
            port,
            transport,
            stale_threshold_secs: 120,
            ..Announcement::default()
        }
    }

    fn writer_with(announcement: &Announcement<'_>) -> TableWriter {
        let mut writer = TableWriter::new(Algorithm::RoundRobin);
        writer.register("a.com", announcement, Millis(0)).unwrap();
        writer
    }

    fn policy(secs: u64) -> SweepPolicy {
        SweepPolicy {
            now: Millis(secs * 1000),
            heard_floor: Millis(0),
            empty_pools: EmptyPools::Remove,
        }
    }

    fn pruned(writer: &mut TableWriter, policy: &SweepPolicy) -> Vec<(String, usize, RouteFate)> {
        let mut report = Vec::new();
        writer.sweep(&mut Sweep::default(), usize::MAX, policy, |pruned| {
            report.push((
                pruned.pool.key().to_owned(),
                pruned.endpoints.len(),
                pruned.route,
            ));
        });
        report
    }

    #[test]
    fn a_plain_endpoint_goes_after_its_threshold_and_its_route_with_it() {
        let mut writer = writer_with(&announced(1, Transport::Plain));
        assert!(pruned(&mut writer, &policy(120)).is_empty());
        assert_eq!(
            pruned(&mut writer, &policy(121)),
            [("a.com".to_owned(), 1, RouteFate::Removed)]
        );
        assert!(writer.table().is_empty());
        writer.check_invariants();
    }

    #[test]
    fn a_tls_endpoint_does_not_age() {
        let mut writer = writer_with(&announced(1, Transport::Tls));
        assert!(pruned(&mut writer, &policy(1_000_000)).is_empty());
    }

    #[test]
    fn a_refreshed_endpoint_stays() {
        let mut writer = writer_with(&announced(1, Transport::Plain));
        let again = writer.register("a.com", &announced(1, Transport::Plain), Millis(60_000));
        assert!(matches!(again, Ok(crate::route::Registered::Refreshed(_))));
        assert!(pruned(&mut writer, &policy(180)).is_empty());
    }

    #[test]
    fn nothing_ages_before_the_floor() {
        let mut writer = writer_with(&announced(1, Transport::Plain));
        let floor = SweepPolicy {
            heard_floor: Millis(900_000),
            ..policy(1000)
        };
        assert!(pruned(&mut writer, &floor).is_empty());
    }

    #[test]
    fn a_remembered_endpoint_goes_unless_it_is_announced() {
        let mut writer = TableWriter::new(Algorithm::RoundRobin);
        for port in [1, 2] {
            writer
                .restore("a.com", &announced(port, Transport::Tls), Millis(0))
                .unwrap();
        }
        writer
            .register("a.com", &announced(2, Transport::Tls), Millis(50_000))
            .unwrap();
        assert_eq!(
            pruned(&mut writer, &policy(1000)),
            [("a.com".to_owned(), 1, RouteFate::Kept)]
        );
        writer.check_invariants();
    }

    #[test]
    fn an_evicted_endpoint_goes_at_once_unless_it_is_announced_again() {
        let tls = announced(1, Transport::Tls);
        let mut writer = writer_with(&tls);
        let evict = |writer: &TableWriter| {
            writer.table().for_each(|pool| {
                pool.members()
                    .iter()
                    .for_each(|member| member.endpoint().evict())
            });
        };
        evict(&writer);
        writer.register("a.com", &tls, Millis(0)).unwrap();
        assert!(pruned(&mut writer, &policy(1)).is_empty());
        evict(&writer);
        assert_eq!(pruned(&mut writer, &policy(1)).len(), 1);
    }

    #[test]
    fn an_empty_route_is_kept_for_its_timeout() {
        let mut writer = writer_with(&announced(1, Transport::Plain));
        let empty_pools = EmptyPools::Keep(Duration::from_secs(60));
        let _fate = writer
            .unregister(
                "a.com",
                &announced(1, Transport::Plain),
                empty_pools,
                Millis(0),
            )
            .unwrap();
        assert!(
            pruned(
                &mut writer,
                &SweepPolicy {
                    empty_pools,
                    ..policy(60)
                }
            )
            .is_empty()
        );
        let report = pruned(
            &mut writer,
            &SweepPolicy {
                empty_pools,
                ..policy(61)
            },
        );
        assert_eq!(report, [("a.com".to_owned(), 0, RouteFate::Removed)]);
    }

    #[test]
    fn a_sweep_goes_on_where_it_stopped() {
        let mut writer = TableWriter::new(Algorithm::RoundRobin);
        for route in 0..50 {
            writer
                .register(
                    &format!("r{route}.com"),
                    &announced(1, Transport::Plain),
                    Millis(0),
                )
                .unwrap();
        }
        let (mut sweep, mut gone) = (Sweep::default(), 0);
        let shards = writer.table().shard_count();
        for _ in 0..16 {
            writer.sweep(&mut sweep, shards / 16, &policy(1000), |pruned| {
                gone += pruned.endpoints.len()
            });
        }
        assert_eq!((gone, writer.table().len()), (50, 0));
    }
}
