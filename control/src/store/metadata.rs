//! Labels and annotations of every kind of resource.

use std::collections::{BTreeMap, HashMap};

use super::filter::Statement;
use super::{Filter, Row, Store, StoreError, Tx};

/// What a resource is marked with.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Metadata {
    /// For selecting.
    pub labels: BTreeMap<String, String>,
    /// For reading.
    pub annotations: BTreeMap<String, String>,
}

/// Changes to a resource's marks: `None` takes one away.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MetadataPatch {
    /// Labels by key.
    pub labels: BTreeMap<String, Option<String>>,
    /// Annotations by key.
    pub annotations: BTreeMap<String, Option<String>>,
}

/// One of the two kinds of marks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MetadataKind {
    /// For reading.
    Annotation,
    /// For selecting.
    Label,
}

impl MetadataKind {
    /// The word in the table and in refusals.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Annotation => "annotation",
            Self::Label => "label",
        }
    }
}

impl Store {
    /// The marks of these resources; those without any are left out.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn metadata_of(
        &self,
        guids: &[&str],
    ) -> Result<HashMap<String, Metadata>, StoreError> {
        let mut found: HashMap<String, Metadata> = HashMap::new();
        let mut connection = self.connection().await?;
        for batch in guids.chunks(BATCH) {
            let mut statement = Statement::default();
            statement.push("SELECT resource_guid, kind, name, value FROM metadata");
            statement.conditions(&[Filter::within("resource_guid", batch.iter().copied())])?;
            let (text, arguments) = statement.finish();
            let rows = sqlx::query_with(text, arguments)
                .fetch_all(&mut *connection)
                .await?;
            for row in &rows {
                let row = Row(row);
                let marks = found.entry(row.text("resource_guid")?).or_default();
                let section = if row.text("kind")? == MetadataKind::Label.as_str() {
                    &mut marks.labels
                } else {
                    &mut marks.annotations
                };
                section.insert(row.text("name")?, row.text("value")?);
            }
        }
        Ok(found)
    }
}

impl Tx {
    /// Changes a resource's marks.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn write_metadata(
        &mut self,
        guid: &str,
        patch: &MetadataPatch,
    ) -> Result<(), StoreError> {
        for (kind, entries) in [
            (MetadataKind::Label, &patch.labels),
            (MetadataKind::Annotation, &patch.annotations),
        ] {
            for (name, value) in entries {
                match value {
                    Some(value) => self.set_mark(guid, kind, name, value).await?,
                    None => self.clear_mark(guid, kind, name).await?,
                }
            }
        }
        Ok(())
    }

    /// Takes away all marks of a resource.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_metadata(&mut self, guid: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM metadata WHERE resource_guid = $1")
            .bind(guid)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    async fn set_mark(
        &mut self,
        guid: &str,
        kind: MetadataKind,
        name: &str,
        value: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO metadata (resource_guid, kind, name, value) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (resource_guid, kind, name) DO UPDATE SET value = excluded.value",
        )
        .bind(guid)
        .bind(kind.as_str())
        .bind(name)
        .bind(value)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn clear_mark(
        &mut self,
        guid: &str,
        kind: MetadataKind,
        name: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM metadata WHERE resource_guid = $1 AND kind = $2 AND name = $3")
            .bind(guid)
            .bind(kind.as_str())
            .bind(name)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

/// Guids in one statement: databases limit how many values they bind.
const BATCH: usize = 1000;
