//! The certificate that `silk gateway serve` shows its clients.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use gateway_server::{Tls, TlsError};

use crate::args::GatewayServeArgs;
use crate::exit::{Exit, Failure};
use crate::ui::Ui;

/// A certificate that is good for less than this is told of.
const SOON: Duration = Duration::from_secs(14 * 86_400);

/// Where a certificate and its key are.
pub(super) struct TlsFiles {
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
}

impl TlsFiles {
    /// Those that the command line names; `None`: clients speak plain HTTP.
    pub(super) fn of(args: &GatewayServeArgs) -> Option<Self> {
        let (cert, key) = (args.tls_cert.clone()?, args.tls_key.clone()?);
        Some(Self { cert, key })
    }

    /// Reads both, and says if the certificate is good for a short time only.
    ///
    /// # Errors
    /// Usage: one cannot be read, or they cannot be served with.
    pub(super) fn load(&self, ui: &Ui) -> Result<Tls, Failure> {
        let (cert, key) = (read(&self.cert)?, read(&self.key)?);
        let now = SystemTime::now();
        let tls = Tls::from_pem(&cert, &key, now).map_err(|error| self.failure(&error))?;
        let left = tls.good_until().and_then(|end| end.duration_since(now).ok());
        if let Some(left) = left.filter(|left| *left < SOON) {
            let (cert, days) = (self.cert.display(), left.as_secs() / 86_400);
            ui.warn(format!("the certificate `{cert}` expires in {days} days"));
        }
        Ok(tls)
    }

    fn failure(&self, error: &TlsError) -> Failure {
        let (cert, key) = (self.cert.display(), self.key.display());
        let (what, hint) = match error {
            TlsError::NoCertificate => (
                format!("`{cert}` holds no certificate"),
                "--tls-cert takes PEM: the server's own certificate, then those that signed it"
                    .to_owned(),
            ),
            TlsError::NoKey => (
                format!("`{key}` holds no private key"),
                "--tls-key takes PEM with a `PRIVATE KEY`".to_owned(),
            ),
            TlsError::EncryptedKey => (
                format!("`{key}` takes a passphrase"),
                format!("`openssl pkey -in {key} -out plain.pem` takes it off"),
            ),
            TlsError::WrongPair => (
                format!("`{key}` is not the key of the first certificate in `{cert}`"),
                format!(
                    "`openssl x509 -noout -pubkey -in {cert}` and `openssl pkey -pubout -in {key}` print the same if they belong together"
                ),
            ),
            TlsError::Expired { .. } => (
                format!("`{cert}` has expired"),
                "renew it, or name another by --tls-cert".to_owned(),
            ),
            TlsError::NotYet { .. } => (
                format!("`{cert}` is not good yet"),
                "see whether this machine's clock is right".to_owned(),
            ),
            _ => (
                format!("`{cert}` and `{key}` cannot be served with"),
                format!("`openssl x509 -noout -text -in {cert}` shows what is in it"),
            ),
        };
        Failure::new(Exit::Usage, what).caused_by(error).hint(hint)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot read `{}`", path.display())).caused_by(&error)
    })
}
