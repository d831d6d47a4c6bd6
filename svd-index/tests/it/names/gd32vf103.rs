//! GigaDevice: the vendor's RISC-V firmware library and the gd32vf103-pac crate.

use super::Table;

/// GD32VF103 User Manual.
pub(super) const GD32VF103: Table = Table {
    fixture: "tests/fixtures/gd32vf103.svd",
    real: &["GD32VF103.svd"],
    means: &[
        ("USART_BAUD(USART0)", "USART0.BAUD"),
        ("USART_BAUD(USART0) = 0x1D4C", "USART0.BAUD"),
        ("USART_CTL0(USART0) |= USART_CTL0_UEN", "USART0.CTL0"),
        ("USART_CTL0_UEN", "USART*.CTL0.UEN"),
        ("GPIO_CTL0(GPIOA)", "GPIOA.CTL0"),
        ("GPIO_BOP(GPIOA) = 1", "GPIOA.BOP"),
        ("RCU_APB2EN", "RCU.APB2EN"),
        ("RCU_APB2EN_USART0EN", "RCU.APB2EN.USART0EN"),
        ("RCU_APB2EN |= RCU_APB2EN_USART0EN", "RCU.APB2EN"),
        ("TIMER_CTL0(TIMER1)", "TIMER1.CTL0"),
        ("DMA_CH0CTL(DMA0)", "DMA0.CH0CTL"),
        ("dp.USART0.baud.write(|w| w.intdiv().bits(468))", "USART0.BAUD.INTDIV"),
        ("0x40013808", "USART0.BAUD"),
    ],
    nothing: &[
        "USART_BAUD(USART9)",
        "USART_BAUD(GPIOA)",
        "usart_baudrate_set(USART0, 115200U)",
        "USART2->BRR",
        "RCU_USART0",
    ],
};
