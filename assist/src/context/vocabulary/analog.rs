//! Analog, security, and media: converters, comparators, ciphers, displays.

use super::Role::{Clear, Control, Data, Interrupt, Mode, Rate, Status};
use super::{Class, topic};

pub(super) const CLASSES: &[Class] = &[
    Class {
        says: "adc*, analog, analogue, conversion*, converter, sample, samples, sampling, \
               saadc, vref*, vrefint, injected, analogread, internal reference, oversampl*, \
               temperature sensor, internal temperature, sigma delta, battery voltage, \
               potentiometer, millivolt*, die temperature, readings",
        peripherals: "ADC SAADC SARADC APB_SARADC AFEC EADC IADC LPADC SDADC HSADC ADC12 ADC14 \
                      ADC_ETC SENS C_ADC ADC_COMMON ADC12_COMMON ADC123_COMMON S12AD VADC PASS \
                      SAR DFSDM TEMP TSENS TEMPMON VREFBUF VREF OTS LPSADC GPADC",
        topics: &[
            // Charge left from another channel or a weak source: sampling too short.
            topic(
                "previous channel, crosstalk, sampling time, wrong value*, too low, too high, \
                 noise*, noisy, unstable, jitter*, depend*, inaccura*, offset, wrong, \
                 readings, jump*, source impedance, acquisition, fluctuat*, off by",
                &[Mode, Control],
                "smpr smpr1 smp smp1 sampt sampt0 spt tacq acquisition config samptime \
                 sampctrl samplen adlsmp adlsts cfg1 cfg2 sts shtim oversample ovsr ovss rovse \
                 avgs avge average avgctrl cfgr2 gain refsel resp resolution calibration \
                 calfact adcal cal reference refctrl calibrateoffset res extsmpt",
            ),
            topic(
                "calibrat*, offset, gain error, trim",
                &[Control, Status],
                "adcal cal calfact calib calibration calibrateoffset calibratedone rstcal \
                 rstclb clb calf req rdy ofstrim gcc0 offset gaincorr offsetcorr adcaldif ofr1 \
                 ofs linearity lincalrdyw1 sc3",
            ),
            topic(
                "sequence, channel*, scan, order, swapped, multi channel, rank, injected, \
                 previous channel, mixed, mux",
                &[Mode, Control],
                "sqr sqr1 sqr3 sq1 jsqr chselr scandir scan seq seq0 channel cher chen inpsel \
                 inputctrl muxpos pselp rsq isq rsq0 seqctrl ainsel rrobin adch cmdl1 sc1 \
                 discen adchs sgctl",
            ),
            // Nobody fetched the result before the next one came.
            topic(
                "overrun, ovr, stop*, lost, dma, once, never, hang*, stuck, end of conversion, \
                 eoc, does not start, no interrupt, zero, constant, same value, not ready, \
                 timeout",
                &[Status, Control, Clear, Interrupt],
                "isr ovr ovrmod eoc eos adrdy aden adstart dmacfg dmaen dma dds cont cfgr \
                 dmngt cr2 ddm drdy ready status coco start events fcs under fifo result \
                 maxcnt amount advregen deeppwd swtrg adon swstart cs eocs eoci err ier",
            ),
            topic(
                "trigger*, timer, external trigger, synchron*, sample rate, frequency, rate, \
                 continuous*, too slow, speed",
                &[Mode, Rate, Control],
                "extsel exten jextsel trigger etsrc adtrg trgsel trigsel swtrig start cont \
                 samplerate div prescaler presc ckmode adcpre adcpsc adcsel ccr adiv adiclk \
                 clkdiv tctrl tconf prescal trgs exttrig ctrlb",
            ),
            topic(
                "temperature, vref*, vrefint, vbat, internal channel, die temp*, internal \
                 reference",
                &[Control],
                "tsvrefe tsen vsenseen ts vrefen vbaten vbate ccr tsvren en temp temperature \
                 csr envr hiz vrr vrefbuf bandgap tempsense supc tson ccmr cal",
            ),
            topic(
                "watchdog, threshold, limit, window, compare",
                &[Control, Interrupt],
                "awd awd1en htr ltr tr1 tr ht lt wdht wdlt limit winctrl window cv1 cmp",
            ),
        ],
    },
    Class {
        says: "dac*, analog output, waveform output, triangle, analogwrite",
        peripherals: "DAC VDAC LPDAC IDAC HSDAC MCP_DAC DACC",
        topics: &[topic(
            "output*, trigger*, dma, wave*, voltage, noise, underrun, no output, buffer, \
                 slow, sample*, zero, wrong, range",
            &[Control, Mode, Status, Data],
            "cr en1 ten1 tsel1 boff1 wave1 dmaen1 dmaudr1 swtrigr dhr12r1 dor1 mcr mode1 \
                 sr shsr1 dacen dacrfs dactrgsel dat c0 c1 ctrla ctrlb refsel buffer data \
                 dacctrl status dden0 trigger",
        )],
    },
    Class {
        says: "comparator*, comp, lpcomp, acmp, opamp*, op amp, pga, zero crossing, \
               hysteresis, operational amplifier",
        peripherals: "COMP LPCOMP ACMP AC CMP OPAMP OPA HSCMP VCOMP PGA CMPSS HPDAC VDAC",
        topics: &[topic(
            "comparator*, trigger*, threshold, input*, output*, toggle*, reference, \
                 hysteresis, noise, gain, wrong, pga, interrupt*, edge*",
            &[Control, Mode, Status],
            "csr inmsel inpsel inm polarity hyst outsel refsel psel extrefsel anadetect th \
                 mode result dac daccr vosel muxcr cr0 cr1 scr compctrl hystctr gain pga vmsel \
                 vpsel opaen opamode usertrim otr cof cor cfr cff ier value window blanking",
        )],
    },
    Class {
        says: "random, rng, trng, entropy, mbedtls entropy",
        peripherals: "RNG TRNG RNGA RNGB SE CRYPTOMASTER",
        topics: &[topic(
            "random, rng, trng, entropy, seed, hang*, error*, same, zero, never",
            &[Control, Status, Data],
            "cr sr rngen drdy seis ceis secs cecs ced dr nscr htcr condrst clock seed \
                 config dercen valrdy value mctl ent err hac entropy random",
        )],
    },
    Class {
        says: "aes, crypto*, encrypt*, decrypt*, hash, sha*, hmac, pka, rsa, ecc key, ecdsa, \
               gcm, cbc, ctr mode, cmac, cipher, public key, digest, mbedtls, key schedule, \
               puf",
        peripherals: "AES CRYP HASH SHA ECB CCM CAU PKA RSA SAES HMAC DCP CAAM CASPER \
                      HASHCRYPT LTC CRYPTOCELL CC_HOST CRYPTO PUKCC ICM MMCAU TDES PUF AAR \
                      AESKEYS TPU ELS CRACEN AESADV",
        topics: &[topic(
            "wrong, result, hang*, busy, never, key*, mode, swap*, byte order, dma, \
                 error*, padding, iv, endian*, first block, length",
            &[Control, Status, Data, Mode],
            "cr sr datatype algomode algodir keysize keyivr keyr0 k0lr ivr ivr0 chmod \
                 gcmph npblb ccf ccfc busy ofne ifem ififo din dout str nblw dcal digest key \
                 keyw mode start cnfptr ecbdataptr scratchptr ctrl status dinis dcis initerr \
                 cipmod ramerrf addrerrf procendf keyvalid swap opmod",
        )],
    },
    Class {
        says: "crc, checksum, polynomial",
        peripherals: "CRC CRC_ENGINE CRCCU GPCRC DMAC CAU_CRC",
        topics: &[topic(
            "crc, checksum, polynomial, wrong, differ*, match*, reverse*, reflect*, init*",
            &[Control, Data],
            "rev revin revout pol poly polysize init reset idr dr ctrl gpoly tot totr fxor \
                 tcrc mode seed bit rvs wr cmpl sum crcpoly crcinit chksum checksum \
                 inputreverse bitreverse sniff crcctrl datfmt chksfmt",
        )],
    },
    Class {
        says: "display, lcd*, ltdc, framebuffer, frame buffer, panel, tft, mipi, dsi, tearing, \
               hsync, vsync, backlight, dma2d, chrom art, lvgl, pixel clock, picture, rgb565, \
               segment, porch, epaper",
        peripherals: "LCD LTDC LCDIF ELCDIF DSI DMA2D LCDC GLCDC PXP SLCD SLCDC GPU2D GFXMMU \
                      MIPI TLI IPA LCDCTL LCD_CAM DSIHOST DCPHY NEMADC DC",
        topics: &[
            topic(
                "shift*, timing, porch, sync*, hsync, vsync, flicker*, tearing, horizontal*, \
                 vertical*, offset, roll*, no picture, black, white, picture, panel, blank",
                &[Control, Mode],
                "sscr bpcr awcr twcr gcr hsw vsh ahbp avbp totalw hspol vspol pcpol depol \
                 whpcr whstpos vdctrl0 vdctrl1 vdctrl2 vdctrl3 vdctrl4 timh timv pol hbp vbp \
                 hfp lcdtim srcr vhbpcr sync porch l1whpcr l1wvpcr hsync vsync width enable \
                 synchronization",
            ),
            topic(
                "colour*, color*, format, rgb*, swapped, layer*, alpha, garbage, pixel*, \
                 framebuffer, frame buffer, memory, pitch, underrun, address",
                &[Mode, Status],
                "pfcr pf cfbar cfblr cfblnr l1pfcr l1cfbar l1cfblr l1cr l1bfcr cacr bfcr fuif \
                 clut cur buf next wordlength input data swizzle opfccr omar oor fgor fgpfccr \
                 nlr ctrl underrun bpp transfer count",
            ),
        ],
    },
    Class {
        says: "camera, dcmi, csi, image sensor, ov2640, ov7670, dvp, video capture, jpeg, \
               frame capture, snapshot mode",
        peripherals: "DCMI CSI ISI CAMERA LCD_CAM CCAP ISC DCMIPP DCI JPEG PSSI CEU CIM PDC",
        topics: &[topic(
            "frame*, capture*, sync*, overrun, image, shift*, black, half, polarity, \
                 never, line*, crop, dma",
            &[Control, Status, Mode, Interrupt],
            "cr capture cm pckpol hspol vspol ess fcrc crop ris ier icr ovr frame escr \
                 cwsize cwstrt sr csicr1 csicr3 csisr imag para rxcnt enable edm",
        )],
    },
    Class {
        says: "touch*, capacitive, tsc, ptc, electrode, captouch, keypad, key scan, keyboard \
               matrix",
        peripherals: "TSC TOUCH PTC TSI RTC_IO SENS KPP KEYSCAN CTSU CAPT CSD MSC0 LCSENSE KBI",
        topics: &[topic(
            "touch*, capacitive, electrode, threshold, sensitiv*, never, noise, count*, \
                 wake*, keypad",
            &[Control, Status, Data],
            "cr ioccr ioscr iohcr iogcsr iog1cr isr ier mcv ctph ctpl pgpsc gencs tshd \
                 data threshold touch ps nscn refchrg extchrg scanc kpcr kpsr",
        )],
    },
    Class {
        says: "temp sensor, thermal, temperature sensor, die temperature, overheat*, temp",
        peripherals: "TEMP TEMPMON TSENS DTS OTS TMU TSN APB_SARADC SENS",
        topics: &[topic(
            "temp*, thermal, overheat*",
            &[Control, Status, Data],
            "temp start datardy temperature tempsense0 cfgr1 t0valr1 ramp finished measure \
                 power down result",
        )],
    },
    Class {
        says: "pulse counter, pcnt",
        peripherals: "PCNT COUNTER TC",
        topics: &[topic(
            "count*, limit, filter, threshold, direction, overflow*, edge*",
            &[Control, Mode, Status],
            "conf0 conf1 conf2 cnt limit thres filter status ctrl int ena top",
        )],
    },
    Class {
        says: "quadrature, qdec, rotary, qei, rotary encoder",
        peripherals: "QDEC QEI PCNT EQEP PDEC ENC QDC",
        topics: &[topic(
            "quadrature, qdec, rotary, qei, encoder, steps, count*, direction, debounce",
            &[Control, Mode, Data],
            "sampleper reportper acc accdbl ledpol dbfen sample qeictl con pos maxpos ctrl \
                 filt upos lpos dir phase cnt status",
        )],
    },
    Class {
        says: "nfc, nfct, smart card, iso7816, swpmi, one wire, onewire, 1 wire, infrared, \
               rmt, ws2812, neopixel, hdmi cec, cec",
        peripherals: "NFCT SCARD SC SMARTCARD SWPMI OWM OW RMT CEC HDMI_CEC UICR EMVSIM USIM \
                      IRPWM IRTIM",
        topics: &[topic(
            "pin*, never, timing, reset, response, hang*, bit, pulse*, led*, clock",
            &[Control, Status, Mode],
            "nfcpins framestatus errorstatus cfg clk div ch0conf0 ch0conf1 conf status \
                 carrier mem intstat ctrl gt cfgr tx rx",
        )],
    },
];
