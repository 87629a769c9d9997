//! What a person sees while a push goes on: bars on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::size;

/// Where the words of a push go.
#[derive(Clone, Debug)]
pub struct Progress {
    show: Show,
}

#[derive(Clone, Debug)]
enum Show {
    Bars(MultiProgress),
    Lines,
    Nothing,
}

impl Progress {
    /// For standard output: bars when it is a terminal.
    #[must_use]
    pub fn of_stdout() -> Self {
        let show = if io::stdout().is_terminal() {
            let target = ProgressDrawTarget::stdout();
            Show::Bars(MultiProgress::with_draw_target(target))
        } else {
            Show::Lines
        };
        Self { show }
    }

    /// For a caller that speaks for itself.
    #[must_use]
    pub fn silent() -> Self {
        Self {
            show: Show::Nothing,
        }
    }

    /// One line that stays.
    pub(super) fn line(&self, text: &str) {
        // An output that is gone is no reason to give up the push.
        match &self.show {
            Show::Bars(bars) => drop(bars.println(text)),
            Show::Lines => drop(writeln!(io::stdout().lock(), "{text}")),
            Show::Nothing => {}
        }
    }

    /// One step that is done: what, and what came of it.
    pub(super) fn step(&self, what: &str, outcome: &str) {
        self.line(&format!("  {what:<10} {outcome}"));
    }

    /// A count of bytes on their way.
    pub(super) fn meter(&self, label: &str, total_bytes: u64) -> Meter {
        let bar = match &self.show {
            Show::Bars(bars) => {
                let bar = ProgressBar::new(total_bytes).with_style(bar_style());
                bars.add(bar.with_prefix(label.to_owned()))
            }
            Show::Lines | Show::Nothing => ProgressBar::hidden(),
        };
        Meter {
            label: label.to_owned(),
            progress: self.clone(),
            bar,
            total_bytes,
            done_bytes: AtomicU64::new(0),
            began: Instant::now(),
        }
    }

    /// A wait without a measure; its text changes.
    pub(super) fn wait(&self, label: &str) -> Wait {
        let bar = match &self.show {
            Show::Bars(bars) => {
                let bar = ProgressBar::new_spinner().with_style(wait_style());
                let bar = bars.add(bar.with_prefix(label.to_owned()));
                bar.enable_steady_tick(TICK);
                bar
            }
            Show::Lines | Show::Nothing => ProgressBar::hidden(),
        };
        Wait { bar }
    }
}

/// Counts bytes; in plain lines each tenth of a large file is told.
#[derive(Debug)]
pub(super) struct Meter {
    label: String,
    progress: Progress,
    bar: ProgressBar,
    total_bytes: u64,
    done_bytes: AtomicU64,
    began: Instant,
}

impl Meter {
    /// Begins again at nothing.
    pub(super) fn restart(&self) {
        self.done_bytes.store(0, Ordering::Relaxed);
        self.bar.set_position(0);
    }

    pub(super) fn advance(&self, bytes: u64) {
        let before = self.done_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bar.inc(bytes);
        if self.total_bytes < TOLD_FROM_BYTES || !matches!(self.progress.show, Show::Lines) {
            return;
        }
        let tenth = |done: u64| done.min(self.total_bytes) * 10 / self.total_bytes;
        if tenth(before) != tenth(before + bytes) {
            let percent = tenth(before + bytes) * 10;
            self.progress.step(&self.label, &format!("{percent} %"));
        }
    }

    /// Says how much went how fast, in place of the bar.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
        let took = self.began.elapsed();
        let outcome = format!("{} in {}", size::bytes(self.total_bytes), size::span(took));
        self.progress.step(&self.label, &outcome);
    }
}

/// A wait that ends when it is dropped.
#[derive(Debug)]
pub(super) struct Wait {
    bar: ProgressBar,
}

impl Wait {
    pub(super) fn say(&self, text: String) {
        self.bar.set_message(text);
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("  {prefix:<10} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

fn wait_style() -> ProgressStyle {
    ProgressStyle::with_template("  {prefix:<10} {spinner} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

const TICK: Duration = Duration::from_millis(100);
const TOLD_FROM_BYTES: u64 = 10 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_of_the_bars_are_well_formed() {
        ProgressStyle::with_template("  {prefix:<10} {spinner} {msg}").unwrap();
        assert!(ProgressStyle::with_template("{prefix:<10} [{bar:30}] {bytes_per_sec}").is_ok());
    }

    #[test]
    fn a_second_try_counts_from_nothing() {
        let meter = Progress::silent().meter("upload", 10);
        meter.advance(7);
        meter.restart();
        meter.advance(3);
        assert_eq!(meter.done_bytes.load(Ordering::Relaxed), 3);
    }
}
