//! Aliases that the bus has of registers: atomic ones, and bit-band.

use svd_index::{Alias, Chip};

/// A chip of this name and core with one register in each of these peripherals.
fn chip(name: &str, cpu: &str, peripherals: &[(&str, u64)]) -> Chip {
    let peripherals: String = peripherals
        .iter()
        .map(|(name, base)| {
            format!(
                "<peripheral><name>{name}</name><baseAddress>{base:#x}</baseAddress>\
                 <addressBlock><offset>0</offset><size>0x1000</size><usage>registers</usage>\
                 </addressBlock><registers><register><name>R</name><addressOffset>4</addressOffset>\
                 </register></registers></peripheral>"
            )
        })
        .collect();
    let svd = format!(
        "<device><name>{name}</name><size>32</size><cpu><name>{cpu}</name></cpu>\
         <peripherals>{peripherals}</peripherals></device>"
    );
    Chip::from_svd(svd.as_bytes()).unwrap().0
}

/// The one register that `address` reaches, and how.
fn check(chip: &Chip, address: u64, expected: Option<(&str, Option<Alias>)>) {
    let found = chip.resolve(address);
    let found: Vec<_> = found.iter().map(|found| (found.register.path(), found.alias)).collect();
    let expected: Vec<_> = expected.into_iter().map(|(p, a)| (p.to_owned(), a)).collect();
    assert_eq!(found, expected, "at {address:#x}");
}

#[test]
fn atomic_aliases() {
    let peripherals = [
        ("RESETS", 0x4000_c000),
        ("DMA", 0x5000_0000),
        ("USBCTRL_DPRAM", 0x5010_0000),
        ("USBCTRL_REGS", 0x5011_0000),
        ("SIO", 0xd000_0000),
        ("XIP_SSI", 0x1800_0000),
        ("XIP_AUX", 0x5050_0000),
    ];
    for name in ["RP2040", "RP2350"] {
        let chip = chip(name, "CM0PLUS", &peripherals);
        for (address, expected) in [
            (0x4000_c004, Some(("RESETS.R", None))),
            (0x4000_d004, Some(("RESETS.R", Some(Alias::Xor)))),
            (0x4000_e004, Some(("RESETS.R", Some(Alias::Set)))),
            (0x4000_e007, Some(("RESETS.R", Some(Alias::Set)))),
            (0x4000_f004, Some(("RESETS.R", Some(Alias::Clear)))),
            (0x4001_0004, None),
            (0x4000_e008, None),
            (0x5000_2004, Some(("DMA.R", Some(Alias::Set)))),
            (0x5011_3004, Some(("USBCTRL_REGS.R", Some(Alias::Clear)))),
            (0x5010_2004, None),
            (0x5050_2004, None),
            (0xd000_2004, None),
            (0x1800_2004, None),
        ] {
            check(&chip, address, expected);
        }
        assert!(chip.registers_at(0x4000_e004).is_empty(), "an alias is no register");
    }
    let other = chip("STM32F405", "CM4", &peripherals);
    check(&other, 0x4000_e004, None);
}

#[test]
fn bit_band_aliases() {
    let peripherals = [("P", 0x4000_0000), ("Q", 0x400f_fff0), ("HIGH", 0x4010_0000)];
    for cpu in ["CM3", "CM4"] {
        let chip = chip("T", cpu, &peripherals);
        for (address, expected) in [
            (0x4200_0080, Some(("P.R", Some(Alias::BitBand { bit: 0 })))),
            (0x4200_0094, Some(("P.R", Some(Alias::BitBand { bit: 5 })))),
            (0x4200_00fc, Some(("P.R", Some(Alias::BitBand { bit: 31 })))),
            (0x4200_00ff, Some(("P.R", Some(Alias::BitBand { bit: 31 })))),
            (0x4200_0100, None),
            (0x43ff_fe80, Some(("Q.R", Some(Alias::BitBand { bit: 0 })))),
            (0x4000_0004, Some(("P.R", None))),
            (0x4400_0000, None),
            (0x2200_0080, None),
        ] {
            check(&chip, address, expected);
        }
    }
    // No such option, left out by the maker, or something else in the region.
    check(&chip("T", "CM7", &peripherals), 0x4200_0080, None);
    check(&chip("T", "CM0", &peripherals), 0x4200_0080, None);
    check(&chip("nrf52840", "CM4", &peripherals), 0x4200_0080, None);
    let busy = chip("ATSAME51", "CM4", &[("P", 0x4000_0000), ("X", 0x4200_0400)]);
    check(&busy, 0x4200_0080, None);
    check(&busy, 0x4200_0404, Some(("X.R", None)));
}
