//! The HTTPS listener: certificates, suites, versions, and whom we trust.

use rustls::{SupportedCipherSuite, SupportedProtocolVersion, version};
use rustls_pki_types::CertificateDer;
use serde_json::json;

use super::error::{Place, Report};
use super::file::{File, Pem};
use super::pem::{self, KeyPair, PemField};
use super::read::{At, Field, choose, place_of};
use super::show::{MASK, Tree, masked};
use super::suites;

/// The HTTPS listener.
#[derive(Clone, Debug, PartialEq)]
pub struct TlsConfig {
    /// `ssl_port` (default `443`): HTTPS port; 0 means any free port.
    pub ssl_port: u16,
    /// `tls_pem` (default none, required): certificate chains with their keys, never empty; the first one answers when no name fits.
    pub tls_pem: Vec<KeyPair>,
    /// `cipher_suites` (default none, required): those of TLS 1.3, which the key does not choose, then those of TLS 1.2 in the order of the file: OpenSSL or RFC names with colons between.
    pub cipher_suites: Vec<SupportedCipherSuite>,
    /// `min_tls_version` (default `TLSv1.2`): lowest version that is spoken; what is below 1.2 is raised to it.
    pub min_tls_version: TlsVersion,
    /// `max_tls_version` (default `TLSv1.2`): highest version that is spoken.
    pub max_tls_version: TlsVersion,
    /// `client_cert_validation` (default none, required): `none`, `request` (verify if given) or `require`.
    pub client_cert_validation: ClientCertValidation,
    /// `client_ca_certs` (default none): authorities of client certificates.
    pub client_ca_certs: Vec<CertificateDer<'static>>,
    /// `only_trust_client_ca_certs` (default `false`): leaves the system's authorities out for client certificates.
    pub only_trust_client_ca_certs: bool,
}

/// Whether clients are asked for a certificate.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ClientCertValidation {
    /// Never asked.
    #[default]
    None,
    /// Asked, verified when given.
    Request,
    /// Refused without a verified one.
    Require,
}

/// A version that rustls speaks.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    V1_2,
    /// TLS 1.3.
    V1_3,
}

impl TlsConfig {
    /// The HTTPS listener, when it is wanted; the report says what it lacks.
    pub(super) fn resolve(file: &File, report: &mut Report) -> Option<Self> {
        let enabled = file.enable_ssl.filter(|at| at.value)?;
        let min_tls_version = min_version(file, report);
        let max_tls_version = choose(
            file.max_tls_version.as_ref(),
            "max_tls_version",
            TlsVersion::NAMES,
            report,
        );
        if min_tls_version > max_tls_version {
            let place = place_of(file.min_tls_version.as_ref());
            report.error(place, "`min_tls_version` is above `max_tls_version`");
            report.help("set `max_tls_version: TLSv1.3`; its default is TLSv1.2");
        }
        let (client_cert_validation, client_ca_certs) = client_trust(file, enabled.place, report);
        Some(Self {
            ssl_port: file.ssl_port.value_or(DEFAULT_SSL_PORT),
            tls_pem: key_pairs(file, enabled.place, report),
            cipher_suites: suites::resolve(file, enabled.place, max_tls_version, report),
            min_tls_version,
            max_tls_version,
            client_cert_validation,
            client_ca_certs,
            only_trust_client_ca_certs: file.only_trust_client_ca_certs.or_empty(),
        })
    }

    /// The versions from the lowest to the highest, as rustls takes them.
    pub fn versions(&self) -> &'static [&'static SupportedProtocolVersion] {
        match (self.min_tls_version, self.max_tls_version) {
            (TlsVersion::V1_2, TlsVersion::V1_3) => &VERSIONS,
            (_, TlsVersion::V1_2) => VERSIONS.split_at(1).0,
            (TlsVersion::V1_3, TlsVersion::V1_3) => VERSIONS.split_at(1).1,
        }
    }

    /// Writes the keys of this slice.
    pub(super) fn show(&self, tree: &mut Tree) {
        let pair =
            |pair: &KeyPair| json!({ "cert_chain": masked(&pair.cert_chain), "private_key": MASK });
        tree.put("ssl_port", self.ssl_port);
        tree.put("tls_pem", self.tls_pem.iter().map(pair).collect::<Vec<_>>());
        tree.put("cipher_suites", suites::shown(&self.cipher_suites));
        tree.choice("min_tls_version", TlsVersion::NAMES, &self.min_tls_version);
        tree.choice("max_tls_version", TlsVersion::NAMES, &self.max_tls_version);
        let validation = &self.client_cert_validation;
        tree.choice(
            "client_cert_validation",
            ClientCertValidation::NAMES,
            validation,
        );
        tree.put("client_ca_certs", masked(&self.client_ca_certs));
        tree.put(
            "only_trust_client_ca_certs",
            self.only_trust_client_ca_certs,
        );
    }
}

impl ClientCertValidation {
    /// How the file names them.
    pub(super) const NAMES: &[(&str, Self)] = &[
        ("none", Self::None),
        ("request", Self::Request),
        ("require", Self::Require),
    ];
}

impl TlsVersion {
    /// How the file names them.
    pub(super) const NAMES: &[(&str, Self)] = &[("TLSv1.2", Self::V1_2), ("TLSv1.3", Self::V1_3)];
}

fn key_pairs(file: &File, enabled: Place, report: &mut Report) -> Vec<KeyPair> {
    let listed = file.tls_pem.clone().or_empty();
    if listed.is_empty() {
        let place = place_of(file.tls_pem.as_ref()).unwrap_or(enabled);
        report.error(place, "`enable_ssl` needs a certificate in `tls_pem`");
    }
    listed
        .iter()
        .enumerate()
        .filter_map(|(n, at)| pair_of(n, at, report))
        .collect()
}

fn pair_of(n: usize, at: &At<Pem>, report: &mut Report) -> Option<KeyPair> {
    let (chain, key) = (
        format!("tls_pem[{n}].cert_chain"),
        format!("tls_pem[{n}].private_key"),
    );
    let chain = PemField::new(at.value.cert_chain.as_ref(), &chain);
    let key = PemField::new(at.value.private_key.as_ref(), &key);
    if chain.is_empty() && key.is_empty() {
        report.error(
            at.place,
            format!("`tls_pem[{n}]` has no certificate and no key"),
        );
    }
    pem::key_pair(&chain, &key, pem::Halves::Refused, report)
}

fn min_version(file: &File, report: &mut Report) -> TlsVersion {
    let field = file.min_tls_version.as_ref();
    if let Some(at) = field.filter(|at| matches!(at.value.as_str(), "TLSv1.0" | "TLSv1.1")) {
        report.warning(
            at.place,
            format!("`min_tls_version: {}` means TLSv1.2 here", at.value),
        );
        return TlsVersion::V1_2;
    }
    choose(field, "min_tls_version", TlsVersion::NAMES, report)
}

/// Whether clients show a certificate, and who may have signed it.
fn client_trust(
    file: &File,
    enabled: Place,
    report: &mut Report,
) -> (ClientCertValidation, Vec<CertificateDer<'static>>) {
    let field = file
        .client_cert_validation
        .as_ref()
        .filter(|at| !at.value.is_empty());
    if field.is_none() {
        report.error(enabled, "`enable_ssl` needs `client_cert_validation`");
        report.help("set it to `none`, `request` or `require`");
    }
    let validation = choose(
        field,
        "client_cert_validation",
        ClientCertValidation::NAMES,
        report,
    );
    let bundle = PemField::new(file.client_ca_certs.as_ref(), "client_ca_certs");
    if let Some(only) = file.only_trust_client_ca_certs.filter(|at| at.value)
        && validation != ClientCertValidation::None
        && bundle.is_empty()
    {
        report.error(
            only.place,
            "`only_trust_client_ca_certs` needs `client_ca_certs`",
        );
    }
    (validation, pem::authorities(&bundle, report))
}

const DEFAULT_SSL_PORT: u16 = 443;
static VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

#[cfg(test)]
mod tests {
    use super::{TlsConfig, TlsVersion};
    use crate::config::Config;

    fn tls(keys: &str) -> TlsConfig {
        let made = rcgen::generate_simple_self_signed(["router.test".to_owned()]).unwrap();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let text = format!(
            "enable_ssl: true\ncipher_suites: ECDHE-ECDSA-AES128-GCM-SHA256\n\
             client_cert_validation: none\ntls_pem: [{{cert_chain: {chain:?}, private_key: {key:?}}}]\n{keys}"
        );
        Config::parse(&text, "g.yml")
            .unwrap()
            .config
            .listen
            .tls
            .unwrap()
    }

    #[test]
    fn tls_1_2_alone_is_spoken_unless_the_file_says_more() {
        let tls = tls("");
        assert_eq!(
            (tls.min_tls_version, tls.max_tls_version),
            (TlsVersion::V1_2, TlsVersion::V1_2)
        );
        assert_eq!(tls.ssl_port, 443);
        assert_eq!(tls.tls_pem.len(), 1);
    }

    #[test]
    fn the_versions_are_those_from_the_lowest_to_the_highest() {
        let versions = |keys| -> Vec<_> {
            tls(keys)
                .versions()
                .iter()
                .map(|version| format!("{:?}", version.version))
                .collect()
        };
        assert_eq!(versions(""), ["TLSv1_2"]);
        assert_eq!(versions("max_tls_version: TLSv1.3"), ["TLSv1_2", "TLSv1_3"]);
        assert_eq!(
            versions("min_tls_version: TLSv1.3\nmax_tls_version: TLSv1.3"),
            ["TLSv1_3"]
        );
        assert_eq!(versions("min_tls_version: TLSv1.0"), ["TLSv1_2"]);
    }

    #[test]
    fn rustls_takes_what_was_resolved() {
        let tls = tls("max_tls_version: TLSv1.3");
        let mut provider = rustls::crypto::aws_lc_rs::default_provider();
        provider.cipher_suites = tls.cipher_suites.clone();
        let pair = tls.tls_pem[0].clone();
        let server = rustls::ServerConfig::builder_with_provider(provider.into())
            .with_protocol_versions(tls.versions())
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(pair.cert_chain, pair.private_key.clone_key());
        assert!(server.is_ok());
    }
}
