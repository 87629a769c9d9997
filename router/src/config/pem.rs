//! PEM text to certificates and keys that are proved to fit each other.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::error::{Place, Report};
use super::read::{At, place_of};

/// A certificate chain, leaf first, and the key that is proved to belong to the leaf.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyPair {
    /// The chain, leaf first, never empty.
    pub cert_chain: Vec<CertificateDer<'static>>,
    /// The key of the leaf. Its `Debug` form does not show it.
    pub private_key: Arc<PrivateKeyDer<'static>>,
}

/// What to do with half of a key pair.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Halves {
    /// It is as if there were none, but we say so.
    Ignored,
    /// The file is wrong.
    Refused,
}

/// The PEM text of one key, which may be absent or empty.
pub(super) struct PemField<'a> {
    path: &'a str,
    place: Option<Place>,
    text: &'a str,
}

impl<'a> PemField<'a> {
    /// The text of `field`, which is the key `path`.
    pub(super) fn new(field: Option<&'a At<String>>, path: &'a str) -> Self {
        Self {
            path,
            place: place_of(field),
            text: field.map_or("", |at| at.value.trim()),
        }
    }

    /// Whether there is no text.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

/// A certificate chain with its key, proved to belong together. `None` when both are absent.
pub(super) fn key_pair(
    chain: &PemField<'_>,
    key: &PemField<'_>,
    halves: Halves,
    report: &mut Report,
) -> Option<KeyPair> {
    if chain.is_empty() || key.is_empty() {
        half(chain, key, halves, report);
        return None;
    }
    let certificates = certificates(chain, report);
    let private_key = private_key(key, report);
    let (cert_chain, private_key) = (certificates?, private_key?);
    let provider = aws_lc_rs::default_provider();
    match CertifiedKey::from_der(cert_chain.clone(), private_key.clone_key(), &provider) {
        Ok(_) => Some(KeyPair {
            cert_chain,
            private_key: Arc::new(private_key),
        }),
        Err(rustls::Error::InconsistentKeys(_)) => {
            let message = format!("`{}` does not belong to `{}`", key.path, chain.path);
            report.error(key.place, message);
            None
        }
        Err(error @ rustls::Error::InvalidCertificate(_)) => {
            report.error(
                chain.place,
                format!("`{}` is not usable: {error}", chain.path),
            );
            None
        }
        Err(error) => {
            report.error(key.place, format!("`{}` is not usable: {error}", key.path));
            None
        }
    }
}

/// Every authority of a bundle; those that cannot be read are skipped.
pub(super) fn authorities(
    field: &PemField<'_>,
    report: &mut Report,
) -> Vec<CertificateDer<'static>> {
    if field.is_empty() {
        return Vec::new();
    }
    let found = certificates(field, report).unwrap_or_default();
    let all = found.len();
    let usable: Vec<_> = found
        .into_iter()
        .filter(|der| RootCertStore::empty().add(der.clone()).is_ok())
        .collect();
    match all - usable.len() {
        0 => {}
        // compat: Go's pool skips what it cannot parse, and fails when nothing is left (gorouter 11.3).
        _ if usable.is_empty() => {
            let message = format!("no certificate in `{}` can be read", field.path);
            report.error(field.place, message);
        }
        bad => {
            let message = format!(
                "{bad} of {all} certificates in `{}` are skipped",
                field.path
            );
            report.warning(field.place, message);
        }
    }
    usable
}

fn half(chain: &PemField<'_>, key: &PemField<'_>, halves: Halves, report: &mut Report) {
    let (present, absent) = match (chain.is_empty(), key.is_empty()) {
        (true, false) => (key, chain),
        (false, true) => (chain, key),
        _ => return,
    };
    match halves {
        Halves::Ignored => {
            let message = format!("`{}` is ignored without `{}`", present.path, absent.path);
            report.warning(present.place, message);
        }
        Halves::Refused => {
            report.error(
                present.place,
                format!("`{}` needs `{}`", present.path, absent.path),
            );
        }
    }
}

/// The certificates of a PEM text, at least one.
fn certificates(field: &PemField<'_>, report: &mut Report) -> Option<Vec<CertificateDer<'static>>> {
    match CertificateDer::pem_slice_iter(field.text.as_bytes()).collect::<Result<Vec<_>, _>>() {
        Ok(found) if !found.is_empty() => return Some(found),
        Ok(_) => report.error(
            field.place,
            format!("`{}` holds no PEM certificate", field.path),
        ),
        Err(error) => report.error(field.place, format!("`{}` is not PEM: {error}", field.path)),
    }
    None
}

fn private_key(field: &PemField<'_>, report: &mut Report) -> Option<PrivateKeyDer<'static>> {
    match PrivateKeyDer::from_pem_slice(field.text.as_bytes()) {
        Ok(key) => return Some(key),
        Err(rustls_pki_types::pem::Error::NoItemsFound) => {
            report.error(
                field.place,
                format!("`{}` holds no PEM private key", field.path),
            );
        }
        // The parser's words may quote the text, and this text is a secret.
        Err(_) => report.error(field.place, format!("`{}` is not PEM", field.path)),
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{At, Halves, KeyPair, PemField, Place, Report, authorities, key_pair};

    fn field(text: &str) -> At<String> {
        At {
            place: Place { line: 1, column: 1 },
            value: text.to_owned(),
        }
    }

    fn pair(chain: &str, key: &str) -> (Option<KeyPair>, usize) {
        let (chain, key) = (field(chain), field(key));
        let mut report = Report::default();
        let pair = key_pair(
            &PemField::new(Some(&chain), "chain"),
            &PemField::new(Some(&key), "key"),
            Halves::Refused,
            &mut report,
        );
        (
            pair,
            report
                .finish("pem")
                .map_or_else(|errors| errors.findings.len(), |said| said.len()),
        )
    }

    fn certified(names: &[&str]) -> (String, String) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn a_chain_keeps_its_order_and_its_key() {
        let (leaf, key) = certified(&["leaf.test"]);
        let (issuer, _) = certified(&["issuer.test"]);
        let (pair, said) = pair(&format!("{leaf}{issuer}"), &key);
        let pair = pair.unwrap();
        assert_eq!((pair.cert_chain.len(), said), (2, 0));
        assert_ne!(pair.cert_chain[0], pair.cert_chain[1]);
    }

    #[test]
    fn a_chain_with_the_leaf_last_does_not_fit_its_key() {
        let (leaf, key) = certified(&["leaf.test"]);
        let (issuer, _) = certified(&["issuer.test"]);
        let (pair, said) = pair(&format!("{issuer}{leaf}"), &key);
        assert_eq!((pair, said), (None, 1));
    }

    #[test]
    fn every_part_that_is_wrong_is_named() {
        assert_eq!(pair("x", "y"), (None, 2));
        assert_eq!(pair("", ""), (None, 0));
        assert_eq!(pair("x", ""), (None, 1));
    }

    #[test]
    fn what_is_no_authority_is_skipped_beside_one_that_is() {
        let (good, _) = certified(&["ca.test"]);
        let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let count = |text: &str| {
            let (bundle, mut report) = (field(text), Report::default());
            let found = authorities(&PemField::new(Some(&bundle), "bundle"), &mut report);
            (found.len(), report.finish("pem").is_ok())
        };
        assert_eq!(count(&format!("{good}{bad}{good}")), (2, true));
        assert_eq!(count(bad), (0, false));
        assert_eq!(count(""), (0, true));
    }

    #[test]
    fn a_key_is_not_printed() {
        let (chain, key) = certified(&["leaf.test"]);
        let debug = format!("{:?}", pair(&chain, &key).0.unwrap().private_key);
        assert!(debug.len() < 80, "{debug}");
    }
}
