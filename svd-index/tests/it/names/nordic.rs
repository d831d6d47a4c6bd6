//! Nordic: nrfx MDK headers and Rust crates.

use super::Table;

/// nRF51 Series Reference Manual 3.0.1; the file is Nordic's own.
pub(super) const NRF51: Table = Table {
    fixture: "../examples/uart-baud/nrf51.svd",
    real: &["nrf51.svd"],
    means: &[
        ("NRF_UART0->BAUDRATE", "UART0.BAUDRATE"),
        ("UART_BAUDRATE_BAUDRATE_Baud115200", "UART0.BAUDRATE.BAUDRATE"),
        ("UART_BAUDRATE_BAUDRATE_Msk", "UART0.BAUDRATE.BAUDRATE"),
        ("UART_CONFIG_PARITY_Included", "UART0.CONFIG.PARITY"),
        ("(UART_CONFIG_PARITY_Msk)", "UART0.CONFIG.PARITY"),
        ("NRF_GPIO->PIN_CNF[3]", "GPIO.PIN_CNF[3]"),
        ("GPIO_PIN_CNF_PULL_Pullup", "GPIO.PIN_CNF[0..32).PULL"),
        ("NRF_PPI->CH[0].EEP", "PPI.CH[0].EEP"),
        ("NRF_PPI->TASKS_CHG[1].EN", "PPI.TASKS_CHG[1].EN"),
        ("NRF_TIMER0->CC[2]", "TIMER0.CC[2]"),
        ("NRF_TIMER0->EVENTS_COMPARE[0]", "TIMER0.EVENTS_COMPARE[0]"),
        ("TIMER_MODE_MODE_Counter", "TIMER*.MODE.MODE"),
        ("p.UART0.baudrate.write(|w| w.baudrate().baud115200())", "UART0.BAUDRATE.BAUDRATE"),
        ("p.GPIO.pin_cnf[21].write(|w| w.dir().output())", "GPIO.PIN_CNF[21].DIR"),
        ("gpio.pin_cnf(21).read().bits()", "GPIO.PIN_CNF[21]"),
        ("NRF_UART0_BASE + 0x524", "UART0.BAUDRATE"),
        ("*(volatile uint32_t *)0x40002524", "UART0.BAUDRATE"),
    ],
    nothing: &[
        "NRF_UART1->BAUDRATE",
        "NRF_GPIO->PIN_CNF[32]",
        "NRF_PPI->CH[16].EEP",
        "UART_BAUDRATE_BAUDRATE_Baud115300",
        "UART_CONFIG_PARITY_7",
        "USART2->BRR",
        "nrf_gpio_pin_set(3)",
        "NRF_SUCCESS",
        "nrf_drv_uart_init",
        "0x40002600",
    ],
};

/// nRF52840 Product Specification 1.7.
pub(super) const NRF52840: Table = Table {
    fixture: "tests/fixtures/nrf52840.svd",
    real: &["nrf52840.svd"],
    means: &[
        ("NRF_P0->PIN_CNF[3]", "P0.PIN_CNF[3]"),
        ("NRF_P0->PIN_CNF[3].PULL", "P0.PIN_CNF[3].PULL"),
        ("GPIO_PIN_CNF_PULL_Pullup", "P*.PIN_CNF[0..*).PULL"),
        ("GPIO_PIN_CNF_PULL_Pos", "P*.PIN_CNF[0..*).PULL"),
        ("NRF_UARTE0->PSEL.TXD", "UARTE0.PSEL.TXD"),
        ("NRF_UARTE0->RXD.PTR", "UARTE0.RXD.PTR"),
        ("NRF_UARTE0->RXD.MAXCNT = 8", "UARTE0.RXD.MAXCNT"),
        ("UARTE_PSEL_TXD_CONNECT_Connected", "UARTE*.PSEL.TXD.CONNECT"),
        ("UARTE_BAUDRATE_BAUDRATE_Baud115200", "UARTE*.BAUDRATE.BAUDRATE"),
        ("UARTE_ENABLE_ENABLE_Enabled", "UARTE*.ENABLE.ENABLE"),
        ("NRF_GPIOTE->CONFIG[2]", "GPIOTE.CONFIG[2]"),
        ("NRF_GPIOTE->TASKS_OUT[3]", "GPIOTE.TASKS_OUT[3]"),
        ("NRF_PPI->FORK[4].TEP", "PPI.FORK[4].TEP"),
        ("NRF_SAADC->CH[0].PSELP", "SAADC.CH[0].PSELP"),
        ("SAADC_CH_PSELP_PSELP_AnalogInput0", "SAADC.CH[0..8).PSELP.PSELP"),
        ("p.UARTE0.psel.txd.write(|w| w.pin().bits(6))", "UARTE0.PSEL.TXD.PIN"),
        ("p.UARTE0.rxd.ptr.write(|w| w.ptr().bits(0x2000_0000))", "UARTE0.RXD.PTR.PTR"),
        ("(*UARTE0::ptr()).rxd.ptr", "UARTE0.RXD.PTR"),
        ("pac::UARTE0.psel().txd().write(|w| w.set_pin(6))", "UARTE0.PSEL.TXD.PIN"),
        ("p.P0.pin_cnf[13].modify(|_, w| w.pull().pullup())", "P0.PIN_CNF[13].PULL"),
        ("P0.PIN_CNF{3,4}", "P0.PIN_CNF[3] | P0.PIN_CNF[4]"),
        ("NVIC->ISER[1]", "NVIC.ISER[1]"),
        ("SCB->CFSR", "SCB.CFSR"),
    ],
    nothing: &[
        "NRF_P0->PIN_CNF[32]",
        "NRF_P7->PIN_CNF[3]",
        "NRF_UARTE0->PSEL.TXE",
        "NVIC->ISER[99]",
        "UARTE_PSEL_TXD_CONNECT_Connecting",
    ],
};
