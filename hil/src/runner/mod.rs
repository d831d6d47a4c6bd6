//! Running firmware to an end: what stops it, what it says meanwhile, and the tests inside it.
//!
//! ```text
//! TestImage (ELF) ─▶ EmbeddedTest ─▶ Board::run_until_end ─▶ End
//!                                          └ Listener: RTT, defmt, semihosting, UART
//! ```

mod end;
mod rtt;
mod tests;

pub use end::{Listener, RunOptions, Said};
pub use tests::{EmbeddedTest, TestImage};
