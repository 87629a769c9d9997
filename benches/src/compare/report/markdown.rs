//! The results as a page.

use std::fmt::Write as _;

use super::book::{Book, Run};
use super::{Figure, Ratio};
use crate::floors::{Floor, Verdict};

/// The whole page.
pub(super) fn page(book: &Book) -> String {
    let mut page = String::new();
    // Writing to a String cannot fail.
    write_page(book, &mut page).ok();
    page
}

fn write_page(book: &Book, page: &mut String) -> std::fmt::Result {
    writeln!(page, "# compare\n\n## Ratios\n")?;
    writeln!(
        page,
        "Larger is better for requests, smaller for times; the interval holds 95 %.\n"
    )?;
    writeln!(
        page,
        "| scenario | metric | subject ÷ | median | interval | rounds | floor | |"
    )?;
    writeln!(page, "|---|---|---|---|---|---|---|---|")?;
    for row in book.ratios() {
        writeln!(page, "{}", ratio(row))?;
    }
    writeln!(page, "\n## Figures\n")?;
    writeln!(
        page,
        "| scenario | contestant | metric | value | spread | floor | |"
    )?;
    writeln!(page, "|---|---|---|---|---|---|---|")?;
    let results = || book.entries.iter().map(|entry| &entry.results);
    for row in results().flat_map(|results| &results.figures) {
        writeln!(page, "{}", figure(row))?;
    }
    let failures: Vec<_> = results().flat_map(|one| one.failures.clone()).collect();
    section(page, "Not measured", &failures)?;
    let notes: Vec<_> = results().flat_map(|one| one.notes.clone()).collect();
    section(page, "Notes", &notes)?;
    write_verdict(book, page)?;
    writeln!(page, "\n## Runs")?;
    let mut runs = book.runs().into_iter();
    runs.try_for_each(|(run, scenarios)| write_run(run, &scenarios, page))
}

fn write_verdict(book: &Book, page: &mut String) -> std::fmt::Result {
    let results = || book.entries.iter().map(|entry| &entry.results);
    let misses: Vec<_> = results().flat_map(|results| results.misses()).collect();
    if !misses.is_empty() {
        return section(page, "Missed", &misses);
    }
    let figures = results().flat_map(|results| &results.figures);
    let floors = book.ratios().map(|row| row.floor);
    let judged = floors.chain(figures.map(|row| row.floor)).flatten().count();
    writeln!(page, "\nFloors judged: {judged}; all are kept.")
}

fn write_run(run: &Run, scenarios: &[&str], page: &mut String) -> std::fmt::Result {
    let Run {
        date,
        commit,
        method,
        facts,
    } = run;
    writeln!(
        page,
        "\n{date}, commit {commit}: {}.\n",
        scenarios.join(", ")
    )?;
    writeln!(
        page,
        "{}, kernel {}, congestion control {}, load average before {}. {method}\n",
        facts.cpu, facts.kernel, facts.congestion_control, facts.load_average
    )?;
    let mut versions = facts.versions.iter();
    versions.try_for_each(|version| writeln!(page, "- {version}"))
}

fn section(page: &mut String, title: &str, lines: &[String]) -> std::fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(page, "\n## {title}\n")?;
    lines.iter().try_for_each(|line| writeln!(page, "- {line}"))
}

fn ratio(row: &Ratio) -> String {
    let Ratio {
        scenario,
        metric,
        subject,
        against,
        median,
        low,
        high,
        ..
    } = row;
    let (steady, all) = row.rounds;
    let (floor, mark) = (floor(row.floor), mark(row.verdict));
    format!(
        "| {scenario} | {metric} | {subject} ÷ {against} | **{median:.3}** | {low:.3} – {high:.3} | {steady}/{all} | {floor} | {mark} |"
    )
}

fn figure(row: &Figure) -> String {
    let Figure {
        scenario,
        contestant,
        metric,
        unit,
        value,
        ..
    } = row;
    let spread = row
        .spread
        .map_or_else(String::new, |share| format!("{:.1} %", share * 100.0));
    let (floor, mark) = (floor(row.floor), mark(row.verdict));
    let value = if value.abs() >= 1000.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.3}")
    };
    format!(
        "| {scenario} | {contestant} | {metric} | {value} {unit} | {spread} | {floor} | {mark} |"
    )
}

fn floor(floor: Option<Floor>) -> String {
    floor.map_or_else(String::new, |floor| floor.to_string())
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Told => "",
        Verdict::Kept => "kept",
        Verdict::Missed => "**MISSED**",
        Verdict::Void => "**VOID**",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::book::sample;

    #[test]
    fn a_page_shows_what_was_kept_and_missed() {
        let page = page(&sample::book());
        assert!(
            page.contains(
                "| switchyard ÷ nginx | **1.310** | 1.260 – 1.360 | 3/3 | ≥ 1.2 | kept |"
            )
        );
        assert!(page.contains("| ≥ 1.25 | **MISSED** |"));
        assert!(page.contains("| 4.310  |  | ≤ 4.5 | kept |"), "{page}");
        assert!(page.contains("## Missed"));
        assert!(page.contains("\n2026-01-02, commit c0ffee: small-64-logs-on.\n"));
    }
}
