//! Crates in the names that rustc gives to symbols since its format v0.
//!
//! Demanglers print what a name stands for and leave out who made an instance of it, so the names
//! are read here as far as crates are concerned. `mangled` is what follows `_R`.
//!
//! Source: rustc book, "v0 Symbol Format"; RFC 2603.

/// How many references of a name to an earlier part of it are followed.
const MAX_REFERENCES: usize = 16;

/// Deepest nesting that is followed.
const MAX_DEPTH: usize = 128;

/// The crate that the path of a name starts with.
pub(super) fn crate_of(mangled: &str) -> Option<&str> {
    crate_at(mangled, 0)
}

/// The crate behind the path: the one that instantiated it. Only instances of generic code have
/// one.
pub(super) fn instantiating_crate(mangled: &str) -> Option<&str> {
    let mut cursor = Cursor { bytes: mangled.as_bytes(), at: 0, depth: 0 };
    cursor.path()?;
    // What a linker or LLVM appends is no path.
    if !matches!(cursor.peek()?, b'C' | b'B') {
        return None;
    }
    crate_at(mangled, cursor.at)
}

/// Follows the path at `at` to its crate.
fn crate_at(mangled: &str, mut at: usize) -> Option<&str> {
    let bytes = mangled.as_bytes();
    let mut references = 0;
    for _ in 0..bytes.len() {
        match *bytes.get(at)? {
            // In a namespace; with generic arguments.
            b'N' => at += 2,
            b'I' => at += 1,
            // In an inherent or a trait's implementation, which has a path of its own.
            b'M' | b'X' => at = after_disambiguator(bytes, at + 1)?,
            b'C' => return identifier(mangled, after_disambiguator(bytes, at + 1)?),
            b'B' if references < MAX_REFERENCES => {
                references += 1;
                at = base_62(bytes, at + 1)?.0;
            }
            _ => return None,
        }
    }
    None
}

fn after_disambiguator(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b's' => Some(base_62(bytes, at + 1)?.1),
        _ => Some(at),
    }
}

/// A base-62 number and where it ends: `_` is 0, `0_` is 1.
fn base_62(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut number = 0_usize;
    if bytes.get(at) == Some(&b'_') {
        return Some((0, at + 1));
    }
    loop {
        let digit = match *bytes.get(at)? {
            b'_' => return Some((number.checked_add(1)?, at + 1)),
            digit @ b'0'..=b'9' => digit - b'0',
            digit @ b'a'..=b'z' => digit - b'a' + 10,
            digit @ b'A'..=b'Z' => digit - b'A' + 36,
            _ => return None,
        };
        number = number.checked_mul(62)?.checked_add(digit.into())?;
        at += 1;
    }
}

fn identifier(mangled: &str, at: usize) -> Option<&str> {
    let rest = mangled.get(at..)?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let length: usize = rest[..digits].parse().ok()?;
    let text = rest[digits..].strip_prefix('_').unwrap_or(&rest[digits..]);
    text.get(..length)
}

/// Passes over the parts of a name; `None` where it is none.
struct Cursor<'m> {
    bytes: &'m [u8],
    at: usize,
    depth: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, wanted: u8) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    /// What is inside of something else.
    fn nested(&mut self, inner: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let passed = inner(self);
        self.depth -= 1;
        passed
    }

    /// Items up to the `E` that ends them.
    fn list(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        while !self.take(b'E') {
            item(self)?;
        }
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        self.at = base_62(self.bytes, self.at)?.1;
        Some(())
    }

    fn disambiguator(&mut self) -> Option<()> {
        self.at = after_disambiguator(self.bytes, self.at)?;
        Some(())
    }

    fn name(&mut self) -> Option<()> {
        self.take(b'u');
        let start = self.at;
        while self.peek()?.is_ascii_digit() {
            self.at += 1;
        }
        let digits = std::str::from_utf8(&self.bytes[start..self.at]).ok()?;
        let length: usize = digits.parse().ok()?;
        self.take(b'_');
        self.at = self.at.checked_add(length).filter(|&end| end <= self.bytes.len())?;
        Some(())
    }

    fn identifier(&mut self) -> Option<()> {
        self.disambiguator()?;
        self.name()
    }

    fn path(&mut self) -> Option<()> {
        self.nested(|inner| match inner.next()? {
            b'C' => inner.identifier(),
            b'N' => {
                inner.next()?;
                inner.path()?;
                inner.identifier()
            }
            b'M' => {
                inner.disambiguator()?;
                inner.path()?;
                inner.ty()
            }
            b'X' => {
                inner.disambiguator()?;
                inner.path()?;
                inner.ty()?;
                inner.path()
            }
            b'Y' => {
                inner.ty()?;
                inner.path()
            }
            b'I' => {
                inner.path()?;
                inner.list(Self::argument)
            }
            b'B' => inner.number(),
            _ => None,
        })
    }

    fn argument(&mut self) -> Option<()> {
        match self.peek()? {
            b'L' => self.lifetime(),
            b'K' => {
                self.at += 1;
                self.constant()
            }
            _ => self.ty(),
        }
    }

    fn lifetime(&mut self) -> Option<()> {
        if self.take(b'L') { self.number() } else { Some(()) }
    }

    fn ty(&mut self) -> Option<()> {
        self.nested(|inner| match inner.peek()? {
            b'C' | b'M' | b'N' | b'X' | b'Y' | b'I' | b'B' => inner.path(),
            kind => {
                inner.at += 1;
                match kind {
                    b'a'..=b'z' => Some(()),
                    b'A' => {
                        inner.ty()?;
                        inner.constant()
                    }
                    b'S' | b'P' | b'O' => inner.ty(),
                    b'T' => inner.list(Self::ty),
                    b'R' | b'Q' => {
                        inner.lifetime()?;
                        inner.ty()
                    }
                    b'F' => inner.signature(),
                    b'D' => inner.bounds(),
                    b'W' => {
                        inner.ty()?;
                        inner.pattern()
                    }
                    _ => None,
                }
            }
        })
    }

    fn binder(&mut self) -> Option<()> {
        if self.take(b'G') { self.number() } else { Some(()) }
    }

    fn signature(&mut self) -> Option<()> {
        self.binder()?;
        self.take(b'U');
        if self.take(b'K') && !self.take(b'C') {
            self.name()?;
        }
        self.list(Self::ty)?;
        self.ty()
    }

    /// `dyn` traits with their associated types, and the lifetime behind them.
    fn bounds(&mut self) -> Option<()> {
        self.binder()?;
        self.list(|inner| {
            inner.path()?;
            while inner.take(b'p') {
                inner.name()?;
                inner.ty()?;
            }
            Some(())
        })?;
        self.lifetime()
    }

    fn pattern(&mut self) -> Option<()> {
        match self.next()? {
            b'R' => {
                self.constant()?;
                self.constant()
            }
            b'O' => self.nested(|inner| inner.list(Self::pattern)),
            b'N' => Some(()),
            _ => None,
        }
    }

    fn constant(&mut self) -> Option<()> {
        self.nested(|inner| match inner.next()? {
            b'p' => Some(()),
            b'B' => inner.number(),
            // References, arrays and tuples of constants, structures.
            b'R' | b'Q' => inner.constant(),
            b'A' | b'T' => inner.list(Self::constant),
            b'V' => {
                inner.path()?;
                inner.fields()
            }
            // A type, and the value in hexadecimal digits.
            b'a'..=b'z' => {
                inner.take(b'n');
                while inner.peek()?.is_ascii_hexdigit() {
                    inner.at += 1;
                }
                inner.take(b'_').then_some(())
            }
            _ => None,
        })
    }

    fn fields(&mut self) -> Option<()> {
        match self.next()? {
            b'U' => Some(()),
            b'T' => self.list(Self::constant),
            b'S' => self.list(|inner| {
                inner.identifier()?;
                inner.constant()
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_tell_who_made_them() {
        for (mangled, expected) in [
            ("INvNtCs9_4core3ptr13drop_in_placeINtNtCs8_5alloc3vec3VechEECs7_3app", Some("app")),
            ("INvNtC4core3mem4swaplECs7_3app.llvm.1234", Some("app")),
            ("INvC3lib3runRDNtC4core5Writep4ItemhEL_ECs1_8firmware", Some("firmware")),
            ("INvC3lib4callFUKChEuECs1_8firmware", Some("firmware")),
            ("INvC3lib5arrayAhj10_KjnA_Kb1_ECs1_2fw", Some("fw")),
            ("INvC3lib3runNCNvCs7_3app4main0ECs7_3app", Some("app")),
            ("INvC3lib3runhEB2_", Some("lib")),
            ("NvC3foo3bar", None),
            ("NvC3foo3bar.llvm.1", None),
            ("INvC3lib3run", None),
            ("", None),
        ] {
            assert_eq!(instantiating_crate(mangled), expected, "{mangled}");
        }
        let deep = format!("{}h", "R".repeat(100_000));
        assert_eq!(instantiating_crate(&format!("INvC3lib3run{deep}EC3app")), None);
    }
}
