//! One page of a table: which rows, in which order, and how many there are.

use sqlx::any::AnyRow;

use super::filter::Statement;
use super::{Filter, Row, Store, StoreError, Tx, Value};

/// A row of a table, as the program knows it.
pub trait Record: Sized {
    /// What follows `FROM`, as in `apps t`; columns of filters and orders are columns of `t`.
    const TABLE: &'static str;

    /// Reads one row.
    ///
    /// # Errors
    ///
    /// Fails when a column is missing or holds something else.
    fn read(row: &Row<'_>) -> Result<Self, StoreError>;
}

/// Which way a list runs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Direction {
    /// The smallest first.
    #[default]
    Ascending,
    /// The largest first.
    Descending,
}

/// What a list is sorted by; rows that are equal in it are sorted by guid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Order {
    /// A column of the table, in the program's own words.
    pub column: &'static str,
    /// Which way.
    pub direction: Direction,
}

/// Which rows of a table, and which page of them.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// From 1.
    pub page: u32,
    /// From 1 to 5000.
    pub per_page: u32,
    /// What they are sorted by.
    pub order: Order,
    /// All of these must hold.
    pub filters: Vec<Filter>,
}

impl ListQuery {
    /// All rows for which these hold, oldest first.
    #[must_use]
    pub fn all(filters: Vec<Filter>) -> Self {
        let order = Order {
            column: "t.created_at",
            direction: Direction::Ascending,
        };
        Self {
            page: 1,
            per_page: u32::MAX,
            order,
            filters,
        }
    }

    /// Adds a condition.
    #[must_use]
    pub fn and(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// How many rows all pages have.
    pub total: u64,
}

impl Store {
    /// Reads one page of a table, and counts all of its rows.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn page<T: Record>(&self, query: &ListQuery) -> Result<Page<T>, StoreError> {
        let mut connection = self.connection().await?;
        let (text, arguments) = count_statement(T::TABLE, query)?.finish();
        let row = sqlx::query_with(text, arguments)
            .fetch_one(&mut *connection)
            .await?;
        let total = u64::try_from(Row(&row).integer("n")?).unwrap_or(0);
        let (text, arguments) = page_statement(T::TABLE, query)?.finish();
        let rows = sqlx::query_with(text, arguments)
            .fetch_all(&mut *connection)
            .await?;
        let items = read_all(&rows)?;
        Ok(Page { items, total })
    }

    /// Reads all rows for which these hold, oldest first.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn all<T: Record>(&self, filters: Vec<Filter>) -> Result<Vec<T>, StoreError> {
        let (text, arguments) = page_statement(T::TABLE, &ListQuery::all(filters))?.finish();
        let mut connection = self.connection().await?;
        let rows = sqlx::query_with(text, arguments)
            .fetch_all(&mut *connection)
            .await?;
        read_all(&rows)
    }

    /// Reads the first row for which these hold, the oldest.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn first<T: Record>(&self, filters: Vec<Filter>) -> Result<Option<T>, StoreError> {
        let query = ListQuery {
            per_page: 1,
            ..ListQuery::all(filters)
        };
        let (text, arguments) = page_statement(T::TABLE, &query)?.finish();
        let mut connection = self.connection().await?;
        let row = sqlx::query_with(text, arguments)
            .fetch_optional(&mut *connection)
            .await?;
        row.as_ref().map(|row| T::read(&Row(row))).transpose()
    }
}

impl Tx {
    /// Reads all rows for which these hold, oldest first, as this transaction sees them.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn all<T: Record>(&mut self, filters: Vec<Filter>) -> Result<Vec<T>, StoreError> {
        let (text, arguments) = page_statement(T::TABLE, &ListQuery::all(filters))?.finish();
        let rows = sqlx::query_with(text, arguments)
            .fetch_all(self.connection())
            .await?;
        read_all(&rows)
    }

    /// Reads the first row for which these hold, as this transaction sees it.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn first<T: Record>(
        &mut self,
        filters: Vec<Filter>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(filters).await?.into_iter().next())
    }
}

fn read_all<T: Record>(rows: &[AnyRow]) -> Result<Vec<T>, StoreError> {
    rows.iter().map(|row| T::read(&Row(row))).collect()
}

fn count_statement(table: &'static str, query: &ListQuery) -> Result<Statement, sqlx::Error> {
    let mut statement = Statement::default();
    statement.push("SELECT COUNT(*) AS n FROM ");
    statement.push(table);
    statement.conditions(&query.filters)?;
    Ok(statement)
}

fn page_statement(table: &'static str, query: &ListQuery) -> Result<Statement, sqlx::Error> {
    let skipped = i64::from(query.page.saturating_sub(1)) * i64::from(query.per_page);
    let mut statement = Statement::default();
    statement.push("SELECT t.* FROM ");
    statement.push(table);
    statement.conditions(&query.filters)?;
    statement.push(" ORDER BY ");
    statement.push(query.order.column);
    statement.push(match query.order.direction {
        Direction::Ascending => " ASC, ",
        Direction::Descending => " DESC, ",
    });
    // A table's first column is its key: rows of the same instant keep their order from page to page.
    statement.push("1 LIMIT ");
    statement.bind(&Value::Integer(i64::from(query.per_page)))?;
    statement.push(" OFFSET ");
    statement.bind(&Value::Integer(skipped))?;
    Ok(statement)
}
