//! svd-index
