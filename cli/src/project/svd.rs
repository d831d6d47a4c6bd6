//! Register maps: in the project, and in the CMSIS packs that this user has installed.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use svd_index::SvdSource;

use super::{chip, tree};

/// Vendor / pack / version / folders of the pack's own choice.
const PACK_DEPTH: usize = 6;

/// Among `svds`, those that fit `chip` best; several if they fit equally well (two cores).
pub(super) fn best<'a>(svds: &'a [PathBuf], chip: &str) -> Vec<&'a PathBuf> {
    let fit = |path: &Path| chip::fits(&path.file_stem()?.to_string_lossy(), chip);
    let most = svds.iter().filter_map(|path| fit(path)).max();
    match most {
        Some(most) => svds.iter().filter(|path| fit(path) == Some(most)).collect(),
        None => Vec::new(),
    }
}

/// The installed SVDs that fit `chip` best. Of the versions of one pack, the newest.
pub(super) fn installed(roots: &[PathBuf], chip: &str) -> Vec<PathBuf> {
    let (archives, folders): (Vec<&PathBuf>, Vec<&PathBuf>) =
        roots.iter().partition(|root| root.is_file());
    let mut svds: Vec<PathBuf> = folders
        .into_iter()
        .flat_map(|root| {
            let files = tree::files(root, PACK_DEPTH);
            tree::with_extension(&files, &["svd"]).cloned().collect::<Vec<_>>()
        })
        .collect();
    svds.sort_by_key(|path| Reverse(version_key(path)));
    let mut newest: Vec<PathBuf> = Vec::new();
    for path in best(&svds, chip) {
        if !newest.iter().any(|known| known.file_name() == path.file_name()) {
            newest.push(path.clone());
        }
    }
    if newest.is_empty() {
        newest.extend(archives.into_iter().filter_map(|archive| in_archive(archive, chip)));
    }
    newest
}

/// The SVD for `chip` in an archive, as [`SvdSource::spelled`] reads it.
fn in_archive(archive: &Path, chip: &str) -> Option<PathBuf> {
    let source = SvdSource { chip: Some(chip.to_owned()), ..SvdSource::from(archive.to_owned()) };
    let member = source.chosen().ok()??;
    Some(PathBuf::from(format!("{}:{member}", archive.display())))
}

/// Orders paths so that `1.10.0` comes after `1.9.0`: numbers by value, the rest as text.
fn version_key(path: &Path) -> Vec<(u64, String)> {
    let text = path.to_string_lossy();
    let mut key = vec![(0_u64, String::new())];
    for c in text.chars() {
        let last = key.last_mut().expect("it starts with one part and only grows");
        match c.to_digit(10) {
            Some(digit) if last.1.is_empty() => {
                last.0 = last.0.saturating_mul(10).saturating_add(u64::from(digit));
            }
            Some(digit) => key.push((u64::from(digit), String::new())),
            None => last.1.push(c),
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_wins_and_equals_stay() {
        let svds: Vec<PathBuf> = [
            "STM32F40x.svd",
            "STM32F405.svd",
            "STM32F407.svd",
            "H/STM32H745_CM4.svd",
            "H/STM32H745_CM7.svd",
        ]
        .into_iter()
        .map(PathBuf::from)
        .collect();
        let best = |chip| -> Vec<String> {
            super::best(&svds, chip).into_iter().map(|path| path.display().to_string()).collect()
        };
        assert_eq!(best("STM32F405RGTx"), ["STM32F405.svd"]);
        assert_eq!(best("STM32F401RETx"), ["STM32F40x.svd"]);
        assert_eq!(best("STM32H745ZITx"), ["H/STM32H745_CM4.svd", "H/STM32H745_CM7.svd"]);
        assert_eq!(best("nRF51822_xxAA"), Vec::<String>::new());
    }

    #[test]
    fn versions_are_compared_by_number() {
        let key = |text: &str| version_key(Path::new(text));
        assert!(key("a/1.10.0/x.svd") > key("a/1.9.9/x.svd"));
        assert!(key("a/2.0.0/x.svd") > key("a/1.10.0/x.svd"));
        assert_eq!(key("a1"), key("a1"));
    }
}
