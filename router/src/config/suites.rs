//! Cipher suites: the names that operators write, and what rustls has for them.

use rustls::SupportedCipherSuite;
use rustls::crypto::aws_lc_rs::{ALL_CIPHER_SUITES, cipher_suite as suite};

use super::TlsVersion;
use super::error::{Place, Report};
use super::file::File;

/// Every suite of TLS 1.2 and 1.3 that we speak.
pub(super) fn all() -> Vec<SupportedCipherSuite> {
    ALL_CIPHER_SUITES.to_vec()
}

/// The suites of `cipher_suites`, without saying anything; `None` when it names none for TLS 1.2.
pub(super) fn of_file(file: &File) -> Option<Vec<SupportedCipherSuite>> {
    let text = &file.cipher_suites.as_ref()?.value;
    let named = names(text).filter_map(|name| match Suite::named(name) {
        Suite::Ours(suite) => Some(suite),
        Suite::Old | Suite::Unknown | Suite::Unchosen => None,
    });
    with_tls13(named)
}

/// The suites of `cipher_suites` for the HTTPS listener, which cannot do without.
pub(super) fn resolve(
    file: &File,
    enabled: Place,
    highest: TlsVersion,
    report: &mut Report,
) -> Vec<SupportedCipherSuite> {
    let Some(at) = file
        .cipher_suites
        .as_ref()
        .filter(|at| !at.value.trim().is_empty())
    else {
        report.error(enabled, "`enable_ssl` needs `cipher_suites`");
        report.help("a good list is `ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384`");
        return all();
    };
    for name in names(&at.value) {
        let shown = name.escape_debug();
        match Suite::named(name) {
            Suite::Ours(_) | Suite::Unchosen => {}
            Suite::Old => {
                let message = format!("cipher suite `{shown}` is not safe any more, and left out");
                report.warning(at.place, message);
            }
            Suite::Unknown => {
                report.error(at.place, format!("unknown cipher suite `{shown}`"));
            }
        }
    }
    of_file(file).unwrap_or_else(|| {
        if highest == TlsVersion::V1_2 {
            report.error(at.place, "`cipher_suites` leaves no suite for TLS 1.2");
        }
        all()
    })
}

/// The names of those for TLS 1.2, as the file has them.
pub(super) fn shown(suites: &[SupportedCipherSuite]) -> String {
    let chosen = suites.iter().filter(|suite| suite.tls13().is_none());
    chosen
        .map(|suite| format!("{:?}", suite.suite()))
        .collect::<Vec<_>>()
        .join(":")
}

/// What a name stands for.
enum Suite {
    /// One that Go still has, and we do not.
    Old,
    /// One of TLS 1.2 that we speak.
    Ours(SupportedCipherSuite),
    /// One of TLS 1.3, which are always on.
    Unchosen,
    Unknown,
}

impl Suite {
    fn named(name: &str) -> Self {
        if let Some((_, _, suite)) = SUITES
            .iter()
            .find(|(openssl, rfc, _)| *openssl == name || *rfc == name)
        {
            return Self::Ours(*suite);
        }
        // compat: Go knows these two by the name of the first draft as well.
        match name {
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305" => {
                Self::Ours(suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256)
            }
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305" => {
                Self::Ours(suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256)
            }
            _ if TLS13.contains(&name) => Self::Unchosen,
            _ if OLD.contains(&name) => Self::Old,
            _ => Self::Unknown,
        }
    }
}

/// Those of TLS 1.3, then `named`, each once; `None` when nothing was named.
fn with_tls13(
    named: impl Iterator<Item = SupportedCipherSuite>,
) -> Option<Vec<SupportedCipherSuite>> {
    let tls13 = ALL_CIPHER_SUITES
        .iter()
        .filter(|suite| suite.tls13().is_some());
    let mut suites: Vec<_> = tls13.copied().collect();
    let always = suites.len();
    for suite in named {
        if !suites.contains(&suite) {
            suites.push(suite);
        }
    }
    (suites.len() > always).then_some(suites)
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(':')
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

/// OpenSSL's name, the RFC's name, the suite.
const SUITES: &[(&str, &str, SupportedCipherSuite)] = &[
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

const TLS13: &[&str] = &[
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
];

/// compat: gorouter still takes these (gorouter 5.4): RC4, 3DES, CBC, and RSA key exchange.
const OLD: &[&str] = &[
    "AES128-GCM-SHA256",
    "AES128-SHA",
    "AES128-SHA256",
    "AES256-GCM-SHA384",
    "AES256-SHA",
    "DES-CBC3-SHA",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-ECDSA-RC4-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-RSA-AES256-SHA",
    "ECDHE-RSA-DES-CBC3-SHA",
    "ECDHE-RSA-RC4-SHA",
    "RC4-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_RC4_128_SHA",
];

#[cfg(test)]
mod tests {
    use super::{OLD, SUITES, Suite, TLS13, all, of_file, shown};
    use crate::config::file::File;
    use crate::config::read::FromYaml;
    use crate::config::{error, yaml};

    fn chosen(names: &str) -> Option<String> {
        let node = yaml::parse(&format!("cipher_suites: '{names}'")).unwrap();
        let file = File::from_yaml(&node, "", &mut error::Report::default()).unwrap();
        of_file(&file).map(|suites| shown(&suites))
    }

    #[test]
    fn both_families_of_names_mean_the_same_suite() {
        for (openssl, rfc, _) in SUITES {
            assert_eq!(chosen(openssl), chosen(rfc));
            assert_eq!(chosen(openssl).as_deref(), Some(*rfc));
        }
    }

    #[test]
    fn the_order_of_the_file_is_kept_and_doubles_are_dropped() {
        assert_eq!(
            chosen("ECDHE-RSA-AES256-GCM-SHA384:RC4-SHA:ECDHE-RSA-AES128-GCM-SHA256:TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")
                .as_deref(),
            Some("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
        );
    }

    #[test]
    fn a_list_without_a_suite_for_tls_1_2_chooses_nothing() {
        for names in ["", ":", "RC4-SHA", "TLS_AES_128_GCM_SHA256", "ROT13"] {
            assert_eq!(chosen(names), None, "{names}");
        }
    }

    #[test]
    fn every_suite_of_tls_1_2_has_a_name() {
        assert_eq!(
            all().iter().filter(|suite| suite.tls13().is_none()).count(),
            SUITES.len()
        );
    }

    #[test]
    fn a_name_stands_in_one_table_only() {
        for name in OLD {
            assert!(matches!(Suite::named(name), Suite::Old), "{name}");
        }
        for name in TLS13 {
            assert!(matches!(Suite::named(name), Suite::Unchosen), "{name}");
        }
    }
}
