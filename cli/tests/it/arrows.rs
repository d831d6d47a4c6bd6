//! The arrows between our crates are those of docs/ARCHITECTURE.md, and no new one appears
//! unnoticed.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Who may import whom. Development dependencies do not count: tests may look across.
const ARROWS: &[(&str, &[&str])] = &[
    ("assist", &["bundle", "svd-index"]),
    ("benches", &["svd-index", "hil"]),
    ("bundle", &[]),
    ("gateway", &["gateway-client"]),
    ("gateway-client", &[]),
    ("gateway-server", &["gateway", "gateway-client"]),
    ("hil", &["bundle", "vbench"]),
    ("scripted-provider", &[]),
    (
        "silkscreen",
        &[
            "assist",
            "bundle",
            "gateway",
            "gateway-client",
            "gateway-server",
            "hil",
            "svd-index",
            "vbench",
        ],
    ),
    ("svd-index", &[]),
    ("vbench", &[]),
];

/// The only crates that may know probe-rs, which takes minutes to build: the one that drives
/// probes, and the benches, which measure beside it.
const PROBE_RS_USERS: [&str; 2] = ["hil", "benches"];

/// Our packages with the names of what each imports, as `cargo metadata` tells them.
///
/// The crate `cargo_metadata` would do this too, but it turns on features of serde that nothing
/// else needs, and so has every dependency built twice.
fn imports() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let normal = dependencies.filter(|dependency| dependency["kind"].is_null());
            (name(package), normal.map(name).collect())
        })
        .collect()
}

#[test]
fn no_crate_imports_against_the_arrows() {
    let imports = imports();
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ARROWS.iter().map(|(from, to)| (*from, to.iter().copied().collect())).collect();
    let ours: BTreeSet<&str> = imports.keys().map(String::as_str).collect();
    assert_eq!(ours, allowed.keys().copied().collect(), "crates");
    for (package, imported) in &imports {
        for name in imported.iter().map(String::as_str) {
            let is_allowed = !ours.contains(name) || allowed[package.as_str()].contains(name);
            assert!(is_allowed, "new arrow: {package} → {name}");
            let drives_probes = name.starts_with("probe-rs");
            assert!(
                !drives_probes || PROBE_RS_USERS.contains(&package.as_str()),
                "{package} imports {name}"
            );
        }
    }
}

#[test]
fn every_allowed_arrow_is_used() {
    let imports = imports();
    for (from, to) in ARROWS {
        for to in *to {
            let used = imports[*from].iter().any(|name| name == to);
            assert!(used, "{from} no longer imports {to}: take the arrow out");
        }
    }
}
