//! Offers the nearest names to one that matches nothing.

use super::Chip;

/// Less alike than this is not worth offering.
const ALIKE: f64 = 0.6;
const OFFERED: usize = 5;

impl Chip {
    /// Paths nearest to `text`, best first, at most five; empty if nothing is alike.
    ///
    /// The peripheral's part and the register's are weighed apart, so that a slip in one is
    /// mended within the other: `UART0.BAUDRTE` offers `UART0.BAUDRATE`, not another `UART`.
    pub fn suggest(&self, text: &str) -> Vec<String> {
        let text = crate::query::normalise(text).to_ascii_lowercase();
        let (lead, rest) = match text.split_once('.') {
            Some((lead, rest)) => (Some(lead), rest),
            None => (None, text.as_str()),
        };
        let mut scored: Vec<(f64, String)> = Vec::new();
        for peripheral in self.peripherals() {
            let name = peripheral.name().to_ascii_lowercase();
            if lead.is_none() {
                scored.push((alike(&name, rest), peripheral.name().to_owned()));
            }
            let lead_score = lead.map_or(1.0, |lead| alike(&name, lead));
            if lead_score < ALIKE {
                continue;
            }
            for register in peripheral.registers() {
                let register_name = register.name().to_ascii_lowercase();
                let bare = rest.split_once('.').map_or(rest, |(first, _)| first);
                let score = alike(&register_name, rest).max(alike(&register_name, bare));
                scored.push((lead_score * score, register.path()));
            }
        }
        scored.retain(|(score, _)| *score >= ALIKE);
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut names: Vec<String> = Vec::new();
        for (_, name) in scored {
            if names.len() < OFFERED && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

fn alike(name: &str, text: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(name, text)
}
