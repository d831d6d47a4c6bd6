//! A driver for the nRF51's UART, timer and pins, against a crate that svd2rust made.

use nrf51_pac::{GPIO, NVIC, TIMER0, UART0, interrupt};

const UART0_BASE: usize = 0x4000_2000;
const UART_BAUDRATE: usize = 0x4000_2524;
const UART_CONFIG_HWFC: u32 = 1 << 0;
const UART_CONFIG_PARITY: u32 = 0x7 << 1;
const TIMER0_IRQN: u32 = 8;

#[repr(C)]
pub struct UartRegs {
    tasks_startrx: VolatileCell<u32>,
    tasks_stoprx: VolatileCell<u32>,
    tasks_starttx: VolatileCell<u32>,
    tasks_stoptx: VolatileCell<u32>,
    _reserved0: [u32; 67],
    events_txdrdy: VolatileCell<u32>,
    _reserved1: [u32; 248],
    enable: VolatileCell<u32>,
}

pub fn start(p: nrf51_pac::Peripherals) {
    p.GPIO.outset.write(|w| w.pin24().set_bit());
    p.GPIO.dirset.write(|w| w.pin24().set_bit());
    p.UART0.pseltxd.write(|w| unsafe { w.bits(24) });
    p.UART0.pselrxd.write(|w| unsafe { w.bits(25) });
    p.UART0.enable.write(|w| w.enable().enabled());
    p.UART0.baudrate.write(|w| w.baudrate().baud115200());
    p.UART0.config.write(|w| w.hwfc().disabled().parity().excluded());
    p.UART0.intenset.write(|w| w.txdrdy().set_bit().rxdrdy().set_bit());
    p.UART0.tasks_starttx.write(|w| unsafe { w.bits(1) });

    p.TIMER0.mode.write(|w| w.mode().timer());
    p.TIMER0.prescaler.write(|w| unsafe { w.prescaler().bits(4) });
    p.TIMER0.cc[0].write(|w| unsafe { w.bits(250_000) });
    p.TIMER0.shorts.modify(|_, w| w.compare0_clear().enabled());
    p.TIMER0.intenset.write(|w| w.compare0().set_bit());
    p.TIMER0.tasks_start.write(|w| unsafe { w.bits(1) });
}

pub fn put(uart: &UART0, byte: u8) {
    let uart = unsafe { &*UART0::ptr() };
    uart.events_txdrdy.reset();
    uart.txd.write(|w| unsafe { w.txd().bits(byte) });
    while uart.events_txdrdy.read().bits() == 0 {}
}

pub fn is_framed(p: &nrf51_pac::Peripherals) -> bool {
    p.UART0.errorsrc.read().framing().bit_is_set()
}

#[interrupt]
fn TIMER0() {
    let timer = unsafe { &*TIMER0::ptr() };
    timer.events_compare[0].reset();
}
