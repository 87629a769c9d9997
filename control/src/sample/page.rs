//! The page: which instance answered, and what reached it.

use std::fmt::Write as _;

use hyper::Request;

use super::instance::Instance;

/// Renders the page for one request. All that came from outside is escaped.
pub(super) fn render<B>(instance: &Instance, request: &Request<B>, number: u64) -> String {
    let mut page = String::with_capacity(4096);
    page.push_str(TOP);
    let _ = write!(
        page,
        "<h1>Hello from instance <b>{index}</b></h1>\
         <p class=lead>A route was announced on the bus, and here you are.</p>\
         <dl><dt>instance<dd>{id}<dt>listens on<dd>{address}<dt>request<dd>number {number} of this instance\
         <dt>asked for<dd>",
        index = instance.index,
        id = instance.id,
        address = instance.address,
    );
    escape(&mut page, request.method().as_str());
    page.push(' ');
    escape(&mut page, &request.uri().to_string());
    page.push_str("</dl><h2>Headers that reached it</h2><table>");
    for (name, value) in request.headers() {
        page.push_str("<tr><th>");
        escape(&mut page, name.as_str());
        page.push_str("<td>");
        escape(&mut page, &String::from_utf8_lossy(value.as_bytes()));
    }
    page.push_str(BOTTOM);
    page
}

fn escape(page: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            other => page.push(other),
        }
    }
}

const TOP: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
<meta name=viewport content='width=device-width, initial-scale=1'><title>Hello from Switchyard</title><style>\
:root{color-scheme:light dark;--ink:#1b2733;--soft:#5c6b7a;--paper:#f6f8fa;--card:#fff;--line:#d9e0e7;--track:#c2410c}\
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#93a1b0;--paper:#0e141b;--card:#161e27;--line:#2a3540;--track:#fb923c}}\
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\
main{max-width:46rem;margin:6vh auto;padding:2rem;background:var(--card);border:1px solid var(--line);border-radius:12px;\
border-top:6px solid var(--track)}h1{margin:0;font-size:1.9rem;font-weight:600}h1 b{color:var(--track)}\
h2{margin:2rem 0 .5rem;font-size:1.05rem}.lead{margin:.25rem 0 1.5rem;color:var(--soft)}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.2rem;margin:0}dt{color:var(--soft)}\
dd,td{margin:0;font:14px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}\
table{width:100%;border-collapse:collapse}th,td{padding:.3rem .6rem .3rem 0;border-top:1px solid var(--line);text-align:left;\
vertical-align:top}th{font-weight:400;color:var(--soft);white-space:nowrap}nav{margin-top:2rem;color:var(--soft);font-size:.9rem}\
a{color:var(--track)}</style><main>";

const BOTTOM: &str = "</table><nav>More to ask for: <a href=/bytes/1048576>/bytes/1048576</a>, \
<a href=/health>/health</a>, and POST something to /echo.</nav></main>\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_outside_cannot_become_markup() {
        let instance = Instance::new(0, "127.0.0.1:1".parse().unwrap());
        let request = Request::get("/?q='")
            .header("X-Evil", "<script>alert(\"1\")</script>&")
            .body(())
            .unwrap();
        let page = render(&instance, &request, 1);
        assert!(!page.contains("<script>"));
        assert!(page.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;"));
    }

    #[test]
    fn every_header_has_its_row() {
        let instance = Instance::new(3, "127.0.0.1:1".parse().unwrap());
        let request = Request::get("/")
            .header("X-One", "1")
            .header("X-One", "2")
            .body(())
            .unwrap();
        let page = render(&instance, &request, 7);
        assert!(page.contains("<tr><th>x-one<td>1<tr><th>x-one<td>2"));
        assert!(page.contains("Hello from instance <b>3</b>"));
    }
}
