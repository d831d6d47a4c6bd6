//! Drivers over a peripheral access crate, as embedded Rust has them: owned peripherals, typed
//! pins, traits, register blocks by reference, trait objects. It runs on QEMU's microbit.

#![no_std]
#![no_main]

mod pac;

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use pac::{GPIO, TIMER0, TIMER1, TIMER2, UART0, gpio, timer0, uart0};

static TICKS: AtomicU32 = AtomicU32::new(0);
static SENT: AtomicBool = AtomicBool::new(false);

/// A serial port over whichever UART.
struct Serial<U: core::ops::Deref<Target = uart0::RegisterBlock>> {
    uart: U,
}

impl<U: core::ops::Deref<Target = uart0::RegisterBlock>> Serial<U> {
    fn new(uart: U, tx: u32, rx: u32) -> Self {
        uart.pseltxd.write(|w| w.bits(tx));
        uart.pselrxd.write(|w| w.bits(rx));
        uart.baudrate.write(|w| w.bits(0x01d7_e000));
        uart.config.write(|w| w.field(1, 3, 0));
        uart.enable.write(|w| w.field(0, 3, 4));
        uart.tasks_starttx.write(|w| w.bits(1));
        Self { uart }
    }

    #[inline(never)]
    fn write(&mut self, text: &str) {
        for byte in text.bytes() {
            self.uart.events_txdrdy.write(|w| w.bits(0));
            self.uart.txd.write(|w| w.bits(byte.into()));
            let mut tries = 0;
            while !self.uart.events_txdrdy.read().bit(0) && tries < 1000 {
                tries += 1;
            }
        }
    }
}

trait OutputPin {
    fn set(&mut self, high: bool);
}

/// A pin whose number is part of its type.
struct Pin<const N: usize>;

impl<const N: usize> Pin<N> {
    #[inline(never)]
    fn into_output(gpio: &gpio::RegisterBlock) -> Self {
        gpio.pin_cnf[N].write(|w| w.field(0, 1, 1).field(1, 1, 1));
        Self
    }
}

impl<const N: usize> OutputPin for Pin<N> {
    #[inline(never)]
    fn set(&mut self, high: bool) {
        let gpio = unsafe { &*GPIO::ptr() };
        match high {
            true => gpio.outset.write(|w| w.bits(1 << N)),
            false => gpio.outclr.write(|w| w.bits(1 << N)),
        }
    }
}

/// A pin chosen at run time.
struct AnyPin {
    number: u8,
}

impl OutputPin for AnyPin {
    #[inline(never)]
    fn set(&mut self, high: bool) {
        let gpio = unsafe { &*GPIO::ptr() };
        gpio.out.modify(|r, w| {
            let bit = 1 << (self.number & 31);
            w.bits(if high { r.bits() | bit } else { r.bits() & !bit })
        });
    }
}

#[inline(never)]
fn start_timer(timer: &timer0::RegisterBlock, prescaler: u32, compare: usize, ticks: u32) {
    timer.tasks_stop.write(|w| w.bits(1));
    timer.mode.write(|w| w.bits(0));
    timer.bitmode.modify(|_, w| w.field(0, 2, 0));
    timer.prescaler.write(|w| w.field(0, 4, prescaler));
    timer.cc[compare].write(|w| w.bits(ticks));
    timer.shorts.modify(|_, w| w.field(compare as u32, 1, 1));
    timer.tasks_clear.write(|w| w.bits(1));
    timer.tasks_start.write(|w| w.bits(1));
}

#[inline(never)]
fn capture(timer: &timer0::RegisterBlock, channel: usize) -> u32 {
    timer.tasks_capture[channel].write(|w| w.bits(1));
    timer.cc[channel].read().bits()
}

fn blink(pins: &mut [&mut dyn OutputPin], on: bool) {
    for pin in pins {
        pin.set(on);
    }
}

extern "C" fn timer0_handler() {
    let timer = unsafe { TIMER0::steal() };
    if timer.events_compare[0].read().bit(0) {
        timer.events_compare[0].write(|w| w.bits(0));
        let ticks = TICKS.load(Ordering::Relaxed);
        TICKS.store(ticks + 1, Ordering::Relaxed);
    }
}

fn run() -> ! {
    let (uart, gpio) = unsafe { (UART0::steal(), GPIO::steal()) };
    let mut serial = Serial::new(uart, 24, 25);
    let mut row = Pin::<13>::into_output(&gpio);
    let mut column = Pin::<4>::into_output(&gpio);
    let mut any = AnyPin { number: 14 };
    let timers = unsafe { (TIMER0::steal(), TIMER1::steal(), TIMER2::steal()) };
    timers.0.intenset.write(|w| w.bits(1 << 16));
    start_timer(&timers.0, 4, 0, 1000);
    start_timer(&timers.1, 5, 1, 2000);
    start_timer(&timers.2, 6, 2, 3000);
    unsafe { core::ptr::write_volatile(0xe000_e100 as *mut u32, 1 << 8) };
    serial.write("boot\r\n");
    SENT.store(true, Ordering::Relaxed);
    loop {
        let ticks = TICKS.load(Ordering::Relaxed);
        blink(&mut [&mut row, &mut column, &mut any], ticks & 1 == 0);
        capture(&timers.1, (ticks & 3) as usize);
        serial.write(if ticks & 7 == 0 { "tick\r\n" } else { "." });
    }
}

unsafe extern "C" {
    static mut data_load: u32;
    static mut data_start: u32;
    static mut data_end: u32;
    static mut bss_start: u32;
    static mut bss_end: u32;
    static stack_top: u32;
}

extern "C" fn reset() -> ! {
    unsafe {
        let mut from = &raw const data_load;
        let mut to = &raw mut data_start;
        while to < &raw mut data_end {
            to.write_volatile(from.read_volatile());
            (from, to) = (from.add(1), to.add(1));
        }
        let mut to = &raw mut bss_start;
        while to < &raw mut bss_end {
            to.write_volatile(0);
            to = to.add(1);
        }
    }
    run()
}

extern "C" fn fault() {
    loop {
        core::hint::spin_loop();
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

#[repr(C)]
union Vector {
    stack: *const u32,
    reset: extern "C" fn() -> !,
    handler: extern "C" fn(),
    reserved: usize,
}

unsafe impl Sync for Vector {}

/// Interrupt 8 is TIMER0's.
#[unsafe(link_section = ".isr_vector")]
#[unsafe(no_mangle)]
static VECTORS: [Vector; 16 + 32] = {
    let mut table = [const { Vector { reserved: 0 } }; 16 + 32];
    table[0] = Vector { stack: &raw const stack_top };
    table[1] = Vector { reset };
    table[2] = Vector { handler: fault };
    table[3] = Vector { handler: fault };
    table[16 + 8] = Vector { handler: timer0_handler };
    table
};
