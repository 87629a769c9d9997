//! `compare`: our router beside its peers, on one machine, in one run, with equal work.
//!
//! It starts an origin, a bus and all contestants, asks each scenario its question, writes down each answer at once,
//! prints one table, and exits 1 naming each floor that was missed, or 2 when it could not run at all.

mod bus;
mod child;
mod contestant;
mod floors;
mod generator;
mod interrupt;
mod machine;
mod probe;
mod process;
mod report;
mod scenario;
mod sources;
mod stats;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Parser;

use crate::child::{Child, Pinned};
use crate::contestant::{Kind, Peer, Programs, Surroundings};
use crate::generator::Generator;
use crate::machine::{Congestion, Cpus, Facts};
use crate::report::{Book, Results, Run};
use crate::scenario::{ALL, Field, Method, Scenario, Stand};

/// Runs the router beside nginx, HAProxy, a null forwarder and a hyper proxy.
#[derive(Debug, Parser)]
struct Args {
    /// Fewer and shorter rounds: a look, not a proof.
    #[arg(long)]
    quick: bool,
    /// Rounds of each race.
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds of each measured window.
    #[arg(long)]
    window: Option<f64>,
    /// Seconds of load before each window.
    #[arg(long)]
    warmup: Option<f64>,
    /// Only these contestants: switchyard, nginx, haproxy, null, hyper or names of peers.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these scenarios, and only their rows are replaced; an unknown name lists them all.
    #[arg(long = "scenario", value_delimiter = ',')]
    scenarios: Vec<String>,
    /// Whom to divide by the others.
    #[arg(long, default_value = "switchyard")]
    subject: String,
    /// One more proxy: NAME=PATH:ARGUMENTS, where {port} and {origin} are filled in.
    #[arg(long = "peer")]
    peers: Vec<Peer>,
    /// Our router; usually it lies beside this program.
    #[arg(long)]
    router: Option<PathBuf>,
    /// Our router, built with the feature `dhat-heap`.
    #[arg(long)]
    dhat_router: Option<PathBuf>,
    #[arg(long, default_value = "/usr/sbin/nginx")]
    nginx: PathBuf,
    #[arg(long, default_value = "/usr/sbin/haproxy")]
    haproxy: PathBuf,
    #[arg(long, default_value = "/usr/sbin/nats-server")]
    nats_server: PathBuf,
    /// Folder of `latest.md` and `latest.json`.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/results"))]
    out: PathBuf,
    /// The plot.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/compare.svg"))]
    svg: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(misses) if misses.is_empty() => ExitCode::SUCCESS,
        Ok(misses) => {
            eprintln!("\ncompare: {} missed:", misses.len());
            misses.iter().for_each(|miss| eprintln!("  {miss}"));
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("compare: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Gives the floors that were missed.
fn run(args: &Args) -> anyhow::Result<Vec<String>> {
    let scenarios = chosen_scenarios(&args.scenarios)?;
    let kinds = chosen_kinds(args)?;
    let book = Book::open(&args.out)?;
    let programs = programs(args, &kinds)?;
    interrupt::listen()?;
    machine::raise_descriptor_limit()?;
    let _congestion = Congestion::cubic();
    let facts = Facts::read(&[
        (&programs.nginx, "-v"),
        (&programs.haproxy, "-v"),
        (&programs.nats_server, "-v"),
        (&programs.router, "--version"),
    ]);
    let dir = tempfile::tempdir()?;
    let (stand, _origin) = stand(args, programs, dir.path())?;
    let run = Run {
        date: sources::today()?,
        commit: sources::commit(),
        method: method_in_words(&stand),
        facts,
    };
    let mut notes = Notes {
        book,
        run,
        args,
        misses: Vec::new(),
    };
    ask_all(&stand, &kinds, &scenarios, &mut notes)?;
    println!("{}", notes.book.markdown());
    Ok(notes.misses)
}

/// Where the answers of this run go.
struct Notes<'a> {
    book: Book,
    run: Run,
    args: &'a Args,
    misses: Vec<String>,
}

impl Notes<'_> {
    /// Writes down one answer at once: a run that is stopped keeps what it has found.
    fn take(&mut self, scenario: Scenario, results: Results) -> anyhow::Result<()> {
        self.misses.extend(results.misses());
        let all = ALL.map(Scenario::name);
        self.book.record(&all, scenario.name(), &self.run, results);
        self.book.write(&self.args.out, &self.args.svg)
    }
}

fn ask_all(
    stand: &Stand,
    kinds: &[Kind],
    scenarios: &[Scenario],
    notes: &mut Notes<'_>,
) -> anyhow::Result<()> {
    let mut field = Field::default();
    let ours = kinds.contains(&Kind::Switchyard);
    for scenario in scenarios {
        interrupt::check()?;
        let begin = Instant::now();
        match scenario.contestants() {
            Some(logs) => field.prepare(stand, kinds, logs)?,
            None if !ours => continue,
            None => field.clear(),
        }
        eprintln!("{}", scenario.name());
        let mut results = Results::default();
        if let Err(error) = scenario.ask(stand, &field, &mut results) {
            interrupt::check()?;
            let failure = format!("{}: {error:#}", scenario.name());
            eprintln!("  {failure}");
            results.failures.push(failure);
        }
        notes.take(*scenario, results)?;
        eprintln!("  took {:.0} s", begin.elapsed().as_secs_f64());
        if scenario.spoils_contestants() {
            field.clear();
        }
    }
    Ok(())
}

/// Starts what all contestants share.
fn stand(args: &Args, programs: Programs, dir: &Path) -> anyhow::Result<(Stand, Child)> {
    let cpus = Cpus::claim()?;
    let program = programs.ours.join("origin");
    let command = Pinned {
        name: "origin",
        cpu: cpus.rest,
        program: &program,
        args: Vec::new(),
    };
    let (origin_child, origin) = Child::listening(&command, dir)?;
    let mut bus = bus::Bus::start(cpus.rest, &programs.nats_server, dir)?;
    bus.keep_announcing(contestant::HOST, origin);
    let generator = Generator {
        program: programs.ours.join("load"),
        cpu: cpus.rest,
    };
    let (bus_port, dir) = (bus.port, dir.to_owned());
    let around = Surroundings {
        programs,
        cpus,
        origin,
        bus_port,
        dir,
    };
    let (subject, method) = (args.subject.clone(), method(args)?);
    Ok((
        Stand {
            around,
            generator,
            bus,
            subject,
            method,
        },
        origin_child,
    ))
}

fn method(args: &Args) -> anyhow::Result<Method> {
    let (rounds, warmup, window, shorten) = if args.quick {
        (3, 0.3, 1.0, 5)
    } else {
        (8, 0.4, 1.5, 1)
    };
    Ok(Method {
        rounds: args.rounds.unwrap_or(rounds).max(1),
        warmup: Duration::try_from_secs_f64(args.warmup.unwrap_or(warmup))?,
        window: Duration::try_from_secs_f64(args.window.unwrap_or(window))?,
        shorten,
    })
}

fn method_in_words(stand: &Stand) -> String {
    let Method {
        rounds,
        warmup,
        window,
        ..
    } = stand.method;
    let Cpus { proxy, rest } = stand.around.cpus;
    format!(
        "{rounds} rounds, each {} s after {} s of warm-up, order reversed every other round; proxy with one worker on \
         CPU {proxy}, everything else on CPU {rest}.",
        window.as_secs_f64(),
        warmup.as_secs_f64(),
    )
}

fn chosen_scenarios(names: &[String]) -> anyhow::Result<Vec<Scenario>> {
    for name in names {
        if !ALL.iter().any(|scenario| scenario.name() == name) {
            let all: Vec<_> = ALL.iter().map(|scenario| scenario.name()).collect();
            bail!(
                "there is no scenario {name:?}; there are {}",
                all.join(", ")
            );
        }
    }
    let is_chosen = |one: &&Scenario| names.is_empty() || names.iter().any(|n| n == one.name());
    Ok(ALL.iter().filter(is_chosen).copied().collect())
}

fn chosen_kinds(args: &Args) -> anyhow::Result<Vec<Kind>> {
    let built_in = [
        Kind::Switchyard,
        Kind::Nginx,
        Kind::Haproxy,
        Kind::Null,
        Kind::Hyper,
    ];
    let all: Vec<Kind> = built_in
        .into_iter()
        .chain(args.peers.iter().cloned().map(Kind::External))
        .collect();
    for name in args.only.iter().chain([&args.subject]) {
        if !all.iter().any(|kind| kind.name() == name) {
            bail!("there is no contestant {name:?}");
        }
    }
    let is_chosen =
        |kind: &Kind| args.only.is_empty() || args.only.iter().any(|n| n == kind.name());
    let kinds: Vec<Kind> = all.into_iter().filter(is_chosen).collect();
    if !kinds.iter().any(|kind| kind.name() == args.subject) {
        bail!("--subject {} does not take part", args.subject);
    }
    Ok(kinds)
}

fn programs(args: &Args, kinds: &[Kind]) -> anyhow::Result<Programs> {
    let ours = std::env::current_exe()?
        .parent()
        .context("a program lies in a folder")?
        .to_owned();
    let router = args
        .router
        .clone()
        .unwrap_or_else(|| ours.join("switchyard-router"));
    let (nginx, haproxy) = (args.nginx.clone(), args.haproxy.clone());
    let nats_server = args.nats_server.clone();
    let mut needed = vec![ours.join("origin"), ours.join("load"), nats_server.clone()];
    for kind in kinds {
        needed.push(match kind {
            Kind::Switchyard => router.clone(),
            Kind::Nginx => nginx.clone(),
            Kind::Haproxy => haproxy.clone(),
            Kind::Null => ours.join("null_forwarder"),
            Kind::Hyper => ours.join("hyper_proxy"),
            Kind::External(peer) => peer.program.clone(),
        });
    }
    needed.extend(args.dhat_router.clone());
    if let Some(missing) = needed.iter().find(|path| !path.exists()) {
        bail!("{} is missing", missing.display());
    }
    let router = absolute(&router)?;
    let dhat_router = args.dhat_router.as_deref().map(absolute).transpose()?;
    Ok(Programs {
        router,
        dhat_router,
        nginx,
        haproxy,
        nats_server,
        ours,
    })
}

/// Children run in folders of their own.
fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    Ok(std::path::absolute(path)?)
}
