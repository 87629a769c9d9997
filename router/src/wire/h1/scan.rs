//! Scan: where a head ends, in bytes that arrive bit by bit.

use super::parse::HeadFault;

/// Finds the end of a head in bytes that arrive bit by bit; looks at each byte once.
#[derive(Debug, Default)]
pub struct HeadScan {
    /// Everything before this has been looked at.
    seen: usize,
    /// Where the current line starts.
    line: usize,
}

impl HeadScan {
    /// Was nothing looked at yet?
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.seen == 0
    }

    /// Looks at what has arrived since the last call. `Some(n)`: the head is the first `n` bytes,
    /// the empty line included.
    ///
    /// # Errors
    ///
    /// Fails as soon as a line ends in a bare LF.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<Option<usize>, HeadFault> {
        while let Some(found) = newline(bytes.get(self.seen..).unwrap_or_default()) {
            let newline = self.seen + found;
            let line = bytes.get(self.line..newline).unwrap_or_default();
            match line {
                [b'\r'] if self.line > 0 => return Ok(Some(newline + 1)),
                [.., b'\r'] => self.line = newline + 1,
                _ => return Err(HeadFault::BareLf),
            }
            self.seen = newline + 1;
        }
        self.seen = bytes.len();
        Ok(None)
    }
}

/// Where the first LF is.
// perf: most lines of a head are short, and a call of memchr costs as much as ten words.
fn newline(bytes: &[u8]) -> Option<usize> {
    const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    if let [b'\r', b'\n', ..] = bytes {
        return Some(1);
    }
    let near = bytes.get(..USUAL_LINE_BYTES).unwrap_or(bytes);
    let (words, _) = near.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        // A byte that was LF is 0 now; it alone borrows into its high bit, unless an LF before it did.
        let word = u64::from_le_bytes(*word) ^ (LOW * u64::from(b'\n'));
        let zeros = word.wrapping_sub(LOW) & !word & HIGH;
        if zeros != 0 {
            return Some(8 * number + zeros.trailing_zeros() as usize / 8);
        }
    }
    let far = 8 * words.len();
    memchr::memchr(b'\n', bytes.get(far..)?).map(|found| far + found)
}

/// Lines up to here are searched word by word.
const USUAL_LINE_BYTES: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newline_is_found_wherever_it_stands() {
        for (len, at) in (1..240).flat_map(|len| (0..len).map(move |at| (len, at))) {
            // The neighbours in value and in place would show a borrow that goes too far.
            for around in [b'a', 0x0b, 0x09, 0x8a, 0xff, 0x00] {
                let mut text = vec![around; len];
                assert_eq!(newline(&text), None);
                text[at] = b'\n';
                assert_eq!(newline(&text), Some(at), "{at} of {len}, {around:#x}");
                if let Some(last) = text.get_mut(at + 1..).and_then(<[u8]>::last_mut) {
                    *last = b'\n';
                    assert_eq!(newline(&text), Some(at));
                }
            }
        }
    }

    #[test]
    fn the_end_of_a_head_is_found_however_it_is_split() {
        let text = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
        for split in 0..text.len() {
            let mut scan = HeadScan::default();
            let first = scan.advance(&text[..split]).unwrap();
            let end = if first.is_some() {
                first
            } else {
                scan.advance(text).unwrap()
            };
            assert_eq!(end, Some(text.len() - 4), "split at {split}");
        }
    }

    #[test]
    fn a_bare_lf_is_a_fault_wherever_it_stands() {
        for text in [
            "GET / HTTP/1.1\nHost: a\n\n",
            "GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n",
            "\n",
        ] {
            assert_eq!(
                HeadScan::default().advance(text.as_bytes()),
                Err(HeadFault::BareLf),
                "{text:?}"
            );
        }
    }
}
