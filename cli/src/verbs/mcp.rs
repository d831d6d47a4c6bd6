//! `silk mcp`: the verbs that only read, as tools of a Model Context Protocol server on standard
//! input and output.
//!
//! A tool is another skin over the library call that its verb makes. A client names no path: what
//! is read is what the person configured. Nothing touches a board, and nothing but the cache of
//! indexes is written. What SVD, ELF and bundle say reaches a model as fields of JSON or in
//! quotes, without control characters and with secrets masked.
//!
//! ```text
//! line ─▶ rmcp ─▶ server (slots, time limit) ─▶ verbs/tools (a module each, page) ─▶ line
//!                                                  └─ workspace (index and bundle, opened again
//!                                                                when a source changed)
//! ```

mod server;
mod workspace;

use std::io::IsTerminal;
use std::sync::Arc;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::stdio_pipes;

use self::server::Server;
use self::workspace::Workspace;
use crate::args::McpArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::session::Session;

/// Serves until standard input ends.
pub(crate) fn run(session: Session, args: McpArgs) -> Outcome {
    if std::io::stdin().is_terminal() {
        session
            .ui
            .note("this speaks MCP with a program; README.md shows how to configure a client");
    }
    let workspace = Arc::new(Workspace::new(session, args.bundle));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_io()
        .enable_time()
        .build()?;
    let served = runtime.block_on(serve(workspace));
    // An answer that nobody waits for must not keep the process.
    runtime.shutdown_background();
    served
}

async fn serve(workspace: Arc<Workspace>) -> Outcome {
    // What the first question needs is made ready while the client says hello. What fails is told
    // to whoever asks.
    let early = Arc::clone(&workspace);
    tokio::task::spawn_blocking(move || early.current().map(drop));
    match Server::new(workspace).serve(stdio_pipes()).await {
        Ok(running) => match running.waiting().await {
            Ok(_) => Ok(Exit::Ok),
            Err(error) => {
                Err(Failure::new(Exit::Internal, "the server broke off").caused_by(&error))
            }
        },
        // A client that goes before it began is a clean end, too.
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(Exit::Ok),
        Err(error) => Err(Failure::new(Exit::Usage, "the client does not begin as MCP does")
            .detail(first_words(&error.to_string()))
            .hint("configure `silk mcp` as a stdio server in an MCP client")),
    }
}

/// An error may quote all that a client sent.
fn first_words(text: &str) -> String {
    text.chars().take(200).collect()
}
