//! `weir-bench`: a bare proxy, a fast provider and a load generator, to measure Weir against.
//!
//! Invariant: each subcommand is one thread, so that a core given to it is all it can use.

mod floor;
mod listen;
mod load;
mod mock;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use http::uri::Authority;
use tokio::net::TcpListener;

/// The same allocator as Weir's, so that it is no part of the difference.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "weir-bench", about = "What Weir is measured with")]
struct Arguments {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Subcommand)]
enum Tool {
    /// A proxy that does nothing but pass on: the least that one can cost.
    Floor {
        /// Where it listens.
        #[arg(long)]
        listen: SocketAddr,
        /// `host:port` that it passes on to.
        #[arg(long)]
        upstream: Authority,
    },
    /// A provider that answers at once: chat completions and messages.
    Mock {
        /// Where it listens.
        #[arg(long)]
        listen: SocketAddr,
    },
    /// Asks, and prints what it saw as one JSON object.
    Load(load::Plan),
}

fn main() -> ExitCode {
    let done = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime does not start")
        .and_then(|runtime| runtime.block_on(run(Arguments::parse().tool)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "weir-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(tool: Tool) -> anyhow::Result<()> {
    match tool {
        Tool::Floor { listen, upstream } => floor::run(bound(listen).await?, upstream).await,
        Tool::Mock { listen } => mock::run(bound(listen).await?).await,
        Tool::Load(plan) => {
            let seen = load::run(plan).await?;
            writeln!(std::io::stdout(), "{seen}").context("the result cannot be written")
        }
    }
}

async fn bound(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{address} cannot be listened on"))
}
