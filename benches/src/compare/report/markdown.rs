//! The results as a page.

use std::fmt::Write as _;

use super::{Figure, Ratio, Results};
use crate::floors::{Floor, Verdict};

/// The whole page.
pub(crate) fn markdown(results: &Results) -> String {
    let mut page = String::new();
    // Writing to a String cannot fail.
    write_page(results, &mut page).ok();
    page
}

fn write_page(results: &Results, page: &mut String) -> std::fmt::Result {
    let facts = &results.facts;
    writeln!(page, "# compare, {}\n", results.date)?;
    writeln!(
        page,
        "{}, kernel {}, congestion control {}, load average before {}. {}\n",
        facts.cpu, facts.kernel, facts.congestion_control, facts.load_average, results.method
    )?;
    for version in &facts.versions {
        writeln!(page, "- {version}")?;
    }
    writeln!(page, "\n## Ratios\n")?;
    writeln!(
        page,
        "Larger is better for requests, smaller for times; the interval holds 95 %.\n"
    )?;
    writeln!(
        page,
        "| scenario | metric | subject ÷ | median | interval | rounds | floor | |"
    )?;
    writeln!(page, "|---|---|---|---|---|---|---|---|")?;
    for row in &results.ratios {
        writeln!(page, "{}", ratio(row))?;
    }
    writeln!(page, "\n## Figures\n")?;
    writeln!(
        page,
        "| scenario | contestant | metric | value | spread | floor | |"
    )?;
    writeln!(page, "|---|---|---|---|---|---|---|")?;
    for row in &results.figures {
        writeln!(page, "{}", figure(row))?;
    }
    section(page, "Not measured", &results.failures)?;
    section(page, "Notes", &results.notes)?;
    let misses = results.misses();
    if misses.is_empty() {
        let ratios = results.ratios.iter().map(|row| row.floor);
        let floors = ratios.chain(results.figures.iter().map(|row| row.floor));
        let judged = floors.flatten().count();
        return writeln!(page, "\nFloors judged: {judged}; all are kept.");
    }
    section(page, "Missed", &misses)
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
    use crate::report::sample;

    #[test]
    fn a_page_shows_what_was_kept_and_missed() {
        let page = markdown(&sample::results());
        assert!(
            page.contains(
                "| switchyard ÷ nginx | **1.310** | 1.260 – 1.360 | 3/3 | ≥ 1.2 | kept |"
            )
        );
        assert!(page.contains("| ≥ 1.25 | **MISSED** |"));
        assert!(page.contains("| 4.310  |  | ≤ 4.5 | kept |"), "{page}");
        assert!(page.contains("## Missed"));
    }
}
