//! The store keeps its promises on both of its databases.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there, in its helpers too"
)]

mod brokers;
mod postgres;
mod promises;

use control::store::Store;

use crate::postgres::Postgres;

/// Runs one promise on SQLite.
async fn on_sqlite<F: Future<Output = ()>>(promise: impl FnOnce(Store) -> F) {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/state.db?mode=rwc", directory.path().display());
    promise(Store::open(&url).await.unwrap()).await;
}

/// Runs one promise on PostgreSQL, when it is installed.
async fn on_postgres<F: Future<Output = ()>>(promise: impl FnOnce(Store) -> F) {
    let Some(server) = Postgres::start() else {
        return;
    };
    let store = Store::open(&server.url()).await.unwrap();
    promise(store.clone()).await;
    store.close().await;
}

/// Each promise becomes a test on SQLite and one on PostgreSQL.
macro_rules! both {
    ($($promise:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $promise() {
                super::on_sqlite(super::promises::$promise).await;
            })*
        }
        mod postgresql {
            $(#[tokio::test]
            async fn $promise() {
                super::on_postgres(super::promises::$promise).await;
            })*
        }
    };
}

both! {
    a_catalogue_is_taken_over_and_what_is_in_use_stays,
    a_dropped_transaction_leaves_nothing,
    a_plan_is_shown_to_the_organizations_that_are_named,
    a_lease_goes_to_one_holder_and_its_epoch_rises,
    a_name_that_is_taken_is_refused,
    a_write_under_a_lost_lease_is_refused,
    buildpacks_flags_and_events_come_back_as_they_went,
    lists_are_counted_paged_and_sorted,
    nodes_are_written_down_by_the_holder_of_the_lease_only,
    operations_are_due_in_order_and_a_service_waits_for_its_bindings,
    services_and_bindings_come_back_as_they_went,
    one_time_links_are_used_once,
    settings_are_written_over_and_kept,
    failed_logins_lock_and_good_ones_unlock,
    what_is_in_an_organization_goes_with_it,
    what_is_named_stays_while_it_is,
    writers_take_turns_and_none_is_lost,
}
