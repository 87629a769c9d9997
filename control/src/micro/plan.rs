//! The plan: which part gets which port.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};

use super::MicroError;
use super::options::MicroOptions;
use super::ports::Ports;
use super::screen::Screen;

/// The ports of one micro cloud, all on loopback.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) router: u16,
    pub(super) api: u16,
    pub(super) bus: u16,
    pub(super) status: u16,
    pub(super) routes: u16,
    pub(super) prometheus: u16,
}

impl Plan {
    /// Finds a free port for every part, beginning with the one that people type; any ports at all
    /// when that one is 0.
    pub(super) fn find(
        options: &MicroOptions,
        screen: &mut Screen<impl Write>,
    ) -> Result<Self, MicroError> {
        let mut ports = Ports::default();
        let mut find = |part, first| {
            let found = ports
                .find(first)
                .map_err(|source| MicroError::Port { part, source })?;
            for taken in &found.taken {
                screen.port_taken(part, taken, found.port);
            }
            Ok(found.port)
        };
        let usual = |port| if options.port == 0 { 0 } else { port };
        Ok(Self {
            router: find("router", options.port)?,
            api: find("API", options.api_port.unwrap_or_else(|| usual(API)))?,
            bus: find("bus", usual(BUS))?,
            status: find("router's health", usual(STATUS))?,
            routes: find("router's table", usual(ROUTES))?,
            prometheus: find("router's metrics", usual(PROMETHEUS))?,
        })
    }
}

/// A port on IPv4 loopback.
pub(super) fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

const API: u16 = 8081;
const BUS: u16 = 4222;
const STATUS: u16 = 8180;
const ROUTES: u16 = 8182;
const PROMETHEUS: u16 = 8184;
