//! Conditions of a query: SQL text that is fixed in the program, and values that are bound.

use sqlx::Arguments as _;
use sqlx::any::AnyArguments;

/// A value that is bound to a placeholder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    /// For `BIGINT` columns.
    Integer(i64),
    /// For `TEXT` columns.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

/// One condition of a `WHERE`; several are joined by `AND`.
#[derive(Clone, Debug)]
pub struct Filter(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Sql(&'static str),
    Value(Value),
    Values(Vec<Value>),
}

impl Filter {
    /// The beginning of a condition in the program's own words.
    #[must_use]
    pub fn sql(text: &'static str) -> Self {
        Self(vec![Part::Sql(text)])
    }

    /// Goes on with SQL text.
    #[must_use]
    pub fn then(mut self, text: &'static str) -> Self {
        self.0.push(Part::Sql(text));
        self
    }

    /// Goes on with one bound value.
    #[must_use]
    pub fn value(mut self, value: impl Into<Value>) -> Self {
        self.0.push(Part::Value(value.into()));
        self
    }

    /// Goes on with a list in parentheses; an empty list holds nothing.
    #[must_use]
    pub fn values<V: Into<Value>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.0.push(Part::Values(values));
        self
    }

    /// The column holds this value.
    #[must_use]
    pub fn equals(column: &'static str, value: impl Into<Value>) -> Self {
        Self::sql(column).then(" = ").value(value)
    }

    /// The column holds one of these values.
    #[must_use]
    pub fn within<V: Into<Value>>(
        column: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self::sql(column).then(" IN ").values(values)
    }
}

/// A statement that is being written: its text, and the values of its placeholders.
#[derive(Default)]
pub(super) struct Statement {
    text: String,
    arguments: AnyArguments,
}

impl Statement {
    pub(super) fn push(&mut self, sql: &'static str) {
        self.text.push_str(sql);
    }

    pub(super) fn bind(&mut self, value: &Value) -> Result<(), sqlx::Error> {
        let added = match value {
            Value::Integer(value) => self.arguments.add(*value),
            Value::Text(value) => self.arguments.add(value.clone()),
        };
        added.map_err(sqlx::Error::Encode)?;
        self.text.push('$');
        self.text.push_str(&self.arguments.len().to_string());
        Ok(())
    }

    /// Adds ` WHERE a AND b`, or nothing when there is no condition.
    pub(super) fn conditions(&mut self, filters: &[Filter]) -> Result<(), sqlx::Error> {
        for (at, filter) in filters.iter().enumerate() {
            self.push(if at == 0 { " WHERE (" } else { " AND (" });
            self.filter(filter)?;
            self.push(")");
        }
        Ok(())
    }

    fn filter(&mut self, filter: &Filter) -> Result<(), sqlx::Error> {
        for part in &filter.0 {
            match part {
                Part::Sql(text) => self.push(text),
                Part::Value(value) => self.bind(value)?,
                // No value equals NULL, so this list holds nothing, in both databases.
                Part::Values(values) if values.is_empty() => self.push("(NULL)"),
                Part::Values(values) => self.list(values)?,
            }
        }
        Ok(())
    }

    fn list(&mut self, values: &[Value]) -> Result<(), sqlx::Error> {
        for (at, value) in values.iter().enumerate() {
            self.push(if at == 0 { "(" } else { ", " });
            self.bind(value)?;
        }
        self.push(")");
        Ok(())
    }

    /// The text and its values, ready for `sqlx::query_with`.
    pub(super) fn finish(self) -> (sqlx::AssertSqlSafe<String>, AnyArguments) {
        // invariant: the text is made of `&'static str` and of placeholder numbers only.
        (sqlx::AssertSqlSafe(self.text), self.arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(filters: &[Filter]) -> String {
        let mut statement = Statement::default();
        statement.conditions(filters).unwrap();
        statement.text
    }

    #[test]
    fn values_never_become_text() {
        let hostile = "x') OR 1=1; DROP TABLE apps; --";
        let text = text_of(&[
            Filter::within("name", [hostile]),
            Filter::equals("n", hostile),
        ]);
        assert_eq!(text, " WHERE (name IN ($1)) AND (n = $2)");
    }

    #[test]
    fn an_empty_list_holds_nothing() {
        let text = text_of(&[Filter::within("guid", Vec::<String>::new())]);
        assert_eq!(text, " WHERE (guid IN (NULL))");
    }
}
