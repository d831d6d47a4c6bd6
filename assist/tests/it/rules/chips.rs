//! Small descriptions of real chips: the names, addresses and bits that the rules ask for, as the
//! reference manuals have them.

use std::fmt::Write;

/// RM0090 Rev 19.
pub(super) const STM32F407: &str = "
STM32F407 CM4
RCC 0x40023800
  CR 0x00 HSION:0 HSIRDY:1 HSEON:16 HSERDY:17 CSSON:19 PLLON:24 PLLRDY:25
  PLLCFGR 0x04 PLLM:0-5 PLLN:6-14 PLLP:16-17 PLLSRC:22
  CFGR 0x08 SW:0-1 SWS:2-3 HPRE:4-7 PPRE1:10-12 PPRE2:13-15
  CIR 0x0c CSSF:7
  APB1RSTR 0x20 TIM3RST:1
  APB1ENR 0x40 TIM3EN:1 USART2EN:17
  CSR 0x74 BORRSTF:25 PORRSTF:27 WDGRSTF:29 WWDGRSTF:30 LPWRRSTF:31
FLASH 0x40023c00
  ACR 0x00 LATENCY:0-2
  SR 0x0c EOP:0 WRPERR:4 PGSERR:7
TIM3 0x40000400
  CR1 0x00 CEN:0
  PSC 0x28
  ARR 0x2c
USART2 0x40004400
  SR 0x00 PE:0 FE:1 NF:2 ORE:3 RXNE:5
  DR 0x04!
  BRR 0x08
  CR1 0x0c RE:2 TE:3 UE:13 OVER8:15
UART5 0x40005000
  SR 0x00! PE:0 FE:1
I2C1 0x40005400
  SR1 0x14 BERR:8 ARLO:9 AF:10
CAN1 0x40006400
  ESR 0x18 BOFF:2
ADC1 0x40012000
  SR 0x00 EOC:1 OVR:5
SPI1 0x40013000
  SR 0x08 RXNE:0 CRCERR:4 MODF:5 OVR:6
DMA2 0x40026400
  LISR 0x00 FEIF0:0 DMEIF0:2 TEIF0:3
  S0CR 0x10 EN:0 PFCTRL:5 CIRC:8 DBM:18
  S0NDTR 0x14
  S0PAR 0x18
  S0M0AR 0x1c
  S0M1AR 0x20
RNG 0x50060800
  SR 0x04 DRDY:0 CECS:1 SECS:2
STK 0xe000e010
  CTRL 0x00 ENABLE:0 CLKSOURCE:2
  LOAD 0x04 RELOAD:0-23
irq DMA1_Stream0 2
irq USART2 38
";

/// nRF52840 PS v1.7.
pub(super) const NRF52840: &str = "
nrf52840 CM4
CLOCK 0x40000000
  RESETREAS 0x400
  HFCLKSTAT 0x40c SRC:0 STATE:16
  LFCLKSTAT 0x418 SRC:0-1 STATE:16
POWER 0x40000000
  RESETREAS 0x400 RESETPIN:0 DOG:1 SREQ:2 LOCKUP:3
RADIO 0x40001000
  STATE 0x550 STATE:0-3
UART0 0x40002000
  ENABLE 0x500 ENABLE:0-3{Disabled=0,Enabled=4}
UARTE0 0x40002000
  ERRORSRC 0x480 OVERRUN:0 PARITY:1 FRAMING:2
  ENABLE 0x500 ENABLE:0-3{Disabled=0,Enabled=8}
  PSEL.TXD 0x50c CONNECT:31
  PSEL.RXD 0x514 CONNECT:31
  BAUDRATE 0x524
  TXD.PTR 0x544
  TXD.MAXCNT 0x548
TWI0 0x40003000
  ERRORSRC 0x4c4 ANACK:1 DNACK:2
";

/// RP2040 datasheet.
pub(super) const RP2040: &str = "
RP2040 CM0PLUS
CLOCKS 0x40008000
  CLK_REF_CTRL 0x30 SRC:0-1 AUXSRC:5-6
  CLK_REF_DIV 0x34 INT:8-9
  CLK_REF_SELECTED 0x38
  CLK_SYS_CTRL 0x3c SRC:0 AUXSRC:5-7
  CLK_SYS_DIV 0x40 FRAC:0-7 INT:8-31
  CLK_SYS_SELECTED 0x44
  CLK_PERI_CTRL 0x48 AUXSRC:5-7 ENABLE:11
  CLK_SYS_RESUS_STATUS 0x7c RESUSSED:0
PLL_SYS 0x40028000
  CS 0x0 REFDIV:0-5 BYPASS:8 LOCK:31
  PWR 0x4 PD:0
  FBDIV_INT 0x8 FBDIV_INT:0-11
  PRIM 0xc POSTDIV2:12-14 POSTDIV1:16-18
UART0 0x40034000
  UARTRSR 0x04 FE:0 PE:1 BE:2 OE:3
  UARTIBRD 0x24
  UARTFBRD 0x28
  UARTCR 0x30 UARTEN:0
SPI0 0x4003c000
  SSPRIS 0x18 RORRIS:0
I2C0 0x40044000
  IC_TX_ABRT_SOURCE 0x80 ABRT_7B_ADDR_NOACK:0 ARB_LOST:12
WATCHDOG 0x40058000
  REASON 0x08 TIMER:0 FORCE:1
DMA 0x50000000
  CH0_CTRL_TRIG 0x0c EN:0 AHB_ERROR:31
";

/// A core of ARMv8-M with the Security Extension.
pub(super) const CORTEX_M33: &str = "
SOMEM33 CM33
P 0x40000000
  R 0x0
";

/// A core without fault status registers.
pub(super) const CORTEX_M0: &str = "
SOMEM0 CM0
P 0x40000000
  R 0x0
";

/// The SVD of a description above. A register is `NAME OFFSET FIELD:LSB[-MSB][{NAME=VALUE,…}]…`;
/// `!` after the offset: reading it changes it; a name with a dot stands in a cluster.
pub(super) fn svd(text: &str) -> String {
    let mut lines = text.trim().lines();
    let (name, cpu) = lines.next().unwrap().split_once(' ').unwrap();
    let mut svd = format!(
        "<device><name>{name}</name><addressUnitBits>8</addressUnitBits><width>32</width>\
         <size>32</size><access>read-write</access><resetValue>0</resetValue>\
         <resetMask>0xffffffff</resetMask><cpu><name>{cpu}</name><revision>r0p1</revision>\
         <endian>little</endian><mpuPresent>true</mpuPresent><fpuPresent>true</fpuPresent>\
         <nvicPrioBits>4</nvicPrioBits><vendorSystickConfig>false</vendorSystickConfig></cpu>\
         <peripherals>"
    );
    let lines: Vec<&str> = lines.collect();
    let interrupts: String = lines.iter().filter_map(|line| line.strip_prefix("irq ")).fold(
        String::new(),
        |mut all, line| {
            let (name, number) = line.split_once(' ').unwrap();
            write!(all, "<interrupt><name>{name}</name><value>{number}</value></interrupt>")
                .unwrap();
            all
        },
    );
    let mut open = false;
    let mut cluster: Option<&str> = None;
    for line in lines.iter().filter(|line| !line.starts_with("irq ")) {
        let Some(register) = line.strip_prefix("  ") else {
            close(&mut svd, &mut open, &mut cluster);
            let (name, base) = line.split_once(' ').unwrap();
            write!(
                svd,
                "<peripheral><name>{name}</name><baseAddress>{base}</baseAddress><addressBlock>\
                 <offset>0</offset><size>0x600</size><usage>registers</usage></addressBlock>\
                 {}<registers>",
                if svd.contains("<interrupt>") { "" } else { &interrupts },
            )
            .unwrap();
            open = true;
            continue;
        };
        let inside = register.split(' ').next().unwrap().split_once('.').map(|(name, _)| name);
        if inside != cluster {
            if cluster.is_some() {
                svd += "</cluster>";
            }
            if let Some(name) = inside {
                write!(svd, "<cluster><name>{name}</name><addressOffset>0</addressOffset>")
                    .unwrap();
            }
            cluster = inside;
        }
        add_register(&mut svd, register);
    }
    close(&mut svd, &mut open, &mut cluster);
    svd + "</peripherals></device>"
}

fn close(svd: &mut String, open: &mut bool, cluster: &mut Option<&str>) {
    if cluster.take().is_some() {
        *svd += "</cluster>";
    }
    if std::mem::take(open) {
        *svd += "</registers></peripheral>";
    }
}

fn add_register(svd: &mut String, line: &str) {
    let mut parts = line.split_whitespace();
    let (name, offset) = (parts.next().unwrap(), parts.next().unwrap());
    let name = name.rsplit('.').next().unwrap();
    let changes = if offset.ends_with('!') { "<readAction>modify</readAction>" } else { "" };
    let offset = offset.trim_end_matches('!');
    write!(
        svd,
        "<register><name>{name}</name><addressOffset>{offset}</addressOffset>{changes}<fields>"
    )
    .unwrap();
    for field in parts {
        let (field, values) = field.trim_end_matches('}').split_once('{').unwrap_or((field, ""));
        let (name, bits) = field.split_once(':').unwrap();
        let (lsb, msb) = bits.split_once('-').unwrap_or((bits, bits));
        write!(
            svd,
            "<field><name>{name}</name><lsb>{lsb}</lsb><msb>{msb}</msb>{}</field>",
            enumeration(values)
        )
        .unwrap();
    }
    *svd += "</fields></register>";
}

fn enumeration(values: &str) -> String {
    let values: String = values
        .split(',')
        .filter_map(|value| value.split_once('='))
        .map(|(name, value)| {
            format!("<enumeratedValue><name>{name}</name><value>{value}</value></enumeratedValue>")
        })
        .collect();
    if values.is_empty() {
        values
    } else {
        format!("<enumeratedValues>{values}</enumeratedValues>")
    }
}
