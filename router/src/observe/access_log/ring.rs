//! Ring: the bytes between one core and the log writer.

use std::io::{self, IoSlice, Write};
use std::thread::Thread;

use rtrb::{Consumer, Producer, RingBuffer};
use thiserror::Error;

use crate::core::cells::CoreCounter;

/// A line did not fit into its ring and is lost.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the access log's ring is full")]
pub struct Dropped;

/// Makes a ring of so many bytes, for a worker and for the writer thread.
pub(super) fn ring(bytes: usize, writer: Thread, drops: CoreCounter) -> (LogProducer, LogConsumer) {
    let (producer, consumer) = RingBuffer::new(bytes.max(1));
    let alarm = Alarm {
        low_water: bytes / 2,
        writer,
        rung: false,
    };
    (
        LogProducer {
            ring: producer,
            alarm,
            drops,
        },
        LogConsumer { ring: consumer },
    )
}

/// The worker's end.
#[derive(Debug)]
pub struct LogProducer {
    ring: Producer<u8>,
    alarm: Alarm,
    drops: CoreCounter,
}

impl LogProducer {
    /// Puts a whole line into the ring, or nothing of it. Never waits.
    ///
    /// # Errors
    ///
    /// Fails when there is no room; that is counted already.
    pub fn push(&mut self, line: &[u8]) -> Result<(), Dropped> {
        let pushed = self.ring.push_entire_slice(line);
        self.alarm.check(&self.ring);
        pushed.map_err(|_full| {
            self.drops.increment();
            Dropped
        })
    }
}

/// Wakes the writer when the ring is half full, once for each time.
#[derive(Debug)]
struct Alarm {
    low_water: usize,
    writer: Thread,
    rung: bool,
}

impl Alarm {
    fn check(&mut self, ring: &Producer<u8>) {
        // perf: the cached count first; the true one is in a line that the writer touches.
        if ring.cached_slots() >= self.low_water || ring.slots() >= self.low_water {
            self.rung = false;
        } else if !self.rung {
            self.writer.unpark();
            self.rung = true;
        }
    }
}

/// The writer thread's end.
#[derive(Debug)]
pub(super) struct LogConsumer {
    ring: Consumer<u8>,
}

impl LogConsumer {
    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.ring.slots()
    }

    /// Writes what waits now; bytes leave the ring only once they are written.
    ///
    /// # Errors
    ///
    /// Fails when the file does; what was not written waits in the ring, perhaps from the middle
    /// of a line.
    pub(super) fn write_to(&mut self, file: &mut impl Write) -> io::Result<usize> {
        let waiting = self.ring.slots();
        let mut left = waiting;
        while left > 0 {
            let Ok(chunk) = self.ring.read_chunk(left) else {
                break;
            };
            // perf: straight from the ring's two slices, one system call for both.
            let (head, tail) = chunk.as_slices();
            let written = match file.write_vectored(&[IoSlice::new(head), IoSlice::new(tail)]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => written.min(left),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
                Err(error) => return Err(error),
            };
            chunk.commit(written);
            left -= written;
        }
        Ok(waiting)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::core::cells::{Cells, Layout, Slots};

    use super::*;

    fn counter() -> (Cells, Slots, CoreCounter) {
        let mut layout = Layout::new();
        let slots = layout.number();
        let cells = Cells::new(&layout, 1);
        let counter = cells.core(0).counter(slots);
        (cells, slots, counter)
    }

    #[test]
    fn a_line_that_does_not_fit_is_dropped_whole_and_counted() {
        let (cells, slots, drops) = counter();
        let (mut producer, mut consumer) = ring(10, std::thread::current(), drops);
        assert_eq!(producer.push(b"12345678"), Ok(()));
        assert_eq!(producer.push(b"abc"), Err(Dropped));
        assert_eq!(producer.push(b"90"), Ok(()));
        let mut out = Vec::new();
        consumer.write_to(&mut out).unwrap();
        assert_eq!(out, b"1234567890");
        assert_eq!(cells.sum(slots, 0), 1);
        assert_eq!(producer.push(b"abc"), Ok(()));
    }

    #[test]
    fn what_the_file_refuses_stays_in_the_ring() {
        /// Takes three bytes, then is full.
        struct Small(Vec<u8>);
        impl Write for Small {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let room = 3 - self.0.len();
                if room == 0 {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                let taken = &bytes[..bytes.len().min(room)];
                self.0.extend_from_slice(taken);
                Ok(taken.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (_cells, _slots, drops) = counter();
        let (mut producer, mut consumer) = ring(64, std::thread::current(), drops);
        producer.push(b"one\ntwo\n").unwrap();
        let mut small = Small(Vec::new());
        assert!(consumer.write_to(&mut small).is_err());
        assert_eq!(consumer.len(), 5);
        let mut rest = Vec::new();
        assert_eq!(consumer.write_to(&mut rest).unwrap(), 5);
        assert_eq!([small.0, rest].concat(), b"one\ntwo\n");
    }

    #[test]
    fn the_writer_is_woken_when_the_ring_is_half_full() {
        let (_cells, _slots, drops) = counter();
        let (mut producer, _consumer) = ring(100, std::thread::current(), drops);
        producer.push(&[b'x'; 50]).unwrap();
        assert!(!producer.alarm.rung);
        producer.push(b"y").unwrap();
        assert!(producer.alarm.rung);
        std::thread::park(); // returns at once, or hangs the test
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Both ends run at once; each line carries its number and length.
        #[test]
        fn no_byte_is_lost_or_torn_between_two_threads(
            capacity in 16_usize..300,
            lens in proptest::collection::vec(0_usize..40, 1..400),
        ) {
            let (cells, slots, drops) = counter();
            let (mut producer, mut consumer) = ring(capacity, std::thread::current(), drops);
            let (pushed, out) = std::thread::scope(|scope| {
                let worker = scope.spawn(move || {
                    let lines = lens.iter().enumerate().map(|(n, len)| {
                        format!("{n} {}\n", "x".repeat(*len))
                    });
                    let pushed = lines.filter(|line| producer.push(line.as_bytes()).is_ok());
                    pushed.collect::<String>()
                });
                let mut out = Vec::new();
                while !worker.is_finished() {
                    consumer.write_to(&mut out).unwrap();
                }
                consumer.write_to(&mut out).unwrap();
                (worker.join().unwrap(), out)
            });
            let lines = pushed.lines().count() as u64;
            prop_assert_eq!(&String::from_utf8(out).unwrap(), &pushed);
            let last = pushed.lines().last().and_then(|line| line.split(' ').next());
            let last: u64 = last.map_or(0, |number| number.parse().unwrap());
            // Every number up to the last one that arrived was pushed or counted as dropped.
            prop_assert!(lines + cells.sum(slots, 0) > last || lines == 0);
        }
    }
}
