//! Questions as engineers put them, and the registers that an answer to each has to look at.
//!
//! Ours, from the reference manuals' own accounts of how each peripheral works. None repeats a
//! report of a particular fault.

/// A question about a chip.
pub(super) struct Asked {
    /// The SVD's file without its ending.
    pub(super) chip: &'static str,
    pub(super) question: &'static str,
    /// Registers that an answer needs; `CC[0]` and `CC[1]` are the same.
    pub(super) needs: &'static [&'static str],
}

const fn asked(
    chip: &'static str,
    question: &'static str,
    needs: &'static [&'static str],
) -> Asked {
    Asked { chip, question, needs }
}

/// About the chip whose SVD is in this repository.
pub(super) const OWN: &[Asked] = &[
    asked(
        "nrf51",
        "terminal shows random characters instead of my log",
        &["UART0.BAUDRATE", "UART0.CONFIG", "UART0.PSELTXD"],
    ),
    asked(
        "nrf51",
        "i2c sensor does not acknowledge, transfer just waits forever",
        &["TWI0.ERRORSRC", "TWI0.EVENTS_ERROR", "TWI0.ADDRESS", "TWI0.ENABLE"],
    ),
    asked(
        "nrf51",
        "pulse width should be 2 ms but the compare match comes at half of that",
        &["TIMER0.PRESCALER", "TIMER0.CC[0]", "TIMER0.BITMODE"],
    ),
    asked(
        "nrf51",
        "board resets every few seconds unless the debugger is attached",
        &["WDT.CRV", "WDT.CONFIG", "WDT.RREN", "POWER.RESETREAS"],
    ),
    asked(
        "nrf51",
        "button press should start a capture without the cpu, the event never reaches the timer",
        &["PPI.CH[0].EEP", "PPI.CH[0].TEP", "PPI.CHEN", "GPIOTE.CONFIG[0]"],
    ),
    asked(
        "nrf51",
        "writing a word to internal flash is silently ignored",
        &["NVMC.CONFIG", "NVMC.READY"],
    ),
    asked(
        "nrf51",
        "timekeeping drifts, low frequency clock seems to run from the wrong source",
        &["CLOCK.LFCLKSRC", "CLOCK.LFCLKSTAT", "RTC0.PRESCALER"],
    ),
    asked(
        "nrf51",
        "slave sees shifted bits, which clock polarity and phase do we use",
        &["SPI0.CONFIG", "SPI0.FREQUENCY"],
    ),
];

/// About chips of which `SILK_TEST_SVDS` gives the SVD.
pub(super) const FETCHED: &[Asked] = &[
    asked(
        "STM32L4x5",
        "HAL_UART_Receive_IT works for a few bytes and then never calls back again",
        &["USART1.ISR", "USART1.ICR", "USART1.CR1", "USART1.CR3"],
    ),
    asked(
        "STM32L4x5",
        "console runs exactly at half speed after I changed the system clock",
        &["USART1.BRR", "USART1.CR1", "RCC.CCIPR", "RCC.CFGR"],
    ),
    asked(
        "STM32L4x5",
        "HAL_I2C_Master_Transmit returns HAL_BUSY forever",
        &["I2C1.ISR", "I2C1.CR1", "I2C1.CR2", "I2C1.TIMINGR"],
    ),
    asked(
        "STM32L4x5",
        "ADC readings depend on the previous channel",
        &["ADC1.SMPR1", "ADC1.SQR1", "ADC1.CFGR"],
    ),
    asked(
        "STM32L4x5",
        "after stop mode the microcontroller runs slowly",
        &["RCC.CFGR", "RCC.CR", "PWR.CR1"],
    ),
    asked(
        "STM32L4x5",
        "alarm A fires only once and cannot be reprogrammed",
        &["RTC.CR", "RTC.ISR", "RTC.ALRMAR", "RTC.WPR", "EXTI.PR1"],
    ),
    asked(
        "STM32L4x5",
        "complementary PWM outputs stay low although the counter runs",
        &["TIM1.BDTR", "TIM1.CCER", "TIM1.CCMR1_Output", "TIM1.CR1"],
    ),
    asked(
        "STM32L4x5",
        "memory mapped NOR reads return wrong data, dummy cycles?",
        &["QUADSPI.CCR", "QUADSPI.CR", "QUADSPI.DCR"],
    ),
    asked(
        "STM32L4x5",
        "DMA stops after one buffer, circular mode expected",
        &["DMA1.CCR1", "DMA1.CNDTR1", "DMA1.ISR"],
    ),
    asked("STM32L4x5", "how do I find out why the device restarted", &["RCC.CSR"]),
    asked(
        "STM32L4x5",
        "firmware crashes when I program flash, PGSERR",
        &["FLASH.SR", "FLASH.CR", "FLASH.KEYR"],
    ),
    asked(
        "STM32L4x5",
        "no CAN frames are received, the node goes bus-off",
        &["CAN1.ESR", "CAN1.BTR", "CAN1.MCR", "CAN1.MSR"],
    ),
    asked(
        "STM32F429x",
        "ethernet receives a few packets and then stops, descriptors all owned by cpu",
        &["Ethernet_DMA.DMASR", "Ethernet_DMA.DMARPDR", "Ethernet_DMA.DMAOMR"],
    ),
    asked(
        "STM32F429x",
        "link never comes up, PHY id reads 0xffff over MDIO",
        &["Ethernet_MAC.MACMIIAR", "Ethernet_MAC.MACMIIDR", "SYSCFG.PMC"],
    ),
    asked(
        "STM32F429x",
        "USB device is not recognised by the PC at all",
        &["OTG_FS_GLOBAL.FS_GCCFG", "OTG_FS_DEVICE.FS_DCTL", "OTG_FS_GLOBAL.FS_GINTSTS"],
    ),
    asked(
        "STM32F429x",
        "picture on the panel is shifted horizontally",
        &["LTDC.SSCR", "LTDC.BPCR", "LTDC.AWCR", "LTDC.GCR"],
    ),
    asked(
        "STM32F429x",
        "SDRAM content is corrupted after a while",
        &["FMC.SDRTR", "FMC.SDTR1", "FMC.SDCR1"],
    ),
    asked(
        "STM32F429x",
        "HardFault at startup, how to find the faulting address and the reason",
        &["SCB.CFSR", "SCB.HFSR", "SCB.BFAR", "SCB.MMFAR"],
    ),
    asked(
        "STM32F429x",
        "pin change handler is entered again and again without the button being touched",
        &["EXTI.PR", "EXTI.RTSR", "EXTI.FTSR"],
    ),
    asked(
        "STM32F103xx",
        "encoder counts the wrong way and misses steps",
        &["TIM3.SMCR", "TIM3.CCER", "TIM3.CCMR1_Input"],
    ),
    asked(
        "nrf52",
        "nrfx_uarte receives nothing after low power, last bytes in the buffer missing",
        &["UARTE0.RXD.PTR", "UARTE0.RXD.AMOUNT", "UARTE0.EVENTS_ENDRX", "UARTE0.ERRORSRC"],
    ),
    asked(
        "nrf52",
        "analog readings have an offset and too much noise",
        &["SAADC.CH[0].CONFIG", "SAADC.OVERSAMPLE", "SAADC.TASKS_CALIBRATEOFFSET"],
    ),
    asked(
        "nrf52",
        "radio packet received but crc check always fails",
        &["RADIO.CRCCNF", "RADIO.CRCPOLY", "RADIO.CRCINIT", "RADIO.CRCSTATUS"],
    ),
    asked(
        "rp2040",
        "serial output is garbled after switching the peripheral clock",
        &["UART0.UARTIBRD", "UART0.UARTFBRD", "CLOCKS.CLK_PERI_CTRL"],
    ),
    asked(
        "rp2040",
        "state machine stalls, tx fifo never drains",
        &["PIO0.FDEBUG", "PIO0.FSTAT", "PIO0.CTRL", "PIO0.SM0_SHIFTCTRL"],
    ),
    asked(
        "rp2040",
        "writing to the i2c block has no effect, all registers read zero",
        &["RESETS.RESET", "RESETS.RESET_DONE", "I2C0.IC_ENABLE"],
    ),
    asked(
        "rp2040",
        "pwm slice frequency is too high",
        &["PWM.CH0_DIV", "PWM.CH0_TOP", "PWM.CH0_CSR"],
    ),
    asked("MK64F12", "access to the uart registers hard faults", &["SIM.SCGC4"]),
    asked("MK64F12", "watchdog cannot be turned off after boot", &["WDOG.UNLOCK", "WDOG.STCTRLH"]),
    asked(
        "MK64F12",
        "controller wakes from the deepest sleep only by power cycling",
        &["LLWU.PE1", "LLWU.ME", "SMC.PMCTRL", "SMC.PMPROT"],
    ),
    asked(
        "MK64F12",
        "core clock is 20 MHz instead of 120, PLL seems not engaged",
        &["MCG.C1", "MCG.C5", "MCG.C6", "MCG.S"],
    ),
    asked(
        "LPC55S69_cm33_core0",
        "USART receives with framing errors at 1 Mbaud",
        &["USART0.BRG", "USART0.OSR", "USART0.STAT", "SYSCON.FCCLKSEL0"],
    ),
    asked(
        "LPC55S69_cm33_core0",
        "pin interrupt only on falling edge wanted, both trigger",
        &["PINT.ISEL", "PINT.IENF", "PINT.IENR"],
    ),
    asked(
        "MIMXRT1062",
        "sd card command times out during initialisation",
        &["USDHC1.INT_STATUS", "USDHC1.SYS_CTRL", "USDHC1.PRES_STATE", "USDHC1.CMD_XFR_TYP"],
    ),
    asked(
        "MIMXRT1062",
        "lpspi chip select toggles between bytes and data order is reversed",
        &["LPSPI1.TCR", "LPSPI1.CFGR1"],
    ),
    asked(
        "MIMXRT1062",
        "xip execution from FlexSPI is slow, which clock and cache settings matter",
        &["CCM.CSCMR1", "FLEXSPI.MCR0", "FLEXSPI.AHBCR"],
    ),
    asked(
        "GD32VF103",
        "usart0 transmits nothing, do I miss a clock or a pin configuration",
        &["RCU.APB2EN", "USART0.CTL0", "GPIOA.CTL1"],
    ),
    asked(
        "GD32VF103",
        "timer interrupt never fires although the update flag is set",
        &["TIMER0.DMAINTEN", "TIMER0.INTF", "ECLIC.CLICINTIE_0"],
    ),
    asked(
        "max32665",
        "i2c bus runs at wrong frequency",
        &["I2C0.CLK_LO", "I2C0.CLK_HI", "I2C0.CTRL"],
    ),
    asked(
        "M480_v1",
        "uart overflows at high rates, trigger level of the receive buffer",
        &["UART0.UART_FIFO", "UART0.UART_FIFOSTS"],
    ),
    asked(
        "M480_v1",
        "motor bridge shoots through, need dead time between high and low side",
        &["EPWM0.EPWM_DTCTL0_1", "EPWM0.EPWM_CTL1"],
    ),
];

/// Written when the vocabulary stood, and never used to improve it.
pub(super) const UNSEEN: &[Asked] = &[
    asked(
        "LPC176x5x_v0.2",
        "characters come out wrong at 57600 on uart0, how are the dividers set",
        &["UART0.DLL", "UART0.DLM", "UART0.FDR", "UART0.LCR", "SYSCON.PCLKSEL0"],
    ),
    asked(
        "LPC176x5x_v0.2",
        "timer match interrupt comes only one time",
        &["TIMER0.MCR", "TIMER0.IR", "TIMER0.TCR"],
    ),
    asked(
        "LPC176x5x_v0.2",
        "i2c state machine gets stuck after the start condition",
        &["I2C0.CONSET", "I2C0.STAT", "I2C0.CONCLR"],
    ),
    asked(
        "LPC176x5x_v0.2",
        "second can controller never sends its frame",
        &["CAN1.CMR", "CAN1.GSR", "CAN1.BTR", "CAN1.MOD"],
    ),
    asked(
        "STM32F0xx",
        "VREFINT channel always converts to 0",
        &["ADC.CCR", "ADC.CHSELR", "ADC.SMPR"],
    ),
    asked(
        "STM32F0xx",
        "the dac stays at zero volts with timer triggered dma",
        &["DAC.CR", "DAC.SR"],
    ),
    asked(
        "STM32F0xx",
        "window watchdog resets the board although I refresh it",
        &["WWDG.CFR", "WWDG.CR"],
    ),
    asked(
        "STM32L0x1",
        "writing the data eeprom raises a hard fault",
        &["FLASH.PECR", "FLASH.PEKEYR", "FLASH.SR"],
    ),
    asked("STM32L0x1", "current in standby is far above the datasheet", &["PWR.CR", "PWR.CSR"]),
    asked(
        "MKL25Z4",
        "adc gives different values right after power up until calibrated",
        &["ADC0.SC3", "ADC0.CFG1", "ADC0.PG"],
    ),
    asked(
        "MKL25Z4",
        "pwm on tpm0 has no output",
        &["TPM0.SC", "TPM0.MOD", "TPM0.C0SC", "TPM0.C0V"],
    ),
    asked(
        "MKL25Z4",
        "low power timer should wake the chip each second but it is way off",
        &["LPTMR0.PSR", "LPTMR0.CSR", "LPTMR0.CMR"],
    ),
    asked(
        "HC32F460",
        "dma channel does not transfer anything after the trigger",
        &["DMA1.EN", "DMA1.CHEN", "DMA1.INTSTAT0"],
    ),
    asked(
        "HC32F460",
        "pll does not lock and the mcu stays on the internal oscillator",
        &["CMU.PLLCFGR", "CMU.OSCSTBSR", "CMU.CKSWR"],
    ),
    asked(
        "HC32F460",
        "can node reports bus off, bit timing?",
        &["CAN.SBT", "CAN.CFG_STAT", "CAN.ERRINT"],
    ),
    asked(
        "RP2350",
        "psram on the second chip select gives wrong data at high clock",
        &["QMI.M1_TIMING", "QMI.M1_RFMT", "QMI.M1_RCMD"],
    ),
    asked(
        "RP2350",
        "what caused the last restart, brownout or watchdog",
        &["POWMAN.CHIP_RESET", "WATCHDOG.REASON"],
    ),
    asked(
        "RP2350",
        "sha256 result is wrong for little endian input",
        &["SHA256.CSR", "SHA256.WDATA"],
    ),
    asked(
        "apollo3",
        "adc fifo never signals that data is available",
        &["ADC.INTEN", "ADC.INTSTAT", "ADC.FIFO", "ADC.CFG"],
    ),
    asked(
        "apollo3",
        "i2c transfer on the iom reports a nak",
        &["IOM0.INTSTAT", "IOM0.CMD", "IOM0.CMDSTAT"],
    ),
    asked(
        "nrf52",
        "pwm sequence plays once and stops, should loop",
        &["PWM0.LOOP", "PWM0.SHORTS", "PWM0.SEQ[0].CNT"],
    ),
    asked(
        "nrf52",
        "pin sense does not wake the chip from system off",
        &["P0.PIN_CNF[0]", "POWER.SYSTEMOFF", "P0.LATCH"],
    ),
    asked("STM32F41x", "camera frames are truncated", &["DCMI.CR", "DCMI.RIS", "DCMI.CWSIZE"]),
    asked(
        "STM32F41x",
        "spi dma reads return the byte of the previous transfer",
        &["SPI1.SR", "SPI1.CR2", "SPI1.DR"],
    ),
    asked(
        "STM32F103xx",
        "remapped usart3 pins stay silent",
        &["AFIO.MAPR", "RCC.APB2ENR", "GPIOB.CRH", "RCC.APB1ENR"],
    ),
];
