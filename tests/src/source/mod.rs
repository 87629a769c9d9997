//! Rust sources as the house rules see them: code, comments and literals apart.
//!
//! In: a folder of the workspace. Out: its files, split so that a rule never trips over the wrong
//! kind of text. It knows no rule itself.

mod file;
mod lexer;

pub use file::{Source, holds_word, read_tree, workspace_root};
