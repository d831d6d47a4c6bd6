//! NXP: CMSIS device headers of Kinetis and i.MX RT, their crates.

use super::Table;

/// K64 Sub-Family Reference Manual, K64P144M120SF5RM.
pub(super) const K64: Table = Table {
    fixture: "tests/fixtures/mk64f12.svd",
    real: &["MK64F12.svd"],
    means: &[
        ("UART0->BDL", "UART0.BDL"),
        ("UART0_BDL", "UART0.BDL"),
        ("UART0->UART0_BDL", "UART0.BDL"),
        ("UART_C2_TE_MASK", "UART*.C2.TE"),
        ("UART_C2_TE(1)", "UART*.C2.TE"),
        ("UART_C2_TE_SHIFT", "UART*.C2.TE"),
        ("SIM->SCGC4", "SIM.SCGC4"),
        ("SIM_SCGC4", "SIM.SCGC4"),
        ("SIM_SCGC4_UART0_MASK", "SIM.SCGC4.UART0"),
        ("SIM->SCGC5 |= SIM_SCGC5_PORTA_MASK", "SIM.SCGC5"),
        ("PORTA->PCR[5]", "PORTA.PCR5"),
        ("PORTA_PCR5", "PORTA.PCR5"),
        ("PORT_PCR_MUX(1)", "PORT*.PCR*.MUX"),
        ("PORT_PCR_MUX_MASK", "PORT*.PCR*.MUX"),
        ("GPIOA->PDOR", "GPIOA.PDOR"),
        ("GPIOA_PDOR", "GPIOA.PDOR"),
        ("GPIO_PDOR_PDO_MASK", "GPIO*.PDOR.PDO"),
        ("FTM0->CONTROLS[2].CnSC", "FTM0.C2SC"),
        ("FTM0->CONTROLS[2].CnV", "FTM0.C2V"),
        ("FTM0_C2SC", "FTM0.C2SC"),
        ("PIT->CHANNEL[1].LDVAL", "PIT.LDVAL1"),
        ("ADC0->SC1[0]", "ADC0.SC1A"),
        ("ADC0->R[1]", "ADC0.RB"),
        ("uart0.c2.modify(|_, w| w.te().set_bit())", "UART0.C2.TE"),
        ("0x4006A001", "UART0.BDL"),
    ],
    nothing: &[
        "UART9->BDL",
        "PORTA->PCR[32]",
        "ADC0->SC1[2]",
        "FTM0->CONTROLS[9].CnSC",
        "PIT->CHANNEL[4].LDVAL",
        "kUART_TxDataRegEmptyFlag",
        "CLOCK_EnableClock(kCLOCK_PortA)",
    ],
};

/// i.MX RT1060 Processor Reference Manual, IMXRT1060RM.
pub(super) const IMXRT1062: Table = Table {
    fixture: "tests/fixtures/mimxrt1062.svd",
    real: &["MIMXRT1062.xml"],
    means: &[
        ("LPUART1->BAUD", "LPUART1.BAUD"),
        ("LPUART_BAUD_SBR_MASK", "LPUART*.BAUD.SBR"),
        ("LPUART_BAUD_SBR_SHIFT", "LPUART*.BAUD.SBR"),
        ("LPUART_BAUD_SBR(x)", "LPUART*.BAUD.SBR"),
        ("LPUART_BAUD_SBR(26)", "LPUART*.BAUD.SBR"),
        ("LPUART1_BAUD", "LPUART1.BAUD"),
        ("CCM->CCGR1", "CCM.CCGR1"),
        ("CCM_CCGR1", "CCM.CCGR1"),
        ("CCM_CCGR1_CG5_MASK", "CCM.CCGR1.CG5"),
        ("CCM_CCGR1_CG5(3)", "CCM.CCGR1.CG5"),
        ("GPIO1->DR_SET", "GPIO1.DR_SET"),
        ("IOMUXC_SW_MUX_CTL_PAD_GPIO_AD_B0_13", "IOMUXC.SW_MUX_CTL_PAD_GPIO_AD_B0_13"),
        ("lpuart1.baud.modify(|_, w| w.sbr().bits(26))", "LPUART1.BAUD.SBR"),
    ],
    nothing: &["LPUART99->BAUD", "LPUART_BAUD_SBX(26)", "CCM_CCGR99", "USART2->BRR"],
};
