//! One request on its way: attempts until an answer begins, the answer as it
//! flows, and what is done when it breaks.
//!
//! ```text
//! job::Job ─▶ attempt ─▶ Plain bytes                              (whole, checked)
//!              │  ▲ └──▶ Source: bytes held until the first event
//!              │  └ next deployment, as the policy says
//!              ▼
//!            body::Relay ─ bytes pass ─ breaks? ─▶ resume ─▶ goes on elsewhere
//! ```

mod attempt;
mod body;
mod job;
mod reader;
mod resume;

pub(crate) use attempt::Answer;
pub(crate) use body::Relay;
pub(crate) use job::{Hints, Job, need, refusal_for, whole_seconds};
