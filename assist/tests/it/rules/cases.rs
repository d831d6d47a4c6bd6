//! One case for each rule.

use super::chips::{CORTEX_M0, CORTEX_M33, NRF52840, RP2040, STM32F407};
use super::{Case, NRF51};

const fn case(
    rule: &'static str,
    chip: &'static str,
    fires: &'static str,
    silent: &'static [&'static str],
) -> Case {
    Case { rule, chip, elf: None, fires, silent }
}

const fn with_elf(elf: &'static str, case: Case) -> Case {
    Case { elf: Some(elf), ..case }
}

const F4_ELF: &str = "stm32f4.elf";

pub(super) const CASES: &[Case] = &[
    case("value-not-enumerated", NRF51, "UART0.BAUDRATE=115200", &["UART0.BAUDRATE=0x01d7e000"]),
    case("value-not-enumerated", NRF52840, "UART0.ENABLE=3", &["UART0.ENABLE=8", "UART0.ENABLE=4"]),
    // The core.
    case("core-locked-up", STM32F407, "locked-up", &["core:PC=0x08000100"]),
    case(
        "hard-fault-active",
        STM32F407,
        "core:xPSR=0x21000003",
        &["core:xPSR=0x21000000", "core:xPSR=0x2100000f", "@0xe000ed04=0x00000800"],
    ),
    case("hard-fault-active", CORTEX_M0, "@0xe000ed04=0x00000803", &["@0xe000ed04=0x00003800"]),
    with_elf(
        F4_ELF,
        case(
            "default-handler-running",
            STM32F407,
            "core:PC=Default_Handler core:xPSR=0x21000012",
            &[
                "core:PC=Default_Handler core:xPSR=0x21000000",
                "core:PC=USART2_IRQHandler core:xPSR=0x21000036",
                "core:PC=Default_Handler core:xPSR=0x21000036",
            ],
        ),
    ),
    with_elf(
        F4_ELF,
        case(
            "stack-overflow",
            STM32F407,
            "core:MSP=0x20000010",
            &["core:MSP=0x2001ff00", "core:MSP=0x20020000", "core:MSP=0x10000100"],
        ),
    ),
    with_elf(
        F4_ELF,
        case(
            "stack-outside-ram",
            STM32F407,
            "core:SP=0x08000100",
            &["core:SP=0x20020000", "core:SP=0x10010000", "core:SP=0x08000000"],
        ),
    ),
    case("stack-outside-ram", CORTEX_M0, "core:SP=0x00000000", &["core:SP=0x20000004"]),
    case(
        "systick-without-period",
        STM32F407,
        "STK.CTRL=7 STK.LOAD=0",
        &["STK.CTRL=7 STK.LOAD=167999", "STK.CTRL=6 STK.LOAD=0", "STK.CTRL=7"],
    ),
    // Faults.
    case(
        "fault-divide-by-zero",
        STM32F407,
        "@0xe000ed28=0x02000000",
        &["@0xe000ed28=0x01000000", "@0xe000ed2c=0x02000000"],
    ),
    case("fault-unaligned", STM32F407, "@0xe000ed28=0x01000000", &["@0xe000ed28=0x02000000"]),
    case("fault-stack-limit", CORTEX_M33, "@0xe000ed28=0x00100000", &["@0xe000ed28=0x00080000"]),
    case(
        "fault-no-coprocessor",
        STM32F407,
        "@0xe000ed28=0x00080000 @0xe000ed88=0",
        &["@0xe000ed28=0x00100000 @0xe000ed88=0"],
    ),
    case("fault-invalid-return", STM32F407, "@0xe000ed28=0x00040000", &["@0xe000ed28=0x20000"]),
    case("fault-invalid-state", STM32F407, "@0xe000ed28=0x00020000", &["@0xe000ed28=0x40000"]),
    case(
        "fault-undefined-instruction",
        STM32F407,
        "@0xe000ed28=0x00010000",
        &["@0xe000ed28=0x0000fffe"],
    ),
    case("fault-instruction-bus", STM32F407, "@0xe000ed28=0x00000100", &["@0xe000ed28=0x200"]),
    case(
        "fault-precise-bus",
        STM32F407,
        "@0xe000ed28=0x00008200 @0xe000ed38=0x40004408",
        &["@0xe000ed28=0x00008000 @0xe000ed38=0x40004408", "@0xe000ed38=0x40004408"],
    ),
    case("fault-imprecise-bus", STM32F407, "@0xe000ed28=0x00000400", &["@0xe000ed28=0x200"]),
    case("fault-stacking", STM32F407, "@0xe000ed28=0x00001010", &["@0xe000ed28=0x8280"]),
    case("fault-execute-never", STM32F407, "@0xe000ed28=0x00000001", &["@0xe000ed28=0x2"]),
    case(
        "fault-memory-protection",
        STM32F407,
        "@0xe000ed28=0x00000082 @0xe000ed34=0x20001000",
        &["@0xe000ed28=0x00000080 @0xe000ed34=0x20001000"],
    ),
    case("fault-vector-fetch", STM32F407, "@0xe000ed2c=0x00000002", &["@0xe000ed2c=0x40000000"]),
    case(
        "fault-escalated",
        STM32F407,
        "@0xe000ed2c=0x40000000 @0xe000ed24=0x00010000",
        &["@0xe000ed2c=0x00000002 @0xe000ed24=0x00010000"],
    ),
    case("fault-breakpoint", STM32F407, "@0xe000ed2c=0x80000000", &["@0xe000ed2c=0x40000000"]),
    case(
        "fault-secure",
        CORTEX_M33,
        "@0xe000ede4=0x00000048 @0xe000ede8=0x10000000",
        &["@0xe000ede4=0x00000040 @0xe000ede8=0x10000000"],
    ),
    // Interrupts.
    with_elf(
        F4_ELF,
        case(
            "interrupt-without-handler",
            STM32F407,
            "@0xe000e100=0x00000004 @0xe000ed08=0x08000000",
            &[
                "@0xe000e100=0x00000004 @0xe000ed08=0x20000000",
                "@0xe000e104=0x00000040 @0xe000ed08=0x08000000",
                "@0xe000e100=0 @0xe000ed08=0x08000000",
            ],
        ),
    ),
    with_elf(
        "faulty.elf",
        case("interrupt-without-handler", NRF51, "@0xe000e100=0x4", &["@0xe000e100=0x100"]),
    ),
    with_elf(
        F4_ELF,
        case(
            "interrupt-not-enabled",
            STM32F407,
            "@0xe000e204=0x40 @0xe000e104=0",
            &[
                "@0xe000e204=0x40 @0xe000e104=0x40",
                "@0xe000e204=0x40",
                "@0xe000e200=0x4 @0xe000e100=0",
            ],
        ),
    ),
    case(
        "interrupt-masked",
        STM32F407,
        "@0xe000e204=0x40 @0xe000e104=0x40 core:PRIMASK=1",
        &[
            "@0xe000e204=0x40 @0xe000e104=0x40 core:PRIMASK=0",
            "@0xe000e204=0x40 @0xe000e104=0 core:PRIMASK=1",
            "@0xe000e204=0x40 @0xe000e104=0x40",
        ],
    ),
    case(
        "interrupt-masked",
        STM32F407,
        "@0xe000e204=0x40 @0xe000e104=0x40 core:BASEPRI=0x50 @0xe000e424=0x00600000",
        &[
            "@0xe000e204=0x40 @0xe000e104=0x40 core:BASEPRI=0x50 @0xe000e424=0x00400000",
            "@0xe000e204=0x40 @0xe000e104=0x40 core:BASEPRI=0x50",
            "@0xe000e204=0x40 @0xe000e104=0x40 core:BASEPRI=0 @0xe000e424=0x00600000",
        ],
    ),
    case(
        "vector-table-misaligned",
        STM32F407,
        "@0xe000ed08=0x08004080 @0xe000e104=0x40",
        &[
            "@0xe000ed08=0x08004200 @0xe000e104=0x40",
            "@0xe000ed08=0x08004080 @0xe000e100=0x4",
            "@0xe000ed08=0x08004080",
        ],
    ),
    with_elf(
        F4_ELF,
        case(
            "vector-table-elsewhere",
            STM32F407,
            "@0xe000ed08=0x08000200",
            &[
                "@0xe000ed08=0x08000000",
                "@0xe000ed08=0",
                "@0xe000ed08=0x20000000",
                "@0xe000ed08=0x08100000",
            ],
        ),
    ),
    // Clocks and resets of peripherals.
    with_elf(
        F4_ELF,
        case(
            "peripheral-without-clock",
            STM32F407,
            "RCC.APB1ENR=0x00020000 TIM3.PSC=0",
            &[
                "RCC.APB1ENR=0x00020002 TIM3.PSC=0",
                "RCC.APB1ENR=0x00020000 TIM3.PSC=83",
                "TIM3.PSC=0",
            ],
        ),
    ),
    with_elf(
        F4_ELF,
        case("peripheral-in-reset", STM32F407, "RCC.APB1RSTR=0x2", &["RCC.APB1RSTR=0x20000"]),
    ),
    // Clock sources.
    case(
        "clock-source-not-ready",
        STM32F407,
        "RCC.CR=0x00010083",
        &["RCC.CR=0x00030083", "RCC.CR=0x00000083", "RCC.CR=0x02080083"],
    ),
    case("clock-switch-not-taken", STM32F407, "RCC.CFGR=0x2", &["RCC.CFGR=0xa", "RCC.CFGR=0"]),
    case(
        "flash-wait-states-too-few",
        STM32F407,
        "hse=8000000 RCC.CFGR=0x940a RCC.PLLCFGR=0x07405408 FLASH.ACR=0x702",
        &[
            "hse=8000000 RCC.CFGR=0x940a RCC.PLLCFGR=0x07405408 FLASH.ACR=0x705",
            "RCC.CFGR=0x940a RCC.PLLCFGR=0x07405408 FLASH.ACR=0x702",
            "hse=8000000 RCC.CFGR=0x940a FLASH.ACR=0x702",
            "RCC.CFGR=0 FLASH.ACR=0",
        ],
    ),
    case(
        "radio-without-crystal",
        NRF52840,
        "RADIO.STATE=3 CLOCK.HFCLKSTAT=0x10000",
        &["RADIO.STATE=3 CLOCK.HFCLKSTAT=0x10001", "RADIO.STATE=0 CLOCK.HFCLKSTAT=0x10000"],
    ),
    case(
        "system-clock-resuscitated",
        RP2040,
        "CLOCKS.CLK_SYS_RESUS_STATUS=1",
        &["CLOCKS.CLK_SYS_RESUS_STATUS=0"],
    ),
    case("clock-security-tripped", STM32F407, "RCC.CIR=0x80", &["RCC.CIR=0x1f"]),
    // UARTs. 42 MHz / 16 / 22.8125 is 115068; set for 84 MHz it is 57553 of 57600: in use too.
    case(
        "baud-rate-off",
        STM32F407,
        "RCC.CFGR=0 USART2.BRR=0x16d USART2.CR1=0x200c",
        &[
            "RCC.CFGR=0 USART2.BRR=0x8b USART2.CR1=0x200c",
            "RCC.CFGR=0 USART2.BRR=0x16d USART2.CR1=0x000c",
            "RCC.CFGR=0x4 USART2.BRR=0x16d USART2.CR1=0x200c",
            "USART2.BRR=0x16d USART2.CR1=0x200c",
        ],
    ),
    case(
        "baud-rate-off",
        RP2040,
        "hfxo=12000000 CLOCKS.CLK_SYS_SELECTED=1 CLOCKS.CLK_REF_SELECTED=4 CLOCKS.CLK_REF_DIV=0x100 \
         CLOCKS.CLK_SYS_DIV=0x100 CLOCKS.CLK_PERI_CTRL=0x800 UART0.UARTIBRD=67 UART0.UARTFBRD=52 \
         UART0.UARTCR=0x301",
        &[
            "hfxo=12000000 CLOCKS.CLK_SYS_SELECTED=1 CLOCKS.CLK_REF_SELECTED=4 \
             CLOCKS.CLK_REF_DIV=0x100 CLOCKS.CLK_SYS_DIV=0x100 CLOCKS.CLK_PERI_CTRL=0x800 \
             UART0.UARTIBRD=6 UART0.UARTFBRD=33 UART0.UARTCR=0x301",
            "CLOCKS.CLK_SYS_SELECTED=1 CLOCKS.CLK_REF_SELECTED=1 CLOCKS.CLK_REF_DIV=0x100 \
             CLOCKS.CLK_SYS_DIV=0x100 CLOCKS.CLK_PERI_CTRL=0x800 UART0.UARTIBRD=67 \
             UART0.UARTFBRD=52 UART0.UARTCR=0x301",
        ],
    ),
    case(
        "baud-divisor-zero",
        STM32F407,
        "USART2.BRR=0 USART2.CR1=0x200c",
        &["USART2.BRR=0 USART2.CR1=0", "USART2.BRR=0x16d USART2.CR1=0x200c", "USART2.BRR=0"],
    ),
    case(
        "uart-without-clock",
        RP2040,
        "CLOCKS.CLK_PERI_CTRL=0 UART0.UARTIBRD=67 UART0.UARTFBRD=52 UART0.UARTCR=0x301",
        &[
            "CLOCKS.CLK_PERI_CTRL=0x800 UART0.UARTIBRD=67 UART0.UARTFBRD=52 UART0.UARTCR=0x301",
            "CLOCKS.CLK_PERI_CTRL=0 UART0.UARTIBRD=67 UART0.UARTFBRD=52 UART0.UARTCR=0x300",
        ],
    ),
    case(
        "uart-pins-not-connected",
        NRF52840,
        "UARTE0.ENABLE=8 UARTE0.BAUDRATE=0x01d60000 UARTE0.PSEL.TXD=0xffffffff \
         UARTE0.PSEL.RXD=0xffffffff",
        &[
            "UARTE0.ENABLE=8 UARTE0.BAUDRATE=0x01d60000 UARTE0.PSEL.TXD=6 \
             UARTE0.PSEL.RXD=0xffffffff",
            "UARTE0.ENABLE=0 UARTE0.BAUDRATE=0x01d60000 UARTE0.PSEL.TXD=0xffffffff \
             UARTE0.PSEL.RXD=0xffffffff",
            "UARTE0.ENABLE=8 UARTE0.BAUDRATE=0x01d60000 UARTE0.PSEL.TXD=0xffffffff",
        ],
    ),
    case("uart-overrun", STM32F407, "USART2.SR=0x8", &["USART2.SR=0x20", "SPI1.SR=0x8"]),
    case("uart-overrun", NRF51, "UART0.ERRORSRC=0x1", &["UART0.ERRORSRC=0x4"]),
    case("uart-framing", STM32F407, "USART2.SR=0x2", &["USART2.SR=0x20", "UART5.SR=0x2"]),
    case("uart-framing", RP2040, "UART0.UARTRSR=0x1", &["UART0.UARTRSR=0x4"]),
    case("uart-parity", NRF52840, "UARTE0.ERRORSRC=0x2", &["UARTE0.ERRORSRC=0x5"]),
    case("uart-noise", STM32F407, "USART2.SR=0x4", &["USART2.SR=0xa"]),
    // Other flags.
    case("spi-overrun", STM32F407, "SPI1.SR=0x40", &["SPI1.SR=0x1"]),
    case("spi-overrun", RP2040, "SPI0.SSPRIS=1", &["SPI0.SSPRIS=8"]),
    case("spi-mode-fault", STM32F407, "SPI1.SR=0x20", &["SPI1.SR=0x40"]),
    case("spi-crc-error", STM32F407, "SPI1.SR=0x10", &["SPI1.SR=0x40"]),
    case("i2c-no-acknowledge", STM32F407, "I2C1.SR1=0x400", &["I2C1.SR1=0x200"]),
    case("i2c-no-acknowledge", NRF52840, "TWI0.ERRORSRC=2", &["TWI0.ERRORSRC=1"]),
    case(
        "i2c-no-acknowledge",
        RP2040,
        "I2C0.IC_TX_ABRT_SOURCE=1",
        &["I2C0.IC_TX_ABRT_SOURCE=0x1000"],
    ),
    case("i2c-arbitration-lost", STM32F407, "I2C1.SR1=0x200", &["I2C1.SR1=0x400"]),
    case("i2c-bus-error", STM32F407, "I2C1.SR1=0x100", &["I2C1.SR1=0x400"]),
    case("dma-transfer-error", STM32F407, "DMA2.LISR=0x8", &["DMA2.LISR=0x1"]),
    case("dma-transfer-error", RP2040, "DMA.CH0_CTRL_TRIG=0x80000001", &["DMA.CH0_CTRL_TRIG=1"]),
    case("flash-operation-error", STM32F407, "FLASH.SR=0x90", &["FLASH.SR=0x1"]),
    case("adc-overrun", STM32F407, "ADC1.SR=0x22", &["ADC1.SR=0x2"]),
    case("can-bus-off", STM32F407, "CAN1.ESR=0xff0004", &["CAN1.ESR=0xff0003"]),
    case("rng-error", STM32F407, "RNG.SR=0x4", &["RNG.SR=0x1"]),
    // DMA.
    case(
        "dma-stream-empty",
        STM32F407,
        "DMA2.S0CR=0x1 DMA2.S0NDTR=0",
        &[
            "DMA2.S0CR=0x101 DMA2.S0NDTR=0",
            "DMA2.S0CR=0x1 DMA2.S0NDTR=16",
            "DMA2.S0CR=0x0 DMA2.S0NDTR=0",
            "DMA2.S0CR=0x21 DMA2.S0NDTR=0",
        ],
    ),
    case(
        "dma-unreachable-memory",
        STM32F407,
        "DMA2.S0CR=0x1 DMA2.S0M0AR=0x10000400",
        &[
            "DMA2.S0CR=0x1 DMA2.S0M0AR=0x20000400",
            "DMA2.S0CR=0x0 DMA2.S0M0AR=0x10000400",
            "DMA2.S0CR=0x1 DMA2.S0M0AR=0x10010000",
            "DMA2.S0CR=0x1 DMA2.S0M1AR=0x10000400",
        ],
    ),
    case(
        "easydma-outside-ram",
        NRF52840,
        "UARTE0.ENABLE=8 UARTE0.TXD.PTR=0x00001234 UARTE0.TXD.MAXCNT=12",
        &[
            "UARTE0.ENABLE=8 UARTE0.TXD.PTR=0x20001234 UARTE0.TXD.MAXCNT=12",
            "UARTE0.ENABLE=8 UARTE0.TXD.PTR=0x00001234 UARTE0.TXD.MAXCNT=0",
            "UARTE0.ENABLE=0 UARTE0.TXD.PTR=0x00001234 UARTE0.TXD.MAXCNT=12",
        ],
    ),
    // Resets.
    case("reset-by-watchdog", STM32F407, "RCC.CSR=0x24000000", &["RCC.CSR=0x14000000"]),
    case("reset-by-watchdog", NRF52840, "POWER.RESETREAS=2", &["POWER.RESETREAS=4"]),
    case("reset-by-watchdog", RP2040, "WATCHDOG.REASON=1", &["WATCHDOG.REASON=2"]),
    case("reset-by-brown-out", STM32F407, "RCC.CSR=0x06000000", &["RCC.CSR=0x0e000000"]),
    case("reset-by-lockup", NRF52840, "POWER.RESETREAS=8", &["POWER.RESETREAS=1"]),
    case("reset-by-low-power", STM32F407, "RCC.CSR=0x80000000", &["RCC.CSR=0x04000000"]),
];
