//! What a person, a log or a program sees of a micro cloud.

use std::env;
use std::io::{self, IsTerminal, Write};

use serde_json::{Value, json};

use super::backoff::Next;
use super::child::Death;
use super::clock::Moment;
use super::figures::Figures;
use super::ports::Taken;
use super::welcome::{Account, Opening, Ready};
use super::words::{self, Paint};

/// How things are shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Style {
    /// One JSON object per line.
    Json,
    /// Plain lines; figures once a minute.
    Plain,
    /// A terminal: the last line is repainted each second.
    Terminal(Paint),
}

impl Style {
    /// The style for our standard output.
    pub(super) fn of_stdout(json: bool) -> Self {
        if json {
            Self::Json
        } else if !io::stdout().is_terminal()
            || env::var_os("TERM").is_some_and(|term| term == "dumb")
        {
            Self::Plain
        } else {
            Self::Terminal(Paint::wanted(env::var_os("NO_COLOR")))
        }
    }

    fn paint(self) -> Paint {
        match self {
            Self::Terminal(paint) => paint,
            Self::Json | Self::Plain => Paint::None,
        }
    }
}

/// Writes to `out`; an output that is gone is no reason to stop the cloud.
#[derive(Debug)]
pub(super) struct Screen<W> {
    out: W,
    style: Style,
    figures_seen: u64,
    /// Whether the cursor stands behind a line of figures.
    repainting: bool,
}

impl<W: Write> Screen<W> {
    pub(super) fn new(out: W, style: Style) -> Self {
        Self {
            out,
            style,
            figures_seen: 0,
            repainting: false,
        }
    }

    /// A port was not free.
    pub(super) fn port_taken(&mut self, part: &str, taken: &Taken, chosen: u16) {
        let holder = taken.holder.as_ref();
        self.say(
            || {
                json!({"event": "port-taken", "part": part, "port": taken.port, "chosen": chosen,
                    "pid": holder.map(|holder| holder.pid), "holder": holder.map(|holder| &holder.name)})
            },
            || {
                let by = holder.map_or_else(String::new, |holder| {
                    format!(" by {} (pid {})", holder.name, holder.pid)
                });
                format!("port {} is taken{by}: the {part} uses {chosen}", taken.port)
            },
        );
    }

    /// Everything came up.
    pub(super) fn opening(&mut self, opening: &Opening) {
        let paint = self.style.paint();
        self.say(|| opening.json(), || opening.text(paint));
    }

    /// Where the API is and how one gets in.
    pub(super) fn account(&mut self, account: &Account) {
        self.say(|| account.json(), || account.text());
    }

    /// A real request went through the router.
    pub(super) fn ready(&mut self, ready: &Ready) {
        self.say(|| ready.json(), || ready.text());
    }

    /// A child died.
    pub(super) fn death(&mut self, death: &Death) {
        let paint = self.style.paint();
        self.say(
            || {
                json!({"event": "died", "part": death.name, "status": death.status, "lines": death.lines,
                    "again_in_ms": match death.next {
                        Next::Again(pause) => json!(pause.as_millis()),
                        Next::GiveUp(_) => Value::Null,
                    }})
            },
            || obituary(death, paint),
        );
    }

    /// The figures of one more second.
    pub(super) fn figures(&mut self, figures: &Figures, now: Moment) {
        let turn = self.figures_seen;
        self.figures_seen += 1;
        match self.style {
            Style::Terminal(_) => {
                let line = words::figures(figures, &now.time_of_day());
                let _ = write!(self.out, "\r\x1b[2K  {line}");
                let _ = self.out.flush();
                self.repainting = true;
            }
            Style::Plain if turn.is_multiple_of(60) => {
                let line = words::figures(figures, &now.to_string());
                self.line(&line);
            }
            Style::Plain => {}
            Style::Json => self.line(&words::figures_json(figures, now).to_string()),
        }
    }

    /// Somebody said stop.
    pub(super) fn stopping(&mut self) {
        self.say(
            || json!({"event": "stopping"}),
            || "stopping: requests in flight may finish (once more stops at once)".to_owned(),
        );
    }

    /// Nothing of ours runs any more.
    pub(super) fn stopped(&mut self) {
        self.say(|| json!({"event": "stopped"}), || "stopped".to_owned());
    }

    fn say(&mut self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) {
        match self.style {
            Style::Json => self.line(&json().to_string()),
            Style::Plain | Style::Terminal(_) => self.line(&text()),
        }
    }

    /// Writes a whole line, below the figures if there are any.
    fn line(&mut self, text: &str) {
        let lead = if self.repainting { "\n" } else { "" };
        self.repainting = false;
        let _ = writeln!(self.out, "{lead}{text}");
        let _ = self.out.flush();
    }
}

fn obituary(death: &Death, paint: Paint) -> String {
    let next = match death.next {
        Next::Again(pause) => format!("it starts again in {} ms", pause.as_millis()),
        Next::GiveUp(deaths) => format!("it is not started again after {deaths} deaths"),
    };
    let name = paint.red(death.name);
    let mut text = format!("{name} died with {}: {next}", death.status);
    for line in &death.lines {
        text += &format!("\n  | {line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::micro::Holder;

    fn shown(style: Style, show: impl FnOnce(&mut Screen<&mut Vec<u8>>)) -> String {
        let mut out = Vec::new();
        show(&mut Screen::new(&mut out, style));
        String::from_utf8(out).unwrap()
    }

    fn figures() -> Figures {
        Figures {
            rate: 1284.4,
            p50: Some(Duration::from_micros(210)),
            p99: Some(Duration::from_micros(900)),
            failures: 0,
            connections: 64,
            rss_bytes: Some(14_680_064),
        }
    }

    #[test]
    fn a_terminal_repaints_one_line_of_at_most_eighty_columns() {
        let text = shown(Style::Terminal(Paint::None), |screen| {
            screen.figures(&figures(), Moment::now());
            screen.figures(&figures(), Moment::now());
        });
        assert!(!text.contains('\n'));
        let line = text.rsplit("\x1b[2K").next().unwrap();
        assert!(line.chars().count() <= 80, "{line}");
    }

    #[test]
    fn without_a_terminal_figures_come_once_a_minute_and_nothing_is_repainted() {
        let text = shown(Style::Plain, |screen| {
            for _ in 0..61 {
                screen.figures(&figures(), Moment::now());
            }
        });
        assert_eq!(text.lines().count(), 2);
        assert!(!text.contains(['\r', '\x1b']));
    }

    #[test]
    fn every_line_of_json_is_an_object_with_an_event() {
        let text = shown(Style::Json, |screen| {
            let taken = Taken {
                port: 8080,
                holder: None,
            };
            screen.port_taken("router", &taken, 8081);
            screen.figures(&figures(), Moment::now());
            screen.stopping();
            screen.stopped();
        });
        let events: Vec<String> = text
            .lines()
            .map(|line| {
                serde_json::from_str::<Value>(line).unwrap()["event"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        assert_eq!(events, ["port-taken", "figures", "stopping", "stopped"]);
    }

    #[test]
    fn an_event_leaves_the_figures_above_it() {
        let text = shown(Style::Terminal(Paint::None), |screen| {
            screen.figures(&figures(), Moment::now());
            screen.stopped();
        });
        assert!(text.ends_with("\nstopped\n"));
    }

    #[test]
    fn a_taken_port_is_named_with_its_holder() {
        let holder = Some(Holder {
            pid: 12,
            name: "nginx".into(),
        });
        let text = shown(Style::Plain, |screen| {
            screen.port_taken("router", &Taken { port: 8080, holder }, 8081);
        });
        assert_eq!(
            text,
            "port 8080 is taken by nginx (pid 12): the router uses 8081\n"
        );
    }

    #[test]
    fn a_death_is_told_with_its_last_words() {
        let death = Death {
            name: "router",
            status: "exit status: 1".into(),
            lines: vec!["Error loading config".into()],
            next: Next::Again(Duration::from_millis(100)),
        };
        let text = shown(Style::Plain, |screen| screen.death(&death));
        assert_eq!(
            text,
            "router died with exit status: 1: it starts again in 100 ms\n  | Error loading config\n"
        );
    }
}
