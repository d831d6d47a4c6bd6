//! How much may be sent to whom: known before it is sent, not learnt from a
//! refusal.
//!
//! - [`window`]: a sliding minute.
//! - [`meter`]: what one deployment, or one user, has had of its minute.
//! - [`hint`]: what the endpoint itself says is left.
//! - [`observed`]: the headers and bodies that say so.

pub mod hint;
pub mod meter;
pub mod observed;
pub mod window;

pub use meter::{Free, Meter};
pub use observed::{Left, Observed};
