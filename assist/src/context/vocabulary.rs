//! How people speak of what registers are called: symptoms and everyday words, what they mean in
//! a chip's vocabulary, and why.
//!
//! General embedded knowledge only: nothing here is about one chip or one bug. `says` are
//! phrases of the question, compared by word stems; a `*` at the end of a word takes any ending.

/// One piece of knowledge.
pub(crate) struct Entry {
    /// Any of these in the question.
    pub(crate) says: &'static [&'static str],
    /// Starts of the names of peripherals that it is about.
    pub(crate) peripherals: &'static [&'static str],
    /// Words of names and descriptions that it is about.
    pub(crate) words: &'static [&'static str],
}

const fn entry(
    says: &'static [&'static str],
    peripherals: &'static [&'static str],
    words: &'static [&'static str],
) -> Entry {
    Entry { says, peripherals, words }
}

/// Kinds of peripherals, by what people call them.
pub(crate) const KINDS: &[Entry] = &[
    entry(
        &[
            "uart", "usart", "serial", "console", "baud", "rs232", "rs485", "tty", "printf",
            "terminal",
        ],
        &["UART", "USART", "LPUART", "LEUART", "SCI", "SERCOM", "FLEXCOMM", "DBGU"],
        &[],
    ),
    entry(
        &["spi", "chip select", "mosi", "miso", "sclk"],
        &["SPI", "LPSPI", "DSPI", "SSP", "GSPI", "SERCOM", "FLEXCOMM"],
        &[],
    ),
    entry(
        &["quad spi", "external flash", "qspi", "memory mapped", "octospi", "xip"],
        &["QUADSPI", "QSPI", "OCTOSPI", "OSPI", "FLEXSPI", "XIP", "SPIFI"],
        &[],
    ),
    entry(
        &["i2c", "twi", "two wire", "smbus", "sda", "scl"],
        &["I2C", "TWI", "LPI2C", "FMPI2C", "SERCOM", "FLEXCOMM"],
        &[],
    ),
    entry(&["i2s", "audio", "sai", "codec"], &["I2S", "SAI", "SSC", "PDM", "DFSDM"], &[]),
    entry(
        &["timer", "pwm", "capture", "periodic", "input capture", "encoder"],
        &[
            "TIM", "TIMER", "TC", "TCC", "PWM", "CTIMER", "FTM", "GPT", "PIT", "LPTIM", "MRT",
            "SCT", "TPM",
        ],
        &[],
    ),
    entry(
        &["tick", "systick", "system timer"],
        &["STK", "SYSTICK", "SYST", "PPB", "SYSTIMER"],
        &["systick", "tickint", "reload"],
    ),
    entry(
        &["adc", "analog", "converter", "conversion", "sample"],
        &["ADC", "SAADC", "SARADC", "APB_SARADC", "AFEC"],
        &[],
    ),
    entry(&["dac"], &["DAC"], &[]),
    entry(&["dma"], &["DMA", "BDMA", "MDMA", "GPDMA", "EDMA", "PDC", "GDMA", "XDMAC", "DMAC"], &[]),
    entry(
        &[
            "gpio",
            "pin",
            "pins",
            "port",
            "led",
            "open drain",
            "pull up",
            "pull down",
            "output level",
        ],
        &["GPIO", "PORT", "PIO", "IO_BANK", "PADS_BANK", "SIO", "P0", "P1", "IOMUX"],
        &[],
    ),
    entry(
        &["pin interrupt", "external interrupt", "edge", "edges", "exti"],
        &["EXTI", "SYSCFG", "AFIO", "GPIOTE", "EIC", "PINT", "IO_BANK"],
        &[],
    ),
    entry(
        &["usb", "enumerat*", "otg", "endpoint", "vbus", "remote wake up"],
        &["USB", "OTG", "UDP", "USBCTRL", "USBD", "UOTG", "USBHS", "USBFS"],
        &[],
    ),
    entry(&["can bus", "can", "fdcan", "bxcan"], &["CAN", "FDCAN", "FLEXCAN", "MCAN", "TWAI"], &[]),
    entry(&["ethernet", "phy", "rmii", "mdio"], &["ETH", "EMAC", "GMAC", "ENET", "MAC"], &[]),
    entry(&["sd card", "sdio", "sdmmc", "mmc"], &["SDIO", "SDMMC", "USDHC", "HSMCI"], &[]),
    entry(
        &["flash", "page erase", "half word", "wait state", "bootloader"],
        &["FLASH", "NVMC", "NVMCTRL", "EFC", "FTFA", "FTFE", "FTFL", "FMC", "FLASHC"],
        &[],
    ),
    entry(
        &["external memory", "sdram", "psram", "fmc", "fsmc", "flexbus"],
        &["FMC", "FSMC", "SEMC", "FB", "EBI", "SMC", "FLEXBUS", "EMC"],
        &["external", "bus", "memory"],
    ),
    entry(
        &[
            "clock",
            "pll",
            "crystal",
            "oscillator",
            "mhz",
            "hse",
            "lse",
            "hsi",
            "divisor",
            "divider",
            "prescaler",
            "bus clock",
        ],
        &[
            "RCC", "CLOCK", "CLOCKS", "PLL", "XOSC", "ROSC", "PMC", "SIM", "MCG", "CCM", "GCLK",
            "OSCCTRL", "SYSCTRL", "SYSCON", "PCR", "RTC_CNTL", "CRG", "CMU", "SCG", "PCC", "RCU",
            "CKCU", "SYSTEM",
        ],
        &[],
    ),
    entry(
        &[
            "power",
            "low power",
            "sleep",
            "standby",
            "stop mode",
            "deep sleep",
            "current",
            "battery",
            "backup domain",
            "wake up",
            "wakeup",
        ],
        &[
            "PWR", "POWER", "PM", "SUPC", "PMU", "SMC", "LLWU", "RTC_CNTL", "PSM", "CCM", "GPC",
            "DCDC", "SCB", "EMU",
        ],
        &[],
    ),
    entry(
        &["watchdog", "wdt", "iwdg", "wwdg"],
        &["IWDG", "WWDG", "WDT", "WDOG", "WATCHDOG", "COP"],
        &[],
    ),
    entry(&["rtc", "real time clock", "calendar", "alarm"], &["RTC", "SRTC", "SNVS"], &[]),
    entry(&["random", "rng", "trng"], &["RNG", "TRNG", "RNGA"], &[]),
    entry(
        &["aes", "crypto", "encryption", "hash"],
        &["AES", "CRYP", "HASH", "SHA", "ECB", "CCM", "CAU", "PKA", "RSA"],
        &[],
    ),
    entry(&["crc", "checksum"], &["CRC"], &[]),
    entry(&["radio", "ble", "bluetooth", "ieee 802.15.4"], &["RADIO", "BLE", "CLOCK"], &[]),
    entry(
        &["debugger", "swd", "jtag", "debug"],
        &["DBG", "DBGMCU", "COREDEBUG", "DCB", "DSU", "MCM"],
        &[],
    ),
    entry(
        &["interrupt handler", "interrupt", "irq", "nvic", "isr"],
        &["NVIC", "PPB", "INTERRUPT", "PLIC", "CLIC", "INTMTX"],
        &[],
    ),
    entry(
        &["memory protection", "mpu", "guard"],
        &["MPU", "PPB", "SYSMPU", "PMP"],
        &["mpu", "region"],
    ),
    entry(&["pulse counter"], &["PCNT"], &[]),
    entry(&["quadrature", "encoder"], &["QDEC", "QEI", "PCNT", "EQEP"], &[]),
    entry(
        &["display", "lcd", "ltdc", "framebuffer"],
        &["LCD", "LTDC", "LCDIF", "ELCDIF", "DSI", "DMA2D", "LCDC"],
        &[],
    ),
    entry(&["touch"], &["TSC", "TOUCH", "PTC", "TSI"], &[]),
    entry(&["comparator"], &["COMP", "LPCOMP", "ACMP", "AC", "CMP"], &[]),
    entry(
        &["cache", "stale", "coherent"],
        &["SCB", "ICACHE", "DCACHE", "CACHE", "LMEM", "EXTMEM", "XIP", "L1CACHE"],
        &["cache"],
    ),
    entry(
        &["fault", "hard fault", "hardfault", "bus fault", "usage fault", "exception", "crash*"],
        &["SCB", "PPB", "NVIC", "FPU_CPACR"],
        &[],
    ),
    entry(
        &["float", "floating point", "fpu"],
        &["SCB", "FPU", "FPU_CPACR", "PPB"],
        &["coprocessor", "cpacr", "fpu", "nocp"],
    ),
];

/// What goes wrong, and the registers that show or cause it.
pub(crate) const SYMPTOMS: &[Entry] = &[
    // A serial line that shows nonsense has the wrong rate: divisor, oversampling, bus clock.
    entry(
        &["garbage", "garbled", "gibberish", "baud", "framing"],
        &[],
        &["baud", "baudrate", "brr", "divisor", "div", "oversampling", "prescaler", "frequency"],
    ),
    // A rate off by a factor is a prescaler somewhere between the oscillator and the peripheral.
    entry(
        &[
            "twice",
            "too fast",
            "too slow",
            "factor",
            "double",
            "wrong frequency",
            "divisor",
            "bus clock",
        ],
        &["RCC", "CLOCK", "CLOCKS", "SIM", "CCM", "GCLK", "PMC", "SYSCON"],
        &["prescaler", "divider", "div", "psc", "reload"],
    ),
    // A timer that is one count long or short has a reload value off by one.
    entry(&["too long", "too short", "period"], &[], &["reload", "load", "arr", "period", "start"]),
    // A peripheral that never answers, or whose registers stay 0, has no clock or is in reset.
    entry(
        &[
            "stays 0",
            "stay 0",
            "stays zero",
            "reads 0",
            "reads zero",
            "read as zero",
            "can't be written",
            "cannot be written",
            "not written",
            "has no effect",
            "never finish",
            "hang",
            "hangs",
            "stuck",
        ],
        &["RCC", "SIM", "PMC", "PCC", "CCM", "RESETS", "SYSCON", "SYSTEM", "MCLK"],
        &["clock", "enable"],
    ),
    // A fault leaves its cause in status registers and its address beside them.
    entry(
        &["fault", "hard fault", "hardfault", "exception", "crash*"],
        &["SCB"],
        &["fault", "cfsr", "hfsr", "bfar", "mmfar", "ufsr", "bfsr", "mmfsr", "shcsr"],
    ),
    // Running faster than the flash answers needs wait states.
    entry(
        &["mhz", "wait state", "clock speed", "overclock"],
        &["FLASH", "NVMCTRL", "EFC"],
        &["latency", "wait", "prefetch", "acr"],
    ),
    entry(&["page erase", "erase", "erasing"], &[], &["erase", "program", "page", "busy", "flash"]),
    entry(
        &["program*", "half word", "write", "written"],
        &[],
        &["program", "write", "protect", "lock"],
    ),
    entry(&["protected", "protection"], &[], &["protect", "lock", "error"]),
    entry(&["error", "fails", "fail", "failed"], &[], &["error", "status", "flag", "clear"]),
    // A flag that is not cleared, or cleared with others, loses events.
    entry(
        &["flag", "flags", "clearing", "cleared", "lost", "status"],
        &[],
        &["status", "flag", "clear", "pending", "overrun"],
    ),
    entry(
        &["overrun", "lost", "drops", "dropped", "missing"],
        &[],
        &["overrun", "ovr", "fifo", "overflow"],
    ),
    // A transfer that is cut off leaves the state machine where it was.
    entry(
        &["dropped", "cancel*", "abort*", "time out", "timeout"],
        &[],
        &["abort", "reset", "fsm", "busy", "stop", "enable"],
    ),
    entry(
        &["glitch", "noise", "arbitration"],
        &[],
        &["arbitration", "bus", "error", "filter", "berr", "arlo"],
    ),
    entry(&["times out", "time out", "timeout"], &[], &["timeout", "busy", "flag", "status"]),
    entry(&["stop"], &[], &["start", "stop"]),
    entry(
        &["circular", "continuous"],
        &[],
        &["dma", "request", "overrun", "circular", "continuous"],
    ),
    entry(&["dma"], &[], &["dma", "channel", "request"]),
    entry(&["transfer complete", "completion"], &[], &["transfer", "complete", "flag"]),
    entry(
        &["interrupt", "irq", "handler"],
        &[],
        &["interrupt", "enable", "mask", "pending", "inten"],
    ),
    entry(
        &["never called", "never fires", "doesn't fire", "no interrupt"],
        &[],
        &["interrupt", "enable", "mask", "threshold"],
    ),
    entry(&["restart", "reset"], &[], &["reset"]),
    entry(
        &["resume", "suspend", "wake up", "wakeup", "wake"],
        &[],
        &["resume", "suspend", "wakeup", "wkup", "low", "power"],
    ),
    entry(
        &[
            "sleep",
            "stop mode",
            "idle",
            "standby",
            "wait for event",
            "wait for interrupt",
            "wfi",
            "wfe",
        ],
        &[],
        &["sleep", "stop", "standby", "low", "power", "lpm", "mode"],
    ),
    entry(&["debugger", "debugging", "debug"], &[], &["debug", "dbg", "stop", "sleep", "standby"]),
    entry(
        &["crystal", "oscillator", "settle", "start up time", "startup"],
        &[],
        &["crystal", "oscillator", "xosc", "hse", "hfclk", "startup", "ready", "stable"],
    ),
    entry(&["backup", "real time clock", "rtc"], &[], &["backup", "rtc", "dbp", "bdcr", "write"]),
    entry(
        &["mode 0", "mode 3", "mode 1", "mode 2", "clock polarity", "clock phase", "clock edge"],
        &[],
        &["cpol", "cpha", "polarity", "phase"],
    ),
    entry(&["pull up", "pull down", "pull", "floating"], &[], &["pull", "pupd", "pupdr"]),
    entry(
        &["alternate function", "pin function", "pin mux"],
        &[],
        &["alternate", "function", "afr", "mux", "funcsel"],
    ),
    entry(&["open drain", "drive", "drive strength"], &[], &["drive", "open", "drain"]),
    entry(&["level", "high", "low", "output", "outputs"], &[], &["output", "data", "direction"]),
    entry(
        &["pin interrupt", "external interrupt", "port"],
        &[],
        &["exti", "external", "interrupt", "source"],
    ),
    entry(&["stack pointer", "alignment"], &["SCB", "PPB"], &["stack", "alignment", "align"]),
    entry(&["stack", "stack guard"], &[], &["stack", "limit", "guard"]),
    entry(&["float", "fpu", "vldr"], &[], &["coprocessor", "cpacr", "nocp", "cp10", "cp"]),
    entry(
        &["enumerat*", "host", "usb reset", "bus reset"],
        &[],
        &["reset", "address", "usb", "device", "setup"],
    ),
    entry(
        &["control transfer", "setup"],
        &[],
        &["setup", "endpoint", "control", "nak", "token", "stage"],
    ),
    entry(&["vbus"], &[], &["vbus", "sensing", "detection"]),
    entry(&["counter", "count"], &[], &["counter", "count", "value", "update", "latch"]),
    entry(&["limit", "overflow*", "threshold"], &[], &["limit", "threshold", "overflow"]),
    entry(&["fifo"], &[], &["fifo", "level", "timeout"]),
    entry(&["bank", "dual bank"], &[], &["bank", "bsy", "busy", "configuration"]),
    entry(&["busy", "stall", "stalls", "blocked"], &[], &["busy", "bsy", "wait"]),
    entry(&["receive", "reception", "receiver", "rx"], &[], &["receive", "receiver", "rx", "rxne"]),
    entry(&["transmit", "send", "tx"], &[], &["transmit", "tx", "txe"]),
    entry(&["memory mapped"], &[], &["functional", "mode", "memory", "mapped"]),
    entry(
        &["region", "memory protection"],
        &[],
        &["region", "base", "attribute", "limit", "rbar", "rnr", "rasr"],
    ),
];

/// Whether a name is that of a kind of peripheral, with or without a number: `USART1`, `RCC`.
pub(crate) fn is_kind_of_peripheral(name: &str) -> bool {
    let kind = name.trim_end_matches(|c: char| c.is_ascii_digit()).to_ascii_uppercase();
    KINDS.iter().any(|entry| entry.peripherals.contains(&kind.as_str()))
}
