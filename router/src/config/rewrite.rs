//! Header rules for answers.

use http::{HeaderName, HeaderValue};
use serde_json::json;

use super::error::Report;
use super::file::{self, File};
use super::read::{At, Field};
use super::show::Tree;

/// Header rules for answers; removal comes first.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HttpRewrite {
    /// `http_rewrite.responses.add_headers_if_not_present` (default `[]`): list of `name` and `value`.
    pub add_headers_if_not_present: Vec<HeaderLine>,
    /// `http_rewrite.responses.remove_headers` (default `[]`): list of `name`; in the case of the file.
    pub remove_headers: Vec<String>,
}

/// One header line, valid on both wires.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderLine {
    /// A token, in the case of the file.
    pub name: String,
    /// Text without control characters but the tab.
    pub value: String,
}

impl HttpRewrite {
    pub(super) fn resolve(file: &File, report: &mut Report) -> Self {
        let responses = file.http_rewrite.clone().or_empty().responses.or_empty();
        let mut rules = Self::default();
        for at in responses.add_headers_if_not_present.or_empty() {
            let name = header_name(&at, "add_headers_if_not_present", report);
            let value = at.value.value.or_empty();
            if HeaderValue::from_bytes(value.as_bytes()).is_err() {
                report.error(
                    at.place,
                    format!("`{}` is no header value", value.escape_debug()),
                );
            }
            rules
                .add_headers_if_not_present
                .push(HeaderLine { name, value });
        }
        for at in responses.remove_headers.or_empty() {
            rules
                .remove_headers
                .push(header_name(&at, "remove_headers", report));
        }
        rules
    }

    /// Writes the keys of this slice.
    pub(super) fn show(&self, tree: &mut Tree) {
        let (add, remove) = (&self.add_headers_if_not_present, &self.remove_headers);
        let added = add
            .iter()
            .map(|line| json!({ "name": line.name, "value": line.value }));
        let removed = remove.iter().map(|name| json!({ "name": name }));
        tree.put(
            "http_rewrite.responses.add_headers_if_not_present",
            added.collect::<Vec<_>>(),
        );
        tree.put(
            "http_rewrite.responses.remove_headers",
            removed.collect::<Vec<_>>(),
        );
    }
}

fn header_name(at: &At<file::Header>, list: &str, report: &mut Report) -> String {
    let name = at.value.name.clone().or_empty();
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        let (list, name) = (
            format!("http_rewrite.responses.{list}"),
            name.escape_debug(),
        );
        report.error(at.place, format!("`{name}` in `{list}` is no header name"));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::HttpRewrite;
    use crate::config::Config;

    fn rules(responses: &str) -> Option<HttpRewrite> {
        let text = format!("http_rewrite: {{responses: {responses}}}");
        Config::parse(&text, "g.yml")
            .ok()
            .map(|loaded| loaded.config.forward.http_rewrite)
    }

    #[test]
    fn names_keep_their_case_and_lines_their_order() {
        let rules =
            rules("{add_headers_if_not_present: [{name: X-b, value: 1}, {name: X-b, value: é}]}");
        let lines: Vec<_> = rules
            .unwrap()
            .add_headers_if_not_present
            .into_iter()
            .map(|line| format!("{}: {}", line.name, line.value))
            .collect();
        assert_eq!(lines, ["X-b: 1", "X-b: é"]);
    }

    #[test]
    fn a_rule_cannot_break_a_head() {
        for responses in [
            r#"{add_headers_if_not_present: [{name: "a: b", value: c}]}"#,
            r#"{add_headers_if_not_present: [{name: a, value: "b\r\nc: d"}]}"#,
            r#"{add_headers_if_not_present: [{name: a, value: "b\0"}]}"#,
            r#"{add_headers_if_not_present: [{value: b}]}"#,
            r#"{remove_headers: [{name: "a b"}]}"#,
            r#"{remove_headers: [{}]}"#,
            r#"{remove_headers: [a]}"#,
        ] {
            assert!(rules(responses).is_none(), "{responses}");
        }
    }
}
