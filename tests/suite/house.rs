//! The house rules: floors, forbidden imports, limits and words, read off the sources.

use harness::source::{Source, holds_word, read_tree};

/// The rooms of a crate by floor, lowest first; those on one floor do not know each other.
type Floors = &'static [&'static [&'static str]];

const ROUTER: Floors = &[
    &["buffers", "route", "peer"],
    &["message"],
    &["headers", "config", "core"],
    &["observe"],
    &["wire"],
    &["registry", "upstream"],
    &["proxy"],
    &["listen", "admin"],
    &["main", "cli", "app", "fuzzing"],
];

const CONTROL: Floors = &[
    &["wire", "model"],
    &["placement", "health", "staging"],
    &["store", "blobs", "logs"],
    &["controller", "agent", "node", "services"],
    &["api"],
    &["console"],
    &["push"],
    &["bin", "command", "micro", "sample", "site"],
];

/// What a room's shipped code must never name, whatever its floor.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("router/src/buffers", CLOCKLESS),
    ("router/src/route", CLOCKLESS),
    ("router/src/peer", CLOCKLESS),
    ("router/src/message", CLOCKLESS),
    ("router/src/headers", CLOCKLESS),
    (
        "router/src/core",
        &[
            "http::",
            "httparse",
            "h2",
            "hyper",
            "hyper_util",
            "crate::message",
            "crate::headers",
        ],
    ),
    ("router/src/registry", &["crate::upstream", "crate::proxy"]),
    ("router/src/upstream", &["crate::registry", "crate::proxy"]),
    (
        "router/src/proxy",
        &["crate::registry", "crate::listen", "bus::"],
    ),
    (
        "router/src/listen",
        &["crate::route", "crate::registry", "crate::upstream"],
    ),
    ("router/src/admin", &["crate::registry", "crate::proxy"]),
    ("router/bus/src", &["router::"]),
    ("control/src", &["router::"]),
    ("control/src/wire", CLOCKLESS),
    ("control/src/model", CLOCKLESS),
    ("control/src/placement", CLOCKLESS),
    ("control/src/health", CLOCKLESS),
];

const CLOCKLESS: &[&str] = &[
    "tokio",
    "tracing",
    "Instant::now",
    "SystemTime::now",
    "std::time::Instant::now",
];

/// Where the code of the project lives.
const TREES: &[&str] = &["router", "control", "tests", "benches", "fuzz/fuzz_targets"];

#[test]
fn rooms_import_only_downward() {
    let mut faults = Vec::new();
    for (tree, floors) in [("router/src", ROUTER), ("control/src", CONTROL)] {
        for source in read_tree(tree) {
            faults.extend(upward_imports(&source, tree, floors));
        }
    }
    report("upward or sideways imports", &faults);
}

#[test]
fn every_room_of_the_router_has_a_floor() {
    let known = ROUTER.concat();
    let mut faults = Vec::new();
    let sources = read_tree("router/src");
    assert!(
        sources.len() > 50,
        "the sources are not where they are looked for"
    );
    for source in sources {
        let room = room_of(&source.path, "router/src");
        if room != "lib" && !known.contains(&room) {
            faults.push(format!("{}: `{room}` is on no floor", source.path));
        }
    }
    report("rooms without a floor", &faults);
}

#[test]
fn rooms_never_use_what_the_house_forbids_them() {
    let mut faults = Vec::new();
    for (room, words) in FORBIDDEN {
        for source in read_tree(room) {
            let imports = spelled_out(&source.shipped);
            for word in *words {
                let direct = Source::lines_with(&source.shipped, word);
                for line in direct {
                    faults.push(format!("{}:{line}: `{word}`", source.path));
                }
                if imports.iter().any(|path| holds_word(path, word)) {
                    faults.push(format!("{}: imports `{word}`", source.path));
                }
            }
        }
    }
    report("forbidden names", &faults);
}

#[test]
fn files_are_short_and_open_with_their_duty() {
    let mut faults = Vec::new();
    for source in TREES.iter().flat_map(|tree| read_tree(tree)) {
        let lines = source.text.lines().count();
        let door = source.path.ends_with("/mod.rs");
        if lines > 400 {
            faults.push(format!("{}: {lines} lines, 400 are allowed", source.path));
        }
        if door && lines > 100 {
            faults.push(format!(
                "{}: a door of {lines} lines, 100 are allowed",
                source.path
            ));
        }
        if !source.text.starts_with("//! ") {
            faults.push(format!(
                "{}: the first line is not its duty (`//!`)",
                source.path
            ));
        }
    }
    report("files", &faults);
}

#[test]
fn what_is_left_to_do_has_an_issue() {
    let mut faults = Vec::new();
    for source in TREES.iter().flat_map(|tree| read_tree(tree)) {
        for (at, line) in source.comments.lines().enumerate() {
            let open = holds_word(line, "TODO") && !line.contains("TODO(#");
            let vague = ["FIXME", "XXX", "HACK"]
                .iter()
                .any(|word| holds_word(line, word));
            if open || vague {
                faults.push(format!("{}:{}: {}", source.path, at + 1, line.trim()));
            }
        }
    }
    report("open ends without an issue", &faults);
}

#[test]
fn nothing_is_unsafe() {
    let mut faults = Vec::new();
    for source in TREES.iter().flat_map(|tree| read_tree(tree)) {
        for line in Source::lines_with(&source.code, "unsafe") {
            faults.push(format!("{}:{line}", source.path));
        }
    }
    report("unsafe code", &faults);
}

#[test]
fn subjects_are_spelled_in_one_file() {
    const SUBJECTS: &[&str] = &[
        "router.register",
        "router.unregister",
        "router.greet",
        "router.start",
        "router.active_apps",
    ];
    let is_subject = |text: &str| SUBJECTS.contains(&text);
    literals_only_in(
        &["router/bus/src", "router/src"],
        &["router/bus/src/subject.rs"],
        is_subject,
    );
}

#[test]
fn header_names_are_spelled_in_one_room() {
    const PREFIXES: &[&str] = &[
        "x-cf-",
        "x-vcap-",
        "x-forwarded-",
        "x-request-start",
        "x-b3-",
    ];
    let is_header = |text: &str| {
        let text = text.to_ascii_lowercase();
        let whole = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        whole && PREFIXES.iter().any(|prefix| text.starts_with(prefix))
    };
    // The configuration file has its own copies: the lists of names that operators write.
    let homes = [
        "router/src/message/names.rs",
        "router/src/headers/",
        "router/src/config/",
    ];
    literals_only_in(&["router/src"], &homes, is_header);
}

#[test]
fn the_reader_of_sources_tells_code_from_text() {
    let text = "//! Duty: unsafe.\nfn a<'a>() -> &'a str { r#\"un\"safe\"# } /* unsafe */ \
                const C: char = '\"';\n#[cfg(test)]\nmod tests { use tokio; }\nfn after() {}\n";
    let source = Source::new("router/src/route/a.rs", text);
    assert!(Source::lines_with(&source.code, "unsafe").is_empty());
    assert_eq!(source.literals, [(2, "un\"safe".to_owned())]);
    assert_eq!(Source::lines_with(&source.code, "tokio"), [4]);
    assert!(Source::lines_with(&source.shipped, "tokio").is_empty());
    assert_eq!(Source::lines_with(&source.shipped, "after"), [5]);
}

#[test]
fn the_floor_rule_catches_every_spelling() {
    for import in [
        "use crate::proxy::Proxy;",
        "use crate::{buffers, proxy};",
        "use crate::{\n    buffers::Pool,\n    proxy::{self, Proxy},\n};",
        "fn f() { crate::proxy::serve() }",
        "use super::super::proxy::Proxy;",
        "use router::proxy::Proxy;",
    ] {
        let source = Source::new("router/src/wire/h1.rs", import);
        assert!(
            !upward_imports(&source, "router/src", ROUTER).is_empty(),
            "{import}"
        );
    }
    for import in [
        "use crate::message::Head;",
        "use super::h2;",
        "use crate::wire::h2::Side;",
    ] {
        let source = Source::new("router/src/wire/h1.rs", import);
        assert!(
            upward_imports(&source, "router/src", ROUTER).is_empty(),
            "{import}"
        );
    }
}

fn upward_imports(source: &Source, tree: &str, floors: Floors) -> Vec<String> {
    let room = room_of(&source.path, tree);
    let Some(own) = floor_of(floors, room) else {
        return Vec::new();
    };
    let depth = source.path.matches('/').count() - tree.matches('/').count();
    let mut faults = Vec::new();
    for path in spelled_out(&source.code) {
        let Some(named) = room_named(&path, depth) else {
            continue;
        };
        let Some(floor) = floor_of(floors, named).filter(|_| named != room) else {
            continue;
        };
        let top = own + 1 == floors.len();
        if floor > own || (floor == own && !top) {
            faults.push(format!(
                "{}: `{room}` (floor {own}) names `{named}` (floor {floor})",
                source.path
            ));
        }
    }
    faults
}

/// The room that a path leads to: through `crate::`, the crate's name, or enough `super::`.
fn room_named(path: &str, depth: usize) -> Option<&str> {
    let mut steps = path.split("::").map(str::trim);
    match steps.next()? {
        "crate" | "router" => steps.next(),
        "super" => {
            let climbs = 1 + path
                .split("::")
                .skip(1)
                .take_while(|step| step.trim() == "super")
                .count();
            // A test module inside the file needs one more step to reach the root.
            (climbs >= depth).then(|| path.split("::").nth(climbs).map(str::trim))?
        }
        _ => None,
    }
}

/// Every path of the code with its groups multiplied out: `a::{b, c::d}` gives two.
fn spelled_out(code: &str) -> Vec<String> {
    const ROOTS: &[&str] = &[
        "crate", "super", "router", "std", "tokio", "tracing", "bus", "http", "core",
    ];
    let flat: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut paths = Vec::new();
    for root in ROOTS {
        for (at, _) in flat.match_indices(&format!("{root}::")) {
            let before = flat[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                expand(&mut paths, "", &flat[at..]);
            }
        }
    }
    paths
}

/// Reads one use-tree at the start of `text`; returns what follows it.
fn expand<'a>(paths: &mut Vec<String>, prefix: &str, text: &'a str) -> &'a str {
    let text = text.trim_start();
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '*';
    let len = text.find(|c: char| !plain(c)).unwrap_or(text.len());
    let path = format!("{prefix}{}", &text[..len]);
    let Some(mut rest) = text[len..]
        .strip_prefix('{')
        .filter(|_| path.ends_with("::"))
    else {
        paths.push(path);
        return &text[len..];
    };
    loop {
        rest = expand(paths, &path, rest).trim_start();
        // What is neither a comma nor a brace is `as name`.
        let Some(end) = rest.find([',', '}']) else {
            return rest;
        };
        let (closed, after) = (rest[end..].starts_with('}'), &rest[end + 1..]);
        if closed || after.trim_start().starts_with('}') {
            return if closed {
                after
            } else {
                after.trim_start().split_at(1).1
            };
        }
        rest = after;
    }
}

fn room_of<'a>(path: &'a str, tree: &str) -> &'a str {
    let below = path
        .strip_prefix(tree)
        .unwrap_or(path)
        .trim_start_matches('/');
    let room = below.split('/').next().unwrap_or(below);
    room.strip_suffix(".rs").unwrap_or(room)
}

fn floor_of(floors: Floors, room: &str) -> Option<usize> {
    floors.iter().position(|floor| floor.contains(&room))
}

fn literals_only_in(trees: &[&str], homes: &[&str], concerns: impl Fn(&str) -> bool) {
    let mut faults = Vec::new();
    for source in trees.iter().flat_map(|tree| read_tree(tree)) {
        if homes.iter().any(|home| source.path.starts_with(home)) {
            continue;
        }
        for (line, text) in source.literals.iter().filter(|(_, text)| concerns(text)) {
            faults.push(format!("{}:{line}: \"{text}\"", source.path));
        }
    }
    report(&format!("literals outside {homes:?}"), &faults);
}

fn report(what: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{what}:\n  {}", faults.join("\n  "));
}
