//! Query parameters: which are there, and that none is unknown.

use std::collections::HashSet;

use super::ApiError;

/// The parameters of a request, all of which are known to its route.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the parameters of a request.
    ///
    /// # Errors
    ///
    /// 10005 when one is not among `known`.
    pub fn parse(query: &str, known: &[&str]) -> Result<Self, ApiError> {
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .filter(|(name, _)| !name.is_empty())
            .collect();
        let mut unknown: Vec<&str> = pairs
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !known.contains(name))
            .collect();
        unknown.dedup();
        if !unknown.is_empty() {
            let detail = format!(
                "Unknown query parameter(s): {}. Valid parameters are: {}",
                quoted(&unknown),
                quoted(known)
            );
            return Err(ApiError::bad_query(&detail));
        }
        if pairs.iter().any(|(_, value)| value.contains('\0')) {
            return Err(ApiError::bad_query("a value holds the character U+0000"));
        }
        Ok(Self(pairs))
    }

    /// A parameter's value; the last one counts.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A parameter's values, which are separated by commas, each once; `None` when it is not there.
    // compat: a comma inside of a value comes encoded once more than the rest (`cf` ccv3/query.go).
    #[must_use]
    pub fn values(&self, name: &str) -> Option<Vec<String>> {
        // Databases bind only so many values; a request line has room for more, but not if they differ.
        let mut known = HashSet::new();
        let values = self.text(name)?.split(',');
        let each_once = values.filter(|value| known.insert(*value));
        let plain = |value: &str| value.replace("%2C", ",").replace("%2c", ",");
        Some(each_once.map(plain).collect())
    }

    /// A parameter that is `true` or `false`.
    ///
    /// # Errors
    ///
    /// 10005 when it is something else.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => {
                let words = format!("{} must be 'true' or 'false'", sentence(name));
                Err(ApiError::bad_query(&words))
            }
        }
    }

    /// Whether `include` holds this word.
    #[must_use]
    pub fn includes(&self, word: &str) -> bool {
        self.values("include")
            .is_some_and(|words| words.iter().any(|known| known == word))
    }

    /// Makes sure that `include` holds only these words.
    ///
    /// # Errors
    ///
    /// 10005 when it holds another.
    pub fn check_includes(&self, allowed: &[&str]) -> Result<(), ApiError> {
        let words = self.values("include").unwrap_or_default();
        match words.iter().find(|word| !allowed.contains(&word.as_str())) {
            None => Ok(()),
            Some(word) => Err(ApiError::bad_query(&format!(
                "Invalid included resource: '{word}'. Valid included resources are: {}",
                quoted(allowed)
            ))),
        }
    }

    /// All parameters but these, ready to be followed by others; empty or ending in `&`.
    pub(super) fn without(&self, names: &[&str]) -> String {
        let kept = self
            .0
            .iter()
            .filter(|(name, _)| !names.contains(&name.as_str()));
        let mut rest = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .finish();
        if !rest.is_empty() {
            rest.push('&');
        }
        rest
    }
}

/// `per_page` is told as `Per page`.
pub(super) fn sentence(name: &str) -> String {
    let mut words = name.replace('_', " ");
    if let Some(first) = words.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    words
}

pub(super) fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_parameter_is_named_beside_the_known_ones() {
        let refused = Query::parse("names=a&x=1", &["names", "page"]).unwrap_err();
        assert_eq!(
            refused.detail(),
            "The query parameter is invalid: Unknown query parameter(s): 'x'. \
             Valid parameters are: 'names', 'page'"
        );
    }

    #[test]
    fn values_are_separated_by_commas() {
        let query = Query::parse("names=a%20b,c,c%2Cd%252Ce&page=2", &["names", "page"]).unwrap();
        let values = ["a b", "c", "d,e"].map(str::to_owned);
        assert_eq!(query.values("names"), Some(values.to_vec()));
        assert_eq!(query.without(&["page"]), "names=a+b%2Cc%2Cc%2Cd%252Ce&");
    }

    #[test]
    fn what_cannot_be_included_is_refused() {
        let query = Query::parse("include=space,moon", &["include"]).unwrap();
        assert!(query.includes("space") && query.check_includes(&["space"]).is_err());
    }
}
