//! Expressions of C, C++ and Rust: as much of them as it takes to see which register is given
//! which value.
//!
//! The parser is no compiler's. It starts wherever an operand stands, takes what reads as an
//! expression, and leaves the rest to the caller, who goes on with the next token. So a
//! declaration, a macro or a construct unknown to it costs itself alone.

use super::ast::{Expr, Node};
use super::token::{Kind, Token};

/// Deepest nesting that is followed; what lies deeper is read as if it stood by itself. With the
/// two below it bounds the stack that any walk over an expression takes.
const DEEPEST: usize = 40;
/// Most operands of one chain of operators.
const MOST_OPERANDS: usize = 64;
/// Most steps of one chain of members, indices and calls.
const MOST_STEPS: usize = 32;

/// Words that are no operand.
const KEYWORDS: &[&str] = &[
    "break",
    "case",
    "const",
    "continue",
    "default",
    "do",
    "else",
    "enum",
    "extern",
    "fn",
    "for",
    "goto",
    "if",
    "impl",
    "in",
    "inline",
    "let",
    "loop",
    "match",
    "mod",
    "mut",
    "namespace",
    "pub",
    "ref",
    "register",
    "return",
    "static",
    "struct",
    "switch",
    "template",
    "trait",
    "typedef",
    "typename",
    "union",
    "use",
    "using",
    "volatile",
    "where",
    "while",
];

/// Words that make `(word)` a cast.
const TYPES: &[&str] = &[
    "bool",
    "char",
    "double",
    "float",
    "int",
    "long",
    "short",
    "signed",
    "size_t",
    "uintptr_t",
    "unsigned",
    "void",
];

/// Every expression of these tokens, in order; what is none is passed over.
pub(super) fn parse_all<'t>(tokens: &[Token<'t>], rust: bool) -> Vec<Node<'t>> {
    let mut parser = Parser { tokens, at: 0, rust, depth: 0 };
    let mut nodes = Vec::new();
    while parser.at < tokens.len() {
        parser.statement(&mut nodes);
    }
    nodes
}

/// The tokens as one expression; `None` if they are not just that.
pub(super) fn parse_one<'t>(tokens: &[Token<'t>], rust: bool) -> Option<Node<'t>> {
    let mut parser = Parser { tokens, at: 0, rust, depth: 0 };
    let node = parser.assignment()?;
    (parser.at == tokens.len()).then_some(node)
}

struct Parser<'p, 't> {
    tokens: &'p [Token<'t>],
    at: usize,
    rust: bool,
    depth: usize,
}

impl<'t> Parser<'_, 't> {
    fn peek(&self) -> Option<&Token<'t>> {
        self.tokens.get(self.at)
    }

    fn is(&self, sign: &str) -> bool {
        self.peek().is_some_and(|token| token.is(sign))
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        self.at += usize::from(found);
        found
    }

    /// The end of what was taken last.
    fn end(&self) -> usize {
        self.tokens[self.at - 1].end
    }

    /// Takes an expression if one starts here, otherwise a token.
    fn statement(&mut self, nodes: &mut Vec<Node<'t>>) {
        let before = self.at;
        if !self.is("{")
            && let Some(node) = self.assignment()
        {
            nodes.push(node);
        }
        self.at = self.at.max(before + 1);
    }

    fn assignment(&mut self) -> Option<Node<'t>> {
        if self.depth >= DEEPEST {
            return None;
        }
        self.depth += 1;
        let node = self.assignment_within();
        self.depth -= 1;
        node
    }

    fn assignment_within(&mut self) -> Option<Node<'t>> {
        const SIGNS: &[(&str, &str)] = &[
            ("=", ""),
            ("|=", "|"),
            ("&=", "&"),
            ("^=", "^"),
            ("+=", "+"),
            ("-=", "-"),
            ("*=", "*"),
            ("/=", "/"),
            ("%=", "%"),
            ("<<=", "<<"),
            (">>=", ">>"),
        ];
        let to = self.choice()?;
        let Some(&(_, op)) = SIGNS.iter().find(|(sign, _)| self.is(sign)) else { return Some(to) };
        let before = self.at;
        self.at += 1;
        let Some(value) = self.assignment() else {
            self.at = before;
            return Some(to);
        };
        let (start, end) = (to.start, value.end);
        let expr = Expr::Assign { op, to: Box::new(to), value: Box::new(value) };
        Some(Node { expr, start, end })
    }

    fn choice(&mut self) -> Option<Node<'t>> {
        let test = self.binary(0)?;
        if self.rust || !self.is("?") {
            return Some(test);
        }
        let before = self.at;
        self.at += 1;
        let yes = self.assignment();
        let no = self.take(":").then(|| self.assignment()).flatten();
        let (Some(yes), Some(no)) = (yes, no) else {
            self.at = before;
            return Some(test);
        };
        let (start, end) = (test.start, no.end);
        Some(Node { expr: Expr::Choice(vec![test, yes, no]), start, end })
    }

    fn binary(&mut self, least: u8) -> Option<Node<'t>> {
        let mut left = self.unary()?;
        for _ in 0..MOST_OPERANDS {
            if self.rust && self.peek().is_some_and(|token| token.is_word("as")) {
                left = self.cast_after(left);
                continue;
            }
            let Some((op, level)) = self.operator().filter(|(_, level)| *level > least) else {
                return Some(left);
            };
            let before = self.at;
            self.at += 1;
            let right = if self.depth < DEEPEST {
                self.depth += 1;
                let right = self.binary(level);
                self.depth -= 1;
                right
            } else {
                None
            };
            let Some(right) = right else {
                self.at = before;
                return Some(left);
            };
            let (start, end) = (left.start, right.end);
            let expr = Expr::Binary { op, left: Box::new(left), right: Box::new(right) };
            left = Node { expr, start, end };
        }
        Some(left)
    }

    /// The binary operator here and how strongly it binds: C 2018, 6.5; The Rust Reference,
    /// "Expression precedence", in which `==` binds less than `|`.
    fn operator(&self) -> Option<(&'static str, u8)> {
        let Kind::Sign(op) = self.peek()?.kind else { return None };
        let level = match op {
            "||" => 1,
            "&&" => 2,
            "==" | "!=" if !self.rust => 6,
            "<" | ">" | "<=" | ">=" if !self.rust => 7,
            "==" | "!=" | "<" | ">" | "<=" | ">=" => 3,
            "|" if self.rust => 4,
            "^" if self.rust => 5,
            "&" if self.rust => 6,
            "|" => 3,
            "^" => 4,
            "&" => 5,
            "<<" | ">>" => 8,
            "+" | "-" => 9,
            "*" | "/" | "%" => 10,
            _ => return None,
        };
        Some((op, level))
    }

    fn cast_after(&mut self, of: Node<'t>) -> Node<'t> {
        self.at += 1;
        let mut pointer = false;
        let mut ty = "";
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Sign("*" | "&") if ty.is_empty() => pointer = true,
                Kind::Name("mut" | "const") => {}
                Kind::Name(name) if ty.is_empty() => ty = name,
                Kind::Sign("::") => ty = "",
                _ => break,
            }
            self.at += 1;
        }
        let (start, end) = (of.start, self.end());
        Node { expr: Expr::Cast { ty, pointer, of: Box::new(of) }, start, end }
    }

    fn unary(&mut self) -> Option<Node<'t>> {
        const SIGNS: &[&str] = &["*", "&", "&&", "~", "!", "-", "+", "++", "--"];
        let start = self.peek()?.start;
        if self.depth >= DEEPEST {
            return None;
        }
        let before = self.at;
        let expr = if let Some(&op) = SIGNS.iter().find(|sign| self.is(sign)) {
            self.at += 1;
            while self.rust && self.peek().is_some_and(|t| t.is_word("mut") || t.is_word("raw")) {
                self.at += 1;
            }
            self.within(Self::unary).map(|of| Expr::Unary { op, of: Box::new(of) })
        } else if let Some((ty, pointer, end)) = self.cast_here() {
            self.at = end;
            self.within(Self::unary).map(|of| Expr::Cast { ty, pointer, of: Box::new(of) })
        } else {
            return self.postfix();
        };
        match expr {
            Some(expr) => Some(Node { expr, start, end: self.end() }),
            None => {
                self.at = before;
                None
            }
        }
    }

    fn within(&mut self, read: fn(&mut Self) -> Option<Node<'t>>) -> Option<Node<'t>> {
        self.depth += 1;
        let node = read(self);
        self.depth -= 1;
        node
    }

    /// `(volatile uint32_t *)` here: its type, whether it is a pointer, and the token after it.
    fn cast_here(&self) -> Option<(&'t str, bool, usize)> {
        if self.rust || !self.is("(") {
            return None;
        }
        let mut at = self.at + 1;
        let (mut ty, mut pointer, mut words) = ("", false, 0);
        loop {
            match self.tokens.get(at)?.kind {
                Kind::Name(name) if !pointer || matches!(name, "const" | "volatile") => {
                    if !pointer && !matches!(name, "const" | "volatile" | "struct") {
                        ty = name;
                    }
                    words += 1;
                }
                Kind::Sign("*") if words > 0 => pointer = true,
                Kind::Sign("::") if words > 0 => {}
                Kind::Sign(")") => break,
                _ => return None,
            }
            at += 1;
        }
        let next = self.tokens.get(at + 1)?;
        let operand = matches!(next.kind, Kind::Name(_) | Kind::Number(_) | Kind::Literal);
        let opens = ["(", "*", "&", "~", "-", "!"].iter().any(|sign| next.is(sign));
        let is_type = pointer || words > 1 || ty.ends_with("_t") || TYPES.contains(&ty);
        let keyword = next.name().is_some_and(|name| KEYWORDS.contains(&name));
        let fits = words > 0 && !keyword && (operand || (is_type && opens));
        fits.then_some((ty, pointer, at + 1))
    }

    fn postfix(&mut self) -> Option<Node<'t>> {
        let mut node = self.primary()?;
        let start = node.start;
        for _ in 0..MOST_STEPS {
            let before = self.at;
            if self.take("[") {
                let at = self.within(Self::assignment);
                let Some(at) = at.filter(|_| self.take("]")) else {
                    self.at = before;
                    return Some(node);
                };
                let expr = Expr::Index { of: Box::new(node), at: Box::new(at) };
                node = Node { expr, start, end: self.end() };
            } else if self.is("(") {
                let args = self.arguments("(", ")");
                let expr = Expr::Call { of: Box::new(node), args };
                node = Node { expr, start, end: self.end() };
            } else if self.take(".") || self.take("->") || self.take("::") {
                let Some(name) = self.peek().and_then(Token::name) else {
                    self.at = before;
                    return Some(node);
                };
                self.at += 1;
                let expr = Expr::Member { of: Box::new(node), name };
                node = Node { expr, start, end: self.end() };
            } else if !(self.take("++") || self.take("--") || (self.rust && self.take("?"))) {
                return Some(node);
            }
        }
        Some(node)
    }

    /// Everything between two brackets, cut at what is no expression.
    fn arguments(&mut self, open: &str, close: &str) -> Vec<Node<'t>> {
        let mut args = Vec::new();
        if !self.take(open) {
            return args;
        }
        while self.at < self.tokens.len() && !self.take(close) {
            let before = self.at;
            if let Some(node) = self.within(Self::assignment) {
                args.push(node);
            }
            if self.at == before {
                // A bracket of another kind ends what was opened: better to lose one call.
                if [")", "}", "]"].iter().any(|sign| self.is(sign)) {
                    break;
                }
                self.at += 1;
            }
        }
        args
    }

    fn primary(&mut self) -> Option<Node<'t>> {
        let token = *self.peek()?;
        let start = token.start;
        let expr = match token.kind {
            Kind::Number(number) => {
                self.at += 1;
                Expr::Number(number)
            }
            Kind::Literal => {
                self.at += 1;
                Expr::Literal
            }
            Kind::Name("move") if self.rust => {
                self.at += 1;
                return self.primary();
            }
            Kind::Name("unsafe") if self.rust => {
                self.at += 1;
                return self.is("{").then(|| self.within(Self::primary)).flatten();
            }
            Kind::Name(name) if KEYWORDS.contains(&name) => return None,
            Kind::Name(name) => {
                self.at += 1;
                Expr::Name(name)
            }
            Kind::Sign("(") => return self.parenthesis(start),
            Kind::Sign("{") => Expr::Block(self.arguments("{", "}")),
            Kind::Sign("|" | "||") if self.rust => return self.closure(start),
            _ => return None,
        };
        Some(Node { expr, start, end: self.end() })
    }

    fn parenthesis(&mut self, start: usize) -> Option<Node<'t>> {
        let mut parts = self.arguments("(", ")");
        let end = self.end();
        match parts.len() {
            1 => Some(Node { start, end, ..parts.remove(0) }),
            // `(a, b)` is b in C, a pair in Rust; neither is a value to us.
            _ => Some(Node { expr: Expr::Block(parts), start, end }),
        }
    }

    fn closure(&mut self, start: usize) -> Option<Node<'t>> {
        let mut params = Vec::new();
        if !self.take("||") {
            self.at += 1;
            let mut in_type = false;
            while let Some(token) = self.peek().copied() {
                self.at += 1;
                match token.kind {
                    Kind::Sign("|") => break,
                    Kind::Sign(":") => in_type = true,
                    Kind::Sign(",") => in_type = false,
                    Kind::Name(name) if !in_type && name != "mut" => params.push(name),
                    Kind::Sign(";" | "{" | "}") => return None,
                    _ => {}
                }
            }
        }
        let body = self.within(Self::assignment)?;
        let end = body.end;
        Some(Node { expr: Expr::Closure { params, body: Box::new(body) }, start, end })
    }
}

#[cfg(test)]
mod tests {
    use super::super::token::Tokens;
    use super::*;

    fn shape(node: &Node<'_>) -> String {
        match &node.expr {
            Expr::Number(number) => number.to_string(),
            Expr::Literal => "lit".into(),
            Expr::Name(name) => (*name).into(),
            Expr::Member { of, name } => format!("{}.{name}", shape(of)),
            Expr::Index { of, at } => format!("{}[{}]", shape(of), shape(at)),
            Expr::Call { of, args } => {
                format!("{}({})", shape(of), args.iter().map(shape).collect::<Vec<_>>().join(","))
            }
            Expr::Unary { op, of } => format!("({op}{})", shape(of)),
            Expr::Binary { op, left, right } => format!("({}{op}{})", shape(left), shape(right)),
            Expr::Assign { op, to, value } => format!("{} {op}= {}", shape(to), shape(value)),
            Expr::Cast { ty, pointer, of } => {
                format!("<{ty}{}>{}", if *pointer { "*" } else { "" }, shape(of))
            }
            Expr::Choice(parts) => parts.iter().map(shape).collect::<Vec<_>>().join("?"),
            Expr::Closure { params, body } => format!("|{}|{}", params.join(","), shape(body)),
            Expr::Block(parts) => {
                format!("{{{}}}", parts.iter().map(shape).collect::<Vec<_>>().join(";"))
            }
        }
    }

    fn check(text: &str, rust: bool, expected: &[&str]) {
        let shapes: Vec<String> =
            parse_all(&Tokens::cut(text, rust).code, rust).iter().map(shape).collect();
        assert_eq!(shapes, expected, "{text}");
    }

    #[test]
    fn c_reads_as_a_compiler_reads_it() {
        check("a->B |= 1 << 2 | 3;", false, &["a.B |= ((1<<2)|3)"]);
        check("if (x & 1 == 0) { y = 2; }", false, &["(x&(1==0))", "y = 2"]);
        check(
            "*(volatile uint32_t *)0x40 = (uint8_t)c;",
            false,
            &["(*<uint32_t*>64) = <uint8_t>c"],
        );
        check("((T *)(B + 4))->R[2].S = ~x ? 1 : 2;", false, &["<T*>(B+4).R[2].S = (~x)?1?2"]);
        check("uint32_t *p = f(a, b);", false, &["(uint32_t*p) = f(a,b)"]);
        check("int t[] = { [3] = 1, 2 };", false, &["int", "t", "3", "1", "2"]);
    }

    #[test]
    fn rust_reads_as_a_compiler_reads_it() {
        check(
            "p.UART0.cr1().modify(|_, w| unsafe { w.bits(1 << 13) });",
            true,
            &["p.UART0.cr1().modify(|_,w|{w.bits((1<<13))})"],
        );
        check("if r & m == 0 { a() }", true, &["((r&m)==0)", "a()"]);
        check("let p = 0x40 as *mut u32;", true, &["p = <u32*>64"]);
        check(
            "(*USART2::ptr()).cr1.write(|w| w.ue().set_bit());",
            true,
            &["(*USART2.ptr()).cr1.write(|w|w.ue().set_bit())"],
        );
    }

    #[test]
    fn depth_and_damage_are_bounded() {
        for text in [
            "(".repeat(50_000),
            "-".repeat(50_000),
            "a?".repeat(50_000),
            "{".repeat(50_000),
            "a=".repeat(50_000),
            "a|".repeat(50_000),
            "[".repeat(9000),
            "f(".repeat(50_000),
        ] {
            parse_all(&Tokens::cut(&text, false).code, false);
            parse_all(&Tokens::cut(&text, true).code, true);
        }
    }
}
