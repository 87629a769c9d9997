//! The labels and annotations of the objects that an answer shows.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{ApiError, Call};
use crate::store::Metadata;

/// Labels and annotations by guid.
#[derive(Clone, Debug, Default)]
pub struct Marks(HashMap<String, Metadata>);

impl Marks {
    /// The `metadata` of one object.
    #[must_use]
    pub fn of(&self, guid: &str) -> Value {
        self.0.get(guid).map_or_else(
            || json!({"labels": {}, "annotations": {}}),
            Metadata::document,
        )
    }
}

impl Call {
    /// Reads the labels and annotations of these objects.
    ///
    /// # Errors
    ///
    /// Fails when the store does.
    pub async fn marks<'g>(
        &self,
        guids: impl IntoIterator<Item = &'g str>,
    ) -> Result<Marks, ApiError> {
        let guids: Vec<&str> = guids.into_iter().collect();
        Ok(Marks(self.store().metadata_of(&guids).await?))
    }
}
