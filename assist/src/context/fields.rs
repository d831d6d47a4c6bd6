//! Which fields of a register are worth a place on its line, and in what order.

use std::collections::HashMap;

use bundle::RegisterFact;

use super::rank::Ranked;
use crate::catalog::Register;

/// Fields of one name but for a number that are listed before all others.
const IN_A_ROW: usize = 2;

/// Positions of a register's fields, the most worthwhile first: what the question asks for, then
/// what is not as after reset, then by bit.
pub(super) fn field_order(
    ranked: &Ranked,
    register: &Register<'_>,
    held: Option<&RegisterFact>,
) -> Vec<usize> {
    let changed = |at: usize| {
        let (Some(held), field) = (held, &register.fields[at]) else { return false };
        let reset = held.reset_value.unwrap_or(0);
        field.extract(held.value) != field.extract(reset)
    };
    let worth = |at: usize| ranked.fields[at] + if changed(at) { 0.5 } else { 0.0 };
    let mut order: Vec<usize> = (0..register.fields.len()).collect();
    order.sort_by(|&a, &b| {
        let by_worth = worth(b).total_cmp(&worth(a));
        by_worth.then(register.fields[a].lsb.cmp(&register.fields[b].lsb))
    });
    last_of_rows(&mut order, register);
    order
}

/// Puts fields that differ from [`IN_A_ROW`] before them in a number only to the end: `FB0[0]`,
/// `FB1[1]` tell what `FB2[2]` is.
fn last_of_rows(order: &mut [usize], register: &Register<'_>) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut is_more = vec![false; register.fields.len()];
    for &at in order.iter() {
        let name = register.fields[at].name;
        if name.contains(|c: char| c.is_ascii_digit()) {
            let stem = name.replace(|c: char| c.is_ascii_digit(), "0");
            let before = seen.entry(stem).or_default();
            is_more[at] = *before >= IN_A_ROW;
            *before += 1;
        }
    }
    order.sort_by_key(|&at| is_more[at]);
}

/// How many fields are worth listing before other registers get their line; where there is little
/// room, more registers are worth more than their fields. A few that would be left out are listed as
/// well: saying that they are missing costs nearly as much.
pub(super) fn most_fields(rank: usize, ranked: &Ranked, order: &[usize], budget: usize) -> usize {
    const ROOMY: usize = 1500;
    let is_roomy = budget >= ROOMY;
    let (few, many) = match rank {
        0..5 => (10, 16),
        5..20 => (6, 8),
        20..50 => (4, 5),
        _ => (2, 2),
    };
    let most = if is_roomy { many } else { few };
    let (least, spare) = match rank {
        0..5 => (if is_roomy { 6 } else { 3 }, 3),
        5..20 => (3, usize::from(is_roomy)),
        _ => (2, 0),
    };
    let asked = order.iter().filter(|&&at| ranked.fields[at] > 0.0).count();
    let listed = order.len().min(most).min(asked.max(least));
    if order.len() - listed <= spare { order.len() } else { listed }
}
