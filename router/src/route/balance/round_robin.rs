//! Round robin: the next eligible member after the one chosen last by this core.

use super::Choice;
use super::choice::Pass;
use crate::route::InFlight;
use crate::route::member::Member;

/// The first member, from the cursor on and once around, that this pass may choose.
pub(super) fn select(
    pool: u32,
    members: &[Member],
    choice: &Choice<'_>,
    pass: Pass,
) -> Option<InFlight> {
    let start = choice.cursors.position(pool, members.len(), choice.random);
    let (before, after) = members.split_at_checked(start)?;
    let around = after.iter().chain(before).enumerate();
    let (skipped, slot) = around
        .filter_map(|(skipped, member)| choice.take(member, pass).map(|slot| (skipped, slot)))
        .next()?;
    // compat: gorouter's cursor moves by one however many it skips, so the member after a failed one
    // gets a double share (route/roundrobin.go). Ours moves past the chosen one.
    choice
        .cursors
        .advance(pool, (start + skipped + 1) % members.len());
    Some(slot)
}
