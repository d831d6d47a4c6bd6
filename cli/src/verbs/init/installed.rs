//! Where other tools have put SVDs on this machine.

use std::path::{Path, PathBuf};

/// Folders with SVDs in them, and archives of SVDs, below the user's `home`. Those that are there.
///
/// Source: the layout of Keil MDK (`~/.arm/Packs`), PlatformIO Core 6 (`misc/svd` of a platform),
/// the device support extensions of Cortex-Debug (`data`), Cargo's registry, and pyOCD 0.36
/// (`pyocd/debug/svd/svd_data.zip` in its Python packages).
pub(super) fn places(home: &Path) -> Vec<PathBuf> {
    let mut places = vec![home.join(".arm/Packs")];
    places.extend(inside(&home.join(".platformio/platforms"), "").map(|at| at.join("misc/svd")));
    let extensions = home.join(".vscode/extensions");
    places.extend(inside(&extensions, "marus25.cortex-debug-dp-").map(|at| at.join("data")));
    for registry in inside(&home.join(".cargo/registry/src"), "") {
        places.extend(inside(&registry, "").filter(|crate_| is_access_crate(crate_)));
    }
    let libraries = ["/usr/lib", "/usr/local/lib"].map(PathBuf::from).into_iter().chain([
        home.join(".local/lib"),
        home.join(".local/pipx/venvs/pyocd/lib"),
        home.join(".local/share/pipx/venvs/pyocd/lib"),
        home.join(".local/share/uv/tools/pyocd/lib"),
    ]);
    for python in libraries.flat_map(|library| inside(&library, "python3").collect::<Vec<_>>()) {
        for packages in ["site-packages", "dist-packages"] {
            places.push(python.join(packages).join("pyocd/debug/svd/svd_data.zip"));
        }
    }
    places.retain(|place| place.exists());
    places
}

/// Peripheral access crates are called `rp2040-pac-0.6.0`; few others carry an SVD.
fn is_access_crate(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.contains("-pac-") || name.starts_with("nrf") || name.contains("-svd-")
}

/// What is in `folder` and begins with `start`, in order.
fn inside(folder: &Path, start: &str) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let begins =
        |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().starts_with(start);
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(begins).collect();
    found.sort();
    found.into_iter()
}
