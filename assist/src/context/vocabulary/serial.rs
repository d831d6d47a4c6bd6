//! Wires with few lines: UART, SPI, I²C, I²S, and memories behind several SPI lines.

use super::Role::{Clear, Control, Data, Interrupt, Mode, Rate, Status};
use super::{Class, topic};

pub(super) const CLASSES: &[Class] = &[
    Class {
        says: "uart*, usart*, lpuart*, leuart, eusart, serial port, serial console, serial \
               output, serial line, serial, console, baud, baudrate, rs232, rs485, tty, \
               printf, terminal, modbus, dmx, lin bus, irda, scif, dbgu, 8n1",
        peripherals: "UART USART LPUART LEUART EUSART SCI SCIF SERCOM FLEXCOMM DBGU FUART USCI \
                      UCA EUSCI_A LINFLEX ASCLIN USIC CONSOLE SBSA BUART",
        topics: &[
            // Nonsense on the line is a wrong rate or frame: divisor, oversampling, source clock,
            // parity, length, stop bits, polarity.
            topic(
                "garbage, garbled, gibberish, nonsense, random character, wrong character, \
                 corrupt*, baud*, framing, frame error, bit rate, speed, twice, half, double, \
                 too fast, too slow, unreadable, 115200, 9600, 921600, current speed, strange \
                 character, weird character, mangled, scrambled",
                &[Rate, Control, Mode],
                "baud baudrate brr brg osr ibrd fbrd dll dlm fdr bdh bdl clkdiv divisor \
                 mantissa fraction oversampling over8 prescaler presc",
            ),
            topic(
                "parity, stop bit, data bit, word length, 9 bit, 8n1, 7 bit, inverted",
                &[Control, Mode],
                "parity stop length wlen lcr pce invert polarity stopbits",
            ),
            topic(
                "flow control, rts, cts, hwfc, hw flow control, handshake",
                &[Mode],
                "rts cts hwfc flow modem",
            ),
            topic(
                "rs485, driver enable, half duplex, single wire, de pin",
                &[Mode],
                "dem dep dedt deat driver half hdsel rs485 direction",
            ),
            // A byte is lost between shift register, data register and FIFO.
            topic(
                "overrun*, lost, lose*, losing, drop*, missing, missed, overflow*, first byte, \
                 last byte, extra byte, skip*, truncated, cut off",
                &[Status, Clear, Data],
                "overrun ore ovrdis fifo threshold watermark trigger txe tc rxne rdrf tdre \
                 rxfifo txfifo buffer flush amount",
            ),
            // Reception ends for good when an error flag is left standing.
            topic(
                "receive*, reception, rx, callback, calls back, idle line, receivetoidle, rx \
                 idle, isr",
                &[Status, Interrupt, Clear],
                "receive receiver rxne rxneie idle overrun ore rxto rdr timeout endrx rdrf \
                 framing noise",
            ),
            topic(
                "transmit*, send*, tx, nothing, silent",
                &[Control, Status, Interrupt],
                "transmit transmitter txe tc txeie tdre endtx tdr enable",
            ),
            topic(
                "wake*, stop mode, sleep, low power",
                &[Control, Mode],
                "wakeup wus uesm wuf wake stop",
            ),
            topic("break, lin", &[Control, Status], "break lbd lin lbdl sbkrq brk"),
            topic("auto baud, autobaud", &[Rate], "auto autobaud abr abren baud"),
        ],
    },
    Class {
        says: "spi, spi*, lpspi, dspi, chip select, slave select, nss, cs line, mosi, miso, \
               sclk, sck, copi, cipo, shift register, ssp, spidev, cpol, cpha, full duplex",
        peripherals: "SPI LPSPI DSPI SSP SSI GSPI SERCOM FLEXCOMM SPIM SPIS HSPI RSPI UCB \
                      EUSCI_B EUSART IOM ECSPI",
        topics: &[
            topic(
                "polarity, phase, shifted, shift*, edge, mode 0, mode 1, mode 2, mode 3, wrong \
                 bit, wrong byte, corrupt*, garbage, 0xff, all ones, wrong data",
                &[Control, Mode],
                "cpol cpha polarity phase spo sph ncphs inactive order",
            ),
            topic(
                "clock, speed, frequency, mhz, khz, too fast, too slow, divider, baud*",
                &[Rate, Control],
                "br baud scr cpsr cpsdvsr divider prescaler frequency sckdiv clkdiv ckdiv scbr \
                 clk",
            ),
            topic(
                "chip select, nss, slave select, cs, select line, cs line, pcs, deassert*",
                &[Control, Mode],
                "ssm ssi ssoe nss pcs cont csnaat csaat select ss nssp sspol cs",
            ),
            topic(
                "lsb first, msb first, bit order, reversed, byte order, data size, 8 bit, 16 \
                 bit, frame size, word size",
                &[Control, Mode],
                "lsbfirst order lsbf dff ds frxth dss framesz fmsz msb datasize size bysw",
            ),
            topic(
                "slave, peripheral mode, multimaster, mode fault, modf",
                &[Control, Mode, Status],
                "mstr master slave modf ssm ssi underrun mode",
            ),
            // Clocks stop or data is old while the FIFO is not drained.
            topic(
                "busy, hang*, stuck, last byte, first byte, overrun, stale, old data, \
                 receive*, rx, never complete*, extra byte",
                &[Status, Control, Data],
                "bsy busy rxne txe ovr overrun frlvl ftlvl fifo eot tsize endrx end rff rne \
                 tfe spe",
            ),
            topic("crc", &[Control], "crc crcen crcnext crcpoly polynomial"),
        ],
    },
    Class {
        says: "quad spi, external flash, qspi, quadspi, memory mapped, octospi, ospi, \
               hyperbus, hyperram, flexspi, xip, execute in place, nor flash, serial flash, \
               spi nor, dummy cycle, psram, spifi, xspi, nor read",
        peripherals: "QUADSPI QSPI OCTOSPI OCTOSPIM OSPI FLEXSPI XIP SPIFI XSPI SPIMEM QMI \
                      MSPI SPIXF SPIXR SMIF XSPIM HYPERBUS SPIM IO_QSPI PADS_QSPI",
        topics: &[
            topic(
                "dummy, wrong data, read*, instruction, opcode, four line, quad mode, ddr, \
                 dtr, address",
                &[Control, Mode],
                "dummy dcyc ccr instruction fmode admode imode dmode adsize abmode lut tcr \
                 size fsize addr wait seqid cmd rfmt rcmd ctrlr0 xip",
            ),
            topic(
                "memory mapped, xip, mapped, execut*",
                &[Control, Status],
                "functional fmode memory mapped abort busy xip prefetch cache ahbcr ahb \
                 timeout",
            ),
            topic(
                "speed, frequency, mhz, slow, sample*, timing, clock, shift*, delay",
                &[Rate, Control],
                "prescaler sshift csht ckmode dhqc dlyb baudr sckdv rxclksrc dll clkdiv delay \
                 sample",
            ),
            topic(
                "hang*, stuck, busy, timeout, never, abort*, write enable, status polling, \
                 polling, erase",
                &[Status, Control, Clear],
                "busy tcf abort polling psmkr psmar match interval dlr fcr timeout ipcmd \
                 arbidle seqidle",
            ),
        ],
    },
    Class {
        says: "i2c*, twi, twim, twis, two wire, smbus, pmbus, sda, scl, fmpi2c, lpi2c, i3c, \
               iic, qwiic, clock stretch*, slave address, wire library, ack, nack, \
               acknowledge*, eeprom",
        peripherals: "I2C TWI TWIM TWIS LPI2C FMPI2C SERCOM FLEXCOMM IIC RIIC I3C SMB TWIHS \
                      IOM USCI UCB EUSCI_B SMBUS",
        topics: &[
            // Nobody answered: address, ten-bit mode, stop condition, error flag to be cleared.
            topic(
                "nack*, ack, acknowledge*, no answer, not respond*, does not answer, address*, \
                 not found, scan, device",
                &[Status, Control, Clear],
                "nackf nack ack af anack address sadd errorsrc addr tar abrt abort ndf noack \
                 rxak errsrc error",
            ),
            // The bus is held: a slave pulls SDA, a stop was never sent, the enable bit resets the
            // state machine.
            topic(
                "busy, stuck, hang*, lock*, forever, never complete*, timeout, time out, times \
                 out, bus recovery, held low, waits, freez*, block*",
                &[Status, Control, Clear],
                "busy bsy bus swrst reset pe stop start timeout arlo berr error status enable \
                 abort btf clr idle mbb",
            ),
            topic(
                "frequency, speed, khz, 100k, 400k, 1mhz, fast mode, standard mode, timing, \
                 rise time, clock, slow, too fast",
                &[Rate, Mode, Control],
                "timingr timing ccr trise presc sclh scll frequency baud cwgr hcnt lcnt clklo \
                 clkhi mccr0 icr freq mult spklen sdadel sdahold ckdiv clk hi",
            ),
            topic(
                "stretch*, slave, target mode, listen, own address, general call",
                &[Control, Mode, Status],
                "nostretch stretch own oar oar1 sar slave match addr gcen scldis sadr",
            ),
            topic(
                "arbitration, glitch, noise, spike, filter, multi master, bus error",
                &[Status, Mode],
                "arlo arbitration berr filter anoff anfoff dnf flt lost error spklen glitch",
            ),
            topic(
                "stop, repeated start, restart, last byte, one byte, single byte, two byte, \
                 read*, receive*, register",
                &[Control, Status],
                "stop start autoend reload nbytes restart pos ack nack btf tc shorts rxne last",
            ),
            topic("wake*, sleep, stop mode", &[Control], "wupen wakeup address"),
        ],
    },
    Class {
        says: "i2s*, audio, sai, codec, pcm, tdm, microphone, pdm, dfsdm, mclk, word select, \
               lrck, bclk, spdif, sample rate, sound, speaker",
        peripherals: "I2S SAI SSC PDM DFSDM MDF ADF SPDIF I2SEXT SPI FLEXCOMM MCASP AUD ESAI \
                      ASRC SSIE",
        topics: &[
            topic(
                "rate, pitch, speed, frequency, too fast, too slow, clock, khz, mclk",
                &[Rate, Control],
                "i2spr i2sdiv mckdiv mcjdiv nodiv mckoe odd mclk mckfreq ratio divider \
                 prescaler plli2s pllsai bclk clkdiv clkm osr",
            ),
            topic(
                "noise, channel, left, right, swapped, click*, distort*, format, shifted, \
                 slot, frame",
                &[Mode, Control],
                "slot frame frl fsoff fspol fsall datlen chlen i2sstd format align swidth \
                 channel mono edge ckstr gain",
            ),
            topic(
                "underrun, overrun, stop*, silence, silent, dropout, crackl*, no sound",
                &[Status, Control, Clear],
                "ovrudr underrun overrun udr fifo flvl mute fflus enable dmaen wckcfg cnrdy",
            ),
        ],
    },
];
