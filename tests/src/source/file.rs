//! A source file and the rules' questions about it.

use std::fs;
use std::path::{Path, PathBuf};

use super::lexer::Lexer;

/// One source file, split so that a rule never trips over the wrong kind of text.
#[derive(Debug)]
pub struct Source {
    /// Path below the workspace root, with `/`.
    pub path: String,
    /// The text as it is.
    pub text: String,
    /// The code alone: comments and the insides of literals are blanks, lines are kept.
    pub code: String,
    /// As `code`, without items under `#[cfg(test)]`; empty for files that hold only tests.
    pub shipped: String,
    /// The comments alone, lines kept.
    pub comments: String,
    /// Every string literal outside of tests, with its line.
    pub literals: Vec<(usize, String)>,
}

impl Source {
    /// Splits `text`, which came from `path`.
    #[must_use]
    pub fn new(path: &str, text: &str) -> Self {
        let mut lexer = Lexer::new(text);
        lexer.run();
        let (code, comments) = (lexer.code, lexer.comments);
        let shipped = if is_test_file(path) {
            String::new()
        } else {
            without_tests(&code)
        };
        let kept: Vec<bool> = shipped
            .lines()
            .map(|line| !line.trim().is_empty())
            .collect();
        let literals = lexer.literals.into_iter();
        let literals = literals.filter(|(line, _)| kept.get(line - 1).copied().unwrap_or(false));
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            literals: literals.collect(),
            code,
            shipped,
            comments,
        }
    }

    /// The lines (from 1) of `haystack` that hold `word` as a whole word or path.
    #[must_use]
    pub fn lines_with(haystack: &str, word: &str) -> Vec<usize> {
        let numbered = haystack.lines().enumerate();
        numbered
            .filter(|(_, line)| holds_word(line, word))
            .map(|(at, _)| at + 1)
            .collect()
    }
}

/// Reads every `.rs` file below `folder` of the workspace; build output is left out.
///
/// # Panics
///
/// When a file cannot be read as UTF-8.
#[must_use]
pub fn read_tree(folder: &str) -> Vec<Source> {
    let root = workspace_root();
    let mut sources = Vec::new();
    let mut waiting = vec![root.join(folder)];
    while let Some(next) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&next) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("target") {
                waiting.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).expect("a source is UTF-8");
                let below = path.strip_prefix(&root).expect("below the root");
                sources.push(Source::new(&below.to_string_lossy(), &text));
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

/// The folder of the root manifest.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Whether `word` stands in `line` with no identifier or path glued to its front or end.
#[must_use]
pub fn holds_word(line: &str, word: &str) -> bool {
    let glued = |found: Option<char>| found.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let front_free = !glued(before) && before != Some(':');
        front_free && (!glued(after) || word.ends_with("::"))
    })
}

fn is_test_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name == "tests.rs" || name.ends_with("_tests.rs") || path.contains("/tests/")
}

/// Blanks every item that follows `#[cfg(test)]`: to its closing brace, or to its semicolon.
fn without_tests(code: &str) -> String {
    let mut bytes: Vec<u8> = code.bytes().collect();
    let mut from = 0;
    while let Some(found) = find(&bytes, from, b"#[cfg(test)]") {
        let (mut at, mut depth) = (found, 0_i32);
        while let Some(&byte) = bytes.get(at) {
            depth += i32::from(byte == b'{') - i32::from(byte == b'}');
            let ends = (byte == b'}' || byte == b';') && depth == 0;
            if byte != b'\n' {
                bytes[at] = b' ';
            }
            at += 1;
            if ends {
                break;
            }
        }
        from = at;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn find(bytes: &[u8], from: usize, word: &[u8]) -> Option<usize> {
    let tail = bytes.get(from..)?;
    let at = tail.windows(word.len()).position(|window| window == word)?;
    Some(from + at)
}
