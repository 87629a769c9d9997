//! Signed addresses: who holds one may do one thing to one path for a while.

use std::time::Duration;

use aws_lc_rs::hmac;

use super::digest::{from_hexadecimal, hexadecimal};
use crate::model::Micros;

/// Makes and checks signatures with a key that all controllers share.
#[derive(Clone, Debug)]
pub struct Signer {
    key: hmac::Key,
}

/// What a signed address may be used for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verb {
    /// Fetching.
    Get,
    /// Storing.
    Put,
}

/// A signature that does not hold: made up, for something else, or too old.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the signature is wrong or has expired")]
pub struct BadSignature;

impl Signer {
    /// A signer with a key of at least 32 random bytes.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
        }
    }

    /// `path` with a query that allows `verb` on it until `lifetime` has passed, whole seconds.
    #[must_use]
    pub fn sign(&self, verb: Verb, path: &str, now: Micros, lifetime: Duration) -> String {
        let expires = now.after(lifetime).seconds();
        let tag = hmac::sign(&self.key, &signed(verb, path, expires));
        let signature = hexadecimal(tag.as_ref());
        format!("{path}?expires={expires}&signature={signature}")
    }

    /// Checks what came with a request for `path`.
    ///
    /// # Errors
    ///
    /// Fails when any part of it is not what was signed, and when its time is over.
    pub fn check(
        &self,
        verb: Verb,
        path: &str,
        query: &str,
        now: Micros,
    ) -> Result<(), BadSignature> {
        let (mut expires, mut signature) = (None, None);
        for pair in query.split('&') {
            match pair.split_once('=') {
                Some(("expires", value)) => expires = value.parse().ok(),
                Some(("signature", value)) => signature = from_hexadecimal(value),
                Some(_) | None => {}
            }
        }
        let (Some(expires), Some(signature)) = (expires, signature) else {
            return Err(BadSignature);
        };
        // It takes the same time however much of the signature is right.
        hmac::verify(&self.key, &signed(verb, path, expires), &signature)
            .map_err(|_| BadSignature)?;
        if now.seconds() > expires {
            return Err(BadSignature);
        }
        Ok(())
    }
}

fn signed(verb: Verb, path: &str, expires: i64) -> Vec<u8> {
    let verb = match verb {
        Verb::Get => "GET",
        Verb::Put => "PUT",
    };
    format!("{verb}\n{path}\n{expires}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros(1_000_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn query(signer: &Signer) -> String {
        let signed = signer.sign(Verb::Get, "/internal/packages/a", NOW, HOUR);
        let (path, query) = signed.split_once('?').unwrap();
        assert_eq!(path, "/internal/packages/a");
        query.to_owned()
    }

    #[test]
    fn a_signature_holds_for_its_verb_and_path_until_it_expires() {
        let signer = Signer::new(&[7; 32]);
        let query = query(&signer);
        let check = |verb, path, now| signer.check(verb, path, &query, now);
        assert_eq!(check(Verb::Get, "/internal/packages/a", NOW), Ok(()));
        assert_eq!(
            check(Verb::Get, "/internal/packages/a", NOW.after(HOUR)),
            Ok(())
        );
        let late = NOW.after(HOUR + Duration::from_secs(1));
        assert_eq!(
            check(Verb::Get, "/internal/packages/a", late),
            Err(BadSignature)
        );
        assert_eq!(
            check(Verb::Put, "/internal/packages/a", NOW),
            Err(BadSignature)
        );
        assert_eq!(
            check(Verb::Get, "/internal/packages/b", NOW),
            Err(BadSignature)
        );
    }

    #[test]
    fn what_was_not_signed_is_refused() {
        let signer = Signer::new(&[7; 32]);
        let right = query(&signer);
        let longer = right.replacen("expires=", "expires=9", 1);
        let (head, tail) = right.split_at(right.len() - 1);
        let other = format!("{head}{}", if tail == "0" { "1" } else { "0" });
        for wrong in ["", "expires=4600", "signature=00", head, &other, &longer] {
            let checked = signer.check(Verb::Get, "/internal/packages/a", wrong, NOW);
            assert_eq!(checked, Err(BadSignature), "{wrong}");
        }
        let stranger = Signer::new(&[8; 32]);
        let checked = stranger.check(Verb::Get, "/internal/packages/a", &right, NOW);
        assert_eq!(checked, Err(BadSignature));
    }
}
