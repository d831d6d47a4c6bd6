//! A model provider on loopback that misbehaves as told. For tests only.
//!
//! Each chat request gets the next [`Reply`] of the script, the last one again
//! and again. Every request is recorded with its time, so that a test can say
//! who was asked, when, with what, and whether the client hung up:
//!
//! ```
//! use scripted_provider::{Provider, Reply};
//! let provider = Provider::start([
//!     Reply::error(429, "slow down").header("retry-after", "3"),
//!     Reply::answer("It is the baud rate."),
//! ])?;
//! // … point a client at provider.url() …
//! assert!(provider.chats().is_empty());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Plain threads and sockets, no runtime: it works in any test, whatever that
//! test does with time, and shares no code with the client it judges.

mod reply;
mod server;
mod tunnel;

pub use reply::Reply;
pub use server::{Provider, Request, Setup};
pub use tunnel::TunnelProxy;
