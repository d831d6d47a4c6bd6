//! Clock trees: frequencies from register values, the way each took, and why one is not known.

use assist::clocks::{clock_tree, uart_rates};
use svd_index::Index;

use super::{board, chips};
use crate::support::{index_of, no_index};

fn chip(text: &str) -> Index {
    index_of(&chips::svd(text))
}

/// The clock called `name`, with its way, or why it is not known.
fn check(index: &Index, shows: &str, name: &str, expected: &str) {
    let tree = clock_tree(index, &board(index, shows)).unwrap();
    let said = tree.rate(name).map_or_else(|why| why, |rate| rate.said());
    assert_eq!(said, expected, "{name} of {shows}");
}

#[test]
fn stm32f4_from_its_source_to_its_buses() {
    let index = chip(chips::STM32F407);
    let pll = "RCC.CFGR=0x940a RCC.PLLCFGR=0x07405408 STK.CTRL=0";
    let with_hse = &format!("hse=8000000 {pll}");
    check(&index, with_hse, "SYSCLK", "HSE 8 MHz /8 ×336 /2 = 168 MHz");
    check(&index, with_hse, "PCLK1", "HSE 8 MHz /8 ×336 /2 /4 = 42 MHz");
    check(&index, with_hse, "PCLK2", "HSE 8 MHz /8 ×336 /2 /2 = 84 MHz");
    check(&index, with_hse, "SysTick", "HSE 8 MHz /8 ×336 /2 /8 = 21 MHz");
    let no_crystal = "HSE drives it, whose frequency is on the board: say it as `[board] hse_hz`";
    check(&index, pll, "HCLK", no_crystal);
    check(&index, "RCC.CFGR=0", "HCLK", "HSI 16 MHz");
    check(&index, "RCC.CFGR=0x80", "HCLK", "HSI 16 MHz /2 = 8 MHz");
    check(&index, "RCC.CFGR=0xf0", "HCLK", "HSI 16 MHz /512 = 31.25 kHz");
    check(&index, "hse=25000000 RCC.CFGR=4", "SYSCLK", "HSE 25 MHz");
    check(&index, "RCC.CFGR=0xa", "SYSCLK", "RCC.PLLCFGR was not read");
    check(&index, "RCC.PLLCFGR=0", "SYSCLK", "RCC.CFGR was not read from hardware");
    check(&index, "RCC.CFGR=0xc", "SYSCLK", "RCC.CFGR.SWS is 3, which this chip does not have");
    let forbidden = "RCC.PLLCFGR has factors that the manual forbids (/0 ×0 /2)";
    check(&index, "RCC.CFGR=0xa RCC.PLLCFGR=0", "SYSCLK", forbidden);
    check(&index, "RCC.CFGR=0", "PLL_SYS", "this chip has no PLL_SYS");
}

#[test]
fn a_second_output_of_the_pll_drives_where_there_is_one() {
    let index = chip(&chips::STM32F407.replace("STM32F407", "STM32F446"));
    let shows = "RCC.CFGR=0xf RCC.PLLCFGR=0x20003410";
    check(&index, shows, "SYSCLK", "HSI 16 MHz /16 ×208 /2 = 104 MHz");
}

#[test]
fn nrf52_tells_its_source() {
    let index = chip(chips::NRF52840);
    let shows = "CLOCK.HFCLKSTAT=0x10001 CLOCK.LFCLKSTAT=0x10001";
    check(&index, shows, "HFCLK", "HFXO 64 MHz");
    check(&index, shows, "PCLK16M", "HFXO 16 MHz");
    check(&index, shows, "LFCLK", "LFXO 32.768 kHz");
    check(&index, "CLOCK.HFCLKSTAT=0x10000", "HFCLK", "HFINT (RC) 64 MHz");
    check(&index, "CLOCK.LFCLKSTAT=0", "LFCLK", "CLOCK.LFCLKSTAT says that it does not run");
}

#[test]
fn rp2040_through_its_pll() {
    let index = chip(chips::RP2040);
    let pll = "PLL_SYS.CS=0x80000001 PLL_SYS.PWR=0 PLL_SYS.FBDIV_INT=125 PLL_SYS.PRIM=0x62000 \
               CLOCKS.CLK_SYS_SELECTED=2 CLOCKS.CLK_SYS_CTRL=1 CLOCKS.CLK_PERI_CTRL=0x800";
    let whole = &format!("hfxo=12000000 CLOCKS.CLK_SYS_DIV=0x100 {pll}");
    check(&index, whole, "clk_peri", "XOSC 12 MHz /1 ×125 /6 /2 = 125 MHz");
    let part = &format!("hfxo=12000000 CLOCKS.CLK_SYS_DIV=0x280 {pll}");
    check(&index, part, "clk_sys", "XOSC 12 MHz /1 ×125 /6 /2 /(2 + 128/256) = 50 MHz");
    let no_crystal = "XOSC drives it, whose crystal is on the board: say it as `[board] hfxo_hz`";
    check(&index, &format!("CLOCKS.CLK_SYS_DIV=0x100 {pll}"), "clk_sys", no_crystal);
    let unlocked = "hfxo=12000000 PLL_SYS.CS=1 PLL_SYS.PWR=0";
    check(&index, unlocked, "PLL_SYS", "PLL_SYS has no lock (CS.LOCK)");
    let ring = "CLOCKS.CLK_REF_SELECTED=1";
    check(&index, ring, "clk_ref", "ROSC drives it, whose frequency varies from chip to chip");
    let off = "clk_peri is off (CLOCKS.CLK_PERI_CTRL.ENABLE)";
    check(&index, "CLOCKS.CLK_PERI_CTRL=0", "clk_peri", off);
}

/// Peripheral, rate in baud, and how it came about; or why it is not known.
fn check_uart(index: &Index, shows: &str, expected: &[&str]) {
    let rates: Vec<String> = uart_rates(index, &board(index, shows))
        .into_iter()
        .map(|uart| match uart.rate {
            Ok(rate) => format!("{} {} {}", uart.peripheral, rate.hz, rate.path),
            Err(why) => format!("{} {why}", uart.peripheral),
        })
        .collect();
    assert_eq!(rates, expected, "{shows}");
}

#[test]
fn baud_rates_are_what_the_divider_gives() {
    let f4 = chip(chips::STM32F407);
    let on = "RCC.CFGR=0 USART2.CR1=0x200c";
    check_uart(&f4, &format!("{on} USART2.BRR=0x8b"), &["USART2 115107 HSI 16 MHz /16 /8.6875"]);
    let by_8 = "RCC.CFGR=0 USART2.CR1=0xa00c USART2.BRR=0x113";
    check_uart(&f4, by_8, &["USART2 115107 HSI 16 MHz /8 /17.375"]);
    check_uart(&f4, &format!("{on} USART2.BRR=0"), &["USART2 its divisor is 0"]);
    check_uart(&f4, "RCC.CFGR=0 USART2.CR1=0x2000 USART2.BRR=0x8b", &[]);
    let pico = "hfxo=12000000 CLOCKS.CLK_PERI_CTRL=0x880 UART0.UARTIBRD=6 UART0.UARTFBRD=33 \
                UART0.UARTCR=0x301";
    let said = "UART0 115107 XOSC 12 MHz /16 /6.515625";
    check_uart(&chip(chips::RP2040), pico, &[said]);
    let nordic = "UARTE0.ENABLE=8 UARTE0.BAUDRATE=0x01d60000";
    let said = "UARTE0 114746 HFXO or HFINT 16 MHz ×0x1d60000 /2^32";
    check_uart(&chip(chips::NRF52840), nordic, &[said]);
}

#[test]
fn a_chip_without_a_tree_has_none() {
    let index = chip(chips::CORTEX_M33);
    assert!(clock_tree(&index, &board(&index, "")).is_none());
    assert!(clock_tree(&no_index(), &board(&index, "")).is_none());
    assert_eq!(uart_rates(&index, &board(&index, "")), []);
}
