//! The origin as a process: prints `listening ADDRESS`, then answers until it is killed.

use std::net::SocketAddr;

use clap::Parser;

/// An HTTP/1.1 origin for benches: `/`, `/bytes/N`, `/chunked/N`, `/slow`.
#[derive(Parser)]
struct Args {
    /// Where to listen; port 0 takes any free port.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let listener = benches::poller::listen(args.listen)?;
    println!("listening {}", listener.local_addr()?);
    match benches::origin::serve(listener)? {}
}
