//! Measures what a person waits for: a chip's description or a firmware read for the first time,
//! and what is looked up in the index of it.
//!
//! `svd`, `elf` and `defmt` read files with us and with others, in turn, in one run; `open` opens index
//! files that are there and asks them. What counts are the ratios: a shared machine changes
//! all times of a run alike.

mod clock;
mod defmt;
mod elf;
mod elf_peers;
mod error;
mod open;
mod peers;
mod process;
mod svd;
mod table;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures svd-index beside its peers, on the same files in one run.
#[derive(Debug, Parser)]
#[command(name = "benches", max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read SVD files: ours, quick-xml's bare events, svd-parser, Python's cmsis-svd and pyocd
    Svd(svd::Args),
    /// Read ELF files: ours, gimli's bare entries and rows, addr2line, probe-rs-debug
    Elf(elf::Args),
    /// Decode a defmt stream: ours, and defmt-decoder where it is given
    Defmt(defmt::Args),
    /// Open index files and ask for an address, a name, words; with --silk, as a whole process
    Open(open::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Svd(args) => svd::run(&args),
        Command::Elf(args) => elf::run(&args),
        Command::Defmt(args) => defmt::run(&args),
        Command::Open(args) => open::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                eprintln!("  {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}
