//! The load generator as a process: a report as one line of JSON on stdout.
//!
//! With `--edges` it also prints `begin` and `end` as the measured window does, so that whoever started it can read
//! the CPU time of a proxy at these moments.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU64;
use std::time::Duration;

use benches::load::{self, Closed, Edge, Open, Target};
use clap::{Args, Parser, Subcommand};

/// A light HTTP/1.1 load generator on one thread.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Subcommand)]
enum Mode {
    /// A new request for each answer: how much is carried?
    Closed {
        #[command(flatten)]
        target: TargetArgs,
        #[command(flatten)]
        window: WindowArgs,
        /// Requests on their way on each connection.
        #[arg(long, default_value_t = 1)]
        pipeline: usize,
        /// End early, after this many answers.
        #[arg(long)]
        requests: Option<u64>,
    },
    /// Requests at fixed times: how long does an answer take?
    Open {
        #[command(flatten)]
        target: TargetArgs,
        #[command(flatten)]
        window: WindowArgs,
        /// Requests for each second.
        #[arg(long)]
        rate: f64,
    },
    /// Used once, then held open until stdin ends: prints `begin`, and at the end how many are alive.
    Idle {
        #[command(flatten)]
        target: TargetArgs,
        /// Connections to hold.
        #[arg(long, default_value_t = 10_000)]
        connections: usize,
    },
}

#[derive(Args)]
struct TargetArgs {
    /// Address of the proxy.
    #[arg(long)]
    target: SocketAddr,
    /// The Host field.
    #[arg(long, default_value = "bench.example.com")]
    host: String,
    /// The request target.
    #[arg(long, default_value = "/")]
    path: String,
    /// Upload this many bytes with each request.
    #[arg(long, default_value_t = 0)]
    upload_bytes: usize,
    /// Connect from this address; may be repeated.
    #[arg(long = "source")]
    sources: Vec<IpAddr>,
}

#[derive(Args)]
struct WindowArgs {
    /// Connections.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Seconds before the window.
    #[arg(long, default_value_t = 1.0)]
    warmup: f64,
    /// Seconds of the window.
    #[arg(long, default_value_t = 5.0)]
    window: f64,
    /// Print `begin` and `end`.
    #[arg(long)]
    edges: bool,
}

fn main() -> anyhow::Result<()> {
    // The open loop waits for microseconds; the usual slack of a timer is fifty.
    rustix::thread::set_current_timer_slack(NonZeroU64::new(1_000))?;
    match Arguments::parse().mode {
        Mode::Closed {
            target,
            window,
            pipeline,
            requests,
        } => {
            let plan = Closed {
                connections: window.connections,
                pipeline,
                warmup: Duration::try_from_secs_f64(window.warmup)?,
                window: Duration::try_from_secs_f64(window.window)?,
                requests,
            };
            let report = load::closed(&target.into(), &plan, &mut window.teller())?;
            println!("{}", serde_json::to_string(&report)?);
        }
        Mode::Open {
            target,
            window,
            rate,
        } => {
            let plan = Open {
                connections: window.connections,
                rate,
                warmup: Duration::try_from_secs_f64(window.warmup)?,
                window: Duration::try_from_secs_f64(window.window)?,
            };
            let report = load::open(&target.into(), &plan, &mut window.teller())?;
            println!("{}", serde_json::to_string(&report)?);
        }
        Mode::Idle {
            target,
            connections,
        } => {
            let held = load::hold(&target.into(), connections)?;
            println!("begin");
            std::io::stdin().read_to_end(&mut Vec::new())?;
            println!(
                "{}",
                serde_json::json!({ "connections": connections, "alive": held.alive() })
            );
        }
    }
    Ok(())
}

impl WindowArgs {
    fn teller(&self) -> impl FnMut(Edge) + use<> {
        let told = self.edges;
        move |edge| {
            if told {
                let word = match edge {
                    Edge::Begin => "begin",
                    Edge::End => "end",
                };
                let mut out = std::io::stdout().lock();
                // Whoever does not read the edges any more will not read the report either.
                writeln!(out, "{word}").and_then(|()| out.flush()).ok();
            }
        }
    }
}

impl From<TargetArgs> for Target {
    fn from(args: TargetArgs) -> Self {
        let TargetArgs {
            target: addr,
            host,
            path,
            upload_bytes,
            sources,
        } = args;
        Self {
            addr,
            host,
            path,
            upload_bytes,
            sources,
        }
    }
}
