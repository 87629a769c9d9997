//! The ratios as bars with their intervals, readable on a light and on a dark page.

use std::fmt::Write as _;

use super::Ratio;
use super::book::Book;

/// The plot as SVG.
pub(super) fn svg(book: &Book) -> String {
    let rows: Vec<&Ratio> = book
        .ratios()
        .filter(|row| row.metric == METRIC && row.median.is_finite())
        .collect();
    let largest = rows
        .iter()
        .map(|row| row.high.max(row.median))
        .fold(1.5, f64::max);
    let scale = Scale {
        largest: largest * 1.05,
    };
    let height = TOP + rows.len() as f64 * ROW + BOTTOM;
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Requests per CPU-second against other proxies" font-family="system-ui, sans-serif" font-size="12">
<style>
  text {{ fill: #24292f }} .axis {{ stroke: #8c959f }} .one {{ stroke: #24292f }} .error {{ stroke: #24292f; stroke-width: 1.5 }}
  .nginx {{ fill: #2da44e }} .haproxy {{ fill: #3b82c4 }} .null {{ fill: #8c959f }} .hyper {{ fill: #c4762b }} .peer {{ fill: #9a6dd7 }}
  @media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} .one, .error {{ stroke: #e6edf3 }} }}
</style>
<text x="{LEFT}" y="18" font-weight="600">{} ÷ other, requests per CPU-second, 95 % interval</text>
"#,
        rows.first()
            .map_or("switchyard", |row| escaped(&row.subject)),
    );
    for (index, row) in rows.iter().enumerate() {
        // Writing to a String cannot fail.
        write_row(&mut out, row, TOP + index as f64 * ROW, &scale).ok();
    }
    write_axis(&mut out, height - BOTTOM, &scale).ok();
    out + "</svg>\n"
}

fn write_row(out: &mut String, row: &Ratio, top: f64, scale: &Scale) -> std::fmt::Result {
    let middle = top + ROW / 2.0;
    let class = match row.against.as_str() {
        known @ ("nginx" | "haproxy" | "null" | "hyper") => known,
        _ => "peer",
    };
    let (end, low, high) = (scale.x(row.median), scale.x(row.low), scale.x(row.high));
    let label = format!("{} ÷ {}", row.scenario, row.against);
    let (text_y, bar_y, bar_height) = (middle + 4.0, top + 3.0, ROW - 6.0);
    writeln!(
        out,
        r#"<text x="{}" y="{text_y}" text-anchor="end">{}</text>"#,
        LEFT - 8.0,
        escaped(&label)
    )?;
    writeln!(
        out,
        r#"<rect class="{class}" x="{LEFT}" y="{bar_y}" width="{:.1}" height="{bar_height}" rx="2"/>"#,
        end - LEFT
    )?;
    writeln!(
        out,
        r#"<path class="error" d="M{low:.1} {middle}H{high:.1}M{low:.1} {}v8M{high:.1} {}v8"/>"#,
        middle - 4.0,
        middle - 4.0
    )?;
    writeln!(
        out,
        r#"<text x="{:.1}" y="{text_y}">{:.2}</text>"#,
        high.max(end) + 8.0,
        row.median
    )
}

fn write_axis(out: &mut String, bottom: f64, scale: &Scale) -> std::fmt::Result {
    let one = scale.x(1.0);
    writeln!(
        out,
        r#"<path class="one" stroke-dasharray="3 3" d="M{one:.1} {}V{bottom}"/>"#,
        TOP - 4.0
    )?;
    writeln!(out, r#"<path class="axis" d="M{LEFT} {bottom}H{RIGHT}"/>"#)?;
    let mut tick = 0.0;
    while tick <= scale.largest {
        let x = scale.x(tick);
        writeln!(
            out,
            r#"<text x="{x:.1}" y="{}" text-anchor="middle">{tick:.1}</text>"#,
            bottom + 16.0
        )?;
        tick += TICK;
    }
    Ok(())
}

struct Scale {
    largest: f64,
}

impl Scale {
    fn x(&self, ratio: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * ratio.clamp(0.0, self.largest) / self.largest
    }
}

/// Names come from the command line; a name that is not plain is replaced.
fn escaped(text: &str) -> &str {
    if text.contains(['<', '>', '&', '"']) {
        "peer"
    } else {
        text
    }
}

const METRIC: &str = "requests per CPU-second";
const WIDTH: f64 = 760.0;
const LEFT: f64 = 220.0;
const RIGHT: f64 = 710.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 26.0;
const ROW: f64 = 22.0;
const TICK: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::book::sample;

    #[test]
    fn each_ratio_has_a_bar_an_interval_and_a_label() {
        let svg = svg(&sample::book());
        assert_eq!(svg.matches("<rect").count(), 2);
        assert_eq!(svg.matches(r#"class="error" d"#).count(), 2);
        assert!(svg.contains("small-64-logs-on ÷ haproxy") && svg.contains(">1.31<"));
        assert!(svg.contains("prefers-color-scheme: dark"));
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn bars_end_in_order() {
        let scale = Scale { largest: 2.0 };
        assert!(scale.x(0.0) < scale.x(1.0) && scale.x(1.0) < scale.x(2.0));
        assert_eq!(scale.x(9.0), RIGHT);
    }
}
