//! Which plans somebody sees, and in which spaces they can be had.

use crate::api::{ApiError, Call, Listing};
use crate::model::{Offer, Visibility};
use crate::store::{Filter, Space};

/// Keeps what the caller may see; `before` leads into a list of plans `p`. `None` is everything.
pub(super) fn seen_by(call: &Call, before: &'static str) -> Option<Filter> {
    if call.caller.is_admin {
        return None;
    }
    let user = call.caller.guid();
    let filter = Filter::sql(before)
        .then(
            "p.visibility = 'public' OR p.guid IN (SELECT v.plan_guid FROM plan_visibilities v \
             JOIN roles r ON r.organization_guid = v.organization_guid WHERE r.user_guid = ",
        )
        .value(user)
        .then(
            ") OR p.offering_guid IN (SELECT o.guid FROM service_offerings o \
             JOIN service_brokers b ON b.guid = o.broker_guid \
             JOIN roles r ON r.space_guid = b.space_guid WHERE r.user_guid = ",
        )
        .value(user)
        .then("))");
    Some(filter)
}

/// Keeps what the caller may see of what a list asks for by `available`, `space_guids` and
/// `organization_guids`; `before` leads into a list of plans `p`.
pub(super) fn keep_offered(
    call: &Call,
    listing: &mut Listing,
    before: &'static str,
) -> Result<(), ApiError> {
    if let Some(available) = listing.query.flag("available")? {
        listing.keep(Filter::equals("t.available", i64::from(available)));
    }
    if let Some(spaces) = listing.query.values("space_guids") {
        listing.keep(had_in_spaces(before, &spaces));
    }
    if let Some(organizations) = listing.query.values("organization_guids") {
        listing.keep(had_in_organizations(before, &organizations));
    }
    if let Some(filter) = seen_by(call, before) {
        listing.keep(filter);
    }
    Ok(())
}

/// Keeps what can be had in one of these spaces.
fn had_in_spaces(before: &'static str, spaces: &[String]) -> Filter {
    Filter::sql(before)
        .then(
            "p.visibility = 'public' OR p.guid IN (SELECT v.plan_guid FROM plan_visibilities v \
             JOIN spaces s ON s.organization_guid = v.organization_guid WHERE s.guid IN ",
        )
        .values(spaces)
        .then(
            ") OR p.offering_guid IN (SELECT o.guid FROM service_offerings o \
             JOIN service_brokers b ON b.guid = o.broker_guid WHERE b.space_guid IN ",
        )
        .values(spaces)
        .then("))")
}

/// Keeps what can be had in one of these organizations.
fn had_in_organizations(before: &'static str, organizations: &[String]) -> Filter {
    Filter::sql(before)
        .then(
            "p.visibility = 'public' OR p.guid IN (SELECT v.plan_guid FROM plan_visibilities v \
             WHERE v.organization_guid IN ",
        )
        .values(organizations)
        .then(
            ") OR p.offering_guid IN (SELECT o.guid FROM service_offerings o \
             JOIN service_brokers b ON b.guid = o.broker_guid \
             JOIN spaces s ON s.guid = b.space_guid WHERE s.organization_guid IN ",
        )
        .values(organizations)
        .then("))")
}

/// The plan that a body names, if services of it can be made in this space.
pub(super) async fn named_plan(call: &Call, guid: &str, space: &Space) -> Result<Offer, ApiError> {
    let missing = || {
        ApiError::unprocessable(
            "Invalid service plan. Ensure that the service plan exists, is available, and you have \
             access to it.",
        )
    };
    let offer = call.store().offer(guid).await?;
    let offer = offer.ok_or_else(missing)?;
    if !offer.plan.available {
        return Err(missing());
    }
    let has_it = match offer.plan.visibility {
        Visibility::Admin => false,
        Visibility::Organization => call
            .store()
            .organizations_of_plan(guid)
            .await?
            .contains(&space.organization_guid),
        Visibility::Public => true,
        Visibility::Space => offer.broker.space_guid.as_ref() == Some(&space.guid),
    };
    if has_it {
        return Ok(offer);
    }
    if !call.caller.is_admin {
        return Err(missing());
    }
    Err(ApiError::unprocessable(format!(
        "Invalid service plan. This could be due to a space-scoped broker which is offering the \
         service plan '{}' with guid '{}' in another space or that the plan is not enabled in this \
         organization. Ensure that the service plan is visible in your current space '{}' with \
         guid '{}'.",
        offer.plan.name, offer.plan.guid, space.name, space.guid
    )))
}

/// Leads from a plan `t` into the list that the filters here end.
pub(super) const PLAN: &str = "t.guid IN (SELECT p.guid FROM service_plans p WHERE ";
/// Leads from an offering `t` into that list.
pub(super) const OFFERING: &str = "t.guid IN (SELECT p.offering_guid FROM service_plans p WHERE ";
