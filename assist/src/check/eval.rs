//! The value of a constant expression, by the file's own definitions and the chip's names.

use std::cell::Cell;
use std::collections::HashMap;

use super::ast::{Expr, Node};

/// Deepest chain of definitions that stand for one another.
const DEEPEST: usize = 24;

/// Steps that one expression may take: definitions that double at each level would take for ever.
const MOST_STEPS: u32 = 10_000;

/// A name that stands for an expression: a macro, an enumerator, a constant.
#[derive(Debug, Clone)]
pub(super) struct Constant<'t> {
    /// Parameters of a macro that takes some.
    pub(super) params: Option<Vec<&'t str>>,
    /// `None`: it stands for something that is no expression, or for several.
    pub(super) body: Option<Node<'t>>,
    /// Added to the body's value: an enumerator counts on from the last one given.
    pub(super) plus: u64,
}

/// Names that files define.
pub(super) type Constants<'t> = HashMap<&'t str, Constant<'t>>;

/// Macros of common headers that give back what they are given, or one bit.
const SAME: &[&str] = &[
    "UINT32_C", "UINT64_C", "UINT16_C", "UINT8_C", "U", "UL", "_U_", "_U", "_u", "_UL_", "_ul",
    "AC", "_AC", "BITMASK", "u32", "uint32_t", "MASK", "REG_MASK",
];
const BIT: &[&str] = &["BIT", "_BV", "BIT32", "_BIT", "BITM", "BV", "BIT_ULL", "BIT64", "SETBIT"];

/// What names mean that no file defines.
pub(super) trait Names {
    /// The number that a header of the chip's vendor gives this name.
    fn value_of(&self, name: &str) -> Option<u64>;
}

/// Evaluates expressions.
pub(super) struct Evaluator<'e, 't> {
    pub(super) constants: &'e Constants<'t>,
    pub(super) names: &'e dyn Names,
    steps: Cell<u32>,
}

/// Arguments of a macro by the names of its parameters.
type Bound<'t> = Vec<(&'t str, Option<u64>)>;

impl<'e, 't> Evaluator<'e, 't> {
    pub(super) fn new(constants: &'e Constants<'t>, names: &'e dyn Names) -> Self {
        Self { constants, names, steps: Cell::new(0) }
    }

    /// The value as 64 bits, arithmetic wrapping; `None` where it is not constant.
    pub(super) fn value(&self, node: &Node<'t>) -> Option<u64> {
        self.steps.set(0);
        self.within(node, &Vec::new(), 0)
    }

    /// The same with arguments in the place of a macro's parameters.
    pub(super) fn value_with(&self, node: &Node<'t>, bound: Bound<'t>) -> Option<u64> {
        self.steps.set(0);
        self.within(node, &bound, 1)
    }

    fn within(&self, node: &Node<'t>, bound: &Bound<'t>, depth: usize) -> Option<u64> {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MOST_STEPS {
            return None;
        }
        let of = |node: &Node<'t>| self.within(node, bound, depth);
        match &node.expr {
            Expr::Number(number) => Some(*number),
            Expr::Name(name) => match bound.iter().find(|(param, _)| param == name) {
                Some((_, value)) => *value,
                None => self.name(name, depth),
            },
            Expr::Cast { ty, pointer, of: inner } => {
                let value = of(inner)?;
                Some(if *pointer { value } else { value & mask_of(ty) })
            }
            Expr::Unary { op, of: inner } => match *op {
                "~" => Some(!of(inner)?),
                "-" => Some(of(inner)?.wrapping_neg()),
                "+" => of(inner),
                "!" => Some(u64::from(of(inner)? == 0)),
                _ => None,
            },
            Expr::Binary { op, left, right } => apply(op, of(left)?, of(right)?),
            Expr::Choice(parts) => match &parts[..] {
                [test, yes, no] => of(if of(test)? != 0 { yes } else { no }),
                _ => None,
            },
            Expr::Call { of: callee, args } => self.call(callee.name()?, args, bound, depth),
            _ => None,
        }
    }

    fn name(&self, name: &str, depth: usize) -> Option<u64> {
        let Some(constant) = self.constants.get(name) else { return self.names.value_of(name) };
        if depth >= DEEPEST || constant.params.is_some() {
            return None;
        }
        let value = self.within(constant.body.as_ref()?, &Vec::new(), depth + 1)?;
        Some(value.wrapping_add(constant.plus))
    }

    fn call(&self, name: &str, args: &[Node<'t>], bound: &Bound<'t>, depth: usize) -> Option<u64> {
        if let Some(constant) = self.constants.get(name) {
            let params = constant.params.as_ref()?;
            if depth >= DEEPEST || params.len() != args.len() {
                return None;
            }
            let values = args.iter().map(|arg| self.within(arg, bound, depth + 1));
            let bound: Bound<'t> = params.iter().copied().zip(values).collect();
            return self.within(constant.body.as_ref()?, &bound, depth + 1);
        }
        let [arg] = args else { return None };
        let value = self.within(arg, bound, depth)?;
        match name {
            _ if SAME.contains(&name) => Some(value),
            _ if BIT.contains(&name) => 1u64.checked_shl(u32::try_from(value).ok()?),
            _ => None,
        }
    }
}

fn apply(op: &str, left: u64, right: u64) -> Option<u64> {
    let shift = u32::try_from(right).ok();
    match op {
        "|" => Some(left | right),
        "&" => Some(left & right),
        "^" => Some(left ^ right),
        "+" => Some(left.wrapping_add(right)),
        "-" => Some(left.wrapping_sub(right)),
        "*" => Some(left.wrapping_mul(right)),
        "/" => left.checked_div(right),
        "%" => left.checked_rem(right),
        "<<" => left.checked_shl(shift?),
        ">>" => left.checked_shr(shift?),
        "==" => Some(u64::from(left == right)),
        "!=" => Some(u64::from(left != right)),
        "<" => Some(u64::from(left < right)),
        ">" => Some(u64::from(left > right)),
        _ => None,
    }
}

/// Bits that are left of a number in a type.
fn mask_of(ty: &str) -> u64 {
    match ty {
        "uint8_t" | "u8" | "char" => 0xff,
        "uint16_t" | "u16" | "short" => 0xffff,
        "uint32_t" | "u32" | "int" | "unsigned" | "uintptr_t" => 0xffff_ffff,
        _ => u64::MAX,
    }
}
