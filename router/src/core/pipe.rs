//! Pipes of one core: where bytes stand on their way between two sockets, inside the kernel.

use std::cell::RefCell;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Result;
use rustix::pipe::{
    PipeFlags, SpliceFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with, splice,
};

/// What a pipe is asked to hold. The system's soft limit of one user is 64 MiB for all pipes, and
/// gives out stubs of two pages beyond it.
const PIPE_BYTES: usize = 256 << 10;
/// What a pipe must hold to be worth its calls; the kernel's own choice for a new one.
const LEAST_BYTES: usize = 64 << 10;
/// Pipes that one core lends at a time: transfers beyond that are copied.
const MOST_LENT: usize = 64;
/// Pipes that one core keeps for later: 4 MiB at the most, and none of them holds a byte.
const MOST_RESTING: usize = 16;

/// A pipe, and how many bytes stand in it.
#[derive(Debug)]
pub(super) struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
    held: usize,
}

#[derive(Debug, Default)]
struct Rack {
    resting: Vec<Pipe>,
    lent: usize,
}

thread_local! {
    static RACK: RefCell<Rack> = const { RefCell::new(Rack { resting: Vec::new(), lent: 0 }) };
}

impl Pipe {
    /// Lends an empty pipe, or `None` where too many are lent or the system gives none that is
    /// large enough.
    pub(super) fn take() -> Option<Self> {
        let from_rack = |rack: &RefCell<Rack>| {
            let mut rack = rack.borrow_mut();
            if rack.lent == MOST_LENT {
                return None;
            }
            let pipe = rack.resting.pop().or_else(Self::open)?;
            rack.lent += 1;
            Some(pipe)
        };
        RACK.try_with(from_rack).ok().flatten()
    }

    fn open() -> Option<Self> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        // It is refused to a user who has many pipes; what the pipe is without it may still do.
        let _as_it_is = fcntl_setpipe_size(&writer, PIPE_BYTES);
        let large = fcntl_getpipe_size(&writer).is_ok_and(|bytes| bytes >= LEAST_BYTES);
        large.then_some(Self {
            reader,
            writer,
            held: 0,
        })
    }

    /// Takes the pipe back. One that still holds bytes is closed: nobody else may ever see them.
    pub(super) fn give(self) {
        let _gone_with_the_thread = RACK.try_with(|rack| {
            let mut rack = rack.borrow_mut();
            rack.lent = rack.lent.saturating_sub(1);
            if self.held == 0 && rack.resting.len() < MOST_RESTING {
                rack.resting.push(self);
            }
        });
    }

    /// Does nothing stand in it?
    pub(super) fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Moves at most `most` bytes from a socket into the pipe. `Ok(0)` is the socket's end.
    ///
    /// # Errors
    ///
    /// Fails when the socket does; with `AGAIN` only where the socket has nothing, as long as the
    /// pipe is empty.
    pub(super) fn fill(&mut self, from: impl AsFd, most: usize) -> Result<usize> {
        let count = splice(from, None, &self.writer, None, most, FLAGS)?;
        self.held += count;
        Ok(count)
    }

    /// Moves what stands in the pipe to a socket, as far as it takes it.
    ///
    /// # Errors
    ///
    /// Fails when the socket does; with `AGAIN` only where the socket is full, as long as the pipe
    /// is not empty.
    pub(super) fn drain(&mut self, to: impl AsFd) -> Result<usize> {
        let count = splice(&self.reader, None, to, None, self.held, FLAGS)?;
        self.held = self.held.saturating_sub(count);
        Ok(count)
    }
}

const FLAGS: SpliceFlags = SpliceFlags::MOVE.union(SpliceFlags::NONBLOCK);

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    fn resting() -> usize {
        RACK.with_borrow(|rack| rack.resting.len())
    }

    #[test]
    fn an_empty_pipe_is_lent_again() {
        let pipe = Pipe::take().unwrap();
        let others = resting();
        pipe.give();
        assert_eq!(resting(), others + 1);
        let again = Pipe::take().unwrap();
        assert_eq!(resting(), others);
        again.give();
    }

    #[test]
    fn a_pipe_that_holds_bytes_is_never_lent_again() {
        let (mut near, far) = UnixStream::pair().unwrap();
        near.write_all(b"secret").unwrap();
        let mut pipe = Pipe::take().unwrap();
        assert_eq!(pipe.fill(&far, 100).unwrap(), 6);
        assert!(!pipe.is_empty());
        let others = resting();
        pipe.give();
        assert_eq!(resting(), others);
    }

    #[test]
    fn what_goes_in_comes_out() {
        let (mut near, far) = UnixStream::pair().unwrap();
        near.write_all(b"hello world").unwrap();
        let mut pipe = Pipe::take().unwrap();
        assert_eq!(pipe.fill(&far, 5).unwrap(), 5);
        assert_eq!(pipe.drain(&far).unwrap(), 5);
        assert!(pipe.is_empty());
        let mut back = [0; 5];
        near.read_exact(&mut back).unwrap();
        assert_eq!(&back, b"hello");
        pipe.give();
    }

    #[test]
    fn a_core_lends_no_more_than_its_share() {
        let lent: Vec<Pipe> = std::iter::from_fn(Pipe::take).collect();
        assert_eq!(lent.len(), MOST_LENT);
        lent.into_iter().for_each(Pipe::give);
        assert_eq!(resting(), MOST_RESTING);
    }
}
