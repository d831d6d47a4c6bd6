//! Our reading of a real chip against svd-parser's.

use crate::oracle;

#[test]
fn nrf51_equals_svd_parser() {
    let bytes = std::fs::read(crate::nrf51_path()).expect("the example is in the repository");
    let text = std::str::from_utf8(&bytes).expect("it is UTF-8");
    let theirs = oracle::theirs(text).expect("svd-parser takes it");
    let ours = oracle::ours(&crate::nrf51());
    let count: usize = ours.values().map(Vec::len).sum();
    assert_eq!(count, 709, "registers of the nRF51, array elements counted");
    let differences = oracle::differences(&theirs, &ours);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
