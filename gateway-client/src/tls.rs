//! TLS for remote endpoints: rustls with the `ring` provider and the system's
//! certificates.
//!
//! The provider is handed over rather than installed for the whole process,
//! which is the program's choice to make, not a library's.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls_platform_verifier::Verifier;

use crate::error::Cause;

/// A client configuration that trusts what this machine trusts.
///
/// # Errors
/// No certificates can be had.
pub fn system_tls() -> Result<ClientConfig, Cause> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new(Arc::clone(&provider))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// A client configuration that trusts nobody, for connections without TLS: it
/// spares reading the system's certificates, which may not even be installed.
///
/// # Errors
/// The crypto provider knows no version of TLS.
pub fn no_tls() -> Result<ClientConfig, Cause> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth())
}
