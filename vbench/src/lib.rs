//! vbench
