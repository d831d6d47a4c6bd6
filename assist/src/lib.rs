//! From what is known to what is said: evidence for a question, the prompt around it, findings
//! that need no model, and the check of what a model answered.
//!
//! ```text
//! Index ──┬─▶ plan ─▶ (hil reads) ─▶ Snapshot ─▶ naming ─▶ Facts ─▶ triage ─▶ findings
//! Bundle ─┤                                                  │
//! question┴────────────────────────────▶ context ◀───────────┘
//!                                           └─▶ prompt ─▶ (gateway) ─▶ answer ─▶ verify ─▶ claims
//! ```
//!
//! [`prepare`] does all that comes before a model, [`Verifier`] what comes after. No files, no
//! network, no terminal: what is given in decides what comes out, and the same input gives the
//! same bytes.

mod catalog;
pub mod check;
pub mod clocks;
pub mod context;
mod evidence;
pub mod mask;
mod naming;
mod plan;
mod prompt;
mod readings;
pub mod tokens;
mod triage;
mod verify;
mod words;

pub use context::{Context, LeftOut};
pub use evidence::{Prepared, prepare};
pub use naming::{firmware_writes, name_snapshot};
pub use plan::{PlanError, Scope, read_plan};
pub use prompt::{Prompt, fenced};
pub use tokens::{Baseline, SourceCost, TokenBudget};
pub use triage::{Rule, rules, triage};
pub use verify::{Claim, ClaimKind, Verdict, Verifier};
