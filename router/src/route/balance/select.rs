//! Select: pass after pass, each less strict, until somebody has room.

use super::choice::Pass;
use super::{Algorithm, Choice, Unselectable, least_connection, round_robin};
use crate::route::InFlight;
use crate::route::member::Member;

const PASSES: [Pass; 4] = [Pass::Fresh, Pass::Healthy, Pass::FailedFresh, Pass::Anybody];

/// Takes a slot of the best member that the request may have.
pub(in crate::route) fn select(
    algorithm: Algorithm,
    pool: u32,
    members: &[Member],
    choice: &Choice<'_>,
) -> Result<InFlight, Unselectable> {
    if let Some(slot) = choice.preferred(members) {
        return Ok(slot);
    }
    for pass in PASSES {
        if pass == Pass::FailedFresh {
            // compat: when nobody healthy has room, every mark is cleared and all are tried again
            // (route/roundrobin.go, next). Full endpoints keep theirs if all are full.
            forgive(members, choice);
        }
        let slot = match algorithm {
            Algorithm::LeastConnection => least_connection::select(members, choice, pass),
            Algorithm::RoundRobin => round_robin::select(pool, members, choice, pass),
        };
        if let Some(slot) = slot {
            return Ok(slot);
        }
    }
    let is_empty = members.iter().all(|member| member.endpoint().is_evicted());
    Err(if is_empty {
        Unselectable::Empty
    } else {
        Unselectable::Full
    })
}

/// Clears the failure marks, if that gives anybody with room a chance.
fn forgive(members: &[Member], choice: &Choice<'_>) {
    if members
        .iter()
        .any(|member| choice.allows(member, Pass::Anybody))
    {
        members
            .iter()
            .for_each(|member| member.endpoint().forgive());
    }
}
