//! Lists: which page of which rows a request wants, and the document that holds them.

use serde_json::{Value, json};

use super::query::{quoted, sentence};
use super::{ApiError, Base, Query, times};
use crate::store::{Direction, Filter, ListQuery, Order, Page};

/// What a list's request asks for.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The request's parameters.
    pub query: Query,
    /// The rows that it wants; filters may be added.
    pub rows: ListQuery,
    path: String,
}

/// What a list may be sorted by: the parameter's word and the column. The first is the usual one.
pub type Orders = &'static [(&'static str, &'static str)];

/// By creation or change.
pub const BY_TIME: Orders = &[
    ("created_at", "t.created_at"),
    ("updated_at", "t.updated_at"),
];

/// By creation, change or name.
pub const BY_NAME: Orders = &[
    ("created_at", "t.created_at"),
    ("updated_at", "t.updated_at"),
    ("name", "t.name"),
];

impl Listing {
    /// Reads page, order and the filters that every list knows (`guids`, `created_ats`,
    /// `updated_ats`, `label_selector`); `filters` names those that only this list knows.
    ///
    /// # Errors
    ///
    /// 10005 for what is unknown or ill-formed.
    pub fn parse(uri: &http::Uri, filters: &[&str], orders: Orders) -> Result<Self, ApiError> {
        let known: Vec<&str> = COMMON.iter().chain(filters).copied().collect();
        let query = Query::parse(uri.query().unwrap_or_default(), &known)?;
        let rows = ListQuery {
            page: number(&query, "page", 1, u32::MAX)?,
            per_page: number(&query, "per_page", USUAL_PER_PAGE, MAX_PER_PAGE)?,
            order: order(&query, orders)?,
            filters: Vec::new(),
        };
        let mut listing = Self {
            query,
            rows,
            path: uri.path().to_owned(),
        };
        listing.within("guids", "t.guid");
        listing.instants("created_ats", "t.created_at")?;
        listing.instants("updated_ats", "t.updated_at")?;
        if let Some(text) = listing.query.text("label_selector").map(str::to_owned) {
            listing.rows.filters.extend(super::metadata::select(&text)?);
        }
        Ok(listing)
    }

    /// Keeps the rows whose column holds one of a parameter's values, when the parameter is there.
    pub fn within(&mut self, parameter: &str, column: &'static str) {
        if let Some(values) = self.query.values(parameter) {
            self.keep(Filter::within(column, values));
        }
    }

    /// Keeps the rows for which a condition holds that is written around a parameter's values.
    pub fn within_sql(&mut self, parameter: &str, before: &'static str, after: &'static str) {
        if let Some(values) = self.query.values(parameter) {
            self.keep(Filter::sql(before).values(values).then(after));
        }
    }

    /// Keeps the rows for which this holds.
    pub fn keep(&mut self, filter: Filter) {
        self.rows.filters.push(filter);
    }

    /// The list's document; `show` renders one row.
    pub fn document<T>(&self, base: &Base, page: &Page<T>, show: impl FnMut(&T) -> Value) -> Value {
        let resources: Vec<Value> = page.items.iter().map(show).collect();
        json!({"pagination": self.pagination(base, page.total), "resources": resources})
    }

    fn pagination(&self, base: &Base, total: u64) -> Value {
        let per_page = u64::from(self.rows.per_page);
        let page = u64::from(self.rows.page);
        let pages = total.div_ceil(per_page).max(1);
        let rest = self.query.without(&["page", "per_page"]);
        let link = |page: u64| {
            let query = format!("{}?{rest}page={page}&per_page={per_page}", self.path);
            base.link(&query)
        };
        json!({
            "total_results": total,
            "total_pages": pages,
            "first": link(1),
            "last": link(pages),
            "next": if page < pages { link(page + 1) } else { Value::Null },
            "previous": if page > 1 { link((page - 1).min(pages)) } else { Value::Null },
        })
    }

    /// `created_ats=A,B`, or with a relation as in `created_ats[gt]=A`.
    fn instants(&mut self, parameter: &str, column: &'static str) -> Result<(), ApiError> {
        for (relation, before) in [
            ("", " / 1000000 IN "),
            ("[gt]", " / 1000000 > "),
            ("[gte]", " / 1000000 >= "),
            ("[lt]", " / 1000000 < "),
            ("[lte]", " / 1000000 <= "),
        ] {
            let Some(values) = self.query.values(&format!("{parameter}{relation}")) else {
                continue;
            };
            let seconds: Option<Vec<i64>> = values
                .iter()
                .map(|value| Some(times::parse(value)?.seconds()))
                .collect();
            let Some(seconds) = seconds.filter(|all| relation.is_empty() || all.len() == 1) else {
                let words = format!("{} has an invalid timestamp format", sentence(parameter));
                return Err(ApiError::bad_query(&words));
            };
            // Clients know whole seconds, so whole seconds are compared.
            let filter = Filter::sql(column).then(before);
            self.keep(match seconds.as_slice() {
                [only] if !relation.is_empty() => filter.value(*only),
                all => filter.values(all.iter().copied()),
            });
        }
        Ok(())
    }
}

fn number(query: &Query, name: &str, usual: u32, max: u32) -> Result<u32, ApiError> {
    let Some(text) = query.text(name) else {
        return Ok(usual);
    };
    let parsed = text.parse::<u32>().ok();
    parsed
        .filter(|number| (1..=max).contains(number))
        .ok_or_else(|| {
            let words = if max == u32::MAX {
                format!("{} must be a positive integer", sentence(name))
            } else {
                format!("{} must be between 1 and {max}", sentence(name))
            };
            ApiError::bad_query(&words)
        })
}

fn order(query: &Query, orders: Orders) -> Result<Order, ApiError> {
    let text = query.text("order_by").unwrap_or_default();
    let (word, direction) = match text.strip_prefix('-') {
        Some(word) => (word, Direction::Descending),
        None => (text.strip_prefix('+').unwrap_or(text), Direction::Ascending),
    };
    let found = orders
        .iter()
        .find(|(known, _)| *known == word || text.is_empty());
    let Some((_, column)) = found else {
        let words: Vec<&str> = orders.iter().map(|(word, _)| *word).collect();
        return Err(ApiError::bad_query(&format!(
            "Order by can only be: {}",
            quoted(&words)
        )));
    };
    Ok(Order { column, direction })
}

const USUAL_PER_PAGE: u32 = 50;
const MAX_PER_PAGE: u32 = 5000;

const COMMON: &[&str] = &[
    "page",
    "per_page",
    "order_by",
    "guids",
    "label_selector",
    "created_ats",
    "created_ats[gt]",
    "created_ats[gte]",
    "created_ats[lt]",
    "created_ats[lte]",
    "updated_ats",
    "updated_ats[gt]",
    "updated_ats[gte]",
    "updated_ats[lt]",
    "updated_ats[lte]",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(uri: &'static str) -> Result<Listing, ApiError> {
        Listing::parse(&http::Uri::from_static(uri), &["names"], BY_NAME)
    }

    #[test]
    fn pages_and_orders_have_their_limits() {
        for bad in [
            "/x?page=0",
            "/x?per_page=5001",
            "/x?order_by=guid",
            "/x?created_ats=now",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        let listing = parse("/x?order_by=-name&per_page=5000").unwrap();
        assert_eq!(listing.rows.order.column, "t.name");
        assert_eq!(listing.rows.order.direction, Direction::Descending);
    }

    #[test]
    fn links_keep_the_other_parameters() {
        let listing = parse("/v3/apps?names=a&page=2&per_page=1").unwrap();
        let pagination = listing.pagination(&Base::for_tests("http://a"), 3);
        let next = "http://a/v3/apps?names=a&page=3&per_page=1";
        assert_eq!(pagination.pointer("/next/href"), Some(&json!(next)));
        assert_eq!(pagination.pointer("/total_pages"), Some(&json!(3)));
        assert_eq!(
            pagination.pointer("/previous/href"),
            Some(&json!("http://a/v3/apps?names=a&page=1&per_page=1"))
        );
    }
}
