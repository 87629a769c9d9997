//! Writes the table to disk.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use bus::{RegistryMessage, RouteOptions};
use serde::Serialize;
use tempfile::NamedTempFile;

use super::{Checksum, Header, Trailer};
use crate::route::{Endpoint, Pool, RouteTable};

/// Saves the table, as it is while the file is written; gives the number of registrations.
///
/// It blocks on the disk, so it is not for the control thread.
///
/// # Errors
///
/// When the file cannot be written; the one from before is still there then.
pub fn save(table: &RouteTable, path: &Path) -> io::Result<u64> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    let registrations = write_all(table, file.as_file_mut())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The rename itself lasts only when the folder does.
    File::open(folder)?.sync_all()?;
    Ok(registrations)
}

fn write_all(table: &RouteTable, file: &mut File) -> io::Result<u64> {
    let mut lines = Lines {
        out: BufWriter::with_capacity(WRITE_BYTES, file),
        checksum: Checksum::new(),
        count: 0,
    };
    lines.write(&Header::ours())?;
    let mut outcome = Ok(());
    table.for_each(|pool| {
        if outcome.is_ok() {
            outcome = lines.write_pool(pool);
        }
    });
    outcome?;
    let trailer = Trailer {
        registrations: lines.count,
        checksum: lines.checksum.hex(),
    };
    lines.write(&trailer)?;
    lines.out.flush()?;
    Ok(trailer.registrations)
}

const WRITE_BYTES: usize = 256 * 1024;

struct Lines<W: Write> {
    out: W,
    checksum: Checksum,
    count: u64,
}

impl<W: Write> Lines<W> {
    fn write_pool(&mut self, pool: &Pool) -> io::Result<()> {
        let uri = [pool.host(), pool.context_path()].concat();
        for member in pool
            .members()
            .iter()
            .filter(|member| !member.endpoint().is_evicted())
        {
            self.write(&registration(&uri, member.endpoint()))?;
            self.count += 1;
        }
        Ok(())
    }

    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.checksum.add(&bytes);
        self.out.write_all(&bytes)
    }
}

/// The message that would register this endpoint under this URI.
fn registration<'a>(uri: &'a str, endpoint: &'a Endpoint) -> RegistryMessage<'a> {
    let (port, tls_port) = if endpoint.is_tls() {
        (0, endpoint.port())
    } else {
        (endpoint.port(), 0)
    };
    RegistryMessage {
        host: endpoint.host().into(),
        port,
        tls_port,
        protocol: endpoint.protocol_name().into(),
        uris: vec![uri.into()],
        app: endpoint.app_id().into(),
        private_instance_id: endpoint.instance_id().into(),
        private_instance_index: endpoint.instance_index().into(),
        server_cert_domain_san: endpoint.server_cert_domain_san().into(),
        // 0 would ask for the default when it is read back; below 0 is stale at once.
        stale_threshold_in_seconds: match endpoint.stale_threshold_secs() {
            0 => -1,
            secs => secs.into(),
        },
        tags: endpoint
            .tags()
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        route_service_url: endpoint.route_service_url().into(),
        isolation_segment: endpoint.isolation_segment().into(),
        availability_zone: endpoint.availability_zone().into(),
        endpoint_updated_at_ns: endpoint.updated_at_ns(),
        options: RouteOptions {
            loadbalancing: endpoint
                .load_balancing()
                .map_or("", |algorithm| algorithm.name())
                .into(),
            ..RouteOptions::default()
        },
        ..RegistryMessage::default()
    }
}
