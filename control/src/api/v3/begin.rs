//! What every platform begins with: a quota, a domain, a stack.

use crate::api::{ApiSettings, StartError, now, state};
use crate::model::StackState;
use crate::store::{Domain, OrganizationQuota, QuotaLimits, Stack, Store};

/// Writes what is not there yet.
pub(in crate::api) async fn begin(store: &Store, settings: &ApiSettings) -> Result<(), StartError> {
    let now = now();
    let mut tx = store.begin().await?;
    if tx.all::<OrganizationQuota>(Vec::new()).await?.is_empty() {
        let quota = OrganizationQuota {
            guid: state::guid(),
            name: DEFAULT_QUOTA.to_owned(),
            limits: QuotaLimits::default(),
            created_at: now,
            updated_at: now,
        };
        tx.write_organization_quota(&quota).await?;
    }
    if tx.domain_named(&settings.domain).await?.is_none() {
        let domain = Domain {
            guid: state::guid(),
            name: settings.domain.clone(),
            internal: false,
            organization_guid: None,
            created_at: now,
            updated_at: now,
        };
        tx.insert_domain(&domain).await?;
    }
    if tx.all::<Stack>(Vec::new()).await?.is_empty() {
        let stack = Stack {
            guid: state::guid(),
            name: settings.stack.clone(),
            description: "What the nodes of this platform run".to_owned(),
            is_default: true,
            state: StackState::Active,
            state_reason: None,
            created_at: now,
            updated_at: now,
        };
        tx.write_stack(&stack).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The quota of organizations that name none.
pub(super) const DEFAULT_QUOTA: &str = "default";
