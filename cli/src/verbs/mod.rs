//! One module for each family of verbs. Each is a thin skin over a library call.

mod ask;
mod bench;
mod board;
mod check;
mod completions;
mod context;
mod crash;
mod demo;
mod diff;
mod doctor;
mod eval;
mod evidence;
mod explain;
mod flash;
mod gateway;
mod hil;
mod images;
mod index;
mod init;
mod log;
mod lookup;
mod mcp;
mod model;
mod read;
mod scan;
mod serve;
mod settings;
mod size;
mod snap;
mod tools;
mod triage;
mod r#type;
mod uses;
mod vectors;
mod write;

use crate::args::{Cli, Verb};
use crate::exit::Outcome;
use crate::session::Session;

/// Runs the verb that was asked for.
pub(crate) fn run(cli: Cli) -> Outcome {
    if let Verb::Completions { shell } = cli.verb {
        return completions::run(shell);
    }
    if let Verb::Gateway { verb } = &cli.verb {
        return gateway::run(cli.global, verb);
    }
    let mut loaded = Session::load(cli.global)?;
    let session = &mut loaded;
    match cli.verb {
        Verb::Demo(args) => demo::run(session, &args),
        Verb::Init(args) => init::run(session, &args),
        Verb::Doctor => doctor::run(session),
        Verb::Config => settings::run(session),
        Verb::Completions { shell } => completions::run(shell),
        Verb::Gateway { verb } => gateway::run(loaded.flags, &verb),
        Verb::Reg(args) => lookup::reg(session, &args),
        Verb::Addr(args) => lookup::addr(session, &args),
        Verb::Sym(args) => lookup::sym(session, &args),
        Verb::Uses(args) => uses::run(session, &args),
        Verb::Type(args) => r#type::run(session, &args),
        Verb::Size(args) => size::run(session, &args),
        Verb::Vectors(args) => vectors::run(session, &args),
        Verb::Index { verb } => index::run(session, &verb),
        Verb::Context(args) => context::run(session, &args),
        Verb::Eval(args) => eval::run(session, &args),
        Verb::Ask(args) => ask::run(session, &args),
        Verb::Explain(args) => explain::run(session, &args),
        Verb::Triage(args) => triage::run(session, &args),
        Verb::Check(args) => check::run(session, &args),
        Verb::Mcp(args) => mcp::run(loaded, args),
        Verb::Flash(args) => flash::run(session, &args),
        Verb::Erase(args) => flash::erase(session, &args),
        Verb::Reset(args) => board::reset(session, &args),
        Verb::Halt(args) => board::halt(session, &args),
        Verb::Run(args) => board::run(session, &args),
        Verb::Read(args) => read::run(session, &args),
        Verb::Write(args) => write::run(session, &args),
        Verb::Snap(args) => snap::run(session, &args),
        Verb::Diff(args) => diff::run(session, &args),
        Verb::Log(args) => log::run(session, &args),
        Verb::Hil { verb } => hil::run(session, &verb),
        Verb::Bench { verb } => bench::run(session, &verb),
    }
}
