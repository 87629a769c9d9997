//! Connections that have been used once and then only stay open.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::runner::Target;

/// Connections that are kept alive and silent until this is dropped.
#[derive(Debug)]
pub struct Held {
    streams: Vec<TcpStream>,
}

/// Opens connections one after the other; each gets one answer and is then left alone.
///
/// # Errors
///
/// Fails when a connection or its answer does not come within ten seconds, or the answer is not a 2xx.
pub fn hold(target: &Target, connections: usize) -> io::Result<Held> {
    let request = target.request();
    let mut scratch = vec![0; 64 * 1024];
    let mut streams = Vec::with_capacity(connections);
    for nth in 0..connections {
        let stream = target.connect(nth)?;
        stream.set_read_timeout(Some(ANSWER_DEADLINE))?;
        let mut connection = Connection::new(stream.try_clone()?);
        connection.ask(&request, Instant::now());
        connection.flush(&request, &request)?;
        let mut status = 0;
        while connection.owed() > 0 {
            connection.receive(&mut scratch, false, &mut |answer| status = answer.status)?;
        }
        if !(200..300).contains(&status) {
            return Err(io::Error::other(format!(
                "status {status} on connection {nth}"
            )));
        }
        streams.push(stream);
    }
    Ok(Held { streams })
}

impl Held {
    /// How many the other end has not closed.
    pub fn alive(&self) -> usize {
        let is_open = |stream: &&TcpStream| {
            let silent = stream
                .set_nonblocking(true)
                .and_then(|()| stream.peek(&mut [0]));
            silent.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        };
        self.streams.iter().filter(is_open).count()
    }
}

const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
