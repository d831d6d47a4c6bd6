//! How `silk` talks to a model: wire types and a streaming client for endpoints
//! that speak OpenAI's protocol or Anthropic's.
//!
//! One request to one endpoint, nothing more: which endpoint to ask, and what
//! to do when it cannot serve, is decided in `gateway`. The pieces, in the
//! order a request meets them:
//!
//! ```text
//! Prompt ─▶ ChatRequest ─▶ Transport ─▶ EventStream ─▶ Delta… Usage? Finish
//!           (+ model)      (HttpTransport,              (or one ClientError,
//!                           or a test's own)             never a silent end)
//! ```
//!
//! - [`chat`]: what is sent, and how it is written on the wire.
//! - [`endpoint`]: where it is sent, and whether that is this machine.
//! - [`transport`]: the seam; [`http`] is the real one, which can ask for embeddings, too.
//! - [`event`]: what comes back; `decode` turns wire chunks into it.
//! - [`error`]: what can go wrong, told apart as routing needs it.
//! - [`secret`]: keys that cannot be printed.
//! - [`headers`], [`limits`], [`retry_after`] and [`refused`]: what is said besides
//!   the bodies, for whoever speaks HTTP itself, as the gateway's server does;
//!   [`tls`] is what it trusts.
//! - [`wire`]: what events, answers and requests of both dialects mean.

pub mod chat;
mod decode;
pub mod endpoint;
pub mod error;
pub mod event;
mod headers;
pub mod http;
pub mod limits;
mod proxy;
mod refusal;
pub mod retry_after;
pub mod secret;
pub mod tls;
pub mod transport;
pub mod wire;

pub use chat::{ChatRequest, Message, Prompt, Role, Tool, ToolCall};
pub use endpoint::{Dialect, Endpoint, EndpointError};
pub use error::{ClientError, DeadlineKind};
pub use event::{FinishReason, StreamEvent, ToolCallDelta, Usage};
pub use headers::headers;
pub use http::{HttpOptions, HttpTransport};
pub use limits::Observed;
pub use proxy::Proxy;
pub use refusal::{clean, refused};
pub use secret::Secret;
pub use transport::{Answered, Deadlines, EventStream, Failed, ModelEntry, ModelList, Transport};
