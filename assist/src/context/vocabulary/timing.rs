//! What counts: timers, PWM, real-time clocks, watchdogs.

use super::Role::{Clear, Control, Data, Interrupt, Mode, Rate, Status};
use super::{Class, topic};

pub(super) const CLASSES: &[Class] = &[
    Class {
        says: "timer*, pwm*, capture, periodic, input capture, output compare, compare match, \
               encoder, tim, ctimer, tcc, ftm, tpm, gpt, pit, lptim, htim, duty*, servo, \
               motor, pulse, pulses, stepper, gptimer, hrtim, mcpwm, ledc, simplepwm, fade, \
               one pulse, dead time, deadtime, quadrature, tachometer, slice, counter, \
               microseconds, time base, timebase, lptmr, dimming, brightness",
        peripherals: "TIM TIMER TC TCC PWM CTIMER FTM GPT PIT LPTIM MRT SCT TPM LPTMR TMR EPWM \
                      BPWM FLEXPWM QTMR EMIOS STM ATIM HRTIM LETIMER WTIMER GTM CCU4 CCU8 MTU \
                      TAU AGT CMT TMRA TMRB LEDC MCPWM TIMG TA TB STIMER UTICK OSTIMER TIMERA \
                      BTIM GTIM PWMA EQEP ECAP ETPWM PT ENC SCTIMER LPIT TMR4 TMR6",
        topics: &[
            // The rate of a counter is source clock, prescaler and reload value together.
            topic(
                "frequency, period*, speed, twice, half, double, too fast, too slow, too high, \
                 too low, too long, too short, rate, prescaler, interval, khz, drift*, wrong \
                 time, resolution, off by one, delay, pulse width, microseconds, ms, us",
                &[Rate, Control, Data],
                "psc prescaler arr reload period top countertop mod load ldval div divider \
                 clkdiv ckd cc mr mcr match pr clks ps bitmode rcr ctr warp compare ccr tmr \
                 pre",
            ),
            topic(
                "pwm*, duty*, output*, glitch*, servo, led, brightness, waveform, compare, \
                 pulse*, slice, fade",
                &[Control, Data],
                "ccr ccr1 ccmr1 oc1m oc1pe ccer cc1e cc1p preload arpe moe compare duty seq cc \
                 val cnv elsb elsa msb top pol polarity invert update egr ug mask wave load \
                 pwmc decoder csr",
            ),
            // An advanced timer drives nothing until its main output is enabled.
            topic(
                "complementary, dead time, deadtime, dead band, shoot*, break, fault, motor, \
                 bridge, stay low, no output, half bridge",
                &[Control, Mode],
                "bdtr moe aoe ossr ossi dtg break bke cchp poen dtcfg ccer cc1ne deadtime dead \
                 dtctl dtcnt dten dtval dtps fault fltctrl fms combine comp0 complementary \
                 outmode db dbctl brkctl dtset band zone lock ctl1",
            ),
            topic(
                "capture*, edge*, measure*, input, tachometer, frequency meter",
                &[Control, Status, Data],
                "capture cc1s cc1p ic1f ic1psc ccmr1 ccer ccr1 cc1of input filter elsa ccr \
                 edge icf capctl cap",
            ),
            topic(
                "encoder, quadrature, direction, counts the wrong way, position, steps",
                &[Mode, Control],
                "sms smcr encoder quadrature quaden qdctrl dir direction cc1p ccer ccmr1 ic1f \
                 filter cnt enc smcfg polarity input qdecctrl position phase",
            ),
            topic(
                "interrupt*, fires, callback, event*, never, isr, irq, update flag, \
                 immediately, only once, once",
                &[Interrupt, Status, Clear, Control],
                "dier uie uif update urs udis overflow toie tof tie tif inten intenset compare \
                 event opm dmainten upie flag shorts chf chie",
            ),
            topic(
                "one pulse, single shot, one shot, oneshot",
                &[Control],
                "opm single oneshot rcr spm sngstrt",
            ),
            topic(
                "trigger*, chain*, synchron*, slave, master, cascade*, gated, adc trigger, \
                 linked, phase shift",
                &[Mode, Control],
                "mms mms2 smcr sms ts trgo msm trigger slave master sync synconf chain chn egr \
                 etr ece bctrl link",
            ),
            topic(
                "lptim, low power timer, sleep, stop mode",
                &[Control, Mode, Status],
                "cksel lptim presc arrok cmpok cntstrt clock arr cmp",
            ),
            topic("dma, burst", &[Interrupt], "ude dier dcr dmar dba dbl cc1de dma burst"),
            topic(
                "does not start, not tick, not count*, not run*, stays 0, stays zero, frozen, \
                 stuck",
                &[Control],
                "cen enable start cnten en cr1 run clksel clks tasks ctrl",
            ),
        ],
    },
    Class {
        says: "tick, systick, system timer, hal_delay, hal delay, millis, os tick, tickless, \
               mtime, configtick, vtaskdelay, k sleep, k msleep",
        peripherals: "STK SYSTICK SYST PPB SYSTIMER CLINT MTIMER SCS SYS_TICK",
        topics: &[topic(
            "tick*, systick, delay, millis, system timer",
            &[Control, Rate, Data],
            "systick tickint reload load clksource csr rvr cvr syst mtimecmp mtime calib",
        )],
    },
    Class {
        says: "rtc, real time clock, calendar, alarm*, date, time of day, backup domain, \
               backup register, backup registers, vbat, subsecond*, timestamp, tamper*, epoch, \
               leap, clock drift, timekeeping, lost time, wakeup timer, wake up timer",
        peripherals: "RTC SRTC SNVS TAMP BKP BURTC SYSRTC RTCC BBPU BACKUP RTC_CNTL LP_TIMER \
                      AON_RTC",
        topics: &[
            // Registers are protected by a key and by the backup domain's switch.
            topic(
                "write*, protect*, set*, cannot, reprogram*, change*, not accept*, has no \
                 effect, init*, calendar, date, time",
                &[Control, Status],
                "wpr key initf init isr icsr rsf wutwf alrawf dbp bdcr rtcen tr dr cnf rtoff \
                 crl write protection lock bypshad shadow sync busy synchronization prl tsr \
                 ter disdbp",
            ),
            topic(
                "alarm*, wake*, interrupt, once, periodic",
                &[Control, Interrupt, Status, Clear],
                "alarm alrae alraie alraf alrmar alrm wute wutr wutie wutf wucksel scr exti \
                 mask compare tar match ier evten evtenset cc ciir amr",
            ),
            topic(
                "drift*, calibrat*, fast, slow, accuracy, ppm, seconds, prescaler, frequency, \
                 wrong rate, wrong source, loses",
                &[Rate, Mode],
                "calr calm calp prer prediv predivs prescaler prl prll rtcsel lse lsedrv tcr \
                 calibration compensation lfclksrc rtcsrc source cal freqcorr calcfg trim",
            ),
            topic(
                "reset, power cycle, lost, battery, backup, vbat, retain*, stops",
                &[Control, Status],
                "bdcr bdrst lseon lserdy rtcen rtcsel inits dbp backup vbat bkp tif vbe",
            ),
            topic(
                "tamper*, timestamp",
                &[Control, Status],
                "tamper tamp tampcr timestamp tse tsf tstr",
            ),
        ],
    },
    Class {
        says: "watchdog*, wdt, iwdg, wwdg, wdog, kick*, feed*, refresh*, task wdt, every few \
               seconds, reset loop, reboot loop, boot loop, keeps resetting, keeps rebooting, \
               resets periodically, restarts every, resets every, reboots every, restarts by itself, \
               resets by itself, reboots by itself, ewm, cop",
        peripherals: "IWDG WWDG WDT WDOG WATCHDOG COP RTWDOG WWDT FWDGT WWDGT EWM SWDT WDTA \
                      TIMG RTC_CNTL AWDT WDG WDTCTL",
        topics: &[
            topic(
                "reset*, reboot*, restart*, timeout, period*, early, window, feed*, kick*, \
                 refresh*, every few seconds, loop",
                &[Control, Rate, Status, Mode],
                "reload rlr pr kr key winr window load crv rren rr config timeout prescaler \
                 feed tc toval cs cnt wt refresh rstf mod runstatus reset wdgtb psc service \
                 wsr wcr intflg",
            ),
            topic(
                "disable*, turned off, turn off, stop, cannot, unlock*, boot",
                &[Control],
                "unlock enable wdogen stctrlh allowupdate update key ctrl wprotect mr wddis \
                 copc lock optr user mod wden wde",
            ),
            topic(
                "debug*, breakpoint, halt*, sleep, stop mode, standby",
                &[Mode],
                "dbg debug halt pause stop sleep freeze fzr1 fz iwdg dbgen wdbg wdzst waiten \
                 stopen run",
            ),
        ],
    },
];
