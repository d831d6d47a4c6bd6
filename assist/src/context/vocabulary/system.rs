//! What every program stands on: clocks, power, resets, pins, memories, DMA, events.

use super::Role::{Clear, Control, Data, Interrupt, Mode, Rate, Status};
use super::{Class, topic};

pub(super) const CLASSES: &[Class] = &[
    Class {
        says: "clock, clocks, pll*, crystal, oscillator, mhz, hse, lse, hsi, msi, hxt, lxt, \
               hfxo, lfxo, hfxt, hfclk, lfclk, divisor, divider, prescaler, bus clock, sysclk, \
               system clock, clock tree, rcc, clock source, xtal, mco, clkout, clock output, \
               css, clock gating, peripheral clock, fll, dfll, dpll, rosc, core clock, cpu \
               frequency, clock security, systemcoreclock",
        peripherals: "RCC CLOCK CLOCKS PLL XOSC ROSC PMC SIM MCG CCM CCM_ANALOG GCLK OSCCTRL \
                      OSC32KCTRL SYSCTRL SYSCON PCR RTC_CNTL CRG CMU SCG PCC RCU CKCU SYSTEM \
                      CRM CLK CLKGEN CLKCTRL MCLK CGC CGU CS OSC HFXO LFXO HFRCO DPLL SRSS \
                      PRCI GCR SYSCTL PRCM XTALOSC24M ANACTRL CKGR HP_SYS_CLKRST LP_CLKRST SCU \
                      FMU CRS ICS ANATOP",
        topics: &[
            topic(
                "pll*, lock, mhz, frequency, core clock, cpu frequency, overclock*, sysclk, \
                 system clock, runs slow, slow, too fast, divider, prescaler, speed, \
                 configur*, engaged",
                &[Rate, Control, Mode],
                "pllcfgr plln pllm pllp pllq pllmul pllsrc pllxtpre pllrdy pllon hpre ppre1 \
                 ppre2 sw sws cfgr cfg0 scs prdiv0 vdiv0 clks clkst frdiv plls lock0 fbdiv \
                 postdiv1 refdiv podf clksel mainclksel ahbclkdiv clkdiv mult mosc mckr pllar \
                 outdiv1 divselect arm div select pll",
            ),
            topic(
                "crystal, oscillator, hse, lse, hxt, lxt, xtal, start up, startup, ready, \
                 stable, settle*, external, bypass, fail*, css",
                &[Control, Status],
                "hseon hserdy hsebyp lseon lserdy lsebyp lsedrv csson bdcr xosc startup stable \
                 ready hxtalen hxtalstb crystal oscillator erefs oscinit0 hfclkstat lfclksrc \
                 lfclkstat moscxten moscxts xtalfreq hfxocfg cr delay gain range hgo clkctl",
            ),
            topic(
                "mco, clkout, clock output, measure",
                &[Mode],
                "mco mcosel mcopre mco1 clkout ckout clkoutsel gpout0 pck cko",
            ),
            topic(
                "gate*, gating, enable*, not clocked, peripheral clock, turn on, no clock, \
                 miss a clock",
                &[Control],
                "enable gate ahbenr apb1enr apb2enr scgc ccgr pcer apbmask ahbclkctrl perckcn",
            ),
            topic(
                "lfclk, low frequency, 32 khz, 32.768, rc oscillator, drift*, lsi",
                &[Control, Mode, Status],
                "lfclksrc lfclkstat lfclkrun lfclkstart lfclkstarted cal ctiv source lsi lse \
                 lsion lsirdy csr bdcr",
            ),
        ],
    },
    Class {
        says: "power*, low power, sleep*, standby, stop mode, stop 1, stop 2, deep sleep, \
               deepsleep, deepest sleep, hibernat*, current, current consumption, battery, \
               backup domain, wake up, wakeup, wakes, woken, shutdown, system off, system_off, \
               brown out, brownout, bod, pvd, lvd, voltage scal*, regulator, dcdc, smps, ldo, \
               microamp*, retention, ram retention, dormant, vlps, vlls*, wfi, pm device",
        peripherals: "PWR POWER PM SUPC PMU SMC LLWU RTC_CNTL PSM GPC DCDC SCB EMU PMC VREG \
                      PWRCTRL REGULATORS PWRSEQ SPC WUU CMC PGC RSTCTRL BROWNOUT BOD \
                      SYSTEM_CONTROL PCM PSS AON MCUCTRL SYSCON LP_AON SRSS \
                      VREG_AND_CHIP_RESET POWMAN",
        topics: &[
            topic(
                "wake*, woken, never wakes, does not wake, exit*, immediately, deepest",
                &[Control, Status, Clear],
                "ewup ewup1 wuf cwuf csbf sbf wakeup csr sr1 scr wup pe1 f1 f3 enable wken \
                 starter starterp starten exti imr pmsts pmctrl pmprot ackiso detect sense \
                 latch wupen slppin int dormant",
            ),
            topic(
                "sleep*, stop*, standby, low power, current, consumption, microamp*, shutdown, \
                 hibernat*, system off, does not enter, enter*, wfi, wfe",
                &[Control, Mode],
                "lpms pdds lpds sleepdeep sleeponexit sevonpend scr scb stopm pmctrl lpm \
                 standby systemoff pdm pcon lpr ulp flps fpds lowpower pdruncfg sleepcfg \
                 pdsleepcfg clpcr mode retention ram dcdcen sleep en0 wake",
            ),
            // After a stop mode the clock is what the hardware starts with, not what was set up.
            topic(
                "slow*, after stop, after sleep, after wake*, clock",
                &[Mode, Control],
                "sw sws cfgr stopwuck pllon hseon cr clock hsion msirange rcc",
            ),
            topic(
                "debug*, swd, probe, attach*, connection, flash tool",
                &[Control],
                "dbgmcu dbg stop sleep standby cr dbgen",
            ),
            topic(
                "voltage, scal*, brown*, pvd, lvd, bod, regulator, ldo, smps, overdrive, \
                 supply, dcdc",
                &[Control, Status],
                "vos vosrdy oden odrdy odswen odswrdy pvde pls pvdo lvdsc1 lvdv lvdre bodlevel \
                 bod bodcore bodvdd pofcon threshold vsel vreg target dcdcen ldoen smpsen cr3 \
                 bor lev brownout",
            ),
            topic(
                "backup, vbat, retain*",
                &[Control],
                "dbp bre brr bdcr backup gpregret retention bkpsram vbe ramon sram2",
            ),
        ],
    },
    Class {
        says: "reset cause, reset reason, why did it reset, resets, reset flag, reset source, \
               resetting, unexpected reset, random reset*, spontaneous*, power on reset, brown \
               out reset, nrst, bootloader, boot mode, software reset",
        peripherals: "RCC RSTC RCM RMU RESET RESETS SRC RSTGEN SYSCON RCU CRM POWER RSTCTRL \
                      RTC_CNTL VREG_AND_CHIP_RESET PMC RCAUSE CMC LPWR SCB WATCHDOG SYSRSTSTAT \
                      SYS$",
        topics: &[topic(
            "reset*, restart*, reboot*, boot*, why, cause, reason, spontaneous*",
            &[Status],
            "csr rsr rstf iwdgrstf wwdgrstf sftrstf porrstf borrstf pinrstf lpwrrstf rmvf \
                 resetreas srs0 srs1 srs srsr rcause rstcause rstsck rststs rstsr sysrststat \
                 reason reset cause rsttyp sr chip gpregret vectreset sysresetreq aircr bor \
                 wrsr stat",
        )],
    },
    Class {
        says: "gpio*, pin, pins, port, led, button, open drain, pull up*, pull down*, pullup, \
               pulldown, output level, alternate function, pinmux, pin mux, pinctrl, pin \
               configuration, pin function, iomux, drive strength, slew, digital input, \
               digital output, io bank, padconf, digitalwrite, pinmode, floating",
        peripherals: "GPIO PORT PIO IO_BANK PADS_BANK SIO P0 P1 P2 IOMUX IOMUXC IOCON AFIO PA \
                      PB PC PFS PMUX IO_MUX SWM SIUL2 HSIOM GPIO_PRT IOC FGPIO PINCM PINMUX \
                      IOMUXC_GPR PINSEL PWPR PERIC SYS$",
        topics: &[
            topic(
                "alternate function, mux*, pin function, peripheral, wrong pin, remap*, uart, \
                 spi, i2c, pinctrl, pin configuration, transmits nothing, no signal, pinmux",
                &[Mode, Control],
                "afr afrl afrh moder crl crh ctl0 ctl1 afsel afsel0 mapr mux mode pcr funcsel \
                 func fsel pmux pincfg psel sel absr pio pinsel mfp iocfg alternate function \
                 cnf pinassign select input daisy afctl pmd mfpl",
            ),
            topic(
                "pull*, floating, input, button, reads, read*, high impedance, analog, \
                 hysteresis",
                &[Mode, Data],
                "pupdr pull pue pde pud pullen idr pdir input inen ie ps pe pupd mode moder \
                 pin cnf od digimode ctrl schmitt pus hys pinen ien",
            ),
            topic(
                "output*, led, toggle*, high, low, level, set, drive*, slew, speed, open \
                 drain, glitch*, current, blink*, strength",
                &[Mode, Data],
                "odr bsrr moder otyper ospeedr outset outclr dir dirset pddr pdor psor pcor \
                 ptor drive drvstr dse ode slewfast octl bop gpio oe dout crl crh sre speed \
                 iofcon output en val enable omode",
            ),
            topic(
                "lock*, swd, jtag, cannot",
                &[Control],
                "lckr lock lk swj cfg mapr wpen wprot unlock cr",
            ),
        ],
    },
    Class {
        says: "pin interrupt, external interrupt, edge, edges, exti*, gpio interrupt, port \
               interrupt, button interrupt, falling edge, rising edge, gpiote, pin change, \
               button press, gpio callback, interrupt pin, debounce, attachinterrupt",
        peripherals: "EXTI SYSCFG AFIO GPIOTE EIC PINT IO_BANK PORT GINT GPIO ICU INTC PIO \
                      SECPINT AOI GPIOINT",
        topics: &[
            topic(
                "edge*, rising, falling, both, level, trigger*, never, button, pin, callback, \
                 again*, twice, interrupt*",
                &[Mode, Interrupt, Status, Clear],
                "rtsr ftsr imr imr1 emr pr pr1 rpr1 fpr1 exticr exticr1 swier irqc isf isfr \
                 isel ienf ienr rise fall polarity pmode ist rising falling edge pending sense \
                 config evctrl inte0 intr0 proc0 icr1 sel rten ften ften0 pd int iev ibe \
                 intsts intsrc extipsel status fmr pol inten",
            ),
            topic(
                "port, line, which pin, wrong pin, mapping",
                &[Mode],
                "exticr exticr1 syscfg source extiss psel extipsell iopsel pintsel extiss0 \
                 pinsel",
            ),
            topic(
                "debounce, glitch*, bounc*, filter*",
                &[Mode],
                "filter debounce dbctl dben digital difsr scdr qualifier dfer dfwr dfcr",
            ),
        ],
    },
    Class {
        says: "flash, page erase, sector erase, mass erase, half word, wait state*, option \
               byte*, readout protection, rdp, eeprom emulation, nvs, write protect*, dual \
               bank, bank swap, pgserr, program flash, flashing, internal flash, nvm, nvmc, \
               ota update, wrperr, littlefs, prefetch, ecc",
        peripherals: "FLASH NVMC NVMCTRL EFC FTFA FTFE FTFL FTFC FMC FLASHC MSC FLC EEFC RRAMC \
                      IAP FMU FLCTL EFM FCU FACI C1 MRAMC FLASH_CTRL NVM OCOTP EFUSE UICR \
                      HSEFLASH SYSCON FLASH_CFG CACHECTRL",
        topics: &[
            topic(
                "erase*, erasing, program*, write*, writing, ignored, fails, error*, page, \
                 sector, eeprom, pgserr, wrperr, hang*, half word, double word",
                &[Status, Control, Clear],
                "sr cr keyr key key0 pg ser pnb snb strt start lock unlock bsy busy eop pgserr \
                 wrperr progerr pgaerr sizerr psize ready config wen erasepage erase fcmd \
                 fstat accerr fpviol ccif fccob status ctrla intflag writectrl writecmd mscwen \
                 fcr fsr ar address stat0 ctl0 addr0 ispctl isptrg ispaddr ispcmd cmd cn",
            ),
            // A core faster than the flash reads wrong words.
            topic(
                "wait state*, latency, mhz, speed, slow, cache, prefetch, crash*, clock, \
                 overclock*, fault",
                &[Control, Mode],
                "acr latency prften prftbe prftbs icen dcen ws wscnt rws fws fmr flashtim \
                 flashcfg waitstates readctrl icachecnf cache pfapr pfb0cr prefetch frmc ctrlb \
                 wait fcr rwsc",
            ),
            topic(
                "option*, protect*, rdp, locked, bank, swap, boot, secure*, readout, uicr, \
                 bricked",
                &[Control, Status],
                "optr optcr optkeyr obr wrpr wrp1ar rdp optlock oblaunch obl launch optstrt \
                 optwre obkey obstat swap bank bfb2 dualbank bker fsec fprot sec approtect \
                 bootprot mode secctrl eraseuicr remap fb memrmp",
            ),
            topic("ecc, parity, nmi", &[Status], "ecc eccr eccc eccd parity addr"),
        ],
    },
    Class {
        says: "external memory, sdram, psram, sram, fmc, fsmc, flexbus, exmc, nand, parallel, \
               external bus, external ram, 8080 interface, semc, memory controller",
        peripherals: "FMC FSMC SEMC FB EBI SMC FLEXBUS EMC EXMC DDRC HSMC SDRAMC SDRAM XMC \
                      EMIF EXDMAC",
        topics: &[
            topic(
                "sdram, refresh, corrupt*, content, after a while, init*, cas, timing",
                &[Rate, Control, Mode],
                "sdcr sdcr1 sdtr sdtr1 sdcmr sdrtr sdsr refresh count trcd trp cas rburst \
                 rpipe nrfs mrd sdclk sdramcr dynamic dynamicrefresh mode wp tras sdramc tr \
                 mdr cr",
            ),
            topic(
                "read*, write*, wrong, timing, slow, lcd, nor, sram, wait, setup, hold",
                &[Mode, Control],
                "bcr bcr1 btr btr1 bwtr bwtr1 addset datast addhld mwid mtyp mbken muxen \
                 extmod waiten bcr2 snctl sntcfg cscr csmr csar ws aset dset setup pulse cycle \
                 width wren nrbken",
            ),
            topic("nand, ecc", &[Status, Control], "pcr pmem patt eccr sr ecc pwid pbken"),
        ],
    },
    Class {
        says: "dma*, bdma, mdma, gpdma, edma, circular, scatter gather, dmamux, double \
               buffer*, linked list, memory to memory, transfer complete, half transfer, dreq, \
               descriptor chain, easydma, maxcnt, pdma, gdma",
        peripherals: "DMA BDMA MDMA GPDMA EDMA PDC GDMA XDMAC DMAC DMAMUX HPDMA LPDMA LDMA \
                      LDMAXBAR PDMA UDMA DTC APBDMA HDMA AHB_DMA DMA_CH_MUX INPUTMUX",
        topics: &[
            // A channel that has counted down must be told to begin again, or be circular.
            topic(
                "stop*, once, one transfer, one buffer, only first, circular, restart*, again, \
                 continuous*, second time, never complete*, not start*, nothing, hang*, stuck, \
                 wrap*",
                &[Control, Data, Status, Clear],
                "ccr1 circ cndtr1 ndtr ndt cr s0cr s0ndtr en tcif teif isr ifcr lisr lifcr \
                 count cnt reload trans chain xfercfg cfgvalid citer biter csr dreq slast \
                 dlastsga erq enable valid active ring ctl repeat circular request btcnt \
                 btctrl chctrla mode intsts tdsts dsct",
            ),
            topic(
                "error*, fault, wrong data, stale, corrupt*, transfer error, address, bus \
                 error, alignment",
                &[Status, Clear],
                "teif dmeif feif error es err cmar cpar par m0ar address saddr daddr msize \
                 psize minc pinc attr nbytes size errint read write ahb incr dtcint errsta \
                 abtsts",
            ),
            topic(
                "request*, trigger*, channel, stream, mapping, mux, peripheral, adc, uart, \
                 spi, timer, conflict*",
                &[Mode, Control],
                "chsel cselr dmareq id ccr source chcfg enbl request treq sel trigsrc \
                 periphreqen reqsel dmaen dmat dmar rdmae tdmae muxsel reqsel0 chmux c1s perid \
                 syncreq sourcesel",
            ),
            topic(
                "fifo, priority, burst, slow, latency, arbitration, underrun, overrun",
                &[Mode],
                "fcr s0fcr fth dmdis fs mburst pburst pl priority dchpri bus high fifo arb \
                 erca",
            ),
            topic(
                "interrupt*, callback, isr, irq, flag",
                &[Interrupt, Status, Clear],
                "tcie htie teie tcif htif inte0 ints0 inta intenset intflag chintenset int \
                 intmajor isr ifcr",
            ),
        ],
    },
    Class {
        says: "ppi, dppi, event system, evsys, prs, peripheral reflex, crossbar, xbar*, \
               without the cpu, shortcut, shorts, trigger mux, trgmux, inputmux, event \
               routing, event link, elc, egu, logic block, plu, ccl, aoi",
        peripherals: "PPI DPPIC EVSYS PRS XBAR XBARA TRGMUX INPUTMUX ELC GPIOTE EGU AOI CCL \
                      PLU AOS EVCTRL SYSEVENT ETM SOC_ETM CIP PPIB",
        topics: &[topic(
            "ppi, dppi, event*, trigger*, route*, reach*, connect*, without the cpu, \
                 channel, task*, shorts, start*, link",
            &[Control, Mode],
            "eep tep chen chenset chg fork publish subscribe channel user evgen sel source \
                 config async swev sigsel evsel event task ch shorts trgsel trig busychx elsr \
                 mode",
        )],
    },
    Class {
        says: "pio, state machine*, programmable io, sideset, side set, autopull, autopush, \
               pioasm, flexio, sm0, pio program",
        peripherals: "PIO PIO0 FLEXIO SCT SCTIMER PRU",
        topics: &[
            topic(
                "stall*, fifo, drain*, push*, pull*, autopull, autopush, tx, rx, overflow*, \
                 stuck, hang*, data, never",
                &[Status, Control, Data],
                "fdebug fstat flevel ctrl sm enable shiftctrl autopull autopush pull thresh \
                 push fjoin rx tx txstall rxstall txover rxunder txf rxf shiftstat shifterr \
                 shiftcfg shiftbuf addr exec stalled",
            ),
            topic(
                "clock*, speed, frequency, timing, slow, fast, divider, rate",
                &[Rate],
                "clkdiv restart int frac timcmp timctl timcfg",
            ),
            topic(
                "pin*, side*, wrap, jump, program, output*, input*, direction, instruction*",
                &[Mode],
                "pinctrl execctrl wrap top bottom sideset base count instr mem jmp pin side en \
                 gpiobase shiftctl pinsel pincfg",
            ),
            topic("interrupt*, irq", &[Interrupt, Status], "irq force intr irq0 inte ints"),
        ],
    },
];
