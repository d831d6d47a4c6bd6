//! Espressif: ESP-IDF's `soc` headers, its structures, the esp32c3 crate.

use super::Table;

/// ESP32-C3 Technical Reference Manual.
pub(super) const ESP32C3: Table = Table {
    fixture: "tests/fixtures/esp32c3.svd",
    real: &["esp32c3.svd"],
    means: &[
        ("UART0.clkdiv", "UART0.CLKDIV"),
        ("UART0.clkdiv.val", "UART0.CLKDIV"),
        ("UART0.conf0.parity", "UART0.CONF0.PARITY"),
        ("UART_CLKDIV_REG(0)", "UART0.CLKDIV"),
        ("UART_CLKDIV_REG(1)", "UART1.CLKDIV"),
        ("REG_READ(UART_CLKDIV_REG(0))", "UART0.CLKDIV"),
        ("REG_WRITE(UART_CLKDIV_REG(0), 0x2b6)", "UART0.CLKDIV"),
        ("READ_PERI_REG(UART_STATUS_REG(1))", "UART1.STATUS"),
        ("UART_RXFIFO_CNT", "UART*.STATUS.RXFIFO_CNT"),
        ("UART_RXFIFO_CNT_S", "UART*.STATUS.RXFIFO_CNT"),
        ("UART_RXFIFO_CNT_V", "UART*.STATUS.RXFIFO_CNT"),
        ("REG_GET_FIELD(UART_STATUS_REG(0), UART_RXFIFO_CNT)", "UART0.STATUS"),
        ("GPIO_ENABLE_W1TS_REG", "GPIO.ENABLE_W1TS"),
        ("REG_WRITE(GPIO_ENABLE_W1TS_REG, BIT(4))", "GPIO.ENABLE_W1TS"),
        ("GPIO.enable_w1ts.val", "GPIO.ENABLE_W1TS"),
        ("GPIO_OUT_REG", "GPIO.OUT"),
        ("SYSTEM_PERIP_CLK_EN0_REG", "SYSTEM.PERIP_CLK_EN0"),
        ("TIMG_T0CONFIG_REG(0)", "TIMG0.T0CONFIG"),
        ("peripherals.UART0.clkdiv.write(|w| w.clkdiv().bits(694))", "UART0.CLKDIV.CLKDIV"),
        ("uart0.clkdiv().read().clkdiv().bits()", "UART0.CLKDIV.CLKDIV"),
        ("0x60000014", "UART0.CLKDIV"),
    ],
    nothing: &[
        "UART_CLKDIV_REG(9)",
        "UART_NOPE_REG(0)",
        "uart_set_baudrate(UART_NUM_0, 115200)",
        "UART_NUM_0",
        "esp_err_t",
    ],
};
