//! The methods that others use to choose evidence, to measure ours beside: a ranking of whole
//! register documents, by words or however the caller likes, and the dump of every peripheral that
//! the question names.

use svd_index::{Chip, EnumValueRef, RegisterRef};

use super::Context;
use crate::tokens::{self, TokenBudget};

/// How evidence is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// One document for each register, by BM25 of the question's words.
    Bm25,
    /// All registers of the peripherals that the question names, in the SVD's order.
    Dump,
}

/// Most registers that a ranking is asked for; more than any budget holds.
const MOST: usize = 2000;

impl Context {
    /// Chooses evidence by one of the plain methods: each register as its whole [`document`], until
    /// the next one does not fit.
    pub fn plain(method: Method, chip: &Chip, question: &str, budget: TokenBudget) -> Self {
        let registers: Vec<RegisterRef<'_>> = match method {
            Method::Bm25 => {
                chip.search(question, MOST).into_iter().map(|(register, _)| register).collect()
            }
            Method::Dump => named_peripherals(chip, question),
        };
        Self::whole(&registers, budget)
    }

    /// Takes registers in the order given, each as its [`document`], until the next one does not
    /// fit.
    pub fn whole(registers: &[RegisterRef<'_>], budget: TokenBudget) -> Self {
        let mut context = Self { budget: budget.tokens(), ..Self::none() };
        for (at, register) in registers.iter().enumerate() {
            let longer = format!("{}{}", context.text, document(register));
            let tokens = tokens::count(&longer);
            if tokens > context.budget {
                context.left_out.registers = registers.len() - at;
                break;
            }
            (context.text, context.tokens) = (longer, tokens);
            let path = register.element(0).unwrap_or(*register).path();
            let fields = register.fields().map(|field| format!("{path}.{}", field.name()));
            context.fields.extend(fields);
            context.registers.push(path);
        }
        context.likely.clone_from(&context.registers);
        context
    }
}

/// Registers of the peripherals whose name, with or without its instance, is a word of `question`.
fn named_peripherals<'c>(chip: &'c Chip, question: &str) -> Vec<RegisterRef<'c>> {
    let said: Vec<String> = question
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .map(str::to_lowercase)
        .collect();
    let is_named = |name: &str| {
        let name = name.to_lowercase();
        let kind = name.trim_end_matches(|c: char| c.is_ascii_digit());
        said.iter().any(|word| *word == name || (kind.len() > 1 && word == kind))
    };
    chip.peripherals()
        .filter(|peripheral| is_named(peripheral.name()))
        .flat_map(|peripheral| peripheral.registers())
        .collect()
}

/// All that a description says of a register: its name, address, description, fields and their
/// values.
pub fn document(register: &RegisterRef<'_>) -> String {
    let first = register.element(0).unwrap_or(*register);
    let mut text = format!("{} {:#010x}", first.path(), first.address());
    push_words(&mut text, register.description());
    text.push('\n');
    for field in register.fields() {
        text += &format!("  {}[{}:{}]", field.name(), field.msb(), field.lsb());
        push_words(&mut text, field.description());
        let told = |value: EnumValueRef<'_>| match value.value {
            Some(number) => format!("{number}={}", value.name),
            None => value.name.to_owned(),
        };
        let values: Vec<String> = field.enums().map(told).collect();
        if !values.is_empty() {
            text += &format!(" ({})", values.join(", "));
        }
        text.push('\n');
    }
    text
}

fn push_words(text: &mut String, words: &str) {
    for word in words.split_whitespace() {
        text.push(' ');
        text.push_str(word);
    }
}
