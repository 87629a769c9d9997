//! The null forwarder as a process: prints `listening ADDRESS`, then forwards until it is killed.

use std::net::SocketAddr;

use clap::Parser;

/// Forwards bytes between clients and one origin without reading them.
#[derive(Parser)]
struct Args {
    /// Where to listen; port 0 takes any free port.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where to forward to.
    #[arg(long)]
    origin: SocketAddr,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let listener = benches::poller::listen(args.listen)?;
    println!("listening {}", listener.local_addr()?);
    match benches::null_forwarder::serve(listener, args.origin)? {}
}
