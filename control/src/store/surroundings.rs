//! What an application's environment is composed of, read in one go.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use super::{Row, Store, StoreError};
use crate::model::{App, Route, Surroundings, UriOptions};

impl Store {
    /// The names around an application, and those that reach its processes of one type.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn surroundings(
        &self,
        app: &App,
        process_type: &str,
        api_url: &str,
    ) -> Result<Surroundings, StoreError> {
        let mut connection = self.connection().await?;
        let row = sqlx::query(
            "SELECT s.name AS space_name, o.guid AS organization_guid, \
             o.name AS organization_name FROM spaces s \
             JOIN organizations o ON o.guid = s.organization_guid WHERE s.guid = $1",
        )
        .bind(&app.space_guid)
        .fetch_one(&mut *connection)
        .await?;
        let row = Row(&row);
        let around = Surroundings {
            space_name: row.text("space_name")?,
            organization_guid: row.text("organization_guid")?,
            organization_name: row.text("organization_name")?,
            uris: Vec::new(),
            uri_options: UriOptions::new(),
            api_url: api_url.to_owned(),
        };
        drop(connection);
        let (uris, uri_options) = self.uris_of(&app.guid, process_type).await?;
        Ok(Surroundings {
            uris,
            uri_options,
            ..around
        })
    }

    /// The names that reach an application's processes of one type, oldest route first, and what
    /// routers are told of them besides.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn uris_of(
        &self,
        app_guid: &str,
        process_type: &str,
    ) -> Result<(Vec<String>, UriOptions), StoreError> {
        let leads =
            super::Filter::sql("t.guid IN (SELECT route_guid FROM destinations WHERE app_guid = ")
                .value(app_guid)
                .then(" AND process_type = ")
                .value(process_type)
                .then(")");
        let routes: Vec<Route> = self.all(vec![leads]).await?;
        let guids: Vec<String> = routes.iter().map(|route| route.guid.clone()).collect();
        let leads = self.destinations_of(&guids).await?;
        let here = leads
            .iter()
            .filter(|lead| lead.app_guid == app_guid && lead.process_type == process_type);
        let protocols: BTreeMap<&str, &str> = here
            .filter(|lead| lead.protocol != HTTP1)
            .map(|lead| (&*lead.route_guid, &*lead.protocol))
            .collect();
        let mut told = UriOptions::new();
        for route in &routes {
            let mut options = route.options.clone();
            if let Some(protocol) = protocols.get(&*route.guid) {
                options.insert("protocol".to_owned(), (*protocol).into());
            }
            if !options.is_empty() {
                told.insert(route.url(), options);
            }
        }
        Ok((routes.iter().map(Route::url).collect(), told))
    }

    /// Memory in MB that all started processes of an organization may use, those of one application
    /// left out.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn memory_in_use(
        &self,
        organization_guid: &str,
        but_app: &str,
    ) -> Result<u64, StoreError> {
        // No process counts for more than an exabyte, so that no sum grows too large.
        let sum = "CASE WHEN p.instances * p.memory_mb < 1000000000000 \
                   THEN p.instances * p.memory_mb ELSE 1000000000000 END";
        self.in_use(sum, organization_guid, but_app).await
    }

    /// Log bytes per second that all started processes of an organization may have, those of one
    /// application left out; one without a limit counts for nothing.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn log_rate_in_use(
        &self,
        organization_guid: &str,
        but_app: &str,
    ) -> Result<u64, StoreError> {
        // Divided instead of multiplied, so that no product grows too large; 0 instances have no rate.
        let sum = "CASE WHEN p.log_rate_limit <= 0 OR p.instances <= 0 THEN 0 \
                   WHEN p.log_rate_limit < 1000000000000000 / p.instances \
                   THEN p.instances * p.log_rate_limit ELSE 1000000000000000 END";
        self.in_use(sum, organization_guid, but_app).await
    }

    /// Instances that all started processes of an organization have, those of one application left
    /// out.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn instances_in_use(
        &self,
        organization_guid: &str,
        but_app: &str,
    ) -> Result<u64, StoreError> {
        self.in_use("p.instances", organization_guid, but_app).await
    }

    /// A sum over the started processes of an organization, those of one application left out.
    async fn in_use(
        &self,
        sum: &'static str,
        organization_guid: &str,
        but_app: &str,
    ) -> Result<u64, StoreError> {
        let mut connection = self.connection().await?;
        let text = format!(
            "SELECT CAST(COALESCE(SUM({sum}), 0) AS BIGINT) AS n \
             FROM processes p JOIN apps a ON a.guid = p.app_guid \
             JOIN spaces s ON s.guid = a.space_guid \
             WHERE s.organization_guid = $1 AND a.state = 'STARTED' AND a.guid <> $2"
        );
        let row = sqlx::query(AssertSqlSafe(text))
            .bind(organization_guid)
            .bind(but_app)
            .fetch_one(&mut *connection)
            .await?;
        Row(&row).count("n")
    }
}

/// What every destination speaks unless somebody said otherwise.
const HTTP1: &str = "http1";
