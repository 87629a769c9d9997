//! Least connection: the member with the fewest exchanges in flight, exactly or nearly.

use super::Choice;
use super::choice::Pass;
use crate::route::InFlight;
use crate::route::member::Member;

/// Up to here every member is looked at; above, two random ones are compared.
// perf: four endpoints are four cache lines; a scan of hundreds would cost more than the request.
const EXACT_UP_TO: usize = 4;

// compat: gorouter ignores failure marks here and stops counting at the response head
// (route/leastconnection.go); ours honours marks, and a slot lasts until the exchange ends.
pub(super) fn select(members: &[Member], choice: &Choice<'_>, pass: Pass) -> Option<InFlight> {
    if members.len() > EXACT_UP_TO
        && let Some(slot) = better_of_two(members, choice, pass)
    {
        return Some(slot);
    }
    least(members, choice, pass)
}

/// The less loaded of two random members, if both may be chosen.
fn better_of_two(members: &[Member], choice: &Choice<'_>, pass: Pass) -> Option<InFlight> {
    let first = (choice.random >> 32) as usize % members.len();
    let others = members.len() - 1;
    let second = (first + 1 + (choice.random & 0xffff_ffff) as usize % others) % members.len();
    let (first, second) = (members.get(first)?, members.get(second)?);
    if !(choice.allows(first, pass) && choice.allows(second, pass)) {
        return None;
    }
    let chosen = if second.endpoint().in_flight() < first.endpoint().in_flight() {
        second
    } else {
        first
    };
    choice.take(chosen, pass)
}

/// The least loaded of all, counted from a random one so that ties fall anywhere.
fn least(members: &[Member], choice: &Choice<'_>, pass: Pass) -> Option<InFlight> {
    let start = (choice.random >> 32) as usize % members.len().max(1);
    let (before, after) = members.split_at_checked(start)?;
    let around = after.iter().chain(before);
    let chosen = around
        .filter(|member| choice.allows(member, pass))
        .min_by_key(|member| member.endpoint().in_flight())?;
    choice.take(chosen, pass)
}
