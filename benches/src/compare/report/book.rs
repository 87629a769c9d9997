//! The book: what each scenario found when it was last asked. A run replaces only what it asks.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::{Ratio, Results, markdown, plot};
use crate::machine::Facts;

/// The last answers of all scenarios.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Book {
    pub(super) entries: Vec<Entry>,
}

/// What one scenario found, and in which run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Entry {
    pub(super) scenario: String,
    pub(super) run: Run,
    #[serde(flatten)]
    pub(super) results: Results,
}

/// One run of the comparison.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Run {
    /// When it began, as RFC 3339 in UTC.
    pub(crate) date: String,
    /// Of the sources, with a mark when they had been changed since.
    pub(crate) commit: String,
    /// How long and how often, in words.
    pub(crate) method: String,
    pub(crate) facts: Facts,
}

impl Book {
    /// Reads what earlier runs have left in `folder`, which may be nothing.
    ///
    /// # Errors
    ///
    /// When there is a book, but not one that can be read.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(JSON);
        match fs::read(&path) {
            Ok(json) => serde_json::from_slice(&json)
                .with_context(|| format!("{} is not of these sources", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    /// Puts what a scenario has found in the place of what it found before; entries stand in the order of `all`, and
    /// what is not in it is no scenario any more.
    pub(crate) fn record(&mut self, all: &[&str], scenario: &str, run: &Run, results: Results) {
        let place = |name: &str| all.iter().position(|one| *one == name);
        self.entries
            .retain(|entry| entry.scenario != scenario && place(&entry.scenario).is_some());
        self.entries.push(Entry {
            scenario: scenario.to_owned(),
            run: run.clone(),
            results,
        });
        self.entries.sort_by_key(|entry| place(&entry.scenario));
    }

    /// Writes all three forms; a reader finds each of them whole, the old one or the new one.
    pub(crate) fn write(&self, folder: &Path, plot: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder)?;
        if let Some(parent) = plot.parent() {
            fs::create_dir_all(parent)?;
        }
        let json = serde_json::to_string_pretty(self)? + "\n";
        for (path, text) in [
            (&*folder.join(JSON), json),
            (&*folder.join("latest.md"), self.markdown()),
            (plot, plot::svg(self)),
        ] {
            replace(path, &text).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    /// The whole page.
    pub(crate) fn markdown(&self) -> String {
        markdown::page(self)
    }

    /// Every run that has an entry, with the names of its scenarios.
    pub(super) fn runs(&self) -> Vec<(&Run, Vec<&str>)> {
        let mut runs: Vec<(&Run, Vec<&str>)> = Vec::new();
        for entry in &self.entries {
            match runs.iter_mut().find(|(run, _)| *run == &entry.run) {
                Some((_, names)) => names.push(&entry.scenario),
                None => runs.push((&entry.run, vec![&entry.scenario])),
            }
        }
        runs.sort_by(|(one, _), (other, _)| other.date.cmp(&one.date));
        runs
    }

    /// The ratios of all scenarios.
    pub(super) fn ratios(&self) -> impl Iterator<Item = &Ratio> {
        self.entries.iter().flat_map(|entry| &entry.results.ratios)
    }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    fs::write(&part, text)?;
    fs::rename(&part, path)
}

const JSON: &str = "latest.json";

#[cfg(test)]
pub(super) mod sample {
    use super::*;
    use crate::report::rows::sample::results;

    pub(crate) const ALL: [&str; 3] = ["small-64-logs-on", "syscalls", "churn"];

    pub(crate) fn run(date: &str) -> Run {
        Run {
            date: date.into(),
            commit: "c0ffee".into(),
            method: "3 rounds".into(),
            facts: Facts::default(),
        }
    }

    /// One scenario, asked in one run.
    pub(crate) fn book() -> Book {
        let mut book = Book::default();
        book.record(&ALL, "small-64-logs-on", &run("2026-01-02"), results());
        book
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::book::sample::{ALL, book, run};

    fn names(book: &Book) -> Vec<(&str, &str)> {
        let entries = book.entries.iter();
        entries
            .map(|entry| (entry.scenario.as_str(), entry.run.date.as_str()))
            .collect()
    }

    #[test]
    fn a_later_run_replaces_only_what_it_asks() {
        let mut book = book();
        book.record(&ALL, "churn", &run("2026-01-02"), Results::default());
        book.record(&ALL, "syscalls", &run("2026-01-03"), Results::default());
        book.record(&ALL, "churn", &run("2026-01-04"), Results::default());
        let expected = [
            ("small-64-logs-on", "2026-01-02"),
            ("syscalls", "2026-01-03"),
            ("churn", "2026-01-04"),
        ];
        assert_eq!(names(&book), expected);
        let dates: Vec<&str> = book.runs().iter().map(|(run, _)| &*run.date).collect();
        assert_eq!(dates, ["2026-01-04", "2026-01-03", "2026-01-02"]);
    }

    #[test]
    fn what_is_no_scenario_any_more_is_forgotten() {
        let mut book = book();
        book.record(
            &["syscalls"],
            "syscalls",
            &run("2026-01-03"),
            Results::default(),
        );
        assert_eq!(names(&book), [("syscalls", "2026-01-03")]);
    }

    #[test]
    fn a_book_that_was_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let plot = dir.path().join("docs/compare.svg");
        assert!(Book::open(dir.path()).unwrap().entries.is_empty());
        book().write(dir.path(), &plot).unwrap();
        let read = Book::open(dir.path()).unwrap();
        assert_eq!(read.markdown(), book().markdown());
        assert!(plot.exists() && dir.path().join("latest.md").exists());
        let mut files: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        files.sort();
        assert_eq!(files, ["docs", "latest.json", "latest.md"]);
    }

    #[test]
    fn a_book_that_cannot_be_read_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(JSON), "{}").unwrap();
        let error = Book::open(dir.path()).unwrap_err();
        assert!(error.to_string().contains("latest.json"), "{error}");
    }
}
