//! Reading columns: text, integers, flags, instants and documents.

use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::StoreError;
use crate::model::Micros;

/// One row of an answer.
#[derive(Clone, Copy)]
pub struct Row<'r>(pub(super) &'r AnyRow);

impl Row<'_> {
    /// A `TEXT NOT NULL`.
    ///
    /// # Errors
    ///
    /// As all of these: fails when the column is missing or holds something else.
    pub fn text(&self, column: &'static str) -> Result<String, StoreError> {
        Ok(self.0.try_get(column)?)
    }

    /// A `TEXT` that may be missing.
    ///
    /// # Errors
    ///
    /// See [`Row::text`].
    pub fn optional_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        Ok(self.0.try_get(column)?)
    }

    /// A `BIGINT NOT NULL`.
    ///
    /// # Errors
    ///
    /// See [`Row::text`].
    pub fn integer(&self, column: &'static str) -> Result<i64, StoreError> {
        Ok(self.0.try_get(column)?)
    }

    /// A `BIGINT` that may be missing.
    ///
    /// # Errors
    ///
    /// See [`Row::text`].
    pub fn optional_integer(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        Ok(self.0.try_get(column)?)
    }

    /// A count, which is never negative.
    ///
    /// # Errors
    ///
    /// See [`Row::text`].
    pub fn count(&self, column: &'static str) -> Result<u64, StoreError> {
        u64::try_from(self.integer(column)?).map_err(|_| StoreError::Garbled { column })
    }

    /// A flag, kept as 0 or 1.
    ///
    /// # Errors
    ///
    /// See [`Row::text`].
    pub fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        Ok(self.integer(column)? != 0)
    }

    /// An instant.
    ///
    /// # Errors
    ///
    /// See [`Row::text`].
    pub fn instant(&self, column: &'static str) -> Result<Micros, StoreError> {
        self.integer(column).map(Micros)
    }

    /// An instant that may be missing.
    ///
    /// # Errors
    ///
    /// See [`Row::text`].
    pub fn optional_instant(&self, column: &'static str) -> Result<Option<Micros>, StoreError> {
        Ok(self.optional_integer(column)?.map(Micros))
    }

    /// A JSON document.
    ///
    /// # Errors
    ///
    /// See [`Row::text`].
    pub fn document<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        let text = self.text(column)?;
        serde_json::from_str(&text).map_err(|_| StoreError::Garbled { column })
    }

    /// A value that is kept as a word.
    ///
    /// # Errors
    ///
    /// See [`Row::text`].
    pub fn word<T>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        parse(&self.text(column)?).ok_or(StoreError::Garbled { column })
    }
}
