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

    /// A version 4 UUID in its text form. It names a request and protects nothing.
    pub fn uuid(&self) -> [u8; 36] {
        let id = uuid::Builder::from_random_bytes(
            ((u128::from(self.next()) << 64) | u128::from(self.next())).to_be_bytes(),
        );
        let mut text = [0; 36];
        id.into_uuid().hyphenated().encode_lower(&mut text);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
