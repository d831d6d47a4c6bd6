//! The file in which a gateway keeps what its users spend.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use gateway_server::{SpendFile, SpendFileError};
use sha2::{Digest, Sha256};

use crate::config::Folders;
use crate::exit::{Exit, Failure};
use crate::ui::Ui;

/// Folder in the state folder, a file for each configuration.
const FOLDER: &str = "gateway";

/// Opens `named`, or the file in the state folder that belongs to the configuration `source`.
/// Without the latter it goes on, and says so: `None`.
///
/// # Errors
/// Usage: `named` cannot be used.
pub(super) fn open(
    named: Option<&Path>,
    source: &str,
    ui: &Ui,
) -> Result<Option<Arc<SpendFile>>, Failure> {
    let opened = match named {
        Some(path) => SpendFile::open(path, SystemTime::now()).map_err(|error| {
            let hint = match &error {
                SpendFileError::Taken { .. } => {
                    "give each gateway a file of its own, or share Redis"
                }
                _ => "name a file in a folder that exists and can be written",
            };
            Failure::new(Exit::Usage, "the gateway cannot start").caused_by(&error).hint(hint)
        })?,
        None => match open_own(source) {
            Ok(file) => file,
            Err(failure) => {
                ui.warn(format!("budgets begin anew with each start (--spend-file): {failure}"));
                return Ok(None);
            }
        },
    };
    if opened.skipped() > 0 {
        let (lines, path) = (opened.skipped(), opened.path().display());
        ui.warn(format!("{path}: {lines} lines could not be read and are left out"));
    }
    Ok(Some(Arc::new(opened)))
}

fn open_own(source: &str) -> Result<SpendFile, Failure> {
    let path = own_path(source)?;
    let failed = |error: &dyn std::error::Error| {
        Failure::new(Exit::Usage, format!("cannot use {}", path.display())).caused_by(error)
    };
    let folder = path.parent().unwrap_or(&path);
    std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    SpendFile::open(&path, SystemTime::now()).map_err(|error| failed(&error))
}

/// Gateways of two configurations have users of the same names who are not the same.
fn own_path(source: &str) -> Result<PathBuf, Failure> {
    let whole = std::fs::canonicalize(source).unwrap_or_else(|_| PathBuf::from(source));
    let digest = Sha256::digest(whole.as_os_str().as_encoded_bytes());
    let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Ok(Folders::find()?.state.join(FOLDER).join(format!("spend-{name}.jsonl")))
}
