//! Where a chunked body ends, and how many bytes of it were data; the bytes themselves are thrown away.

/// A chunked body that is being read.
#[derive(Clone, Debug)]
pub struct Chunked {
    state: State,
    data_bytes: u64,
}

/// What the bytes so far have shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// All bytes belonged to the body, which goes on.
    Going,
    /// The body ended after this many of the bytes.
    Done(usize),
    /// This is not a chunked body.
    Broken,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Size(u64),
    SizeEnd(u64),
    Data(u64),
    DataEnd,
    TrailerStart,
    Trailer,
}

impl Chunked {
    /// A body of which nothing has been read.
    pub fn new() -> Self {
        Self {
            state: State::Size(0),
            data_bytes: 0,
        }
    }

    /// Bytes of data seen so far, without sizes and trailers.
    pub fn data_bytes(&self) -> u64 {
        self.data_bytes
    }

    /// Reads on.
    pub fn read(&mut self, bytes: &[u8]) -> Progress {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if let State::Data(left) = self.state {
                let here = left.min((bytes.len() - at) as u64);
                self.data_bytes += here;
                at += here as usize;
                self.state = if here == left {
                    State::DataEnd
                } else {
                    State::Data(left - here)
                };
                continue;
            }
            at += 1;
            match self.step(byte) {
                Some(Progress::Done(_)) => return Progress::Done(at),
                Some(other) => return other,
                None => {}
            }
        }
        Progress::Going
    }

    /// Takes one byte that is not data; gives a verdict when the body ends or breaks.
    fn step(&mut self, byte: u8) -> Option<Progress> {
        self.state = match (self.state, byte) {
            (State::Size(size) | State::SizeEnd(size), b'\n') if size > 0 => State::Data(size),
            (State::Size(_) | State::SizeEnd(_), b'\n') => State::TrailerStart,
            (State::Size(size), b';' | b'\r' | b' ') => State::SizeEnd(size),
            (State::SizeEnd(size), _) => State::SizeEnd(size),
            (State::Size(size), digit) => {
                let Some(value) = char::from(digit).to_digit(16) else {
                    return Some(Progress::Broken);
                };
                let Some(size) = size.checked_mul(16) else {
                    return Some(Progress::Broken);
                };
                State::Size(size | u64::from(value))
            }
            (State::DataEnd, b'\r') => State::DataEnd,
            (State::DataEnd, b'\n') => State::Size(0),
            (State::DataEnd, _) => return Some(Progress::Broken),
            (State::TrailerStart, b'\n') => return Some(Progress::Done(0)),
            (State::TrailerStart, b'\r') => State::TrailerStart,
            (State::Trailer, b'\n') => State::TrailerStart,
            (State::TrailerStart | State::Trailer, _) => State::Trailer,
            (State::Data(left), _) => State::Data(left),
        };
        None
    }
}

impl Default for Chunked {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"5;x=1\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\nnext";

    #[test]
    fn a_body_ends_after_its_trailers() {
        let mut body = Chunked::new();
        assert_eq!(body.read(BODY), Progress::Done(BODY.len() - 4));
        assert_eq!(body.data_bytes(), 15);
    }

    #[test]
    fn a_split_anywhere_ends_at_the_same_byte() {
        for split in 0..BODY.len() - 4 {
            let (first, second) = BODY.split_at(split);
            let mut body = Chunked::new();
            assert_eq!(body.read(first), Progress::Going, "split at {split}");
            assert_eq!(
                body.read(second),
                Progress::Done(second.len() - 4),
                "split at {split}"
            );
            assert_eq!(body.data_bytes(), 15);
        }
    }

    #[test]
    fn a_size_that_is_no_number_is_broken() {
        assert_eq!(Chunked::new().read(b"xyz\r\n"), Progress::Broken);
        assert_eq!(Chunked::new().read(b"1\r\nab\r\n"), Progress::Broken);
        assert_eq!(
            Chunked::new().read(b"fffffffffffffffff\r\n"),
            Progress::Broken
        );
    }
}
