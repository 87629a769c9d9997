//! A race: the same load on each contestant in turn, round after round, forwards and then backwards.
//!
//! The order changes because it matters: what runs first finds a cooler machine. All contestants stay up for the whole
//! race; those that wait for their turn do nothing.

use std::net::SocketAddr;

use super::{Field, Stand};
use crate::contestant::{Contestant, Kind};
use crate::floors::{Floor, Verdict};
use crate::generator::{Measured, Plan};
use crate::report::{Figure, Ratio, Results};
use crate::stats::{Interval, median, paired_ratio, spread, steady_rounds};

/// The laps of all contestants.
#[derive(Debug)]
pub(super) struct Race {
    lanes: Vec<Lane>,
    /// The rounds in which no control moved.
    steady: Vec<usize>,
    all: usize,
}

/// One contestant and what it did in each round.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) kind: Kind,
    pub(super) laps: Vec<Measured>,
}

/// A value of one lap.
pub(super) type Metric = fn(&Measured) -> f64;

impl Race {
    /// Runs until there are enough steady rounds, or a quarter more than were wanted.
    pub(super) fn run(stand: &Stand, field: &Field, plan: Plan<'_>) -> anyhow::Result<Self> {
        let mut lanes: Vec<Lane> = field
            .entries()
            .iter()
            .map(|(kind, _)| Lane {
                kind: kind.clone(),
                laps: Vec::new(),
            })
            .collect();
        let wanted = stand.method.rounds;
        let mut race = Self {
            lanes: Vec::new(),
            steady: Vec::new(),
            all: 0,
        };
        while race.steady.len() < wanted && race.all < wanted + wanted.div_ceil(4) {
            run_round(stand, field.entries(), plan, &mut lanes, race.all)?;
            race.all += 1;
            race.steady = if race.all < wanted {
                Vec::new()
            } else {
                steady(&lanes)
            };
        }
        race.lanes = lanes;
        Ok(race)
    }

    /// A value in each round that counts.
    pub(super) fn values(&self, name: &str, metric: Metric) -> Vec<f64> {
        let lane = self.lanes.iter().find(|lane| lane.kind.name() == name);
        let laps = lane.map(|lane| lane.laps.as_slice()).unwrap_or_default();
        let rounds = self.counted().into_iter();
        rounds
            .filter_map(|round| laps.get(round))
            .map(metric)
            .collect()
    }

    /// The smallest value of all peers, in each round that counts.
    pub(super) fn best_peer(&self, metric: Metric) -> Vec<f64> {
        let peers = || self.lanes.iter().filter(|lane| lane.kind.is_peer());
        let best = |round: usize| {
            peers()
                .filter_map(|lane| lane.laps.get(round))
                .map(metric)
                .fold(f64::INFINITY, f64::min)
        };
        self.counted().into_iter().map(best).collect()
    }

    /// Whether enough rounds were steady for a judgement: two of three.
    fn is_sound(&self) -> bool {
        3 * self.steady.len() >= 2 * self.all
    }

    /// The rounds that count: the steady ones, or, so that something is shown beside the word "void", all.
    fn counted(&self) -> Vec<usize> {
        if self.is_sound() {
            self.steady.clone()
        } else {
            (0..self.all).collect()
        }
    }

    /// Everybody who ran.
    pub(super) fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// The row of one ratio; void when more than a third of the rounds were not steady.
    pub(super) fn ratio(
        &self,
        (scenario, metric, subject, against): (&str, &'static str, &str, &str),
        found: Interval,
        floor: Option<Floor>,
    ) -> Ratio {
        let rounds = (self.steady.len(), self.all);
        let row = Ratio::new((scenario, metric), (subject, against), rounds);
        let mut row = row.judged(found, floor);
        if row.verdict != Verdict::Told && !self.is_sound() {
            row.verdict = Verdict::Void;
        }
        row
    }

    /// Adds the ratio of the subject to everybody else.
    pub(super) fn add_ratios(
        &self,
        (scenario, name, metric): (&str, &'static str, Metric),
        subject: &str,
        floor: impl Fn(&str) -> Option<Floor>,
        results: &mut Results,
    ) {
        let ours = self.values(subject, metric);
        for lane in self.lanes.iter().filter(|lane| lane.kind.name() != subject) {
            let against = lane.kind.name();
            let found = paired_ratio(&ours, &self.values(against, metric));
            // Floors bind the router; another subject is only looked at.
            let floor = (subject == Kind::Switchyard.name())
                .then(|| floor(against))
                .flatten();
            results
                .ratios
                .push(self.ratio((scenario, name, subject, against), found, floor));
        }
    }

    /// Adds the median of one value for everybody, with its spread.
    pub(super) fn add_figures(
        &self,
        (scenario, name, unit): (&str, &'static str, &'static str),
        metric: Metric,
        results: &mut Results,
    ) {
        for lane in &self.lanes {
            let values = self.values(lane.kind.name(), metric);
            let figure = Figure::told((scenario, lane.kind.name()), name, unit, median(&values));
            results.figures.push(figure.with_spread(spread(&values)));
        }
    }
}

fn run_round(
    stand: &Stand,
    entries: &[(Kind, Contestant)],
    plan: Plan<'_>,
    lanes: &mut [Lane],
    round: usize,
) -> anyhow::Result<()> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    if round % 2 == 1 {
        order.reverse();
    }
    for index in order {
        let (Some((_, contestant)), Some(lane)) = (entries.get(index), lanes.get_mut(index)) else {
            continue;
        };
        let (addr, pid): (SocketAddr, u32) = (contestant.http, contestant.child.pid());
        let lap = stand.generator.run(addr, pid, plan)?;
        let (name, rate) = (contestant.name.as_str(), lap.per_cpu_second());
        eprintln!(
            "  round {round} {name:<11} {:>9.0} req/s {rate:>9.0} req/CPU-s",
            lap.report.rate
        );
        lane.laps.push(lap);
    }
    Ok(())
}

/// Rounds in which no control moved; without controls every round counts.
fn steady(lanes: &[Lane]) -> Vec<usize> {
    let controls: Vec<Vec<f64>> = lanes
        .iter()
        .filter(|lane| matches!(lane.kind, Kind::Nginx | Kind::Haproxy | Kind::Null))
        .map(|lane| lane.laps.iter().map(Measured::per_cpu_second).collect())
        .collect();
    let controls: Vec<&[f64]> = controls.iter().map(Vec::as_slice).collect();
    if controls.is_empty() {
        return (0..lanes.first().map_or(0, |lane| lane.laps.len())).collect();
    }
    steady_rounds(&controls, CONTROL_LIMIT)
}

/// A control that is further from its median spoils the round for all.
const CONTROL_LIMIT: f64 = 0.10;
