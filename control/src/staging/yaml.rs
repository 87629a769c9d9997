//! YAML that applications and buildpacks write. The only place of this room that knows the parser.

use serde::de::DeserializeOwned;

/// Reads one document.
///
/// # Errors
///
/// Fails with the parser's words when the text is not YAML or not a `T`.
pub(super) fn from_yaml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! { max_nodes: MAX_NODES, max_depth: MAX_DEPTH, },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| one_line(&error.to_string()))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const MAX_NODES: usize = 10_000;
const MAX_DEPTH: usize = 32;
