//! Verdict: what a failed attempt means for trying again, and for the endpoint.
//!
//! Mechanism says what happened; policy, which is here, says what it means (gorouter 3.7).

use crate::message::{Framing, Method, RequestHead};
use crate::upstream::{AttemptError, History};

use crate::message::FieldName;

/// Whether sending a request twice could do harm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Repeat {
    /// No body, and a method or a key that says so.
    Harmless,
    /// It may have been acted on.
    Harmful,
}

impl Repeat {
    /// Idempotent as gorouter sees it: no body and GET, HEAD, OPTIONS, TRACE or an idempotency key.
    pub(super) fn of(head: &RequestHead) -> Self {
        let safe = matches!(
            head.method(),
            Method::Get | Method::Head | Method::Options | Method::Trace
        ) || head.block().value(FieldName::IdempotencyKey).is_some()
            || head.block().value(FieldName::XIdempotencyKey).is_some();
        if safe && head.framing() == Framing::Empty && head.upgrade().is_none() {
            Self::Harmless
        } else {
            Self::Harmful
        }
    }
}

/// Whose fault it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Blame {
    /// Nobody's: the endpoint keeps its place.
    Nobody,
    /// It broke off while it worked: skipped for a while.
    Unhealthy,
    /// It cannot be reached: skipped for a while, and evicted if it is a TLS endpoint.
    Unreachable,
}

/// Whether another endpoint may be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Next {
    /// This was the last word.
    GiveUp,
    /// Yes, another one.
    TryAnother,
    /// The same one, on a new connection: it closed an idle one while we were using it.
    TryAgain,
}

/// What a failure means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Verdict {
    pub(super) next: Next,
    pub(super) blame: Blame,
}

impl Verdict {
    /// Judges a failure that came before the first byte of an answer.
    pub(super) fn of(failure: &AttemptError, repeat: Repeat, history: History) -> Self {
        let (next, blame) = match failure {
            // No byte has left us, so that a second endpoint cannot see the request twice.
            AttemptError::Dial { .. } | AttemptError::DialTimeout { .. } | AttemptError::Tls(_) => {
                (Next::TryAnother, Blame::Unreachable)
            }
            // The head was not written in full: nobody can have acted on it.
            AttemptError::Unsent(_) if history == History::Reused => {
                (Next::TryAgain, Blame::Nobody)
            }
            AttemptError::Unsent(_) => (Next::TryAnother, Blame::Nobody),
            // It may have been read before the close; it is repeated only where that is harmless.
            // compat: gorouter repeats after an EOF but not after a reset (proxy_round_tripper.go);
            // for a harmless request there is no difference.
            AttemptError::Closed | AttemptError::Reset(_) => match (repeat, history) {
                (Repeat::Harmless, History::Reused) => (Next::TryAgain, Blame::Nobody),
                (Repeat::Harmless, History::Fresh) => (Next::TryAnother, broke_off(failure)),
                (Repeat::Harmful, History::Reused) => (Next::GiveUp, Blame::Nobody),
                (Repeat::Harmful, History::Fresh) => (Next::GiveUp, broke_off(failure)),
            },
            AttemptError::ClientGone
            | AttemptError::HeadTooLarge { .. }
            | AttemptError::Malformed(_)
            | AttemptError::NoEndpoints
            | AttemptError::Timeout
            | AttemptError::TooManyFields
            | AttemptError::TooManyInterim
            | AttemptError::UnaskedSwitch => (Next::GiveUp, Blame::Nobody),
        };
        Self { next, blame }
    }
}

/// A reset marks the endpoint, an orderly close does not.
fn broke_off(failure: &AttemptError) -> Blame {
    if matches!(failure, AttemptError::Reset(_)) {
        Blame::Unhealthy
    } else {
        Blame::Nobody
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::upstream::TlsFailure;

    fn verdict(failure: AttemptError, repeat: Repeat) -> (Next, Blame) {
        let verdict = Verdict::of(&failure, repeat, History::Fresh);
        (verdict.next, verdict.blame)
    }

    fn reset() -> AttemptError {
        AttemptError::Reset(io::ErrorKind::ConnectionReset.into())
    }

    #[test]
    fn a_failed_dial_is_tried_elsewhere_whatever_the_request() {
        for repeat in [Repeat::Harmless, Repeat::Harmful] {
            let dial = AttemptError::Dial {
                address: "a:1".into(),
                source: io::ErrorKind::ConnectionRefused.into(),
            };
            assert_eq!(
                verdict(dial, repeat),
                (Next::TryAnother, Blame::Unreachable)
            );
            assert_eq!(
                verdict(AttemptError::Tls(TlsFailure::Name), repeat),
                (Next::TryAnother, Blame::Unreachable)
            );
        }
    }

    #[test]
    fn a_request_that_may_have_been_acted_on_is_not_repeated() {
        assert_eq!(
            verdict(AttemptError::Closed, Repeat::Harmful),
            (Next::GiveUp, Blame::Nobody)
        );
        assert_eq!(
            verdict(reset(), Repeat::Harmful),
            (Next::GiveUp, Blame::Unhealthy)
        );
    }

    #[test]
    fn a_harmless_request_is_repeated_after_a_close_and_a_reset() {
        assert_eq!(
            verdict(AttemptError::Closed, Repeat::Harmless),
            (Next::TryAnother, Blame::Nobody)
        );
        assert_eq!(
            verdict(reset(), Repeat::Harmless),
            (Next::TryAnother, Blame::Unhealthy)
        );
    }

    #[test]
    fn an_idle_connection_that_was_closing_blames_nobody() {
        for failure in [AttemptError::Closed, reset()] {
            let verdict = Verdict::of(&failure, Repeat::Harmless, History::Reused);
            assert_eq!(
                verdict,
                Verdict {
                    next: Next::TryAgain,
                    blame: Blame::Nobody
                }
            );
        }
    }

    #[test]
    fn a_timeout_is_the_last_word() {
        assert_eq!(
            verdict(AttemptError::Timeout, Repeat::Harmless),
            (Next::GiveUp, Blame::Nobody)
        );
        assert_eq!(
            verdict(AttemptError::ClientGone, Repeat::Harmless),
            (Next::GiveUp, Blame::Nobody)
        );
    }
}
