//! `router/docs/config.md` is made from the docs of the slices, and from the table of keys that
//! have no effect. `UPDATE_DOCS=1 cargo test -p router config_md` writes it again.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use super::accepted::{ACCEPTED, Standing};
use super::file::File;
use super::read::FromYaml;

const SLICES: &[(&str, &str)] = &[
    ("Listeners and workers", include_str!("listen.rs")),
    ("Front TLS", include_str!("tls.rs")),
    ("NATS", include_str!("bus.rs")),
    ("Route table", include_str!("registry.rs")),
    ("Requests", include_str!("forward.rs")),
    ("Header rules", include_str!("rewrite.rs")),
    ("Connections to endpoints", include_str!("upstream.rs")),
    ("Logs and metrics", include_str!("observe.rs")),
    ("Histograms", include_str!("meters.rs")),
    ("Operator's ports", include_str!("admin.rs")),
    ("Drain", include_str!("drain.rs")),
];

/// One documented field.
struct Row<'a> {
    keys: Vec<&'a str>,
    default: &'a str,
    meaning: &'a str,
}

#[test]
fn config_md_says_what_the_slices_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/config.md");
    let made = document();
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, &made).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == made,
        "docs/config.md is old; UPDATE_DOCS=1 writes it again"
    );
}

#[test]
fn every_key_that_is_read_is_documented_and_the_other_way_round() {
    let documented: BTreeSet<String> = SLICES
        .iter()
        .flat_map(|(_, source)| rows(source))
        .flat_map(|row| row.keys.into_iter().map(str::to_owned))
        .collect();
    let mut read = Vec::new();
    File::keys("", &mut read);
    let read: BTreeSet<String> = read
        .iter()
        .map(|key| key.split("[]").next().unwrap().to_owned())
        .collect();
    let leaves = |keys: &BTreeSet<String>| -> BTreeSet<String> {
        let is_leaf = |key: &&String| {
            !read
                .iter()
                .any(|other| other.starts_with(&format!("{key}.")))
        };
        keys.iter().filter(is_leaf).cloned().collect()
    };
    assert_eq!(leaves(&documented), leaves(&read));
}

#[test]
fn no_key_is_documented_as_without_effect_that_has_one() {
    let mut read = Vec::new();
    File::keys("", &mut read);
    for accepted in ACCEPTED {
        assert!(
            !read.iter().any(|key| key == accepted.key),
            "{}",
            accepted.key
        );
    }
}

#[test]
fn the_table_of_accepted_keys_is_sorted() {
    assert!(ACCEPTED.is_sorted_by_key(|accepted| accepted.key));
}

/// Every field of the structs in `source` whose doc begins with a key.
fn rows(source: &str) -> Vec<Row<'_>> {
    let production = source.split("#[cfg(test)]").next().unwrap();
    production
        .lines()
        .filter_map(|line| row(line.trim().strip_prefix("/// ")?))
        .collect()
}

/// `` `key`, `key` (default …): meaning ``.
fn row(doc: &str) -> Option<Row<'_>> {
    let (keys, rest) = doc.split_once(" (default ")?;
    let (default, meaning) = rest.split_once("): ")?;
    let keys = keys
        .split(", ")
        .map(|key| key.strip_prefix('`')?.strip_suffix('`'));
    Some(Row {
        keys: keys.collect::<Option<_>>()?,
        default,
        meaning,
    })
}

fn document() -> String {
    let mut text = String::from(INTRODUCTION);
    for (title, source) in SLICES {
        write!(
            text,
            "\n## {title}\n\n| Key | Default | Meaning |\n|---|---|---|\n"
        )
        .unwrap();
        for Row {
            keys,
            default,
            meaning,
        } in rows(source)
        {
            let keys: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
            let meaning = meaning.trim_end_matches('.').replace('|', "\\|");
            writeln!(text, "| {} | {default} | {meaning} |", keys.join(", ")).unwrap();
        }
    }
    text.push_str("\n## Accepted, not yet in effect\n\n");
    text.push_str("`check` warns of them, unless the value asks for what happens anyway.\n\n");
    text.push_str("| Key | Values without a warning |\n|---|---|\n");
    for accepted in ACCEPTED
        .iter()
        .filter(|accepted| accepted.standing == Standing::NotYet)
    {
        let honoured = match accepted.honoured.first() {
            None => "an empty one".to_owned(),
            Some(value) => format!("`{value}`"),
        };
        writeln!(text, "| `{}` | {honoured} |", accepted.key).unwrap();
    }
    text.push_str("\n## Without effect\n\n| Key | Why |\n|---|---|\n");
    for accepted in ACCEPTED {
        if let Standing::Never(reason) = accepted.standing {
            writeln!(text, "| `{}` | {reason} |", accepted.key).unwrap();
        }
    }
    text
}

const INTRODUCTION: &str = "\
# Configuration

`switchyard-router -c gorouter.yml` takes gorouter's file as it is. Keys of our own stand in one
block `switchyard:`, which gorouter ignores, so one file serves both.

- Keys that nobody knows do not stop the router. `switchyard-router check FILE` lists them, and
  every problem of the file at once, each with its line; `--strict` makes warnings count (exit code
  1; errors are 2), `--format json` is for machines.
- `switchyard-router config show -c FILE` prints what is in effect, with secrets masked.
- Times are Go's: `300ms`, `1.5h`, `2m30s`. A time of 0 or below turns off what can be turned off.
- A key without a value (`zone:`) keeps its default; a list without a value is empty.
- Texts take any scalar in its spelling, booleans take `yes`, `no`, `on` and `off` as well, whole
  numbers take floats and cut them.
- Certificates and keys are PEM text inside the file, unless the key ends in `_path`.

This page is made from the source; do not edit it.
";
