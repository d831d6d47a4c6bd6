//! How vendors' headers and frameworks decorate the names that an SVD gives: data only.
//!
//! What can be read off the SVD itself (a peripheral's kind, a prefix that all its registers
//! share, where an array is) is no convention and stands in [`super::spelling`].

/// Endings of a register's or a field's macro. Those of one letter count as capitals only.
pub(super) const NAME_ENDINGS: [&str; 19] = [
    // CMSIS device headers.
    "_Pos",
    "_Msk", //
    // NXP.
    "_MASK",
    "_SHIFT",
    "_WIDTH", //
    // Pico SDK.
    "_BITS",
    "_LSB",
    "_MSB",
    "_RESET",
    "_OFFSET",
    "_ACCESS", //
    // Microchip.
    "_REG_OFST", //
    // Espressif: register; mask, value, shift of a field.
    "_REG",
    "_M",
    "_V",
    "_S", //
    // GigaDevice, Artery.
    "_OFFS", //
    // Common.
    "_ADDR",
    "_ADDRESS",
];

/// Endings of a peripheral's macro or variable.
pub(super) const PERIPHERAL_ENDINGS: [&str; 6] =
    ["_hw", "_REGS", "_BASE", "_BASE_PTR", "_BASE_ADDR", "_PTR"];

/// Words before a peripheral's name, joined by `_`.
///
/// Nordic; NXP LPC; Espressif; Microchip; Analog Devices; Renesas; Silicon Labs.
pub(super) const VENDOR_PREFIXES: [&str; 7] =
    ["NRF_", "LPC_", "DR_REG_", "REG_", "MXC_", "R_", "GLOBAL_"];

/// Parts of a path that name no level of it: calls of Rust's crates, members of C's unions.
///
/// svd2rust, chiptool; Microchip (`.reg`, `.bit`), Espressif (`.val`), TI and NXP (`.R`, `.B`).
pub(super) const NOISE: [&str; 14] = [
    "ptr", "PTR", "as_ptr", "regs", "borrow", "steal", "read", "bits", "get", "reg", "bit", "val",
    "R", "B",
];

/// Types that headers make of one channel of a peripheral, and the register that a member is:
/// `{n}` is the channel's number, `{r}` the member.
///
/// ST CMSIS device headers: `DMA1_Stream5->CR` is `DMA1.S5CR`, `DMA1_Channel3->CCR` is
/// `DMA1.CCR3`.
pub(super) const CHANNEL_TYPES: [(&str, &str); 2] =
    [("_Stream", "S{n}{r}"), ("_Channel", "{r}{n}")];

/// Elements of C's arrays that the manual names otherwise.
///
/// ST CMSIS device headers: `GPIOA->AFR[1]` is `GPIOA.AFRH`.
pub(super) const ELEMENTS: [(&str, &str); 2] = [("AFR[0]", "AFRL"), ("AFR[1]", "AFRH")];

/// Kinds of peripheral that a HAL handle's name stands for: `huart2` is of USART2 or UART2.
///
/// ST CubeMX names the handles so.
pub(super) const HANDLES: [(&str, &[&str]); 8] = [
    ("huart", &["USART", "UART"]),
    ("husart", &["USART"]),
    ("hlpuart", &["LPUART"]),
    ("htim", &["TIM"]),
    ("hspi", &["SPI"]),
    ("hi2c", &["I2C"]),
    ("hadc", &["ADC"]),
    ("hcan", &["CAN"]),
];

/// Macros that switch a peripheral's clock or reset: how they start, what stands before the
/// peripheral's name and what after it, and how its bit's name in `RCC` ends.
///
/// ST HAL (`__HAL_RCC_USART2_CLK_ENABLE`) and LL (`LL_APB1_GRP1_PERIPH_USART2`).
pub(super) const CLOCK_MACROS: [(&str, &str, &str, &str); 7] = [
    ("__HAL_", "RCC_", "_CLK_ENABLE", "EN"),
    ("__HAL_", "RCC_", "_CLK_DISABLE", "EN"),
    ("__HAL_", "RCC_", "_IS_CLK_ENABLED", "EN"),
    ("__HAL_", "RCC_", "_IS_CLK_DISABLED", "EN"),
    ("__HAL_", "RCC_", "_FORCE_RESET", "RST"),
    ("__HAL_", "RCC_", "_RELEASE_RESET", "RST"),
    ("LL_", "_PERIPH_", "", "EN"),
];
