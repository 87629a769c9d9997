//! Desired state as the controller reads it: what should run, and all that a start must say.

use sqlx::any::AnyRow;

use super::{Row, Store, StoreError};
use crate::model::environment::{BoundService, Surroundings};
use crate::model::{App, Droplet, DropletState, Micros, Process, UriOptions};

/// One process that should run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WantedProcess {
    /// The process.
    pub process: String,
    /// The application that it belongs to.
    pub app: String,
    /// The version that its instances must be of.
    pub version: String,
    /// How many instances are wanted.
    pub instances: u32,
    /// When it or its application was last changed.
    pub changed_at: Micros,
}

/// All that is needed to start an instance of a process.
#[derive(Clone, Debug)]
pub struct StartFacts {
    /// The application.
    pub app: App,
    /// The process.
    pub process: Process,
    /// What it runs.
    pub droplet: Droplet,
    /// Names of space and organization, and routes.
    pub around: Surroundings,
    /// What it is bound to.
    pub services: Vec<BoundService>,
}

/// What an event about a process is recorded against.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// The application.
    pub app: String,
    /// Its name.
    pub app_name: String,
    /// Its space.
    pub space: String,
    /// The organization of the space.
    pub organization: String,
    /// `web`, `worker` and so on.
    pub process_type: String,
}

impl Store {
    /// Every process that should run: its application is started, and it has a staged droplet.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn wanted(&self) -> Result<Vec<WantedProcess>, StoreError> {
        let mut connection = self.connection().await?;
        let rows = sqlx::query(WANTED).fetch_all(&mut *connection).await?;
        rows.iter().map(wanted_of).collect()
    }

    /// The processes of one application that should run.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn wanted_of_app(&self, app: &str) -> Result<Vec<WantedProcess>, StoreError> {
        let mut connection = self.connection().await?;
        let rows = sqlx::query(WANTED_OF_APP)
            .bind(app)
            .fetch_all(&mut *connection)
            .await?;
        rows.iter().map(wanted_of).collect()
    }

    /// All processes of an application, whether they should run or not, with the names that reach them
    /// and what routers are told of these besides.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn processes_and_routes(
        &self,
        app: &str,
    ) -> Result<Vec<(String, Vec<String>, UriOptions)>, StoreError> {
        let mut connection = self.connection().await?;
        let rows = sqlx::query("SELECT guid, type FROM processes WHERE app_guid = $1")
            .bind(app)
            .fetch_all(&mut *connection)
            .await?;
        drop(connection);
        let mut processes = Vec::with_capacity(rows.len());
        for row in &rows {
            let (uris, options) = self.uris_of(app, &Row(row).text("type")?).await?;
            processes.push((Row(row).text("guid")?, uris, options));
        }
        Ok(processes)
    }

    /// Everything that a start of this process must say; `None` when it has nothing to start.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn start_facts(
        &self,
        process: &str,
        api_url: &str,
    ) -> Result<Option<StartFacts>, StoreError> {
        let Some(process) = self.process(process).await? else {
            return Ok(None);
        };
        let Some(app) = self.app(&process.app_guid).await? else {
            return Ok(None);
        };
        let droplet = process.droplet_guid.as_ref().or(app.droplet_guid.as_ref());
        let Some(droplet) = droplet else {
            return Ok(None);
        };
        let droplet = self.droplet(droplet).await?;
        let Some(droplet) = droplet.filter(|droplet| droplet.state == DropletState::Staged) else {
            return Ok(None);
        };
        let process_type = &process.process_type;
        let around = self.surroundings(&app, process_type, api_url).await?;
        let services = self.bound_services(&app.guid).await?;
        Ok(Some(StartFacts {
            app,
            process,
            droplet,
            around,
            services,
        }))
    }

    /// Whose process this is; `None` when there is no such process.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn target_of(&self, process: &str) -> Result<Option<Target>, StoreError> {
        let mut connection = self.connection().await?;
        let row = sqlx::query(
            "SELECT a.guid AS app, a.name AS app_name, s.guid AS space, \
             s.organization_guid AS organization, p.type AS process_type FROM processes p \
             JOIN apps a ON a.guid = p.app_guid JOIN spaces s ON s.guid = a.space_guid \
             WHERE p.guid = $1",
        )
        .bind(process)
        .fetch_optional(&mut *connection)
        .await?;
        let target = |row: AnyRow| {
            let row = Row(&row);
            Ok(Target {
                app: row.text("app")?,
                app_name: row.text("app_name")?,
                space: row.text("space")?,
                organization: row.text("organization")?,
                process_type: row.text("process_type")?,
            })
        };
        row.map(target).transpose()
    }
}

fn wanted_of(row: &AnyRow) -> Result<WantedProcess, StoreError> {
    let row = Row(row);
    Ok(WantedProcess {
        process: row.text("process")?,
        app: row.text("app")?,
        version: row.text("version")?,
        instances: small(row.integer("instances")?),
        changed_at: row.instant("process_at")?.max(row.instant("app_at")?),
    })
}

/// A count that the API keeps small.
pub(super) fn small(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

const WANTED: &str = "SELECT p.guid AS process, a.guid AS app, p.version AS version, \
    p.instances AS instances, p.updated_at AS process_at, a.updated_at AS app_at \
    FROM processes p JOIN apps a ON a.guid = p.app_guid \
    JOIN droplets d ON d.guid = COALESCE(p.droplet_guid, a.droplet_guid) \
    WHERE a.state = 'STARTED' AND d.state = 'STAGED'";

const WANTED_OF_APP: &str = "SELECT p.guid AS process, a.guid AS app, p.version AS version, \
    p.instances AS instances, p.updated_at AS process_at, a.updated_at AS app_at \
    FROM processes p JOIN apps a ON a.guid = p.app_guid \
    JOIN droplets d ON d.guid = COALESCE(p.droplet_guid, a.droplet_guid) \
    WHERE a.state = 'STARTED' AND d.state = 'STAGED' AND a.guid = $1";
