//! Readiness of many sockets on one thread, edge-triggered: the leanest loop that safe Rust can make.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use socket2::{Domain, Protocol, Socket, Type};

/// An epoll instance and the room for one batch of its events.
pub struct Poller {
    epoll: OwnedFd,
    batch: Vec<epoll::Event>,
}

/// One socket that can be read or written again.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// The token that [`Poller::watch`] was given.
    pub token: u64,
    /// There are bytes, an end or an error to be read.
    pub readable: bool,
    /// There is room to write.
    pub writable: bool,
    /// The other end will send no more, so a short read must not be taken for an empty socket.
    pub ended: bool,
}

impl Poller {
    /// Opens an epoll instance.
    ///
    /// # Errors
    ///
    /// Fails when the process has no descriptor left.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self {
            epoll,
            batch: Vec::with_capacity(BATCH),
        })
    }

    /// Watches both directions of a socket; each edge is told once.
    ///
    /// # Errors
    ///
    /// Fails when the kernel refuses the descriptor.
    pub fn watch(&self, socket: impl AsFd, token: u64) -> io::Result<()> {
        // perf: one registration for the life of a socket; EPOLLOUT costs nothing until a write has been short.
        let both = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::RDHUP;
        let flags = both | epoll::EventFlags::ET;
        Ok(epoll::add(
            &self.epoll,
            socket,
            epoll::EventData::new_u64(token),
            flags,
        )?)
    }

    /// Watches a listener, which is told again as long as somebody waits.
    ///
    /// # Errors
    ///
    /// Fails when the kernel refuses the descriptor.
    pub fn watch_listener(&self, listener: &TcpListener, token: u64) -> io::Result<()> {
        let data = epoll::EventData::new_u64(token);
        Ok(epoll::add(
            &self.epoll,
            listener,
            data,
            epoll::EventFlags::IN,
        )?)
    }

    /// Waits for the next batch, at most `timeout`, and replaces the contents of `ready` with it.
    ///
    /// # Errors
    ///
    /// Fails when the kernel does; an interrupted wait gives an empty batch.
    pub fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        ready.clear();
        let timeout = timeout.and_then(|wait| Timespec::try_from(wait).ok());
        match epoll::wait(
            &self.epoll,
            spare_capacity(&mut self.batch),
            timeout.as_ref(),
        ) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        ready.extend(self.batch.drain(..).map(|event| {
            let flags = event.flags;
            let broken = flags.intersects(epoll::EventFlags::ERR | epoll::EventFlags::HUP);
            let ended = broken || flags.contains(epoll::EventFlags::RDHUP);
            Ready {
                token: event.data.u64(),
                readable: ended || flags.contains(epoll::EventFlags::IN),
                writable: broken || flags.contains(epoll::EventFlags::OUT),
                ended,
            }
        }));
        Ok(())
    }
}

/// Opens a non-blocking listener whose backlog holds a burst of some thousand clients.
///
/// # Errors
///
/// Fails when the address is taken.
pub fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Reads the outcome of a non-blocking call: `None` when the socket is not ready.
///
/// # Errors
///
/// Gives back every other error.
pub fn unless_blocked(outcome: io::Result<usize>) -> io::Result<Option<usize>> {
    match outcome {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

const BATCH: usize = 512;
const BACKLOG: i32 = 4096;

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_socket_with_bytes_is_told_with_its_token() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        listener.set_nonblocking(false).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (served, _) = listener.accept().unwrap();
        let mut poller = Poller::new().unwrap();
        poller.watch(&served, 42).unwrap();
        client.write_all(b"x").unwrap();

        let mut ready = Vec::new();
        while !ready.iter().any(|one: &Ready| one.readable) {
            poller
                .wait(Some(Duration::from_secs(5)), &mut ready)
                .unwrap();
            assert!(!ready.is_empty(), "nothing became ready within 5 s");
        }

        assert_eq!(ready[0].token, 42);
    }
}
