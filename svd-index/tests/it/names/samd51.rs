//! Microchip: ASF headers, the newer device family packs, the atsamd51 crates.

use super::Table;

/// SAM D5x/E5x Family Data Sheet, DS60001507.
pub(super) const SAMD51: Table = Table {
    fixture: "tests/fixtures/atsamd51.svd",
    real: &["ATSAMD51J20A.svd"],
    means: &[
        ("SERCOM0->USART.BAUD.reg", "SERCOM0.USART_*.BAUD"),
        ("SERCOM0->USART.CTRLA.bit.ENABLE", "SERCOM0.USART_*.CTRLA.ENABLE"),
        ("SERCOM0->USART.CTRLA.bit.ENABLE = 1", "SERCOM0.USART_*.CTRLA.ENABLE"),
        ("SERCOM_USART_CTRLA_ENABLE", "SERCOM*.USART_*.CTRLA.ENABLE"),
        ("SERCOM_USART_CTRLA_ENABLE_Pos", "SERCOM*.USART_*.CTRLA.ENABLE"),
        ("REG_SERCOM0_USART_BAUD", "SERCOM0.USART_*.BAUD"),
        ("SERCOM0->I2CM.BAUD.reg", "SERCOM0.I2CM.BAUD"),
        ("SERCOM_I2CM_CTRLA_ENABLE", "SERCOM*.I2CM.CTRLA.ENABLE"),
        ("SERCOM0_REGS->USART_INT.SERCOM_BAUD", "SERCOM0.USART_INT.BAUD"),
        ("SERCOM_USART_INT_CTRLA_ENABLE_Msk", "SERCOM*.USART_INT.CTRLA.ENABLE"),
        ("PORT->Group[0].DIRSET.reg", "PORT.GROUP[0].DIRSET"),
        ("PORT->Group[1].OUT.reg", "PORT.GROUP[1].OUT"),
        ("PORT_REGS->GROUP[0].PORT_DIRSET", "PORT.GROUP[0].DIRSET"),
        ("GCLK->PCHCTRL[7].reg", "GCLK.PCHCTRL[7]"),
        ("GCLK->PCHCTRL[7].bit.CHEN", "GCLK.PCHCTRL[7].CHEN"),
        ("GCLK_PCHCTRL_CHEN", "GCLK.PCHCTRL[0..48).CHEN"),
        ("sercom0.usart_int().baud()", "SERCOM0.USART_INT.BAUD"),
        (
            "p.SERCOM0.usart_int().ctrla.modify(|_, w| w.enable().set_bit())",
            "SERCOM0.USART_INT.CTRLA.ENABLE",
        ),
        ("port.group0.dirset", "PORT.GROUP[0].DIRSET"),
    ],
    nothing: &[
        "SERCOM9->USART.BAUD.reg",
        "SERCOM0->USART.NOPE.reg",
        "PORT->Group[9].DIRSET.reg",
        "GCLK->PCHCTRL[48].reg",
        "sercom_enable()",
    ],
};
