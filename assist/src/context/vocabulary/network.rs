//! Links to other machines: USB, CAN, Ethernet, memory cards, radios.

use super::Role::{Clear, Control, Interrupt, Mode, Rate, Status};
use super::{Class, topic};

pub(super) const CLASSES: &[Class] = &[
    Class {
        says: "usb*, enumerat*, otg, endpoint*, vbus, remote wake up, cdc, hid, tinyusb, dfu, \
               msc, virtual com, isochronous, setup packet, dwc2, not recognised by the pc, \
               not recognized by the pc, usbd, device descriptor",
        peripherals: "USB OTG UDP USBCTRL USBD UOTG USBHS USBFS USBPHY UDPHS UHP USBHSD USBHSH \
                      USBFSH HSUSBD HSOTG USBNC USBDCD USBC UCPD OTG_FS OTG_HS USBOTG SIE MUSB",
        topics: &[
            // Not seen at all: pull-up, soft connect, VBUS sense, PHY power, 48 MHz clock.
            topic(
                "enumerat*, recognis*, recogniz*, not detect*, connect*, attach*, pc, host, \
                 unknown device, not seen, plug*, vbus, descriptor",
                &[Control, Status],
                "vbus vbusasen vbusbsen novbussens vbden bvalid gccfg pwrdwn sdis dctl dppu \
                 bcdr pullup pull connect softconnect dcon usbpullup sie phy fdmod usbrst \
                 reset enumdne address daddr dspd enable 48 muxing usb pwr",
            ),
            topic(
                "suspend*, resume*, wake*, sleep, low power",
                &[Status, Control],
                "suspend resume wakeup wkup rwusig susp usbsusp wkupint fsusp lpmode pcgcctl \
                 stppclk pcgctl",
            ),
            topic(
                "endpoint*, transfer*, bulk, stall*, nak, toggle, in token, out token, zero \
                 length, isochronous, packet*, control transfer, setup, data lost, receive*, \
                 send*, interrupt",
                &[Status, Control, Interrupt],
                "endpoint ep stall nak toggle dtog diepctl doepctl doeptsiz dieptsiz diepint \
                 doepint epena cnak snak setup prime txfe stat tx rx ctr epr buff packet \
                 xfrsiz",
            ),
            topic(
                "fifo, buffer, size, packet memory, overflow, corrupt*",
                &[],
                "fifo grxfsiz dieptxf gnptxfsiz rxfd txfd btable addr count flush grstctl \
                 rxfflsh txfflsh size",
            ),
            topic(
                "host, hub, port, keyboard, mass storage, mouse",
                &[Status, Control],
                "hprt port portsc hcchar hcint hctsiz pcdet prst ppwr pena hcfg fslspcs \
                 channel frame",
            ),
            topic("reset, bus reset", &[Status], "reset usbrst bus uri address busreset"),
            topic(
                "clock, 48 mhz, pll, crystal less, crs",
                &[Rate],
                "usb 48 clk48 clk48sel hsi48 usbpre usbsrc usbdiv trim crs sync",
            ),
        ],
    },
    Class {
        says: "CAN, can bus, can frame*, can message*, can controller, can node, can id, can \
               filter*, can fd, can transceiver, can error*, fdcan, bxcan, flexcan, mcan, \
               twai, bus off, mailbox*, acceptance filter, j1939, canopen, message ram, canbus",
        peripherals: "CAN FDCAN FLEXCAN MCAN TWAI CANFD ECAN DCAN RCAN RSCAN TTCAN FDCANRAM",
        topics: &[
            // Sample point, rate and synchronisation decide whether frames are understood.
            topic(
                "bit rate, baud*, kbit, timing, sample point, error frame*, bus off, stuff \
                 error, form error, no frame*, passive, node, ack error, 500 k*, prescaler",
                &[Rate, Status, Control],
                "btr bt bit brp ts1 ts2 sjw nbtp dbtp ctrl1 cbt presdiv pseg1 pseg2 propseg \
                 timing esr esr1 ecr psr boff bus tec rec lec error abom busoff tdcr tdco",
            ),
            topic(
                "receive*, filter*, not received, no can, rx, fifo, lost",
                &[Status, Control],
                "filter fmr fa1r fm1r fs1r ffa1r rxgfc sidfc xidfc rxf0c rxf0s rf0r rximr \
                 rxmgmask mask acceptance fmp0 fovr0 rir match fifo afmr gfc rxfgmask",
            ),
            topic(
                "transmit*, send*, tx, mailbox*, stuck, pending, never sent, abort",
                &[Status, Control],
                "transmit tsr tme0 txrq tir txbar txfqs txbc txbrp nart retransmission txfp \
                 iflag1 abort mailbox dar terr0",
            ),
            topic(
                "init*, start*, freeze, normal mode, loopback, silent, listen, sleep, \
                 configuration",
                &[Control, Mode, Status],
                "inrq inak sleep slak init cce cccr mcr msr lbkm silm loop lpb lom mdis frz \
                 halt notrdy frzack test mod initialization",
            ),
        ],
    },
    Class {
        says: "ethernet, phy, rmii, mii, mdio, mdc, lwip, link up, link down, link never, tcp, \
               udp, ping, mac address, rgmii, ptp, emac, gmac",
        peripherals: "ETH ETHERNET EMAC GMAC ENET MAC EDMAC ETHERC ENET_QOS MII EPHY MACB",
        topics: &[
            topic(
                "phy, link, mdio, mdc, autonegotiation, auto negotiation, id, rmii, mii, \
                 speed, 100 mbit, 10 mbit, duplex, clock",
                &[Control, Mode],
                "mii miiar maca macmiiar macmiidr macmdioar macmdiodr mdio mmfr mscr phy man \
                 ncfgr rmii sel epis pmc pmcr uio ur fes speed duplex busy rcr emi mdc cr \
                 usrio",
            ),
            // Reception stops when no descriptor is left, until the poll demand is written.
            topic(
                "receive*, stop*, descriptor*, packet*, buffer*, owned, dma, hang*, lost, \
                 drop*, slow, ping, lwip, overflow*, freeze*",
                &[Status, Control, Clear, Interrupt],
                "dmasr dmacsr rbus rps dmarpdr poll rdar tdar descriptor dmardlar dmatdlar \
                 dmacrxdtpr dmactxdtpr dmaomr rsr tsr rbqb tbqb missed overflow unavailable \
                 eir ncr suspend tbus fifo own demand tail dmaier",
            ),
            topic(
                "transmit*, send*, checksum, tx",
                &[Control, Status],
                "transmit dmatpdr tdar st tsf ftf checksum ipco tstart underflow tpdr tacc",
            ),
            topic(
                "multicast, broadcast, filter*, promiscuous, mac address, vlan, hash",
                &[Mode],
                "filter macffr macpfr promiscuous multicast pam hash maca0hr maca0lr address \
                 galr gaur sab palr paur",
            ),
            topic(
                "reset, init*, swr, never complete*, timeout",
                &[Control],
                "dmabmr dmamr swr sr reset software ecr ncr",
            ),
        ],
    },
    Class {
        says: "sd card*, sdio, sdmmc, mmc, emmc, usdhc, sdhc, fatfs, microsd, cmd0, acmd41, tf \
               card",
        peripherals: "SDIO SDMMC USDHC HSMCI SDHC SDH SDIF SDHI SDHOST SDC MCI",
        topics: &[
            topic(
                "timeout*, time out, times out, command*, init*, no response, crc, fail*, \
                 error*, not detect*, hang*",
                &[Status, Control, Clear],
                "sta star ctimeout dtimeout ccrcfail dcrcfail cmd cmdr resp response int \
                 status irqstat ctoe dtoe cce pres state prsstat rintsts arg xfertyp xfr typ \
                 dtimer timeout present sys ctrl power cmdsent cmdrend",
            ),
            topic(
                "clock, speed, slow, mhz, khz, bus width, 4 bit, 1 bit, high speed, voltage, \
                 init*",
                &[Rate, Mode],
                "clkcr clkdiv widbus bypass sys ctrl sysctl sdclkfs dvs prot proctl dtw clkena \
                 clock width ctype hwfc negedge pwrsav hspe vselect",
            ),
            topic(
                "write*, read*, data, dma, fifo, underrun, overrun, block*, multi block, \
                 corrupt*",
                &[Status, Control],
                "dctrl dlen dcount dtimer fifo rxoverr txunderr dataend dbckend stbiterr \
                 dblocksize blk att blkattr mix ctrl wtmk lvl wml adma idma dtdir dten hwfc ds \
                 addr block",
            ),
        ],
    },
    Class {
        says: "radio, ble, bluetooth, 802.15.4, zigbee, thread network, rssi, 2.4 ghz, lora, \
               sub ghz, rf, wifi, wi fi, softdevice, preamble, whitening, esb, gazell, antenna",
        peripherals: "RADIO BLE RFC RAC MODEM FRC AGC XCVR BTLE BLEIF SUBGHZ TRX LLE FE CLOCK",
        topics: &[
            topic(
                "crc, packet*, length, whiten*, address*, received, payload, not match*, \
                 garbage",
                &[Mode, Status],
                "crc crccnf crcpoly crcinit crcstatus pcnf0 pcnf1 base0 prefix0 txaddress \
                 rxaddresses packetptr whiteen datawhiteiv endian length sync preamble",
            ),
            topic(
                "frequency, channel, power, range, weak, dbm, rssi, output power, bit rate, \
                 mode",
                &[Mode],
                "frequency txpower mode modecnf0 rssi rssisample channel crystal hfclk power",
            ),
            topic(
                "never, hang*, state, ready, start*, disabled, no event*, nothing",
                &[Status, Control],
                "state txen rxen start ready disabled end shorts hfclkstart hfclkstarted hfclk \
                 events",
            ),
        ],
    },
];
