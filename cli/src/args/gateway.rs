//! The command line of `silk gateway`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

#[derive(Debug, Subcommand)]
pub(crate) enum GatewayVerb {
    /// Show what the configuration amounts to, and refuse what makes no sense; contacts nobody
    Check,
    /// Serve OpenAI's and Anthropic's APIs over the configured endpoints
    ///
    /// `--config` names LiteLLM's config.yaml or a TOML file with a `[gateway]` table; without it
    /// the project's silk.toml counts.
    Serve(GatewayServeArgs),
    /// Show what a running gateway is doing: endpoints, limits left, who waits, spend
    Status(GatewayStatusArgs),
}

#[derive(Debug, Args)]
pub(crate) struct GatewayServeArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:4000")]
    pub(crate) listen: SocketAddr,
    /// Serve without any key on an address that others can reach
    #[arg(long)]
    pub(crate) allow_open: bool,
    /// Use the endpoints of silk.toml that are not on this machine
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// Append a line of JSON for each request, without what was said; `-` is stderr
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) access_log: Option<PathBuf>,
    /// Longest request that is taken, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) max_body_mib: u16,
    /// Seconds that answers under way may take to end once a signal came
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) drain: u64,
}

#[derive(Debug, Args)]
pub(crate) struct GatewayStatusArgs {
    /// Address of the gateway
    #[arg(long, default_value = "http://127.0.0.1:4000", value_hint = ValueHint::Url)]
    pub(crate) url: String,
    /// Environment variable that holds its master key
    #[arg(long, value_name = "NAME", default_value = "SILK_GATEWAY_KEY")]
    pub(crate) key_env: String,
    /// Show it again every so many seconds, until Ctrl-C
    #[arg(long, value_name = "SECONDS")]
    pub(crate) watch: Option<u64>,
}
