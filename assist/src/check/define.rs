//! What a file defines: macros, enumerators, constants, types, variables.
//!
//! A name that a file defines means what the file says, whatever the chip has under that name.

use std::collections::HashMap;
use std::ops::Range;

use super::ast::{Expr, Node};
use super::eval::{Constant, Constants, Names};
use super::expr;
use super::layout::{self, Struct};
use super::token::{Kind, Token, Tokens};

/// Everything that some files define together.
#[derive(Debug, Clone, Default)]
pub(super) struct Definitions<'t> {
    pub(super) constants: Constants<'t>,
    /// Macros that stand for words alone: `#define REG volatile uint32_t`.
    pub(super) words: HashMap<&'t str, Vec<&'t str>>,
    /// `typedef A B`: the words of A.
    pub(super) types: HashMap<&'t str, Vec<&'t str>>,
    pub(super) structs: Vec<Struct<'t>>,
    /// Positions in `structs` by tag and by type name.
    pub(super) struct_names: HashMap<&'t str, usize>,
    pub(super) variables: HashMap<&'t str, Variable<'t>>,
}

/// A variable or parameter; one entry for all of a name in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable<'t> {
    /// The last word of its type; empty where several differ.
    pub(super) ty: &'t str,
    pub(super) pointer: bool,
    pub(super) declared: u32,
    /// What it is given, where that is one thing.
    pub(super) value: Option<Node<'t>>,
    pub(super) assigned: u32,
}

/// A constant as it stands in the file that is being checked.
#[derive(Debug, Clone)]
pub(super) struct Defined<'t> {
    pub(super) name: &'t str,
    /// From the name to the end of the value.
    pub(super) span: Range<usize>,
    /// The value, as a number stands in it.
    pub(super) body: Node<'t>,
    pub(super) plus: u64,
    /// One of an `enum`.
    pub(super) enumerator: bool,
}

/// Words before a name that are no type.
const NO_TYPES: &[&str] = &[
    "break", "case", "continue", "default", "define", "defined", "do", "else", "enum", "goto",
    "if", "return", "sizeof", "struct", "switch", "typedef", "union", "while", "in", "as", "fn",
    "mod", "use", "impl", "for", "match", "unsafe", "move", "ref", "where", "new", "delete",
    "throw",
];

/// Most words of a `typedef`.
const MOST_WORDS: usize = 32;

/// Most tokens of one constant or element: a longer one is none that has a number.
const MOST_TOKENS: usize = 1024;

impl<'t> Definitions<'t> {
    /// Takes what C or C++ defines; gives back what is to be held against the chip.
    pub(super) fn learn_c(
        &mut self,
        tokens: &Tokens<'t>,
        nodes: &[Node<'t>],
        names: &dyn Names,
    ) -> Vec<Defined<'t>> {
        let mut defined = Vec::new();
        for directive in tokens.directives.iter().filter(|directive| directive.word == "define") {
            defined.extend(self.macro_of(&directive.tokens));
        }
        let code = &tokens.code;
        for at in 0..code.len() {
            match code[at].name() {
                Some("enum") => self.enumerators(code, at, &mut defined),
                Some("typedef") => self.typedef(code, at),
                _ => self.variable(code, at),
            }
        }
        let mut at = 0;
        while at < code.len() {
            let is_struct = matches!(code[at].name(), Some("struct" | "union"));
            let end = is_struct.then(|| layout::read_c(self, names, code, at)).flatten();
            at = end.unwrap_or(at).max(at + 1);
        }
        for node in nodes {
            self.assignments(node, true, &mut defined);
        }
        defined
    }

    /// Takes what Rust defines.
    pub(super) fn learn_rust(
        &mut self,
        tokens: &Tokens<'t>,
        nodes: &[Node<'t>],
        names: &dyn Names,
    ) -> Vec<Defined<'t>> {
        let mut defined = Vec::new();
        let code = &tokens.code;
        for at in 0..code.len() {
            match code[at].name() {
                Some("const" | "static") => defined.extend(self.rust_constant(code, at)),
                Some("struct") => layout::read_rust(self, names, code, at),
                Some("let") => self.rust_let(code, at),
                _ => {}
            }
        }
        for node in nodes {
            self.assignments(node, false, &mut defined);
        }
        defined
    }

    fn macro_of(&mut self, tokens: &[Token<'t>]) -> Option<Defined<'t>> {
        let head = tokens.first()?;
        let name = head.name()?;
        let takes = tokens.get(1).is_some_and(|open| open.is("(") && open.start == head.end);
        let (params, body) = if takes {
            let close = tokens.iter().position(|token| token.is(")"))?;
            let params = tokens[2..close].iter().filter_map(Token::name).collect();
            (Some(params), &tokens[close + 1..])
        } else {
            (None, &tokens[1..])
        };
        if params.is_none() && body.iter().all(|token| token.name().is_some()) {
            self.words.insert(name, body.iter().filter_map(Token::name).collect());
        }
        let node = expr::parse_one(body, false);
        self.define(name, Constant { params: params.clone(), body: node.clone(), plus: 0 });
        let end = body.last()?.end;
        let body = node.filter(|_| params.is_none())?;
        let span = head.start..end;
        Some(Defined { name, span, body, plus: 0, enumerator: false })
    }

    /// A name that is defined twice and differently stands for nothing certain.
    fn define(&mut self, name: &'t str, constant: Constant<'t>) {
        match self.constants.entry(name) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(constant);
            }
            std::collections::hash_map::Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                let same = match (&known.body, &constant.body) {
                    (Some(a), Some(b)) => same(a, b) && known.plus == constant.plus,
                    (None, None) => true,
                    _ => false,
                };
                if !same || known.params != constant.params {
                    known.body = None;
                }
            }
        }
    }

    /// `enum name { A = 1, B }`
    fn enumerators(&mut self, code: &[Token<'t>], at: usize, defined: &mut Vec<Defined<'t>>) {
        let open = (at + 1..code.len().min(at + 5)).find(|&at| code[at].is("{"));
        let Some(open) = open else { return };
        let mut at = open + 1;
        let mut base = Node { expr: Expr::Number(0), start: 0, end: 0 };
        let mut plus = 0;
        while let Some(token) = code.get(at) {
            let Some(name) = token.name() else { return };
            let end = element_end(code, at);
            if code.get(at + 1).is_some_and(|sign| sign.is("="))
                && let Some(node) = expr::parse_one(&code[at + 2..end], false)
            {
                (base, plus) = (node, 0);
                let span = token.start..base.end;
                let body = base.clone();
                defined.push(Defined { name, span, body, plus, enumerator: true });
            } else if code.get(at + 1).is_some_and(|sign| sign.is("=")) {
                return;
            }
            self.define(name, Constant { params: None, body: Some(base.clone()), plus });
            plus += 1;
            if !code.get(end).is_some_and(|sign| sign.is(",")) {
                return;
            }
            at = end + 1;
        }
    }

    /// `typedef volatile uint32_t io_rw_32;`
    fn typedef(&mut self, code: &[Token<'t>], at: usize) {
        let words = code[at + 1..].iter().take(MOST_WORDS).map_while(Token::name);
        let words: Vec<&str> = words.collect();
        let ends = code.get(at + 1 + words.len()).is_some_and(|sign| sign.is(";"));
        if let Some((name, of)) = words.split_last().filter(|(_, of)| ends && !of.is_empty()) {
            self.types.insert(name, of.to_vec());
        }
    }

    /// `Type *name` followed by what follows a declared name.
    fn variable(&mut self, code: &[Token<'t>], at: usize) {
        let Some(ty) = code[at].name().filter(|name| !NO_TYPES.contains(name)) else { return };
        let joined = at > 0 && [".", "->"].iter().any(|sign| code[at - 1].is(sign));
        let mut next = at + 1;
        let mut pointer = false;
        while code.get(next).is_some_and(|token| {
            token.is("*") || token.is("&") || token.is_word("const") || token.is_word("volatile")
        }) {
            pointer |= code[next].is("*");
            next += 1;
        }
        let Some(name) = code.get(next).and_then(Token::name) else { return };
        let ends = code
            .get(next + 1)
            .is_some_and(|token| ["=", ";", ",", ")", "[", "("].iter().any(|sign| token.is(sign)));
        // `a * b;` as a statement means nothing, `x = a * b;` is no declaration.
        let operand = pointer
            && at > 0
            && ["=", "+", "-", "|", "&", "<<", ">>", "return", "/", "*"]
                .iter()
                .any(|sign| code[at - 1].is(sign) || code[at - 1].is_word(sign));
        if joined || operand || !ends || NO_TYPES.contains(&name) || ty == "volatile" && pointer {
            return;
        }
        self.declare(name, ty, pointer);
    }

    fn declare(&mut self, name: &'t str, ty: &'t str, pointer: bool) {
        let new = Variable { ty, pointer, declared: 0, value: None, assigned: 0 };
        let variable = self.variables.entry(name).or_insert(new);
        variable.declared += 1;
        if variable.ty != ty {
            variable.ty = "";
        }
    }

    fn rust_let(&mut self, code: &[Token<'t>], at: usize) {
        let near = code[at + 1..].iter().take(MOST_WORDS);
        let name = near.filter_map(Token::name).find(|name| *name != "mut");
        if let Some(name) = name {
            self.declare(name, "", false);
        }
    }

    /// `const NAME: T = value;`
    fn rust_constant(&mut self, code: &[Token<'t>], at: usize) -> Option<Defined<'t>> {
        let head = code.get(at + 1)?;
        let name = head.name().filter(|name| *name != "mut")?;
        code.get(at + 2).filter(|sign| sign.is(":"))?;
        let end = (at..code.len().min(at + MOST_TOKENS)).find(|&at| code[at].is(";"))?;
        let equals = (at..end).find(|&at| code[at].is("="))?;
        let body = expr::parse_one(&code[equals + 1..end], true);
        self.define(name, Constant { params: None, body: body.clone(), plus: 0 });
        let body = body?;
        let span = head.start..body.end;
        Some(Defined { name, span, body, plus: 0, enumerator: false })
    }

    /// Notes what variables are given; a `const` with a type before it is a constant.
    fn assignments(&mut self, node: &Node<'t>, c: bool, defined: &mut Vec<Defined<'t>>) {
        if let Expr::Assign { op: "", to, value } = &node.expr {
            let name = match &to.expr {
                Expr::Name(name) => Some((*name, to.start)),
                Expr::Binary { op: "*" | "&", right, .. } => {
                    right.name().map(|name| (name, right.start))
                }
                _ => None,
            };
            if let Some((name, start)) = name
                && let Some(variable) = self.variables.get_mut(name)
            {
                variable.assigned += 1;
                variable.value = Some((**value).clone()).filter(|_| variable.assigned == 1);
                let number = c && variable.assigned == 1 && variable.declared == 1;
                let capitals = !name.contains(|c: char| c.is_ascii_lowercase());
                if number && !variable.pointer && capitals && name.len() > 2 {
                    let (span, body) = (start..value.end, (**value).clone());
                    let constant = Constant { params: None, body: Some(body.clone()), plus: 0 };
                    self.constants.entry(name).or_insert(constant);
                    defined.push(Defined { name, span, body, plus: 0, enumerator: false });
                }
            }
        }
        node.each_child(|child| self.assignments(child, c, defined));
    }
}

/// The `,` or `}` that ends the element of a list at `at`.
fn element_end(code: &[Token<'_>], at: usize) -> usize {
    let mut depth = 0i32;
    for (offset, token) in code[at..].iter().take(MOST_TOKENS).enumerate() {
        match token.kind {
            Kind::Sign("(" | "[" | "{") => depth += 1,
            Kind::Sign("}" | ",") if depth <= 0 => return at + offset,
            Kind::Sign(")" | "]" | "}") => depth -= 1,
            _ => {}
        }
    }
    code.len().min(at + MOST_TOKENS)
}

/// Equal but for where they stand.
fn same(a: &Node<'_>, b: &Node<'_>) -> bool {
    match (&a.expr, &b.expr) {
        (Expr::Cast { ty, pointer, of }, Expr::Cast { ty: ty2, pointer: pointer2, of: of2 }) => {
            ty == ty2 && pointer == pointer2 && same(of, of2)
        }
        (Expr::Unary { op, of }, Expr::Unary { op: op2, of: of2 }) => op == op2 && same(of, of2),
        (
            Expr::Binary { op, left, right },
            Expr::Binary { op: op2, left: left2, right: right2 },
        ) => op == op2 && same(left, left2) && same(right, right2),
        (Expr::Number(a), Expr::Number(b)) => a == b,
        (Expr::Name(a), Expr::Name(b)) => a == b,
        _ => false,
    }
}
