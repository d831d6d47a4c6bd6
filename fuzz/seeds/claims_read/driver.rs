const UART0_BASE: usize = 0x4000_2000;

#[repr(C)]
pub struct Regs {
    pub tasks_startrx: u32,
    _reserved: [u32; 3],
}

#[cfg(feature = "uart")]
fn start(p: &pac::Peripherals) {
    p.UART0.baudrate.write(|w| w.baudrate().baud115200());
    p.UART0.config.modify(|_, w| w.hwfc().set_bit().parity().included());
    p.UART0.enable.write(|w| unsafe { w.bits(4) });
    unsafe { core::ptr::write_volatile(0x4000_2524 as *mut u32, 0x01D7_E000) }
}

#[interrupt]
fn TIMER0() {}
