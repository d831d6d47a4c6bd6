//! The SVD files of many vendors, which are not ours to commit.
//!
//! `.ci/svds/fetch FOLDER` gets them out of pinned packages; `SILK_TEST_SVDS=FOLDER` gives them
//! to the tests.

use std::path::{Path, PathBuf};

/// Every file of the set, by name; empty, with the reason printed, where there is no set.
pub(crate) fn files() -> Vec<(String, PathBuf)> {
    let Some(folder) = std::env::var_os("SILK_TEST_SVDS") else {
        let why = "SILK_TEST_SVDS names no folder (see .ci/svds/fetch)";
        assert!(std::env::var_os("SILK_REQUIRE_PARTS").is_none(), "{why}");
        eprintln!("skipped: {why}");
        return Vec::new();
    };
    let folder = PathBuf::from(folder);
    let mut files = Vec::new();
    collect(&folder, &folder, &mut files);
    files.sort();
    assert!(!files.is_empty(), "no SVD in {}", folder.display());
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) {
    let entries = std::fs::read_dir(folder).expect("SILK_TEST_SVDS is a folder that can be read");
    for entry in entries {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if path.extension().is_some_and(|kind| kind == "svd" || kind == "xml") {
            let name = path.strip_prefix(root).expect("it is below").to_string_lossy();
            files.push((name.replace('\\', "/"), path));
        }
    }
}
