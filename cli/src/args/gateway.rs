//! The command line of `silk gateway`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

#[derive(Debug, Subcommand)]
pub(crate) enum GatewayVerb {
    /// Show what the configuration amounts to, and refuse what makes no sense; contacts nobody
    ///
    /// `--config` names a silk.toml, a file with its [gateway] table, or LiteLLM's config.yaml.
    Check,
    /// Say where a request would go, and why; contacts nobody
    Explain(GatewayExplainArgs),
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
    /// Speak TLS to clients, with the certificates in this file (PEM, the server's own first)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The key of that certificate (PEM, without a passphrase)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
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
    /// Memory that requests and whole answers under way may take together, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub(crate) max_bodies_mib: u32,
    /// Keep what users spend in this file, so that budgets hold over a restart; in the state folder if left out
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) spend_file: Option<PathBuf>,
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

/// What the request would look like.
#[derive(Debug, Args)]
pub(crate) struct GatewayExplainArgs {
    /// What the model is wanted for: autocomplete, commit, docs, edit, refactor, explain, review,
    /// debug, architecture, embed, rerank
    #[arg(long, value_name = "TASK", value_parser = task)]
    pub(crate) task: Option<gateway::Task>,
    /// Model by name; or `auto`, `small`, `medium`, `large`
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Tag of the request; may be repeated. `!TAG`: of those without it; `&TAG`: of those that have
    /// each of these
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// What the request's client calls itself, for `tag_regex`
    #[arg(long, value_name = "TEXT")]
    pub(crate) user_agent: Option<String>,
    /// Tokens of the request
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) tokens: u64,
    /// Bound on the answer that the request names, in tokens
    #[arg(long, value_name = "N")]
    pub(crate) max_tokens: Option<u64>,
    /// It has a gap to be filled in
    #[arg(long)]
    pub(crate) fim: bool,
    /// It offers tools
    #[arg(long)]
    pub(crate) tools: bool,
    /// An answer failed its check: one tier up
    #[arg(long)]
    pub(crate) escalate: bool,
}

fn task(word: &str) -> Result<gateway::Task, String> {
    word.parse().map_err(|()| {
        let known: Vec<&str> = gateway::Task::ALL.iter().map(|task| task.as_str()).collect();
        format!("no such task; known are {}", known.join(", "))
    })
}
