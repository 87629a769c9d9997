//! How operations go on and end, by phase and by answer.

use super::*;
use crate::model::OperationFacts;

const NOW: Micros = Micros(5_000_000);

fn operation(kind: OperationKind, phase: Phase, tries: u32) -> ServiceOperation {
    ServiceOperation {
        guid: "o".to_owned(),
        kind,
        phase,
        broker_guid: "b".to_owned(),
        instance_guid: "i".to_owned(),
        binding_guid: String::new(),
        job_guid: String::new(),
        facts: OperationFacts::default(),
        tries,
        due_at: Micros(0),
        deadline: NOW.after(Duration::from_secs(60)),
        created_at: Micros(0),
        updated_at: Micros(0),
    }
}

fn refused(leaves: bool) -> Meaning {
    Meaning::Failed {
        fault: BrokerFault::Concurrency,
        leaves,
    }
}

fn unsent() -> Meaning {
    Meaning::Unsent(BrokerFault::Unreachable("u".to_owned()))
}

fn later(wait: Option<u64>) -> Meaning {
    Meaning::Later {
        description: None,
        wait: wait.map(Duration::from_secs),
    }
}

fn step(operation: &ServiceOperation, meaning: Meaning) -> Step {
    decide(operation, meaning, NOW, &ServiceSettings::default())
}

/// Whether a step ends with something to be mended; `None` when it goes on.
fn mends(step: &Step) -> Option<bool> {
    match step {
        Step::End { mend, .. } => Some(*mend),
        Step::Go { .. } => None,
    }
}

fn goes_on(step: &Step) -> (Phase, Duration) {
    match step {
        Step::Go { phase, due, .. } => (*phase, due.since(NOW)),
        Step::End { .. } => panic!("{step:?}"),
    }
}

#[test]
fn only_what_makes_something_is_mended_and_only_in_doubt() {
    for (kind, makes) in [
        (OperationKind::Bind, true),
        (OperationKind::Deprovision, false),
        (OperationKind::Provision, true),
        (OperationKind::Synchronize, false),
        (OperationKind::Unbind, false),
        (OperationKind::Update, false),
    ] {
        let asking = |tries| operation(kind, Phase::Asking, tries);
        assert_eq!(mends(&step(&asking(1), refused(true))), Some(makes));
        assert_eq!(mends(&step(&asking(1), refused(false))), Some(false));
        // The first of two requests may have been heard.
        assert_eq!(mends(&step(&asking(2), refused(false))), Some(makes));
        let polling = operation(kind, Phase::Polling, 1);
        assert_eq!(mends(&step(&polling, refused(true))), Some(makes));
    }
}

#[test]
fn a_broker_that_is_not_there_is_tried_three_times() {
    let asking = |tries| operation(OperationKind::Update, Phase::Asking, tries);
    for tries in [1, 2] {
        let pause = Duration::from_millis(500);
        assert_eq!(
            goes_on(&step(&asking(tries), unsent())),
            (Phase::Asking, pause)
        );
    }
    assert_eq!(mends(&step(&asking(3), unsent())), Some(false));
}

#[test]
fn the_pause_between_questions_is_the_brokers_within_limits() {
    let polling = operation(OperationKind::Provision, Phase::Polling, 1);
    for (wait, pause) in [
        (None, 60),
        (Some(0), 1),
        (Some(7), 7),
        (Some(u64::MAX), 24 * 3600),
    ] {
        let found = goes_on(&step(&polling, later(wait)));
        assert_eq!(found, (Phase::Polling, Duration::from_secs(pause)));
    }
}

#[test]
fn an_operation_ends_at_its_deadline() {
    let mut polling = operation(OperationKind::Provision, Phase::Polling, 1);
    polling.deadline = NOW;
    let ended = step(&polling, later(None));
    assert_eq!(mends(&ended), Some(true));
    let Step::End { outcome, .. } = ended else {
        panic!("it goes on");
    };
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "create could not be completed: Service Broker failed to provision within the required time."
    );
}

#[test]
fn a_binding_that_took_time_is_fetched() {
    let polling = operation(OperationKind::Bind, Phase::Polling, 1);
    let fetched = step(&polling, Meaning::Done(Map::new()));
    assert_eq!(goes_on(&fetched), (Phase::Fetching, Duration::ZERO));
    let fetching = operation(OperationKind::Bind, Phase::Fetching, 1);
    assert_eq!(mends(&step(&fetching, refused(false))), Some(true));
}

#[test]
fn mending_goes_on_until_it_is_gone_with_pauses_that_double() {
    let mending = |tries| operation(OperationKind::Deprovision, Phase::Mending, tries);
    for (tries, pause) in [(1, 10), (2, 20), (3, 40), (9, 2560), (10, 3600), (99, 3600)] {
        for meaning in [refused(false), refused(true), unsent()] {
            let found = goes_on(&step(&mending(tries), meaning));
            assert_eq!(found, (Phase::Mending, Duration::from_secs(pause)));
        }
    }
    let accepted = step(&mending(1), Meaning::Accepted(Map::new()));
    assert_eq!(goes_on(&accepted).0, Phase::MendingPolling);
    let polling = operation(OperationKind::Deprovision, Phase::MendingPolling, 1);
    assert_eq!(goes_on(&step(&polling, refused(true))).0, Phase::Mending);
    assert_eq!(
        mends(&step(&mending(1), Meaning::Done(Map::new()))),
        Some(false)
    );
    let mut late = mending(50);
    late.deadline = NOW;
    assert_eq!(mends(&step(&late, refused(true))), Some(false));
}
