//! How much may be sent to whom: known before it is sent, not learnt from a
//! refusal.
//!
//! - [`window`]: a sliding minute.
//! - [`meter`]: what one deployment, or one user, has had of its minute.
//! - [`hint`]: what the endpoint itself says is left.
//!
//! The headers and bodies that say so are read by [`gateway_client::limits`].

pub mod hint;
pub mod meter;
pub mod window;

pub use gateway_client::limits::{Left, Observed};
pub use meter::{Free, Meter};
