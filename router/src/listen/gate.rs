//! Gates: the listeners of one core, and the way from an accepted socket to its wire.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::drain::Stage;
use super::{Hall, h1, h2, tls};
use crate::core::Timer;
use crate::core::accept::{Arrival, Balance, Place};
use crate::peer::{Peer, Transport};
use crate::wire::Socket;

/// Which port a connection came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Gate {
    /// `port`
    Plain,
    /// `ssl_port`
    Tls,
}

/// The way in to one core.
#[derive(Debug)]
pub struct Gates {
    /// This core's number.
    pub core: usize,
    /// Its listeners.
    pub listeners: Vec<(Gate, TcpListener)>,
    /// Who serves what.
    pub balance: Arc<Balance<Gate>>,
    /// What other cores hand over.
    pub inbox: mpsc::Receiver<Arrival<Gate>>,
}

/// How long to rest when the process has no file descriptor left.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// Accepts and serves until the drain is over.
pub async fn serve(hall: Rc<Hall>, gates: Gates) {
    let Gates {
        core,
        listeners,
        balance,
        mut inbox,
    } = gates;
    for (gate, listener) in listeners {
        let (hall, balance) = (Rc::clone(&hall), Arc::clone(&balance));
        tokio::task::spawn_local(async move {
            let accepting = accept(Rc::clone(&hall), core, gate, listener, balance);
            tokio::select! {
                result = accepting => if let Err(error) = result {
                    tracing::error!(error = %error, "listener-failed");
                },
                () = hall.drain.reached(Stage::Draining) => {}
            }
        });
    }
    loop {
        tokio::select! {
            arrival = inbox.recv() => match arrival {
                Some(arrival) => take_over(&hall, arrival),
                None => return,
            },
            () = hall.drain.reached(Stage::Over) => return,
        }
    }
}

async fn accept(
    hall: Rc<Hall>,
    core: usize,
    gate: Gate,
    listener: TcpListener,
    balance: Arc<Balance<Gate>>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (socket, addr) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) if is_passing(&error) => continue,
            Err(error) => {
                tracing::warn!(error = %error, "accept-failed");
                tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
                continue;
            }
        };
        if hall
            .max_connections
            .is_some_and(|most| balance.total() >= most)
        {
            continue; // dropped: closed at once
        }
        let chosen = balance.choose(core);
        let place = balance.place(chosen);
        if chosen == core {
            admit(&hall, socket, addr, gate, place);
            continue;
        }
        let Ok(socket) = socket.into_std() else {
            continue;
        };
        if let Err(arrival) = balance.hand_over(Arrival {
            socket,
            addr,
            gate,
            place,
        }) {
            let Arrival {
                socket,
                addr,
                gate,
                place,
            } = arrival;
            drop(place);
            take_over(
                &hall,
                Arrival {
                    socket,
                    addr,
                    gate,
                    place: balance.place(core),
                },
            );
        }
    }
}

/// The client's fault, not ours: it left before it was accepted.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

fn take_over(hall: &Rc<Hall>, arrival: Arrival<Gate>) {
    let Arrival {
        socket,
        addr,
        gate,
        place,
    } = arrival;
    match TcpStream::from_std(socket) {
        Ok(socket) => admit(hall, socket, addr, gate, place),
        Err(error) => tracing::warn!(error = %error, "handover-failed"),
    }
}

fn admit(hall: &Rc<Hall>, socket: TcpStream, addr: SocketAddr, gate: Gate, place: Place) {
    let hall = Rc::clone(hall);
    // A socket that is gone already fails here, and then there is nobody to serve.
    let Ok(local) = socket
        .local_addr()
        .and_then(|local| socket.set_nodelay(true).map(|()| local))
    else {
        return;
    };
    hall.metrics.client_connected();
    tokio::task::spawn_local(async move {
        let presence = Presence {
            hall,
            _place: place,
        };
        let timer = Timer::new(&presence.hall.wheel);
        match gate {
            Gate::Plain => {
                let peer = Peer::new(addr, local, Transport::Plain);
                h1::serve(&presence.hall, Socket::Plain(socket), peer, timer).await;
            }
            Gate::Tls => {
                // perf: boxed, so that a plain connection's task does not carry its size.
                Box::pin(serve_tls(&presence.hall, socket, (addr, local), timer)).await;
            }
        }
    });
}

async fn serve_tls(
    hall: &Rc<Hall>,
    socket: TcpStream,
    (addr, local): (SocketAddr, SocketAddr),
    timer: Timer,
) {
    let Some(front) = &hall.tls else { return };
    let peer = Peer::new(addr, local, Transport::Tls);
    match front.handshake(socket, &timer).await {
        Some((stream, tls::Spoken::Http1)) => {
            h1::serve(hall, Socket::TlsServer(Box::new(stream)), peer, timer).await
        }
        Some((stream, tls::Spoken::Http2)) => h2::serve(hall, stream, &peer, &timer).await,
        None => {}
    }
}

/// A connection's presence in the counts, however its task ends.
struct Presence {
    hall: Rc<Hall>,
    _place: Place,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.hall.metrics.client_gone();
    }
}
