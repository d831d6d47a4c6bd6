//! Where code and data come from: the Rust crate of a symbol, the source file and folder of a unit.

use super::v0;

/// Between the source file and the code generation unit in the name that rustc gives a unit.
const RUST_UNIT: &str = "/@/";

/// The Rust crate that defines what a symbol names; `None` for what is no Rust, and where the name
/// does not tell. `name` is the demangled one.
///
/// Source: rustc book, "v0 Symbol Format"; Rust reference, "Orphan rules" (`impl A for B` stands in
/// the crate of one of the two).
pub(super) fn crate_of<'a>(linkage_name: &'a str, name: &'a str) -> Option<&'a str> {
    if let Some(mangled) = linkage_name.strip_prefix("_R") {
        return v0::crate_of(mangled).or_else(|| crate_of_path(name));
    }
    let is_legacy = linkage_name.starts_with("_ZN") && has_hash(linkage_name);
    is_legacy.then(|| crate_of_path(name)).flatten()
}

/// The crate that made an instance of a generic function, as the mangled name tells; `None` where
/// it does not.
pub(super) fn instantiated_in(linkage_name: &str) -> Option<&str> {
    v0::instantiating_crate(linkage_name.strip_prefix("_R")?)
}

/// The crate of a unit that rustc made, as its name tells: `src/lib.rs/@/name.hash-cgu.0`, or what
/// stands behind `/@/` alone, as in symbol tables; else as the folder does that cargo or rustc has it
/// in.
pub(super) fn crate_of_unit(name: &str, comp_dir: &str) -> Option<String> {
    let (file, unit) = name.split_once(RUST_UNIT).unwrap_or(("", name));
    let of_unit = unit.split_once('.').filter(|(krate, rest)| {
        is_identifier(krate) && (rest.contains("-cgu.") || rest.ends_with(".rcgu.o"))
    });
    if let Some((krate, _)) = of_unit {
        return Some(krate.to_owned());
    }
    if file.is_empty() {
        return None;
    }
    let path = joined(comp_dir, file);
    let package = match (registry_path(&path), rustc_path(&path)) {
        (Some(path), _) => path.split('/').next()?,
        (_, Some(path)) => path.split('/').nth(1)?,
        _ => return None,
    };
    // A version follows the last hyphen.
    let name =
        package.rsplit_once('-').filter(|(_, v)| v.starts_with(|c: char| c.is_ascii_digit()));
    Some(name.map_or(package, |(name, _)| name).replace('-', "_"))
}

/// The source file of a unit, in few words: from cargo's registry or rustc's own sources on; from
/// the folder it was compiled in on, whose name is left out where it is `usual`.
pub(super) fn source_of(name: &str, comp_dir: &str, usual: &str) -> String {
    let file = name.split_once(RUST_UNIT).map_or(name, |(file, _)| file);
    let path = joined(comp_dir, file);
    if let Some(known) = registry_path(&path).or_else(|| rustc_path(&path)) {
        return known.to_owned();
    }
    let folder = comp_dir.trim_end_matches(['/', '\\']);
    let inside = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix(['/', '\\']));
    match inside.filter(|_| !folder.is_empty()) {
        Some(inside) if comp_dir == usual || folder == "." => inside.to_owned(),
        Some(inside) => {
            let last = folder.rsplit(['/', '\\']).next().unwrap_or_default();
            format!("{last}/{inside}")
        }
        None => path,
    }
}

/// What follows the folder of a registry: `cortex-m-0.7.7/src/lib.rs`.
fn registry_path(path: &str) -> Option<&str> {
    let (_, path) = path.split_once("/registry/src/")?;
    path.split_once('/').map(|(_, path)| path)
}

/// What follows `/rustc/HASH/`: `library/core/src/lib.rs`.
fn rustc_path(path: &str) -> Option<&str> {
    let (_, path) = path.strip_prefix("/rustc/")?.split_once('/')?;
    path.starts_with("library/").then_some(path)
}

fn joined(folder: &str, file: &str) -> String {
    let mut file = file;
    while let Some(rest) = file.strip_prefix("./") {
        file = rest;
    }
    let is_absolute = file.starts_with(['/', '\\']) || file.get(1..2) == Some(":");
    match is_absolute || folder.is_empty() {
        true => file.to_owned(),
        false => format!("{}/{file}", folder.trim_end_matches('/')),
    }
}

/// The folder of a source file with a `/` at its end.
pub(super) fn folder_of(file: &str) -> String {
    match file.rfind(['/', '\\']) {
        Some(at) => file[..=at].to_owned(),
        None => "./".to_owned(),
    }
}

/// The crate in a demangled path: of `<A as B>::f` that of `A`, or of `B` where `A` is no other
/// crate's than the standard library's.
fn crate_of_path(name: &str) -> Option<&str> {
    let Some(inner) = name.strip_prefix('<') else { return first_segment(name) };
    let (ty, of_trait) = match inner.find(" as ") {
        Some(at) => (&inner[..at], first_segment(&inner[at + 4..])),
        None => (inner, None),
    };
    match (first_segment(bare_type(ty)), of_trait) {
        (Some(own), Some(of_trait)) if is_standard(own) && !is_standard(of_trait) => Some(of_trait),
        (own, of_trait) => own.or(of_trait),
    }
}

fn bare_type(ty: &str) -> &str {
    let mut bare = ty;
    for prefix in ["&", "*const ", "*mut ", "mut ", "[", "(", "dyn ", "<"] {
        bare = bare.strip_prefix(prefix).unwrap_or(bare);
    }
    bare
}

fn first_segment(path: &str) -> Option<&str> {
    let (first, _) = path.split_once("::")?;
    is_identifier(first).then_some(first)
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn is_standard(name: &str) -> bool {
    matches!(name, "core" | "alloc" | "std")
}

/// `…17h0123456789abcdefE`, with what the linker may append behind a dot.
fn has_hash(linkage_name: &str) -> bool {
    const HASH: usize = "0123456789abcdef".len();
    linkage_name.match_indices("17h").any(|(at, start)| {
        let rest = &linkage_name.as_bytes()[at + start.len()..];
        let (Some(hash), Some(b'E')) = (rest.get(..HASH), rest.get(HASH)) else { return false };
        hash.iter().all(u8::is_ascii_hexdigit) && matches!(rest.get(HASH + 1), None | Some(b'.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elf::demangle::demangle;

    #[test]
    fn crates_of_symbols() {
        for (linkage_name, expected) in [
            ("_RNvC3foo3bar", Some("foo")),
            ("_RNvNtCs1234_7mycrate3foo3bar", Some("mycrate")),
            ("_RNvMs_NtCs4fqI2P2rA04_5krate3modNtB4_4Type6method", Some("krate")),
            ("_RNvXs1_Cs4fqI2P2rA04_5krateNtB5_4TypeNtNtCs9_4core3fmt5Debug3fmt", Some("krate")),
            ("_RINvNtCs9_4core3ptr13drop_in_placeINtNtCs8_5alloc3vec3VechEECs7_3app", Some("core")),
            ("_ZN4core3fmt5Write9write_str17h0123456789abcdefE", Some("core")),
            (
                "_ZN61_$LT$app..Led$u20$as$u20$embedded_hal..digital..OutputPin$GT$8set_high17h0123456789abcdefE",
                Some("app"),
            ),
            (
                "_ZN42_$LT$$RF$T$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE.llvm.12",
                Some("core"),
            ),
            (
                "_ZN46_$LT$core..cell..Cell$u20$as$u20$app..Peek$GT$4peek17h0123456789abcdefE",
                Some("app"),
            ),
            ("_ZN4Uart4initEj", None),
            ("main", None),
            ("_R", None),
            ("_RBB_", None),
            ("_RB_", None),
            ("_RNvC99999999999999999999foo", None),
        ] {
            let name = demangle(linkage_name);
            assert_eq!(crate_of(linkage_name, &name), expected, "{linkage_name} {name}");
        }
    }

    #[test]
    fn crates_and_sources_of_units() {
        let registry = "/home/me/.cargo/registry/src/index-1949/rp2040-hal-0.9.2";
        for (name, comp_dir, expected) in [
            ("src/main.rs/@/app.5f2c-cgu.0", "/home/me/app", Some("app")),
            ("core.8a7f-cgu.0", "", Some("core")),
            ("src/lib.rs/@/wd4aa1ko9r149fz", registry, Some("rp2040_hal")),
            ("library/alloc/src/lib.rs/@/3xyz", "/rustc/90b35a6", Some("alloc")),
            ("src/lib.rs/@/wd4aa1ko9r149fz", "/home/me/app", None),
            ("main.c", "/home/me/app", None),
            ("lib.a.b", "", None),
        ] {
            assert_eq!(crate_of_unit(name, comp_dir).as_deref(), expected, "{name}");
        }
        let usual = "/home/me/fw";
        for (name, comp_dir, expected) in [
            ("src/main.rs/@/app.5f2c-cgu.0", "/home/me/fw", "src/main.rs"),
            ("/home/me/fw/src/uart.c", "/home/me/fw", "src/uart.c"),
            ("libc/printf.c", "/build/newlib", "newlib/libc/printf.c"),
            ("./main.c", ".", "main.c"),
            ("main.c", "", "main.c"),
            ("/opt/sdk/uart.c", "/home/me/fw", "/opt/sdk/uart.c"),
            ("C:\\fw\\main.c", "D:\\build", "C:\\fw\\main.c"),
            ("library/core/src/lib.rs/@/core.1-cgu.0", "/rustc/90b35a6", "library/core/src/lib.rs"),
            ("src/lib.rs/@/x", registry, "rp2040-hal-0.9.2/src/lib.rs"),
        ] {
            assert_eq!(source_of(name, comp_dir, usual), expected);
        }
        assert_eq!(folder_of("drivers/uart.c"), "drivers/");
        assert_eq!(folder_of("uart.c"), "./");
    }
}
