//! Our reading of many vendors' files against svd-parser's.

use svd_index::Chip;

use crate::oracle;

/// Registers, or peripherals, in which the two differ, each with its reason. None is ours to mend.
const KNOWN: [(&str, &str, &str); 2] = [
    (
        "gd32vf103-pac/GD32VF103.svd",
        "DMA1.",
        "the vendor gives two base addresses, DMA0's and then its own: svd-parser takes the first, \
         we the last, and say so",
    ),
    (
        "pyocd/max32665.svd",
        "SDHC.CFG_1",
        "the vendor's field SDR104 has a bitWidth of 0: svd-parser keeps a field without bits, we \
         leave it out and say so",
    ),
];

/// Files that svd-parser refuses however they are mended.
const REFUSED: [(&str, &str); 1] =
    [("va108xx/va108xx-orig.svd", "ill-formed: a `</fields>` without its `<fields>`")];

#[test]
fn the_set_equals_svd_parser_save_for_known_differences() {
    let mut wrong = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    let files = crate::svds::files();
    for (name, path) in &files {
        let bytes = std::fs::read(path).expect("it can be read");
        let text = std::str::from_utf8(&bytes).expect("every file of the set is UTF-8");
        let theirs = oracle::theirs(text).or_else(|_| oracle::theirs(&oracle::mended(text)));
        let theirs = match theirs {
            Ok(theirs) => theirs,
            Err(_) if REFUSED.iter().any(|(refused, _)| refused == name) => continue,
            Err(error) => {
                wrong.push(format!("{name}: svd-parser refuses it: {error}"));
                continue;
            }
        };
        let (chip, _) = Chip::from_svd(&bytes).expect("it has a device");
        for difference in oracle::differences(&theirs, &oracle::ours(&chip)) {
            match KNOWN.iter().find(|(file, path, _)| file == name && difference.starts_with(path))
            {
                Some(known) => drop(seen.insert(known)),
                None => wrong.push(format!("{name}: {difference}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(files.is_empty() || seen.len() == KNOWN.len(), "only {seen:?} still differ");
}
