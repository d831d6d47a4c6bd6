//! How much of what an answer needs was chosen: recall, for questions that say what that is.

use assist::Context;
use svd_index::{Chip, Query};

/// What an answer to a question needs.
#[derive(Debug, Default, Clone, serde::Deserialize)]
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

    /// Whether `answer` names a register that is needed: in any spelling that means it, or by its
    /// name below the peripheral.
    pub(super) fn is_named(&self, chip: &Chip, answer: &str, spellings: &[&str]) -> bool {
        const LEAST_NAME: usize = 3;
        let words: Vec<String> = answer
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .map(str::to_uppercase)
            .collect();
        let meant: Vec<String> =
            spellings.iter().map(|name| self.register_key(chip, name)).collect();
        self.gold_registers.iter().any(|wanted| {
            let name = wanted.rsplit('.').next().unwrap_or(wanted).to_uppercase();
            meant.contains(&self.register_key(chip, wanted))
                || (name.len() >= LEAST_NAME && words.contains(&name))
        })
    }

    /// As [`Gold::key`], whether a field of the register is named or the register itself.
    fn register_key(&self, chip: &Chip, name: &str) -> String {
        let key = self.key(chip, name);
        key.rsplit_once('.').map_or(key.clone(), |(register, _)| register.to_owned())
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
