//! The command line: one subcommand per role.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::prices::{self, PricesCommand};
use crate::{maintenance, roles, shutdown};

/// Weir: a self-hosted, multi-tenant gateway to large language models.
#[derive(Parser)]
#[command(name = "weir", version, about)]
struct Cli {
    /// A TOML file that replaces single defaults (see `weir config`).
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Everything in one process: data plane, control plane, web admin, SQLite (the default).
    Run,
    /// The control plane: GraphQL, web admin, reports, node link; state in Postgres.
    Control,
    /// The data plane: the proxy, fed by a control plane.
    Data,
    /// Bring the database of a cluster up to date, as the role that owns it.
    Migrate,
    /// Say that the database was restored from a backup, before control planes start on it: nodes then take what it holds.
    Restored,
    /// What happens to nodes.
    Node {
        #[command(subcommand)]
        command: NodeCommand,
    },
    /// What everything costs: show it, or import new prices.
    Prices {
        #[command(subcommand)]
        command: PricesCommand,
    },
    /// Simulated providers with their own meter.
    Sandbox {
        /// Where to listen.
        #[arg(long, default_value = "127.0.0.1:8083")]
        listen: SocketAddr,
    },
    /// Print every setting with its default and its meaning.
    Config,
    /// Exit with 0 when the process on this machine is ready, for container health checks.
    Healthcheck,
}

#[derive(Subcommand)]
enum NodeCommand {
    /// A node will never come back: what it held of budgets counts as spent until `budget.suspense_after_h` has passed.
    Retire {
        /// Its id, as the web admin and the file `node` in its data directory show it.
        id: String,
    },
}

/// Parses the command line and runs the role it names.
///
/// # Errors
/// Whatever stopped the role, in a sentence for the operator.
pub fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        bail!("the TLS provider was set twice");
    }
    match cli.command.unwrap_or(Command::Run) {
        Command::Run => runtime()?.block_on(roles::run::run(Config::load(cli.config.as_deref())?)),
        Command::Control => runtime()?.block_on(roles::control::run(Config::load(cli.config.as_deref())?)),
        Command::Data => runtime()?.block_on(roles::data::run(Config::load(cli.config.as_deref())?)),
        Command::Migrate => runtime()?.block_on(maintenance::migrate(&Config::load(cli.config.as_deref())?)),
        Command::Restored => {
            runtime()?.block_on(maintenance::restored(&Config::load(cli.config.as_deref())?))
        }
        Command::Node { command: NodeCommand::Retire { id } } => {
            runtime()?.block_on(maintenance::retire(&Config::load(cli.config.as_deref())?, &id))
        }
        Command::Prices { command } => {
            runtime()?.block_on(prices::run(&Config::load(cli.config.as_deref())?, command))
        }
        Command::Sandbox { listen } => runtime()?.block_on(run_sandbox(listen)),
        Command::Config => Ok(std::io::stdout().write_all(crate::config::DEFAULTS.as_bytes())?),
        Command::Healthcheck => healthcheck(Config::load(cli.config.as_deref())?.ops.listen),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no async runtime")
}

async fn run_sandbox(listen: SocketAddr) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}; is something else running there?"))?;
    writeln!(std::io::stdout(), "simulated providers on http://{}", listener.local_addr()?)?;
    let stop = CancellationToken::new();
    let cancel = stop.clone();
    let serving = sandbox::serve(listener, sandbox::Config::default(), stop);
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return Ok(ended?),
        () = shutdown::signal() => cancel.cancel(),
    }
    Ok(serving.await?)
}

fn healthcheck(ops: SocketAddr) -> anyhow::Result<()> {
    let timeout = Duration::from_secs(3);
    let mut connection =
        TcpStream::connect_timeout(&ops, timeout).with_context(|| format!("nothing listens on {ops}"))?;
    connection.set_read_timeout(Some(timeout))?;
    connection
        .write_all(format!("GET /readyz HTTP/1.1\r\nHost: {ops}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    connection.take(4096).read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200") {
        return Ok(());
    }
    bail!("not ready: {}", answer.lines().last().unwrap_or_default())
}
