//! When does a child that died get another life?
//!
//! One that never stood for long is given up in the end: something is wrong with how it is started.
//! One that did is started again for ever, since other people's applications hang on it.

use std::time::Duration;

/// The memory of one child's deaths.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    deaths: u32,
    proven: bool,
}

/// What follows a death.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Next {
    /// Another life, after a pause.
    Again(Duration),
    /// None: it died this many times in a row.
    GiveUp(u32),
}

impl Backoff {
    /// Decides after a child has lived for `lived`; a long life forgives the deaths before it.
    pub(super) fn after(&mut self, lived: Duration) -> Next {
        if lived >= LONG_LIFE {
            self.deaths = 0;
            self.proven = true;
        }
        self.deaths = (self.deaths + 1).min(DEATHS_MAX);
        if self.deaths == DEATHS_MAX && !self.proven {
            return Next::GiveUp(self.deaths);
        }
        let doublings = (self.deaths - 1).min(DOUBLINGS_MAX);
        Next::Again(FIRST_PAUSE * 2_u32.pow(doublings))
    }
}

const LONG_LIFE: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const DEATHS_MAX: u32 = 6;
/// 1.6 s: what dies is back within 2 s.
const DOUBLINGS_MAX: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_then_it_gives_up() {
        let mut backoff = Backoff::default();
        let mut pauses = Vec::new();
        let deaths = loop {
            match backoff.after(Duration::ZERO) {
                Next::Again(pause) => pauses.push(pause.as_millis()),
                Next::GiveUp(deaths) => break deaths,
            }
        };
        assert_eq!(pauses, [100, 200, 400, 800, 1600]);
        assert_eq!(deaths, 6);
    }

    #[test]
    fn a_child_that_once_stood_is_never_given_up_and_never_waits_for_two_seconds() {
        let mut backoff = Backoff::default();
        backoff.after(Duration::from_secs(60));
        for _ in 0..100 {
            let Next::Again(pause) = backoff.after(Duration::ZERO) else {
                panic!("it was given up");
            };
            assert!(pause < Duration::from_secs(2));
        }
    }

    #[test]
    fn a_long_life_forgives_earlier_deaths() {
        let mut backoff = Backoff::default();
        for _ in 0..100 {
            let next = backoff.after(Duration::from_secs(60));
            assert_eq!(next, Next::Again(Duration::from_millis(100)));
        }
    }
}
