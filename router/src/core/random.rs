//! Random numbers of one core: fast, seeded by the operating system, not for secrets.

use std::cell::Cell;

/// xoshiro256** (Blackman and Vigna), a public-domain algorithm.
#[derive(Debug)]
pub struct Random([Cell<u64>; 4]);

impl Random {
    /// Seeded by the operating system.
    #[must_use]
    pub fn from_system() -> Self {
        Self(std::array::from_fn(|_| {
            Cell::new(rand::random::<u64>() | 1)
        }))
    }

    /// The next number.
    pub fn next(&self) -> u64 {
        let [a, b, c, d] = &self.0;
        let result = b.get().wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = b.get() << 17;
        c.set(c.get() ^ a.get());
        d.set(d.get() ^ b.get());
        b.set(b.get() ^ c.get());
        a.set(a.get() ^ d.get());
        c.set(c.get() ^ shifted);
        d.set(d.get().rotate_left(45));
        result
    }

    /// A version 4 UUID in its text form (RFC 9562 5.4). It names a request and protects nothing.
    // perf: every request gets one; the digits are made eight at a time.
    pub fn uuid(&self) -> [u8; 36] {
        let high = self.next() & !0xf000 | 0x4000;
        let low = self.next() & !(0b11 << 62) | 0b10 << 62;
        let [a, b] = halves(high).map(digits);
        let [c, d] = halves(low).map(digits);
        let mut text = [b'-'; 36];
        let groups = [
            (&a[..], 0),
            (&b[..4], 9),
            (&b[4..], 14),
            (&c[..4], 19),
            (&c[4..], 24),
            (&d[..], 28),
        ];
        for (group, at) in groups {
            if let Some(place) = text.get_mut(at..at + group.len()) {
                place.copy_from_slice(group);
            }
        }
        text
    }
}

fn halves(word: u64) -> [u32; 2] {
    [word >> 32, word & 0xffff_ffff].map(|half| u32::try_from(half).unwrap_or_default())
}

/// The eight hexadecimal digits of a word, small letters.
fn digits(word: u32) -> [u8; 8] {
    const EACH: u64 = u64::from_ne_bytes([0x01; 8]);
    // One digit in each byte, the first in the highest.
    let mut each = u64::from(word);
    each = (each | (each << 16)) & 0x0000_ffff_0000_ffff;
    each = (each | (each << 8)) & 0x00ff_00ff_00ff_00ff;
    each = (each | (each << 4)) & 0x0f0f_0f0f_0f0f_0f0f;
    // Six more carries a letter's digit, and no other, into the upper half of its byte.
    let letters = ((each + 6 * EACH) >> 4) & EACH;
    let gap = u64::from(b'a' - b'0' - 10);
    (each + u64::from(b'0') * EACH + gap * letters).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_number() {
        let random = Random::from_system();
        for word in (0..1_000)
            .flat_map(|_| halves(random.next()))
            .chain([0, u32::MAX])
        {
            assert_eq!(digits(word), *format!("{word:08x}").as_bytes());
        }
    }

    #[test]
    fn an_id_is_read_as_a_version_4_uuid() {
        let random = Random::from_system();
        for _ in 0..1_000 {
            let text = random.uuid();
            let id = uuid::Uuid::try_parse_ascii(&text).unwrap();
            assert_eq!(id.get_version_num(), 4);
            assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
            assert_eq!(id.hyphenated().to_string().as_bytes(), text);
        }
    }

    #[test]
    fn an_id_has_the_shape_of_a_version_4_uuid() {
        let id = Random::from_system().uuid();
        let text = std::str::from_utf8(&id).unwrap();
        assert_eq!(text.len(), 36);
        assert_eq!(&text[14..15], "4");
        assert!(matches!(&text[19..20], "8" | "9" | "a" | "b"));
    }

    #[test]
    fn numbers_differ() {
        let random = Random::from_system();
        assert_ne!(random.next(), random.next());
    }
}
