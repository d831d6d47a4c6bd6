//! What a real part makes of a value, where the manual gives the formula.

use super::Observed;

/// A formula of a manual for one field of a family of parts.
struct Effect {
    /// The SVD's device names start with this, in lower case.
    device: &'static str,
    /// The peripheral's names start with this.
    peripheral: &'static str,
    register: &'static str,
    field: &'static str,
    /// Bits of the field to words that follow "a real part".
    says: fn(u64) -> String,
}

const EFFECTS: &[Effect] = &[
    // nRF51 Series Reference Manual v3.0.1, 29.10.9 (BAUDRATE): the register is an increment of a
    // 32-bit phase accumulator that is clocked with 16 MHz.
    Effect {
        device: "nrf51",
        peripheral: "UART",
        register: "BAUDRATE",
        field: "BAUDRATE",
        says: |raw| format!("would run at about {} baud", (u128::from(raw) * 16_000_000) >> 32),
    },
];

/// What a real part does with the bits observed; `None` where nobody wrote it down here.
pub(super) fn of(observed: &Observed<'_>) -> Option<String> {
    let device = observed.device.to_ascii_lowercase();
    let fits = |effect: &&Effect| {
        device.starts_with(effect.device)
            && observed.register.peripheral().name().starts_with(effect.peripheral)
            && observed.register.name() == effect.register
            && observed.field.name() == effect.field
    };
    EFFECTS.iter().find(fits).map(|effect| (effect.says)(observed.raw))
}

#[cfg(test)]
mod tests {
    use super::EFFECTS;

    #[test]
    fn the_nrf51_formula_gives_what_the_manual_says() {
        assert_eq!((EFFECTS[0].says)(0x01d7_e000), "would run at about 115203 baud");
        assert_eq!((EFFECTS[0].says)(115_200), "would run at about 429 baud");
    }
}
