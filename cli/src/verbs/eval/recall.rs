//! How much of what an answer needs was chosen: recall, for questions that say what that is.

use assist::Context;
use svd_index::{Chip, Query};

/// What an answer to a question needs.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct Gold {
    #[serde(default)]
    gold_registers: Vec<String>,
    #[serde(default)]
    gold_fields: Vec<String>,
    /// The question does not say which of several equal peripherals is meant.
    #[serde(default)]
    any_instance: bool,
}

/// Shares of one question, or their means over several.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Recall {
    pub(super) registers: Option<f64>,
    pub(super) fields: Option<f64>,
}

impl Gold {
    /// The share of it that `context` names.
    pub(super) fn recall(&self, chip: &Chip, context: &Context) -> Recall {
        let share = |wanted: &[String], chosen: &[String]| {
            let chosen: Vec<String> = chosen.iter().map(|name| self.key(chip, name)).collect();
            let found = wanted.iter().filter(|name| chosen.contains(&self.key(chip, name))).count();
            (!wanted.is_empty()).then(|| found as f64 / wanted.len() as f64)
        };
        Recall {
            registers: share(&self.gold_registers, &context.registers),
            fields: share(&self.gold_fields, &context.fields),
        }
    }

    /// A name as it is compared: that of the chip, whichever way it was spelled, and without
    /// numbers where every instance will do. All elements of an array count as one.
    fn key(&self, chip: &Chip, name: &str) -> String {
        let hit = Query::parse(name).ok().and_then(|query| {
            let hit = chip.find_hits(&query).into_iter().next()?;
            let field = hit.field.map_or("", |field| field.name());
            Some(match self.any_instance {
                true => format!("{}.{field}", hit.register.path()),
                false => format!("{}.{field}", hit.register.index()),
            })
        });
        let key = hit.unwrap_or_else(|| name.to_owned()).to_uppercase();
        match self.any_instance {
            true => key.chars().filter(|c| !c.is_ascii_digit()).collect(),
            false => key,
        }
    }
}

/// Means over those that have a share at all.
pub(super) fn mean(recalls: &[Recall]) -> Recall {
    let of = |share: fn(&Recall) -> Option<f64>| {
        let shares: Vec<f64> = recalls.iter().filter_map(share).collect();
        (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
    };
    Recall { registers: of(|one| one.registers), fields: of(|one| one.fields) }
}
