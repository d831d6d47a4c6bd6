//! Where the members of a structure lie: C 2018, 6.7.2.1, with the sizes and alignments of the
//! 32-bit ABIs of Arm (AAPCS32, 5.1) and RISC-V (ilp32).

use std::ops::Range;

use super::define::Definitions;
use super::eval::{Evaluator, Names};
use super::expr;
use super::token::{Kind, Token};

/// A structure or union.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Struct<'t> {
    /// Tag and type names.
    pub(super) names: Vec<&'t str>,
    pub(super) members: Vec<Member<'t>>,
    /// Bytes; `None` where a member's type is not known.
    pub(super) size: Option<u64>,
    align: u64,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member<'t> {
    pub(super) name: &'t str,
    pub(super) span: Range<usize>,
    /// Bytes from the start of the outermost structure; `None` behind a type not known.
    pub(super) offset: Option<u64>,
    /// Bytes of one element.
    pub(super) size: u64,
    /// Elements of an array, 1 if it is none.
    pub(super) count: u64,
    /// The structure it is, if it is one.
    pub(super) of: Option<usize>,
}

/// Most members of one structure that are laid out.
const MOST_MEMBERS: usize = 4096;
/// Most words and attributes between `struct` and its `{`.
const MOST_TAGS: usize = 16;
/// Deepest nesting of structures.
const DEEPEST: usize = 16;

/// A type's size, alignment and, if it is a structure, which.
#[derive(Debug, Clone, Copy)]
struct Sized {
    size: u64,
    align: u64,
    of: Option<usize>,
}

/// Reads the structure at token `at` (`struct` or `union`), if its members stand there. Gives the
/// token after its closing brace.
pub(super) fn read_c<'t>(
    definitions: &mut Definitions<'t>,
    names: &dyn Names,
    code: &[Token<'t>],
    at: usize,
) -> Option<usize> {
    let mut reader = Reader { definitions, names, code, at, depth: 0 };
    let typedef = at > 0 && code[at - 1].is_word("typedef");
    let place = reader.structure()?;
    let after = reader.at;
    if typedef {
        let names = code[after.min(code.len())..].iter().take_while(|token| !token.is(";")).take(8);
        let names: Vec<&str> = names.filter_map(Token::name).collect();
        for name in names.into_iter().filter(|name| !name.starts_with("__")) {
            definitions.structs[place].names.push(name);
            definitions.struct_names.insert(name, place);
        }
    }
    Some(after)
}

struct Reader<'r, 't> {
    definitions: &'r mut Definitions<'t>,
    names: &'r dyn Names,
    code: &'r [Token<'t>],
    at: usize,
    depth: usize,
}

impl<'t> Reader<'_, 't> {
    fn is(&self, sign: &str) -> bool {
        self.code.get(self.at).is_some_and(|token| token.is(sign))
    }

    /// Reads from `struct` to the closing brace.
    fn structure(&mut self) -> Option<usize> {
        let union = self.code[self.at].is_word("union");
        let before = self.at;
        self.at += 1;
        let mut tag = None;
        while let Some(token) = self.code.get(self.at).filter(|_| self.at - before <= MOST_TAGS) {
            match token.kind {
                Kind::Name("__attribute__" | "alignas" | "__packed" | "PACKED") => self.at += 1,
                Kind::Name(name) => {
                    tag = Some(name);
                    self.at += 1;
                }
                Kind::Sign("(") => self.skip_brackets(),
                _ => break,
            }
        }
        if !self.is("{") || self.depth >= DEEPEST {
            self.at = before;
            return None;
        }
        self.at += 1;
        self.depth += 1;
        let mut made = Struct {
            names: tag.into_iter().collect(),
            size: Some(0),
            align: 1,
            ..Struct::default()
        };
        while self.at < self.code.len() && !self.is("}") && made.members.len() < MOST_MEMBERS {
            let start = self.at;
            self.member(&mut made, union);
            self.at = self.at.max(start + 1);
        }
        self.depth -= 1;
        // A text may end before the `}`.
        self.at += usize::from(self.is("}"));
        made.size = made.size.map(|size| size.next_multiple_of(made.align));
        let place = self.definitions.structs.len();
        self.definitions.structs.push(made);
        if let Some(tag) = tag {
            self.definitions.struct_names.insert(tag, place);
        }
        Some(place)
    }

    fn skip_brackets(&mut self) {
        let mut depth = 0usize;
        while let Some(token) = self.code.get(self.at) {
            match token.kind {
                Kind::Sign("(" | "[" | "{") => depth += 1,
                Kind::Sign(")" | "]" | "}") => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    /// One declaration up to its `;`.
    fn member(&mut self, made: &mut Struct<'t>, union: bool) {
        let mut words: Vec<&'t str> = Vec::new();
        let mut inner = None;
        // The words of the type, up to the last word before a sign: that one is the name.
        while let Some(token) = self.code.get(self.at) {
            match token.kind {
                Kind::Name("struct" | "union") => match self.structure() {
                    Some(place) => inner = Some(place),
                    None => self.at += 1,
                },
                Kind::Name("__attribute__" | "alignas") => {
                    self.at += 1;
                    self.skip_brackets();
                }
                Kind::Name(word) => {
                    words.push(word);
                    self.at += 1;
                }
                _ => break,
            }
        }
        let named = words.pop().filter(|_| inner.is_some() || !words.is_empty());
        if let (Some(place), None) = (inner, named) {
            return self.anonymous(made, union, place);
        }
        let sized = match inner {
            Some(place) => self.sized_struct(place),
            None => self.sized(&words, 0),
        };
        let mut name = named.map(|name| (name, self.at - 1));
        loop {
            let pointer = self.is("*");
            while self.is("*") || self.code.get(self.at).is_some_and(|t| t.is_word("const")) {
                self.at += 1;
            }
            if let (true, Some(token)) = (pointer, self.code.get(self.at)) {
                name = token.name().map(|name| (name, self.at));
                self.at += 1;
            }
            let Some((own, token)) = name else { break };
            let sized = if pointer { Some(Sized { size: 4, align: 4, of: None }) } else { sized };
            let count = self.dimensions();
            let span = self.code[token].start..self.code[token].end;
            if self.is(":") {
                // The bits of a number: laid out by the number alone.
                made.size = None;
                while self.at < self.code.len() && !self.is(";") && !self.is(",") {
                    self.at += 1;
                }
            }
            add(made, union, own, span, sized, count);
            if !self.is(",") {
                break;
            }
            self.at += 1;
            name = self.code.get(self.at).and_then(Token::name).map(|name| (name, self.at));
            self.at += usize::from(name.is_some());
        }
        while self.at < self.code.len() && !self.is(";") && !self.is("}") {
            self.at += 1;
        }
        self.at += usize::from(self.is(";"));
    }

    /// The elements of `[4][2]` here; 1 where there is no array, `None` where nobody can tell.
    fn dimensions(&mut self) -> Option<u64> {
        let mut count = Some(1u64);
        while self.is("[") {
            let start = self.at + 1;
            self.skip_brackets();
            let end = self.at.saturating_sub(1).max(start);
            let node = expr::parse_one(&self.code[start..end], false);
            let value = node.and_then(|node| {
                Evaluator::new(&self.definitions.constants, self.names).value(&node)
            });
            count = count.zip(value).and_then(|(count, value)| count.checked_mul(value));
        }
        count
    }

    /// Members of a member without a name are members of what it is in.
    fn anonymous(&mut self, made: &mut Struct<'t>, union: bool, place: usize) {
        let inner = self.definitions.structs[place].clone();
        let start = place_of(made, union, inner.align);
        for member in inner.members {
            let offset = start.zip(member.offset).map(|(start, offset)| start + offset);
            made.members.push(Member { offset, ..member });
        }
        grow(made, union, start, inner.size);
        self.at += usize::from(self.is(";"));
    }

    fn sized_struct(&self, place: usize) -> Option<Sized> {
        let of = &self.definitions.structs[place];
        Some(Sized { size: of.size?, align: of.align, of: Some(place) })
    }

    /// The size of a type by its words.
    fn sized(&self, words: &[&'t str], depth: usize) -> Option<Sized> {
        if depth > 8 {
            return None;
        }
        let plain = |bytes: u64| Some(Sized { size: bytes, align: bytes, of: None });
        for word in words.iter().rev() {
            if let Some(bytes) = size_of(word) {
                return plain(bytes);
            }
            if let Some(&place) = self.definitions.struct_names.get(word) {
                return self.sized_struct(place);
            }
            let stands_for = self.definitions.types.get(word);
            if let Some(of) = stands_for.or_else(|| self.definitions.words.get(word))
                && let Some(sized) = self.sized(of, depth + 1)
            {
                return Some(sized);
            }
        }
        None
    }
}

fn size_of(word: &str) -> Option<u64> {
    Some(match word {
        "uint8_t" | "int8_t" | "char" | "bool" | "_Bool" | "u8" | "i8" | "uint8" | "vu8"
        | "io_rw_8" | "io_ro_8" | "io_wo_8" => 1,
        "uint16_t" | "int16_t" | "short" | "u16" | "i16" | "uint16" | "vu16" | "io_rw_16"
        | "io_ro_16" | "io_wo_16" => 2,
        "uint32_t" | "int32_t" | "int" | "long" | "unsigned" | "float" | "u32" | "i32"
        | "uint32" | "uintptr_t" | "size_t" | "vu32" | "io_rw_32" | "io_ro_32" | "io_wo_32"
        | "f32" | "usize" => 4,
        "uint64_t" | "int64_t" | "double" | "u64" | "i64" | "uint64" => 8,
        _ => return None,
    })
}

/// Where the next member starts.
fn place_of(made: &Struct<'_>, union: bool, align: u64) -> Option<u64> {
    if union { Some(0) } else { made.size.map(|size| size.next_multiple_of(align.max(1))) }
}

fn grow(made: &mut Struct<'_>, union: bool, start: Option<u64>, size: Option<u64>) {
    let end = start.zip(size).and_then(|(start, size)| start.checked_add(size));
    made.size = match (made.size, end) {
        (Some(known), Some(end)) if union => Some(known.max(end)),
        (Some(_), end) => end,
        (None, _) => None,
    };
}

fn add<'t>(
    made: &mut Struct<'t>,
    union: bool,
    name: &'t str,
    span: Range<usize>,
    sized: Option<Sized>,
    count: Option<u64>,
) {
    let align = sized.map_or(1, |sized| sized.align);
    let offset = sized.and_then(|_| place_of(made, union, align));
    let size = sized.map_or(0, |sized| sized.size);
    let of = sized.and_then(|sized| sized.of);
    made.members.push(Member { name, span, offset, size, count: count.unwrap_or(1), of });
    made.align = made.align.max(align);
    let whole = sized.zip(count).and_then(|(sized, count)| sized.size.checked_mul(count));
    grow(made, union, offset, whole.filter(|size| *size < 1 << 32));
}

/// Reads the Rust structure at token `at` (`struct`), if it is laid out as C's are.
pub(super) fn read_rust<'t>(
    definitions: &mut Definitions<'t>,
    names: &dyn Names,
    code: &[Token<'t>],
    at: usize,
) {
    let before = &code[at.saturating_sub(24)..at];
    let own =
        before.iter().rposition(|token| token.is("}") || token.is(";")).map_or(0, |at| at + 1);
    let is_c = before[own..].windows(3).any(|w| w[0].is_word("repr") && w[2].is_word("C"));
    let Some(name) = code.get(at + 1).and_then(Token::name).filter(|_| is_c) else { return };
    if !code.get(at + 2).is_some_and(|open| open.is("{")) {
        return;
    }
    let mut made = Struct { names: vec![name], size: Some(0), align: 1, ..Struct::default() };
    let mut place = at + 3;
    while let Some(token) = code.get(place).filter(|token| !token.is("}")) {
        let member = token.name().filter(|name| *name != "pub");
        let Some(member) = member.filter(|_| code.get(place + 1).is_some_and(|s| s.is(":"))) else {
            place += 1;
            continue;
        };
        let end = rust_type_end(code, place + 2);
        let ty = &code[place + 2..end];
        let (sized, count) = rust_type(definitions, names, ty, 0);
        add(&mut made, false, member, token.start..token.end, sized, count);
        place = end + 1;
    }
    let position = definitions.structs.len();
    definitions.structs.push(made);
    definitions.struct_names.insert(name, position);
}

fn rust_type_end(code: &[Token<'_>], at: usize) -> usize {
    let mut depth = 0i32;
    for (offset, token) in code[at..].iter().enumerate() {
        match token.kind {
            Kind::Sign("(" | "[" | "<") => depth += 1,
            Kind::Sign("," | "}") if depth <= 0 => return at + offset,
            Kind::Sign(")" | "]" | ">") => depth -= 1,
            Kind::Sign(">>") => depth -= 2,
            _ => {}
        }
    }
    code.len()
}

/// `VolatileCell<u32>`, `[u8; 12]`, `u32`: size and count.
fn rust_type<'t>(
    definitions: &Definitions<'t>,
    names: &dyn Names,
    ty: &[Token<'t>],
    depth: usize,
) -> (Option<Sized>, Option<u64>) {
    if depth >= DEEPEST {
        return (None, None);
    }
    if ty.first().is_some_and(|open| open.is("["))
        && let Some(cut) = ty.iter().rposition(|token| token.is(";"))
    {
        // Where the text ends before the `]`, nothing is between.
        let length = ty.get(cut + 1..ty.len() - 1).unwrap_or_default();
        let node = expr::parse_one(length, true);
        let count =
            node.and_then(|node| Evaluator::new(&definitions.constants, names).value(&node));
        let (sized, inner) = rust_type(definitions, names, &ty[1..cut], depth + 1);
        return (sized, count.zip(inner).and_then(|(a, b)| a.checked_mul(b)));
    }
    let number = ty.iter().filter_map(Token::name).find_map(size_of);
    let sized = number.map(|bytes| Sized { size: bytes, align: bytes, of: None }).or_else(|| {
        let place = *definitions.struct_names.get(ty.last()?.name()?)?;
        let of = &definitions.structs[place];
        Some(Sized { size: of.size?, align: of.align, of: Some(place) })
    });
    (sized, Some(1))
}
