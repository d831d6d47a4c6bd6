//! The command line of `silk gateway`.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum GatewayVerb {
    /// Show what the configuration amounts to, and refuse what makes no sense; contacts nobody
    Check,
}
