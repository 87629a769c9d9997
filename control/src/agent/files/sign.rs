//! Signed addresses: who was given one may look at one path, for an hour.

use aws_lc_rs::hmac::{HMAC_SHA512, Key, sign, verify};
use url::form_urlencoded::Serializer;

use crate::model::Micros;

/// What an agent signs with; new at each start, known to nobody else.
#[derive(Clone)]
pub(in crate::agent) struct Secret(Key);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// What is signed, and what may be seen with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim<'a> {
    /// The address's path, which names the instance.
    pub(super) place: &'a str,
    /// The wanted file or directory, below the instance's root.
    pub(super) path: &'a str,
    /// When it was signed, in seconds since 1970.
    pub(super) timestamp: i64,
}

impl Claim<'_> {
    /// Path and query in the order of their names, as they are signed.
    fn text(&self) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("path", self.path);
        query.append_pair("timestamp", &self.timestamp.to_string());
        format!("{}?{}", self.place, query.finish())
    }

    /// Whether it still counts.
    pub(super) fn is_fresh(&self, now: Micros) -> bool {
        (0..=LIFETIME_SECONDS).contains(&now.seconds().saturating_sub(self.timestamp))
    }
}

impl Secret {
    /// A new one.
    pub(in crate::agent) fn fresh() -> Self {
        let bytes: [u8; 64] = rand::random();
        Self(Key::new(HMAC_SHA512, &bytes))
    }

    /// The address of a path of an instance, below `base`.
    pub(in crate::agent) fn address(
        &self,
        base: &str,
        instance: &str,
        path: &str,
        now: Micros,
    ) -> String {
        let place = place(instance);
        let claim = Claim {
            place: &place,
            path,
            timestamp: now.seconds(),
        };
        let text = claim.text();
        let tag = sign(&self.0, text.as_bytes());
        let hex: String = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        format!("{base}{text}&hmac={hex}")
    }

    /// Whether this agent has signed the claim.
    pub(super) fn signed(&self, claim: &Claim<'_>, hex: &str) -> bool {
        let digits: Option<Vec<u8>> = hex
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        digits.is_some_and(|tag| verify(&self.0, claim.text().as_bytes(), &tag).is_ok())
    }
}

fn place(instance: &str) -> String {
    format!("/instance_paths/{instance}")
}

const LIFETIME_SECONDS: i64 = 3600;

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(path: &str) -> Claim<'_> {
        Claim {
            place: "/instance_paths/i",
            path,
            timestamp: 1000,
        }
    }

    #[test]
    fn a_signature_is_for_one_path_of_one_instance_at_one_time() {
        let secret = Secret::fresh();
        let address = secret.address("http://a", "i", "logs/x y", Micros::from_seconds(1000));
        let (shown, hex) = address.split_once("&hmac=").unwrap();
        assert_eq!(
            shown,
            "http://a/instance_paths/i?path=logs%2Fx+y&timestamp=1000"
        );
        assert!(secret.signed(&claim("logs/x y"), hex));
        assert!(!secret.signed(&claim("logs"), hex));
        assert!(!Secret::fresh().signed(&claim("logs/x y"), hex));
        for garbage in ["", "zz", "é", "0"] {
            assert!(!secret.signed(&claim("logs/x y"), garbage), "{garbage}");
        }
    }

    #[test]
    fn an_address_counts_for_an_hour_and_not_before_its_time() {
        let fresh = |now| claim("").is_fresh(Micros::from_seconds(now));
        assert!(fresh(1000) && fresh(4600));
        assert!(!fresh(4601) && !fresh(999));
    }
}
