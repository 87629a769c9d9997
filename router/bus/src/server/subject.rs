//! What makes a subject: tokens between dots, two of which may stand for others.

/// Matches exactly one token.
pub(super) const ANY: &[u8] = b"*";

/// Matches one token or more, at the end.
pub(super) const REST: &[u8] = b">";

/// The tokens of a subject.
pub(super) fn tokens(subject: &[u8]) -> impl Iterator<Item = &[u8]> {
    subject.split(|byte| *byte == b'.')
}

/// Whether every token says something.
pub(super) fn is_deliverable(subject: &[u8]) -> bool {
    tokens(subject).all(|token| !token.is_empty())
}

/// Whether one can subscribe to it: no empty token, and `>` only at the end.
pub(super) fn is_subscribable(subject: &[u8]) -> bool {
    let inner = subject.strip_suffix(b".>").unwrap_or(subject);
    is_deliverable(subject) && (subject == REST || tokens(inner).all(|token| token != REST))
}

/// Whether it means one subject and no other.
pub(super) fn is_literal(subject: &[u8]) -> bool {
    tokens(subject).all(|token| !token.is_empty() && token != ANY && token != REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_may_have_wildcards_as_whole_tokens() {
        for right in [
            "a",
            "a.b",
            "*",
            ">",
            "a.*.b",
            "a.>",
            "*.>",
            "a*",
            "a.b>",
            "$JS.API.x",
        ] {
            assert!(is_subscribable(right.as_bytes()), "{right}");
        }
        for wrong in ["", ".", "a.", ".a", "a..b", ">.a", "a.>.b", "a.>.>"] {
            assert!(!is_subscribable(wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn a_literal_subject_has_no_wildcard_and_no_empty_token() {
        for right in ["a", "a.b*", "a>"] {
            assert!(is_literal(right.as_bytes()), "{right}");
        }
        for wrong in ["", "a..b", "a.*", ">"] {
            assert!(!is_literal(wrong.as_bytes()), "{wrong}");
        }
    }
}
