//! `silk`: true register, symbol and board facts for AI help on firmware.
//!
//! Follow a verb: [`args`] says what it takes, [`verbs`] runs it with a [`session::Session`]
//! (settings, terminal, opened index), and [`exit`] says how it ends.

mod args;
mod audit;
mod config;
mod consent;
mod exit;
mod interrupt;
mod json;
mod linker_memory;
mod project;
mod render;
mod session;
mod ui;
mod verbs;

use std::process::ExitCode;

use clap::Parser;

use args::Cli;
use exit::{Exit, Outcome};
use ui::BAD;

fn main() -> ExitCode {
    // A panic is a fault of ours. Rust's own code for it, 101, would read as "build failed".
    std::panic::catch_unwind(run).unwrap_or(Exit::Internal).into()
}

fn run() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` arrive here as well, and are no failure.
            let failed = error.use_stderr();
            // Nothing can be said where not even this can be written.
            let _ = error.print();
            return if failed { Exit::Usage } else { Exit::Ok };
        }
    };
    interrupt::watch();
    finish(verbs::run(cli))
}

fn finish(outcome: Outcome) -> Exit {
    match outcome {
        Ok(exit) => exit,
        Err(failure) => {
            if !failure.is_silent() {
                // It may quote a file, a board or an endpoint.
                let text = ui::printable(&failure.to_string());
                let rest = text.strip_prefix("error:").unwrap_or(&text);
                anstream::eprintln!("{BAD}error:{BAD:#}{rest}");
            }
            failure.exit
        }
    }
}
