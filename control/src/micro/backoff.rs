//! When does a child that died get another life?

use std::time::Duration;

/// The memory of one child's deaths.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    deaths: u32,
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
        }
        self.deaths += 1;
        if self.deaths >= DEATHS_MAX {
            return Next::GiveUp(self.deaths);
        }
        Next::Again(FIRST_PAUSE * 2_u32.pow(self.deaths - 1))
    }
}

const LONG_LIFE: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const DEATHS_MAX: u32 = 6;

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
    fn a_long_life_forgives_earlier_deaths() {
        let mut backoff = Backoff::default();
        for _ in 0..100 {
            let next = backoff.after(Duration::from_secs(60));
            assert_eq!(next, Next::Again(Duration::from_millis(100)));
        }
    }
}
