//! The crash policy: at once, later, or never again?

use std::time::Duration;

use super::settings::HealthSettings;

/// What follows a crash.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// No further start until the version changes.
    GiveUp,
    /// A start after this long, give or take the noise.
    Later(Duration),
    /// A start now.
    Now,
}

/// What follows the `crashes`th crash in a row.
pub(super) fn verdict(settings: &HealthSettings, crashes: u32) -> Verdict {
    if settings
        .giveup_crash_number
        .is_some_and(|most| crashes > most)
    {
        return Verdict::GiveUp;
    }
    let Some(beyond) = crashes
        .checked_sub(settings.flapping_death)
        .filter(|&beyond| beyond > 0)
    else {
        return Verdict::Now;
    };
    let factor = 1_u32.checked_shl(beyond - 1).unwrap_or(u32::MAX);
    let delay = settings.min_restart_delay.saturating_mul(factor);
    Verdict::Later(delay.min(settings.max_restart_delay))
}

/// How long after the `refusals`th start in a row that a node failed the next one comes.
pub(super) fn retry_delay(settings: &HealthSettings, refusals: u32) -> Duration {
    let factor = 1_u32
        .checked_shl(refusals.saturating_sub(1))
        .unwrap_or(u32::MAX);
    let delay = settings.placement_retry.saturating_mul(factor);
    delay.min(settings.min_restart_delay.max(settings.placement_retry))
}

/// How many crashes in a row the next one makes, after an instance that was healthy for `healthy`.
pub(super) fn next_count(settings: &HealthSettings, crashes: u32, healthy: Duration) -> u32 {
    if healthy >= settings.flapping_timeout {
        return 1;
    }
    crashes.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_crash_is_answered_at_once_and_the_fifth_not_at_all() {
        let settings = HealthSettings::default();
        let verdicts: Vec<_> = (1..=6).map(|crashes| verdict(&settings, crashes)).collect();
        let later = |seconds| Verdict::Later(Duration::from_secs(seconds));
        assert_eq!(
            verdicts,
            [
                Verdict::Now,
                later(60),
                later(120),
                later(240),
                Verdict::GiveUp,
                Verdict::GiveUp
            ]
        );
    }

    #[test]
    fn a_delay_has_an_end_when_nothing_is_ever_given_up() {
        let settings = HealthSettings {
            giveup_crash_number: None,
            ..HealthSettings::default()
        };
        for crashes in [6, 40, u32::MAX] {
            assert_eq!(
                verdict(&settings, crashes),
                Verdict::Later(Duration::from_secs(480))
            );
        }
    }

    #[test]
    fn a_long_healthy_run_wipes_the_slate() {
        let settings = HealthSettings::default();
        assert_eq!(next_count(&settings, 3, Duration::from_secs(499)), 4);
        assert_eq!(next_count(&settings, 3, Duration::from_secs(500)), 1);
    }
}
