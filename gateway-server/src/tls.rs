//! TLS towards clients: rustls with the `ring` provider, as towards endpoints.
//!
//! Whoever speaks plain HTTP to a port with TLS is told so in plain HTTP, which
//! is what its library can show; everything else that is no handshake is left to
//! rustls to refuse.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use gateway_client::Dialect;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::face::Refused;

/// The most that is read of a plain request before it is told no.
const PLAIN_BYTES: usize = 16 * 1024;

/// The word for a client that hung up before it said anything.
const GONE: &str = "gone";

/// How long whoever is told no may take to read it.
const PLAIN_TIME: Duration = Duration::from_secs(1);

/// A server's certificate, with its key.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    good_until: Option<SystemTime>,
}

/// Why a certificate and a key cannot be served with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// No `CERTIFICATE` in the PEM text.
    #[error("find a certificate: there is no `-----BEGIN CERTIFICATE-----`")]
    NoCertificate,
    /// No private key in the PEM text.
    #[error("find a private key: there is no `-----BEGIN PRIVATE KEY-----`")]
    NoKey,
    /// The key takes a passphrase.
    #[error("use the private key: it is encrypted with a passphrase")]
    EncryptedKey,
    /// What should be PEM is not.
    #[error("read PEM")]
    NoPem(#[source] pem::Error),
    /// The key is another's than the first certificate's.
    #[error("use the private key: it is not that of the first certificate")]
    WrongPair,
    /// The certificate's time is over.
    #[error("use the certificate: it expired on {}", day(*.ended))]
    Expired {
        /// When.
        ended: SystemTime,
    },
    /// The certificate's time has not come yet, or this machine's clock is wrong.
    #[error("use the certificate: it is not good before {}", day(*.begins))]
    NotYet {
        /// When it will be.
        begins: SystemTime,
    },
    /// Anything else that rustls finds wrong with them.
    #[error("use the certificate and its key")]
    Unusable(#[source] Error),
}

impl Tls {
    /// Reads PEM: the server's own certificate, then those that signed it, and
    /// the server's key (PKCS #8, PKCS #1 or SEC 1). `wall` is now, by the
    /// calendar.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn from_pem(certificates: &[u8], key: &[u8], wall: SystemTime) -> Result<Self, TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.map_err(TlsError::NoPem)?;
        let own = chain.first().ok_or(TlsError::NoCertificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            pem::Error::NoItemsFound if is_encrypted(key) => TlsError::EncryptedKey,
            pem::Error::NoItemsFound => TlsError::NoKey,
            error => TlsError::NoPem(error),
        })?;
        let good_until = check_time(own, wall)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| match error {
                Error::InconsistentKeys(_) => TlsError::WrongPair,
                error => TlsError::Unusable(error),
            })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), good_until })
    }

    /// The last moment at which the server's own certificate is good; `None`:
    /// it does not say.
    pub fn good_until(&self) -> Option<SystemTime> {
        self.good_until
    }

    /// Shakes hands with a client.
    ///
    /// # Errors
    /// The word for why not: it spoke plain HTTP, was late, or could not agree.
    pub(crate) async fn accept(
        &self,
        socket: TcpStream,
        within: Duration,
    ) -> Result<TlsStream<TcpStream>, &'static str> {
        let shaken = async {
            let mut first = [0];
            socket.peek(&mut first).await.map_err(|_| GONE)?;
            if !first[0].is_ascii_alphabetic() {
                return self.acceptor.accept(socket).await.map_err(|_| "refused");
            }
            // A client that is gone need not be told.
            let _ = tell_plain(socket).await;
            Err("plain_http")
        };
        tokio::time::timeout(within, shaken).await.unwrap_or(Err("late"))
    }
}

/// PKCS #8 and the older form of OpenSSL's own say so in different places.
fn is_encrypted(key: &[u8]) -> bool {
    let has = |words: &[u8]| memchr::memmem::find(key, words).is_some();
    has(b"BEGIN ENCRYPTED PRIVATE KEY") || has(b"Proc-Type: 4,ENCRYPTED")
}

/// Holds the time in which `certificate` is good against `wall`, and gives its
/// end.
fn check_time(
    certificate: &CertificateDer<'_>,
    wall: SystemTime,
) -> Result<Option<SystemTime>, TlsError> {
    let parsed = ParsedCertificate::try_from(certificate).map_err(TlsError::Unusable)?;
    // rustls tells of the time first, whoever signed it: of a time long past the
    // beginning, of one far ahead the end.
    let at = |time: Duration| {
        let nobody = RootCertStore::empty();
        let time = UnixTime::since_unix_epoch(time);
        verify_server_cert_signed_by_trust_anchor(&parsed, &nobody, &[], time, &[])
    };
    let moment = |time: UnixTime| SystemTime::UNIX_EPOCH + Duration::from_secs(time.as_secs());
    if let Err(Error::InvalidCertificate(CertificateError::NotValidYetContext {
        not_before, ..
    })) = at(Duration::ZERO)
        && moment(not_before) > wall
    {
        return Err(TlsError::NotYet { begins: moment(not_before) });
    }
    let far = Duration::from_secs(i64::MAX.unsigned_abs());
    match at(far) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            match moment(not_after) {
                ended if ended < wall => Err(TlsError::Expired { ended }),
                end => Ok(Some(end)),
            }
        }
        _ => Ok(None),
    }
}

/// Tells a client that does not speak TLS, once it has said what it wants: a
/// connection that is closed on words unread is reset, and the answer lost.
async fn tell_plain(mut socket: TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while head.len() < PLAIN_BYTES && memchr::memmem::find(&head, b"\r\n\r\n").is_none() {
        if socket.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let refused = Refused::new(400, "https_needed", "this port speaks TLS: ask it by https://");
    let body = refused.body(Dialect::OpenAi).to_string();
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    socket.write_all(answer.as_bytes()).await?;
    socket.shutdown().await?;
    let rest = async {
        let mut unread = [0; 4096];
        while socket.read(&mut unread).await? > 0 {}
        Ok::<_, io::Error>(())
    };
    tokio::time::timeout(PLAIN_TIME, rest).await.unwrap_or(Ok(()))
}

fn day(moment: SystemTime) -> String {
    DateTime::<Utc>::from(moment).to_rfc3339_opts(SecondsFormat::Secs, true)
}
