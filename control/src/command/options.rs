//! What the controller is asked to do.

use std::net::SocketAddr;
use std::path::PathBuf;

/// What `switchyard controller` is asked to do.
#[derive(Clone, Debug, clap::Args)]
pub struct ControllerOptions {
    /// Where packages, droplets and, without --database, the database are kept
    #[arg(long, value_name = "DIR")]
    pub(super) dir: PathBuf,

    /// The bus; several servers are separated by commas
    #[arg(long, value_name = "nats://[USER:PASSWORD@]HOST[:PORT]")]
    pub(super) nats: String,

    /// Where the API listens; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(super) listen: SocketAddr,

    /// The domain of applications that name none
    #[arg(long, value_name = "DOMAIN", default_value = "localhost")]
    pub(super) domain: String,

    /// Where clients reach the API; unset: where it listens
    #[arg(long, value_name = "URL")]
    pub(super) external_url: Option<String>,

    /// The port at which routers take requests, where that is not the usual one
    #[arg(long, value_name = "PORT")]
    pub(super) app_port: Option<u16>,

    /// Where agents reach the API; unset: where it listens
    #[arg(long, value_name = "URL")]
    pub(super) internal_url: Option<String>,

    /// The database, as in postgres://USER@HOST/NAME; unset: SQLite in the directory
    #[arg(long, value_name = "URL")]
    pub(super) database: Option<String>,

    /// Authorities (PEM) to trust beside the machine's, where brokers are https://
    #[arg(long, value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,

    /// Name of the first administrator
    #[arg(long, value_name = "NAME", requires = "admin_password_file")]
    pub(super) admin_user: Option<String>,

    /// File that holds the first administrator's password
    #[arg(long, value_name = "FILE", requires = "admin_user")]
    pub(super) admin_password_file: Option<PathBuf>,

    /// File that the one-time link for the first administrator is written to
    #[arg(long, value_name = "FILE")]
    pub(super) setup_link_file: Option<PathBuf>,

    /// File with `ID:SECRET` of a program that may do everything, as the machine's supervisor
    #[arg(long, value_name = "FILE")]
    pub(super) operator_file: Option<PathBuf>,
}
