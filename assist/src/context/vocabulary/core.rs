//! The core: interrupts, faults, floating point, protection, caches, debugging.

use super::Role::{Clear, Control, Interrupt, Mode, Status};
use super::{Class, topic};

pub(super) const CLASSES: &[Class] = &[
    Class {
        says: "interrupt handler, interrupt*, irq*, nvic, isr, vector table, priority, \
               preempt*, pendsv, svc, svcall, basepri, priority grouping, nested, vtor, plic, \
               clic, eclic, critical section, mcause, mtvec, configmax",
        peripherals: "NVIC PPB INTERRUPT PLIC CLIC ECLIC INTMTX SCB INTC SCS STIR PFIC INTPRI \
                      ICU CLINT VIM INTCORE INTERRUPT_CORE0",
        topics: &[
            topic(
                "never, not fire*, not called, not enter*, fires, again*, forever, storm, \
                 repeated*, endless*, enable*, pending, only once, default handler, loop",
                &[Interrupt, Clear, Status],
                "iser icer ispr icpr iabr icsr setena clrena setpend pending enable clicintie \
                 clicintip threshold claim vectpending vectactive isrpending ienr ipsr cpu int \
                 thresh mie mip mth",
            ),
            topic(
                "priority, preempt*, nested, grouping, basepri, freertos, rtos, assert*, svc, \
                 pendsv",
                &[Mode],
                "ipr ip prigroup aircr shpr shpr2 shpr3 pri priority clicintctl cliccfg nlbits \
                 basepri cpu int level threshold",
            ),
            topic(
                "vector*, vtor, bootloader, jump*, application, relocat*",
                &[Control],
                "vtor tbloff vector mtvec memrmp vbar aircr",
            ),
        ],
    },
    Class {
        says: "fault*, hard fault, hardfault*, bus fault, usage fault, memmanage, exception, \
               crash*, imprecise, unaligned, invpc, undefined instruction, stack overflow, \
               lockup, secure fault, mepc, nmi",
        peripherals: "SCB PPB SCS FPU_CPACR SCNSCB SAU SYSTEMCONTROL ACTLR SCN_SCB",
        topics: &[
            // A fault leaves its cause in status registers and its address beside them.
            topic(
                "fault*, hardfault*, exception, crash*, imprecise, unaligned, lockup, \
                 memmanage, panic, abort",
                &[Status],
                "cfsr hfsr bfar mmfar mmar ufsr bfsr mmfsr shcsr afsr dfsr fault mmarvalid \
                 bfarvalid impreciserr preciserr forced vecttbl undefinstr unaligned divbyzero \
                 ccr stkerr mstkerr sfsr sfar actlr disdefwbuf unalign mcause mtval mepc",
            ),
            topic(
                "stack*, overflow, guard, msplim, psplim",
                &[],
                "stkerr mstkerr stkof stack stkalign ufsr mpu msplim",
            ),
        ],
    },
    Class {
        says: "float, floating point, fpu, lazy stacking, vpush, vldr, coprocessor, double \
               precision",
        peripherals: "SCB FPU FPU_CPACR PPB SCS FPE SYSTEMCONTROL",
        topics: &[topic(
            "float, floating point, fpu, lazy stacking, vpush, vldr, coprocessor, double \
                 precision",
            &[],
            "coprocessor cpacr fpu nocp cp10 cp11 cp fpccr fpcar aspen lspen fpdscr",
        )],
    },
    Class {
        says: "memory protection, mpu, guard, region, pmp, trustzone, secure, non secure, \
               nonsecure, sau, idau, tzasc, gtzc, privilege*, unprivileged, firewall, access \
               permission, execute never",
        peripherals: "MPU PPB SYSMPU PMP SAU SPU GTZC TZSC TZIC MPCBB AHB_SECURE_CTRL SCB TZC \
                      MPC PPC AIPS AIPSTZ CSU FIREWALL ACCESSCTRL BPROT MWU AMLI XRDC TZPC PAC \
                      TZAR",
        topics: &[
            topic(
                "mpu, region, memory protection, guard, attribute*, execute never, cacheable, \
                 fault, permission, privilege*",
                &[Control],
                "mpu region rbar rnr rasr rlar mair0 attribute privdefena ctrl limit base size \
                 mmfar memfaultena shcsr wd rgd cesr pmpcfg0 pmpaddr0",
            ),
            topic(
                "secure, non secure, nonsecure, trustzone, sau, gtzc, tzsc, idau",
                &[Control, Status],
                "sau rnr rbar rlar sfsr sfar nsc secure seccfgr seccfgr1 privcfgr1 itns nsacr \
                 aircr bfhfnmins perm periphid sec ctrl misc reg illegal extdomain nonsec",
            ),
        ],
    },
    Class {
        says: "cache*, stale, coheren*, invalidate*, old data, dcache, icache, d cache, i \
               cache, tcm, noncacheable, flexram",
        peripherals: "SCB ICACHE DCACHE CACHE LMEM EXTMEM XIP L1CACHE XIP_CTRL CMCC ICC SRCC \
                      CACHE64 CACHECTRL LPCAC FLEXRAM IOMUXC_GPR CACHEAXI",
        topics: &[topic(
            "cache*, stale, coheren*, invalidate*, old data, dcache, icache, dma, d cache, \
                 i cache",
            &[Control],
            "cache ccr dc ic dccimvac dcimvac dccmvac iciallu dccsw cssell ccsidr cr \
                 cacheinv waysel flush invalidate pccr ctrl maint0 mpu rasr icache dcache \
                 icachecnf cachecfg",
        )],
    },
    Class {
        says: "debugger, swd, jtag, debug, debugging, breakpoint*, swo, itm, dwt, trace, etm, \
               semihosting, rtt, cycle counter, cyccnt, watchpoint, dbgmcu, single step, \
               halted",
        peripherals: "DBG DBGMCU COREDEBUG DCB DSU MCM DWT ITM TPIU ETM FPB DBGC TPI DM TRACE \
                      DEM DIB DBGU SYSCFG PPB CTI DBGMAILBOX TAD",
        topics: &[
            topic(
                "freeze, stop*, halt*, breakpoint*, timer*, watchdog, sleep, standby, low \
                 power, attached, connect*, works in",
                &[Control],
                "dbgmcu dbg stop sleep standby freeze apb1fz apb2fz apb1 fz fzr1 iwdg tim1 \
                 debug halt dhcsr demcr pause dbg0 dbgpause cr ctl0 debugen",
            ),
            topic(
                "swo, itm, trace*, dwt, cycle counter, cyccnt, etm, printf",
                &[Control],
                "demcr trcena cyccntena cyccnt ctrl ter stim tcr acpr sppr ffcr traceclkdiv \
                 trace ioen traceiosel traceconfig traceclksel swo tracemux lar tracectrl bus",
            ),
        ],
    },
];
