//! Interrupt handlers: a name that fits no interrupt is never called, and nothing says so.

use std::ops::Range;

use super::names::kind;
use super::reader::Reader;
use crate::verify::ClaimKind;
use crate::verify::judge::Judged;
use crate::words;

/// Exceptions of Armv6-M to Armv8-M, as CMSIS names their handlers: ARMv8-M ARM, DDI 0553B.y,
/// B3.9 (the numbers), and CMSIS-Core's startup files (the names).
const EXCEPTIONS: &[&str] = &[
    "Reset",
    "NMI",
    "HardFault",
    "MemManage",
    "BusFault",
    "UsageFault",
    "SecureFault",
    "SVC",
    "DebugMon",
    "PendSV",
    "SysTick",
];

impl Reader<'_, '_, '_> {
    /// Judges the names of handlers that this file defines.
    pub(super) fn handlers(&mut self) {
        let tokens = self.tokens;
        for (at, token) in tokens.code.iter().enumerate() {
            let Some(name) = token.name() else { continue };
            let opens = tokens.code.get(at + 1).is_some_and(|next| next.is("("));
            // Defined or declared, not called: a type stands before it.
            let declared = at > 0 && tokens.code[at - 1].name().is_some();
            if !opens || !declared {
                continue;
            }
            let span = token.start..token.end;
            if self.rust {
                let before = &tokens.code[at.saturating_sub(8)..at];
                if before.windows(2).any(|w| w[0].is_word("interrupt") && w[1].is("]")) {
                    self.handler(name, "", span);
                }
            } else if let Some(stem) = name.strip_suffix("_IRQHandler")
                && !["HAL_", "LL_", "BSP_"].iter().any(|own| stem.starts_with(own))
            {
                self.handler(stem, "_IRQHandler", span);
            } else if let Some(stem) = name.strip_suffix("_Handler") {
                self.exception(stem, span);
            }
        }
    }

    fn handler(&mut self, stem: &str, end: &str, span: Range<usize>) {
        let Some(chip) = self.names.known.catalog.chip() else { return };
        let names: Vec<&str> = chip.interrupts().map(|interrupt| interrupt.name).collect();
        if names.is_empty() {
            return;
        }
        if let Some(known) = chip.interrupts().find(|i| i.name.eq_ignore_ascii_case(stem)) {
            let why = format!("interrupt {}", known.number);
            return self.claim(ClaimKind::Interrupt, span, Judged::ok(why));
        }
        let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
        let same_digits = names.iter().copied().filter(|name| digits(name) == digits(stem));
        let close = |near: &&str| stem.len().abs_diff(near.len()) <= 1 && near.len() > 3;
        let slip = words::nearest(stem, same_digits).filter(close);
        // `USART9` where there is a USART2, and no USART9 at all.
        let is_other = || {
            let own = kind(stem);
            let alike = names.iter().copied().filter(|name| kind(name).eq_ignore_ascii_case(own));
            let unknown = self.names.known.peripheral(stem).is_none() && own.len() < stem.len();
            alike.clone().nth(1).and(words::nearest(stem, alike)).filter(|_| unknown)
        };
        let why = format!("the chip has no interrupt {stem}: this is never called");
        let conditional = self.tokens.is_conditional(span.start);
        let judged = match slip.or_else(is_other).filter(|_| !conditional) {
            Some(near) => Judged::wrong(why, Some(format!("{near}{end}"))),
            None => Judged::unknown(format!("no interrupt of the chip is called {stem}")),
        };
        self.claim(ClaimKind::Interrupt, span, judged);
    }

    fn exception(&mut self, stem: &str, span: Range<usize>) {
        if EXCEPTIONS.contains(&stem) {
            return self.claim(ClaimKind::Interrupt, span, Judged::ok("an exception of the core"));
        }
        let near = words::nearest(stem, EXCEPTIONS.iter().copied());
        if let Some(near) =
            near.filter(|near| near.len().abs_diff(stem.len()) <= 1 && stem.len() > 3)
        {
            let why = format!("the core has no exception {stem}: this is never called");
            let judged = Judged::wrong(why, Some(format!("{near}_Handler")));
            self.claim(ClaimKind::Interrupt, span, judged);
        }
    }
}
