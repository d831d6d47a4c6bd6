//! gateway-client
