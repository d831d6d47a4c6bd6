//! The arrows between our crates are those of docs/ARCHITECTURE.md, and no new one appears
//! unnoticed.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Who may import whom. Development dependencies do not count: tests may look across.
const ARROWS: &[(&str, &[&str])] = &[
    ("assist", &["bundle", "svd-index"]),
    ("bundle", &[]),
    ("gateway", &["gateway-client"]),
    ("gateway-client", &[]),
    ("hil", &["bundle", "vbench"]),
    ("scripted-provider", &[]),
    (
        "silkscreen",
        &["assist", "bundle", "gateway", "gateway-client", "hil", "svd-index", "vbench"],
    ),
    ("svd-index", &[]),
    ("vbench", &[]),
];

/// The only crate that may know probe-rs, which takes minutes to build.
const PROBE_RS_USER: &str = "hil";

#[test]
fn no_crate_imports_against_the_arrows() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let ours: BTreeSet<String> =
        metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ARROWS.iter().map(|(from, to)| (*from, to.iter().copied().collect())).collect();
    assert_eq!(ours, allowed.keys().map(|name| (*name).to_owned()).collect(), "crates");
    for package in &metadata.packages {
        let arrows = &allowed[package.name.as_str()];
        let normal = package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal);
        for dependency in normal {
            let name = dependency.name.as_str();
            let is_ours = ours.contains(name);
            assert!(!is_ours || arrows.contains(name), "new arrow: {} → {name}", package.name);
            let drives_probes = name.starts_with("probe-rs");
            assert!(
                !drives_probes || package.name.as_str() == PROBE_RS_USER,
                "{} imports {name}",
                package.name
            );
        }
    }
}

#[test]
fn every_allowed_arrow_is_used() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    for (from, to) in ARROWS {
        let package = metadata.packages.iter().find(|p| p.name.as_str() == *from).unwrap();
        for to in *to {
            let used = package.dependencies.iter().any(|d| d.name == *to);
            assert!(used, "{from} no longer imports {to}: take the arrow out");
        }
    }
}
