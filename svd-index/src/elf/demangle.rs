//! Linker names back to the names of the source.

use cpp_demangle::{DemangleOptions, ParseOptions, Symbol};

/// Deepest nesting of a C++ name that is followed; deeper ones stay mangled.
const MAX_DEPTH: u32 = 96;

/// Longest name worth demangling: beyond it a name is damage, or no one reads it.
const MAX_LENGTH: usize = 64 * 1024;

/// The Rust or C++ name behind `linkage_name`, or the name itself if it is not mangled.
///
/// Rust names lose their hash; C++ names keep parameters and lose the return type.
pub(crate) fn demangle(linkage_name: &str) -> String {
    mangled(linkage_name).unwrap_or_else(|| linkage_name.to_owned())
}

fn mangled(name: &str) -> Option<String> {
    if !(name.starts_with("_Z") || name.starts_with("_R") || name.starts_with("__Z"))
        || name.len() > MAX_LENGTH
    {
        return None;
    }
    if let Ok(rust) = rustc_demangle::try_demangle(name) {
        return Some(format!("{rust:#}"));
    }
    let parse = ParseOptions::default().recursion_limit(MAX_DEPTH);
    let symbol = Symbol::new_with_options(name, &parse).ok()?;
    let options = DemangleOptions::new().no_return_type().recursion_limit(MAX_DEPTH);
    symbol.demangle_with_options(&options).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(linkage_name: &str, expected: &str) {
        assert_eq!(demangle(linkage_name), expected);
    }

    #[test]
    fn names_of_the_source() {
        check("main", "main");
        check("_ZN4Uart4initEj", "Uart::init(unsigned int)");
        check("_ZN4core3fmt5Write9write_str17h0123456789abcdefE", "core::fmt::Write::write_str");
        check("_RNvC3foo3bar", "foo::bar");
        check("_Z", "_Z");
        check("_ZSomething odd", "_ZSomething odd");
    }
}
