//! Writing rows: one statement with its values, missing ones included.

use sqlx::Arguments as _;
use sqlx::any::AnyArguments;

use super::{StoreError, Tx};
use crate::model::Micros;

/// A value of a column; `None` is NULL.
#[derive(Clone, Debug)]
pub(super) enum Column {
    Integer(Option<i64>),
    Text(Option<String>),
}

impl Tx {
    /// Runs one statement and says how many rows it touched.
    pub(super) async fn write<const N: usize>(
        &mut self,
        sql: &'static str,
        columns: [Column; N],
    ) -> Result<u64, StoreError> {
        let mut arguments = AnyArguments::default();
        for column in columns {
            let added = match column {
                Column::Integer(value) => arguments.add(value),
                Column::Text(value) => arguments.add(value),
            };
            added.map_err(sqlx::Error::Encode)?;
        }
        let done = sqlx::query_with(sql, arguments)
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected())
    }
}

impl From<&str> for Column {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<&String> for Column {
    fn from(text: &String) -> Self {
        Self::Text(Some(text.clone()))
    }
}

impl From<&Option<String>> for Column {
    fn from(text: &Option<String>) -> Self {
        Self::Text(text.clone())
    }
}

impl From<i64> for Column {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

impl From<u32> for Column {
    fn from(number: u32) -> Self {
        Self::Integer(Some(i64::from(number)))
    }
}

impl From<Option<u32>> for Column {
    fn from(number: Option<u32>) -> Self {
        Self::Integer(number.map(i64::from))
    }
}

impl From<Option<u64>> for Column {
    /// More than the column can hold becomes the most that it can.
    fn from(number: Option<u64>) -> Self {
        Self::Integer(number.map(|number| i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl From<Micros> for Column {
    fn from(instant: Micros) -> Self {
        Self::Integer(Some(instant.0))
    }
}

/// A document as the text that is kept.
pub(super) fn document<T: serde::Serialize>(value: &T) -> Column {
    // Maps and lists of JSON values always have a text.
    Column::Text(serde_json::to_string(value).ok())
}
