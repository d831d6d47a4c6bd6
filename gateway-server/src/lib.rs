//! The gateway over HTTP: what `silk gateway serve` runs.
//!
//! ```text
//! client ─▶ server ─▶ service: path, key, body ─▶ relay ─▶ upstream ─▶ endpoint
//!           (sockets)  (face, keys, request)       │  ▲
//!                                                  ▼  │ whom to ask, when
//!                                          gateway::policy (no sockets)
//! ```
//!
//! Which deployment is asked, in which order, and who waits for whom is decided
//! by [`gateway::policy`]. Here are the sockets: bodies are passed on as the
//! bytes that came, with light parsing beside (`wire`), and an answer that
//! breaks goes on elsewhere (`relay`).

mod access;
mod app;
mod count;
mod echo;
mod face;
mod keys;
mod metrics;
mod relay;
mod request;
mod room;
mod server;
mod service;
mod shared;
mod spend_file;
mod splice;
mod status;
mod tags;
mod tls;
mod trace;
mod upstream;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use access::{Access, End};
pub use face::Face;
pub use server::Server;
pub use shared::RedisState;
pub use spend_file::{SpendFile, SpendFileError};
pub use status::fetch_status;
pub use tls::{Tls, TlsError};

/// Takes each line of the access log.
pub type AccessLog = Arc<dyn Fn(&Access) + Send + Sync>;

/// Something that whoever runs the server should know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The state that replicas share is lost; this one goes on by its own estimate.
    SharedStateLost(gateway::shared::Lost),
    /// It is back.
    SharedStateBack,
    /// What was spent could not be written down, for this reason; it is tried on.
    SpendNotKept(String),
    /// Spans of requests did not reach their collector, for this reason.
    SpansLost(String),
}

/// Takes each notice.
pub type Notices = Arc<dyn Fn(&Notice) + Send + Sync>;

/// Tells what calendars and clocks on the wall say.
pub type Wall = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Bounds on clients, and where the access log goes.
#[derive(Clone)]
pub struct Options {
    /// The longest request body.
    pub body_bytes: usize,
    /// The most that bodies of requests, and answers in one piece, take at a time.
    pub bodies_bytes: usize,
    /// How long a request's body may take to come in.
    pub body_time: Duration,
    /// How long a request's head may take, and how long a connection may idle.
    pub head_time: Duration,
    /// The most connections at a time; more wait to be accepted.
    pub connections: usize,
    /// How long a request looks for somebody who begins its answer, where the
    /// client does not say.
    pub deadline: Duration,
    /// How long answers under way may take to end once the server is to stop.
    pub drain: Duration,
    /// How many times faster than others the clock of limits and waits runs: 1,
    /// but for rehearsals. Bounds on clients and endpoints keep to the real one.
    pub pace: u32,
    /// Which day it is, for keys that are good until one.
    pub wall: Wall,
    /// Keeps what is spent for the next process, where no Redis does. `None`:
    /// nobody does.
    pub spend: Option<Arc<SpendFile>>,
    /// `None`: no log.
    pub access_log: Option<AccessLog>,
    /// `None`: nobody is told.
    pub notices: Option<Notices>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            body_bytes: 32 * 1024 * 1024,
            bodies_bytes: 512 * 1024 * 1024,
            body_time: Duration::from_secs(60),
            head_time: Duration::from_secs(30),
            connections: 1024,
            deadline: Duration::from_secs(300),
            drain: Duration::from_secs(30),
            pace: 1,
            wall: Arc::new(SystemTime::now),
            spend: None,
            access_log: None,
            notices: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("body_bytes", &self.body_bytes).finish_non_exhaustive()
    }
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] gateway::ConfigError),
    /// The address of the state that replicas share makes no sense.
    #[error("use the address of Redis")]
    Shared(#[from] gateway::shared::Lost),
    /// A header for the collector of spans that no HTTP request can have.
    #[error("send spans with the header `{name}`: its name or value cannot stand in HTTP")]
    TracingHeader {
        /// Its name.
        name: String,
    },
    /// TLS for endpoints could not be set up.
    #[error("set up TLS")]
    Tls(#[source] gateway_client::error::Cause),
    /// Others could reach the server, and would need no key.
    #[error("serve on an address that others can reach: no key is configured")]
    Open,
    /// The socket could not be used.
    #[error("listen")]
    Listen(#[source] std::io::Error),
}
