//! Which buildpack a word names: one of the platform's, a repository, or an archive.

/// A buildpack that the platform offers, in the operator's order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Available {
    /// Its name.
    pub key: String,
    /// Where its archive is; empty for one that the agent brings along.
    pub url: String,
}

/// Where a buildpack comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Source {
    /// An archive that the operator uploaded.
    Admin {
        /// The buildpack's name.
        key: String,
        /// Where its archive is.
        url: String,
    },
    /// One of those that every agent brings along.
    Builtin(String),
    /// A Git repository.
    Git(GitAddress),
    /// An archive somewhere.
    Zip(String),
}

/// A repository and, after `#`, a branch or tag of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GitAddress {
    /// The address that `git clone` takes.
    pub url: String,
    /// The branch or tag, when not the default one.
    pub branch: Option<String>,
}

/// A word that names no buildpack.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{name}` is neither a buildpack of this platform ({known}) nor the address of one")]
pub struct BadBuildpack {
    /// The word.
    pub name: String,
    /// The names that would do, comma-joined.
    pub known: String,
}

impl Source {
    /// Finds what a user's word names: first among the platform's buildpacks, then as an address.
    ///
    /// # Errors
    ///
    /// Fails when it is neither.
    pub fn named(word: &str, available: &[Available]) -> Result<Self, BadBuildpack> {
        let word = word.trim();
        if let Some(known) = available.iter().find(|offer| offer.key == word) {
            return Ok(Self::of(known));
        }
        let (url, branch) = match word.split_once('#') {
            Some((url, branch)) => (url, Some(branch)),
            None => (word, None),
        };
        if !is_address(url) {
            return Err(BadBuildpack {
                name: word.to_owned(),
                known: keys(available),
            });
        }
        if branch.is_none() && is_archive(url) {
            return Ok(Self::Zip(url.to_owned()));
        }
        Ok(Self::Git(GitAddress {
            url: url.to_owned(),
            branch: branch.filter(|name| !name.is_empty()).map(str::to_owned),
        }))
    }

    /// Where a buildpack of the platform comes from.
    pub fn of(offer: &Available) -> Self {
        if offer.url.is_empty() || offer.url.starts_with(BUILTIN) {
            return Self::Builtin(offer.key.clone());
        }
        Self::Admin {
            key: offer.key.clone(),
            url: offer.url.clone(),
        }
    }

    /// What it is called in logs: its name or its address without a password.
    pub fn label(&self) -> String {
        match self {
            Self::Admin { key, .. } | Self::Builtin(key) => key.clone(),
            Self::Git(address) => without_user(&address.url),
            Self::Zip(url) => without_user(url),
        }
    }
}

/// Schemes that are fetched. Never `file:` or `ext::`, which would read the node or run a program.
const SCHEMES: &[&str] = &["https://", "http://", "git://", "ssh://"];
const BUILTIN: &str = "builtin:";

fn is_address(text: &str) -> bool {
    let scheme = SCHEMES
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .or_else(|| scp_form(text));
    let plain = |byte: u8| byte.is_ascii_graphic();
    scheme.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('-') && rest.bytes().all(plain))
}

/// `git@host:path`, as Git hosts print it.
fn scp_form(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("git@")?;
    rest.contains(':').then_some(rest)
}

fn is_archive(url: &str) -> bool {
    let path = url.split('?').next().unwrap_or(url);
    path.to_ascii_lowercase().ends_with(".zip")
}

fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}{path}")
}

fn keys(available: &[Available]) -> String {
    let keys: Vec<&str> = available.iter().map(|offer| offer.key.as_str()).collect();
    keys.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers() -> Vec<Available> {
        let offer = |key: &str, url: &str| Available {
            key: key.to_owned(),
            url: url.to_owned(),
        };
        vec![
            offer("static", ""),
            offer("node", "builtin:node"),
            offer("java", "http://blobs/java"),
        ]
    }

    #[test]
    fn a_name_of_the_platform_wins_over_everything() {
        assert_eq!(
            Source::named("static", &offers()),
            Ok(Source::Builtin("static".to_owned()))
        );
        assert_eq!(
            Source::named("node", &offers()),
            Ok(Source::Builtin("node".to_owned()))
        );
        assert!(matches!(
            Source::named("java", &offers()),
            Ok(Source::Admin { .. })
        ));
    }

    #[test]
    fn an_address_may_name_a_branch() {
        let with = Source::named("https://example.com/bp.git#v2", &[]).unwrap();
        let address = GitAddress {
            url: "https://example.com/bp.git".to_owned(),
            branch: Some("v2".to_owned()),
        };
        assert_eq!(with, Source::Git(address));
        let without = Source::named("git@example.com:team/bp", &[]).unwrap();
        assert!(matches!(
            without,
            Source::Git(GitAddress { branch: None, .. })
        ));
    }

    #[test]
    fn an_archive_is_known_by_its_ending() {
        assert!(matches!(
            Source::named("https://example.com/bp.ZIP?x=1", &[]),
            Ok(Source::Zip(_))
        ));
    }

    #[test]
    fn what_would_read_the_node_or_run_a_program_is_no_address() {
        for word in [
            "file:///etc",
            "ext::sh -c id",
            "/srv/repo",
            "--upload-pack=id",
            "https://",
            "https://-x",
            "ruby",
            "",
        ] {
            let refused = Source::named(word, &offers()).unwrap_err();
            assert!(refused.to_string().contains("static, node, java"), "{word}");
        }
    }

    #[test]
    fn a_label_shows_no_password() {
        let source = Source::named("https://me:secret@example.com/bp", &[]).unwrap();
        assert_eq!(source.label(), "https://example.com/bp");
    }
}
