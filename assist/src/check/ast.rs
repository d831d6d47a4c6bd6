//! What an expression is, as much as it takes to see which register is given which value.

/// An expression and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node<'t> {
    pub(super) expr: Expr<'t>,
    /// First byte of the text.
    pub(super) start: usize,
    /// Byte after the last.
    pub(super) end: usize,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expr<'t> {
    Number(u64),
    /// A string, a character, a fraction.
    Literal,
    Name(&'t str),
    /// `of.name`, `of->name`, `of::name`.
    Member {
        of: Box<Node<'t>>,
        name: &'t str,
    },
    Index {
        of: Box<Node<'t>>,
        at: Box<Node<'t>>,
    },
    Call {
        of: Box<Node<'t>>,
        args: Vec<Node<'t>>,
    },
    Unary {
        op: &'static str,
        of: Box<Node<'t>>,
    },
    Binary {
        op: &'static str,
        left: Box<Node<'t>>,
        right: Box<Node<'t>>,
    },
    /// `to = value`; `op` is the operator before `=`, empty for none.
    Assign {
        op: &'static str,
        to: Box<Node<'t>>,
        value: Box<Node<'t>>,
    },
    /// `(ty *)of` or `of as *mut ty`.
    Cast {
        ty: &'t str,
        pointer: bool,
        of: Box<Node<'t>>,
    },
    /// `test ? yes : no`.
    Choice(Vec<Node<'t>>),
    /// `|params| body`.
    Closure {
        params: Vec<&'t str>,
        body: Box<Node<'t>>,
    },
    /// Statements, or the values of an initialiser.
    Block(Vec<Node<'t>>),
}

impl<'t> Node<'t> {
    /// The name, if it is nothing else.
    pub(super) fn name(&self) -> Option<&'t str> {
        match self.expr {
            Expr::Name(name) => Some(name),
            _ => None,
        }
    }

    /// Bytes of the member's name, the last thing in a member access.
    pub(super) fn tail(&self, name: &str) -> std::ops::Range<usize> {
        self.end - name.len()..self.end
    }

    /// Calls `visit` with the parts right below this.
    pub(super) fn each_child<'n>(&'n self, mut visit: impl FnMut(&'n Node<'t>)) {
        match &self.expr {
            Expr::Number(_) | Expr::Literal | Expr::Name(_) => {}
            Expr::Member { of, .. } | Expr::Unary { of, .. } | Expr::Cast { of, .. } => visit(of),
            Expr::Index { of: a, at: b }
            | Expr::Binary { left: a, right: b, .. }
            | Expr::Assign { to: a, value: b, .. } => {
                visit(a);
                visit(b);
            }
            Expr::Call { of, args } => {
                visit(of);
                args.iter().for_each(visit);
            }
            Expr::Closure { body, .. } => visit(body),
            Expr::Choice(parts) | Expr::Block(parts) => parts.iter().for_each(visit),
        }
    }
}
