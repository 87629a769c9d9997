//! The tables of what was promised: each line names a test, and each test that is named is there.

use std::collections::BTreeMap;
use std::fs;

use harness::source::{Source, workspace_root};

/// How a line says that nothing proves it yet.
const OPEN: &str = "**open**";

/// Every `docs/acceptance*.md`: its path below the root, and its text.
fn tables() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(workspace_root().join("docs"))
        .unwrap()
        .flatten()
    {
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("acceptance") && name.ends_with(".md") {
            let text = fs::read_to_string(entry.path()).unwrap();
            found.push((format!("docs/{name}"), text));
        }
    }
    found
}

/// The tests that a line names, as in `tests/suite/drain.rs::name`: file and name.
fn named(line: &str) -> Vec<(&str, &str)> {
    let words = line.split('`').skip(1).step_by(2);
    let tests = words.filter_map(|word| word.split_once("::"));
    tests.filter(|(file, _)| file.ends_with(".rs")).collect()
}

/// Whether this code has a function of this name.
fn has_test(code: &str, name: &str) -> bool {
    code.match_indices("fn ").any(|(at, _)| {
        let rest = &code[at + 3..];
        rest.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('('))
    })
}

#[test]
fn every_test_that_a_table_names_is_there() {
    let mut sources: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut faults = Vec::new();
    let mut count = 0;
    for (path, text) in tables() {
        for (at, line) in text.lines().enumerate() {
            for (file, name) in named(line) {
                count += 1;
                let code = sources.entry(file.to_owned()).or_insert_with(|| {
                    let text = fs::read_to_string(workspace_root().join(file)).ok()?;
                    Some(Source::new(file, &text).code)
                });
                if !code.as_ref().is_some_and(|code| has_test(code, name)) {
                    faults.push(format!("{path}:{}: {file}::{name}", at + 1));
                }
            }
        }
    }
    assert!(
        faults.is_empty(),
        "no such test:\n  {}",
        faults.join("\n  ")
    );
    assert!(
        count > 50,
        "{count} tests are not the tables that were meant"
    );
}

#[test]
fn every_line_of_a_table_names_a_test_or_says_that_it_is_open() {
    let mut faults = Vec::new();
    for (path, text) in tables() {
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let is_rule = |line: &str| line.starts_with("|--");
            let is_head = lines.get(at + 1).is_some_and(|next| is_rule(next));
            let is_row = line.starts_with('|') && !is_rule(line) && !is_head;
            if is_row && named(line).is_empty() && !line.contains(OPEN) {
                faults.push(format!("{path}:{}: {line}", at + 1));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "proven by nothing:\n  {}",
        faults.join("\n  ")
    );
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    let code = "async fn one_two() {}\nfn three(\n) {}";
    assert!(has_test(code, "one_two") && has_test(code, "three"));
    assert!(!has_test(code, "one") && !has_test(code, "two") && !has_test(code, "four"));
    let line = "| a | `a/b.rs::c`, `x::y`, `a/b.rs` and `d.rs::e` |";
    assert_eq!(named(line), [("a/b.rs", "c"), ("d.rs", "e")]);
}
