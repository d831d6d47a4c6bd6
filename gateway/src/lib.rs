//! Which model serves a task, and what happens when it cannot.
//!
//! ```text
//! Ask ─▶ table: task ─▶ tier ─▶ models ─▶ endpoints   (configuration, checked)
//!          │
//!          ▼
//!        ladder + ledger: whom to try, wait for, skip  (no sockets, no clock)
//!          │
//!          ▼
//!        driver: attempts over a Transport ─▶ Event…   (Delta, Attempt, Done, …)
//! ```
//!
//! [`policy`] is the same for many asks at a time: who may go where, who waits
//! for whom; [`shared`] is what several gateways know together.
//!
//! The rules ([`ladder`], [`ledger`]) take the time as an argument and give
//! decisions back, so each is tested with a made-up clock. The [`driver`] only
//! carries decisions out. Nothing here reads the environment or a file: the
//! program hands over a [`GatewayConfig`] with its keys filled in.
//!
//! No request leaves, and no name is looked up, for an endpoint off this
//! machine without [`Consent`].

pub mod clock;
pub mod config;
pub mod consent;
pub mod cooldown;
pub mod discover;
pub mod driver;
pub mod event;
pub mod health;
pub mod ladder;
pub mod latency;
pub mod ledger;
pub mod limits;
pub mod outcome;
pub mod policy;
pub mod shared;
pub mod table;

pub use clock::{Clock, Moment, TokioClock};
pub use config::{EndpointConfig, GatewayConfig, ModelRef, Models, Task, Tier, Timeouts};
pub use consent::Consent;
pub use cooldown::Cooldown;
pub use discover::{Engine, EngineKind, EngineState, Place, discover, fetch_missing_models};
pub use driver::{Ask, AskStream, Gateway};
pub use event::{AskError, Event, WaitReason};
pub use outcome::{Attempt, Outcome};
pub use policy::Policy;
pub use table::{ConfigError, Route, Table};
