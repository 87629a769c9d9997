//! Routes and their destinations.

use super::write::document;
use super::{Filter, Record, Row, Store, StoreError, Tx};
use crate::model::{Destination, Route};

impl Record for Route {
    const TABLE: &'static str = "(SELECT r.*, d.name AS domain_name FROM routes r \
         JOIN domains d ON d.guid = r.domain_guid) t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            space_guid: row.text("space_guid")?,
            domain_guid: row.text("domain_guid")?,
            domain_name: row.text("domain_name")?,
            protocol: row.text("protocol")?,
            host: row.text("host")?,
            path: row.text("path")?,
            port: port(row)?,
            options: row.document("options")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Record for Destination {
    const TABLE: &'static str = "destinations t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            route_guid: row.text("route_guid")?,
            app_guid: row.text("app_guid")?,
            process_type: row.text("process_type")?,
            port: port(row)?,
            protocol: row.text("protocol")?,
            created_at: row.instant("created_at")?,
        })
    }
}

impl Store {
    /// The route with this guid.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn route(&self, guid: &str) -> Result<Option<Route>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }

    /// Where these routes lead.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn destinations_of(&self, routes: &[String]) -> Result<Vec<Destination>, StoreError> {
        self.all(vec![Filter::within("t.route_guid", routes)]).await
    }

    /// The routes that lead to an application, whatever its process.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn routes_to(&self, app_guid: &str) -> Result<Vec<Route>, StoreError> {
        self.all(vec![leads_to(app_guid)]).await
    }
}

impl Tx {
    /// The routes that lead to an application, as this transaction sees them.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn routes_to(&mut self, app_guid: &str) -> Result<Vec<Route>, StoreError> {
        self.all(vec![leads_to(app_guid)]).await
    }

    /// Adds a route.
    ///
    /// # Errors
    ///
    /// [`StoreError::Taken`] when there is one of that host, path and port under the domain.
    pub async fn insert_route(&mut self, route: &Route) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO routes (guid, space_guid, domain_guid, protocol, host, path, port, \
             options, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            [
                (&route.guid).into(),
                (&route.space_guid).into(),
                (&route.domain_guid).into(),
                (&route.protocol).into(),
                (&route.host).into(),
                (&route.path).into(),
                i64::from(route.port).into(),
                document(&route.options),
                route.created_at.into(),
                route.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Writes the options of a route.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn update_route(&mut self, route: &Route) -> Result<(), StoreError> {
        self.write(
            "UPDATE routes SET options = $2, updated_at = $3 WHERE guid = $1",
            [
                (&route.guid).into(),
                document(&route.options),
                route.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Removes a route and its destinations.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_route(&mut self, guid: &str) -> Result<(), StoreError> {
        self.write("DELETE FROM routes WHERE guid = $1", [guid.into()])
            .await?;
        Ok(())
    }

    /// Adds a destination; one that leads to the same place is left as it is.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn insert_destination(&mut self, made: &Destination) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO destinations (guid, route_guid, app_guid, process_type, port, protocol, \
             created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (route_guid, app_guid, process_type, port) DO NOTHING",
            [
                (&made.guid).into(),
                (&made.route_guid).into(),
                (&made.app_guid).into(),
                (&made.process_type).into(),
                i64::from(made.port).into(),
                (&made.protocol).into(),
                made.created_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Removes a destination.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_destination(&mut self, guid: &str) -> Result<(), StoreError> {
        self.write("DELETE FROM destinations WHERE guid = $1", [guid.into()])
            .await?;
        Ok(())
    }

    /// Removes every destination that leads to an application.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn unmap_app(&mut self, app_guid: &str) -> Result<(), StoreError> {
        self.write(
            "DELETE FROM destinations WHERE app_guid = $1",
            [app_guid.into()],
        )
        .await?;
        Ok(())
    }
}

fn leads_to(app_guid: &str) -> Filter {
    Filter::sql("t.guid IN (SELECT route_guid FROM destinations WHERE app_guid = ")
        .value(app_guid)
        .then(")")
}

fn port(row: &Row<'_>) -> Result<u16, StoreError> {
    u16::try_from(row.integer("port")?).map_err(|_| StoreError::Garbled { column: "port" })
}
