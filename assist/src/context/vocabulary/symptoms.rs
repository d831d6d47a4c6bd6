//! What goes wrong with any peripheral, and the registers that show or cause it.

use super::Role::{self, Clear, Control, Data, Interrupt, Mode, Rate, Status};

/// A symptom, or a manner of speaking, and what it points at.
pub(crate) struct Symptom {
    /// Any of these phrases, between commas, in the question.
    pub(crate) says: &'static str,
    /// Starts of the names of peripherals that it is about besides the one that is asked about.
    pub(crate) peripherals: &'static str,
    /// Parts that registers play.
    pub(crate) roles: &'static [Role],
    /// Words of names and descriptions.
    pub(crate) words: &'static str,
}

const fn symptom(
    says: &'static str,
    peripherals: &'static str,
    roles: &'static [Role],
    words: &'static str,
) -> Symptom {
    Symptom { says, peripherals, roles, words }
}

const CLOCKS: &str = "RCC CLOCK CLOCKS SIM CCM GCLK PMC SYSCON RCU CMU CLK PCC";

pub(crate) const SYMPTOMS: &[Symptom] = &[
    // A rate off by a factor is a prescaler somewhere between the oscillator and the peripheral.
    symptom(
        "twice, too fast, too slow, factor, double, half, wrong frequency, wrong speed, wrong \
         rate, divisor, bus clock, too high, too low, half speed",
        CLOCKS,
        &[Rate],
        "prescaler divider div psc reload",
    ),
    symptom(
        "garbage, garbled, gibberish, baud, framing",
        CLOCKS,
        &[Rate],
        "baud baudrate brr divisor div oversampling prescaler frequency",
    ),
    symptom(
        "changed the system clock, after changing the clock, clock change, peripheral clock, \
         kernel clock, clock source, clock select*",
        CLOCKS,
        &[Rate],
        "source select sel clksel divider",
    ),
    // A timer that is one count long or short has a reload value off by one.
    symptom("too long, too short, period", "", &[Rate, Data], "reload load arr period start"),
    // A peripheral that never answers, or whose registers stay 0, has no clock or is in reset.
    symptom(
        "stays 0, stay 0, stays zero, reads 0, reads zero, read 0, read zero, read as zero, \
         can't be written, cannot be written, not written, has no effect, no effect, ignored, \
         does nothing, not respond*",
        "RCC SIM PMC PCC CCM RESETS SYSCON SYSTEM MCLK RCU CMU",
        &[Control],
        "clock enable reset",
    ),
    // What never ends was not started, is not clocked, or its flag is not looked at.
    symptom(
        "never finish*, never complete*, hang*, stuck, forever, freez*, blocks, waits, times \
         out, time out, timeout*, never returns, infinite loop, endless, deadlock*, hal \
         timeout, hal busy, busy",
        "",
        &[Status, Control, Clear],
        "busy bsy ready enable start flag status timeout done",
    ),
    symptom(
        "hang, hangs, stuck",
        "RCC SIM PMC PCC CCM RESETS SYSCON SYSTEM MCLK",
        &[],
        "clock enable",
    ),
    // Running faster than the flash answers needs wait states.
    symptom(
        "mhz, wait state, clock speed, overclock",
        "FLASH NVMCTRL EFC",
        &[],
        "latency wait prefetch acr",
    ),
    symptom("page erase, erase, erasing", "", &[], "erase program page busy flash"),
    symptom("program*, half word, write, written", "", &[], "program write protect lock"),
    symptom("protected, protection, unlock*, locked", "", &[], "protect lock unlock key error"),
    symptom("error, fails, fail, failed", "", &[Status, Clear], "error status flag clear"),
    // A flag that is not cleared, or cleared with others, loses events.
    symptom(
        "flag, flags, clearing, cleared, lost, status",
        "",
        &[Status, Clear],
        "status flag clear pending overrun",
    ),
    // An interrupt that comes again and again is not acknowledged; one that comes once is masked,
    // or waits for its flag to fall.
    symptom(
        "again and again, over and over, continuously, fires forever, keeps firing, storm, re \
         enter*, only once, fires once, just once, only the first, never again, immediately, \
         spurious, endless interrupt*, interrupt loop",
        "NVIC",
        &[Clear, Status, Interrupt],
        "flag clear pending status icr acknowledge",
    ),
    symptom(
        "overrun, lost, drops, dropped, missing, misses",
        "",
        &[Status, Clear],
        "overrun ovr fifo overflow",
    ),
    // A transfer that is cut off leaves the state machine where it was.
    symptom(
        "dropped, cancel*, abort*, time out, timeout",
        "",
        &[Control],
        "abort reset fsm busy stop enable",
    ),
    symptom("glitch, noise, arbitration", "", &[], "arbitration bus error filter berr arlo"),
    symptom("stop, stops, restart", "", &[Control], "start stop"),
    symptom("circular, continuous", "", &[Mode], "dma request overrun circular continuous"),
    symptom("dma", "", &[], "dma channel request"),
    symptom("transfer complete, completion", "", &[Status, Clear], "transfer complete flag"),
    symptom(
        "interrupt*, irq*, handler, callback*, isr, event handler",
        "",
        &[Interrupt, Status],
        "interrupt enable mask pending inten",
    ),
    symptom(
        "never called, never fires, never fire, doesn't fire, does not fire, not fire, no \
         interrupt*, never calls, not called, not triggered, never triggers, never enter*, \
         interrupt never",
        "NVIC ECLIC PLIC INTC",
        &[Interrupt, Status, Clear],
        "interrupt enable mask threshold ie",
    ),
    symptom("restart, reset", "", &[], "reset"),
    symptom(
        "resume, suspend, wake up, wakeup, wake",
        "",
        &[],
        "resume suspend wakeup wkup low power",
    ),
    // What a mode switches off must be kept on, or set up again behind it.
    symptom(
        "sleep, stop mode, idle, standby, wait for event, wait for interrupt, wfi, wfe",
        "",
        &[Mode],
        "sleep stop standby low power lpm mode",
    ),
    // A debugger keeps clocks alive, holds timers, and hides a core that sleeps.
    symptom(
        "debugger, debugging, debug, release build, without debugger, standalone, attached",
        "DBGMCU DBG",
        &[],
        "debug dbg stop sleep standby",
    ),
    symptom(
        "crystal, oscillator, settle, start up time, startup",
        "",
        &[],
        "crystal oscillator xosc hse hfclk startup ready stable",
    ),
    symptom("backup, real time clock, rtc", "", &[], "backup rtc dbp bdcr write"),
    symptom(
        "mode 0, mode 3, mode 1, mode 2, clock polarity, clock phase, clock edge",
        "",
        &[],
        "cpol cpha polarity phase",
    ),
    symptom("pull up, pull down, pull, floating", "", &[], "pull pupd pupdr"),
    symptom(
        "alternate function, pin function, pin mux, pin configuration, remap",
        "GPIO IOMUXC PORT IOCON AFIO IO_BANK",
        &[],
        "alternate function afr mux funcsel psel",
    ),
    symptom("open drain, drive, drive strength", "", &[], "drive open drain"),
    symptom("level, high, low, output, outputs", "", &[], "output data direction"),
    symptom("pin interrupt, external interrupt, port", "", &[], "exti external interrupt source"),
    symptom("stack pointer, alignment", "SCB PPB", &[], "stack alignment align"),
    symptom("stack, stack guard", "", &[], "stack limit guard"),
    symptom("vbus", "", &[], "vbus sensing detection"),
    symptom("counter, count", "", &[Data], "counter count value update latch"),
    symptom("limit, overflow*, threshold", "", &[], "limit threshold overflow"),
    symptom("fifo, buffer", "", &[Data], "fifo level timeout"),
    symptom("trigger level, watermark, receive buffer", "", &[], "fifo trigger level watermark"),
    symptom("bank, dual bank", "", &[], "bank bsy busy configuration"),
    symptom("busy, stall, stalls, blocked", "", &[Status], "busy bsy wait"),
    symptom("receive, reception, receiver, rx", "", &[Data], "receive receiver rx rxne"),
    symptom("transmit, send, tx", "", &[Data], "transmit tx txe"),
    symptom("memory mapped", "", &[], "functional mode memory mapped"),
    symptom("region, memory protection", "", &[], "region base attribute limit rbar rnr rasr"),
];
