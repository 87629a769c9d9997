//! A connected socket, in the clear or inside TLS.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// One end of a connection.
#[derive(Debug)]
pub enum Socket {
    /// TCP in the clear.
    Plain(TcpStream),
    /// TLS, we answered the handshake.
    TlsServer(Box<tokio_rustls::server::TlsStream<TcpStream>>),
    /// TLS, we began the handshake.
    TlsClient(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

macro_rules! each {
    ($socket:expr, $io:ident => $call:expr) => {
        match $socket {
            Socket::Plain($io) => {
                let $io = Pin::new($io);
                $call
            }
            Socket::TlsServer($io) => {
                let $io = Pin::new($io.as_mut());
                $call
            }
            Socket::TlsClient($io) => {
                let $io = Pin::new($io.as_mut());
                $call
            }
        }
    };
}

impl Socket {
    /// Reads into `room`. `Ok(0)` is the end.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut room = ReadBuf::new(room);
        let polled = each!(self, io => io.poll_read(cx, &mut room));
        polled.map_ok(|()| room.filled().len())
    }

    /// Writes as much as the kernel takes.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // perf: a socket takes an answer at once; waiting for it to be ready to, with all the runtime's
        // bookkeeping, begins where it does not.
        if let Self::Plain(tcp) = self {
            match tcp.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
        each!(self, io => io.poll_write(cx, bytes))
    }

    /// Writes several slices in one call.
    pub fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Self::Plain(tcp) = self {
            match tcp.try_write_vectored(slices) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
        each!(self, io => io.poll_write_vectored(cx, slices))
    }

    /// Sends what a TLS session still holds.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::TlsServer(io) => Pin::new(io.as_mut()).poll_flush(cx),
            Self::TlsClient(io) => Pin::new(io.as_mut()).poll_flush(cx),
        }
    }

    /// Says that nothing more will be written.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_shutdown(cx))
    }

    /// Is there something to read, or the end? Asks the runtime, not the kernel, and holds no
    /// buffer. Data that a TLS session has already decrypted is not seen here: it is never left
    /// behind, because reads have room for a whole record.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp().poll_read_ready(cx)
    }

    /// Has an idle connection been closed, or spoken to out of turn? Where the runtime has heard of
    /// nothing it costs no system call, and may miss what the kernel has not told yet. What the
    /// runtime believes after a read of exactly what was there is put to the kernel.
    #[must_use]
    pub fn is_spoken_to(&self) -> bool {
        let asked = || match self.is_spoken_to_for_certain() {
            true => Ok(()),
            false => Err(io::ErrorKind::WouldBlock.into()),
        };
        self.tcp().try_io(Interest::READABLE, asked).is_ok()
    }

    /// The same question put to the kernel: one system call, no doubt left but for what is still
    /// on its way.
    #[must_use]
    pub fn is_spoken_to_for_certain(&self) -> bool {
        let mut byte = [0_u8];
        let flags = rustix::net::RecvFlags::PEEK | rustix::net::RecvFlags::DONTWAIT;
        !matches!(
            rustix::net::recv(self.tcp(), &mut byte, flags),
            Err(rustix::io::Errno::AGAIN)
        )
    }

    /// The TCP connection, where nothing lies between it and the bytes.
    #[must_use]
    pub fn plain(&self) -> Option<&TcpStream> {
        match self {
            Self::Plain(tcp) => Some(tcp),
            Self::TlsServer(_) | Self::TlsClient(_) => None,
        }
    }

    /// The TCP connection underneath.
    #[must_use]
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::TlsServer(tls) => tls.get_ref().0,
            Self::TlsClient(tls) => tls.get_ref().0,
        }
    }
}
