//! Where a chip's SVD can be had for free.

/// A free source of SVDs.
struct Source {
    /// How the names of its chips begin, in lower case.
    chips: &'static [&'static str],
    /// Who publishes them, and where.
    place: &'static str,
    /// Terms, as far as the publisher states them for all files.
    licence: &'static str,
    /// Fetches them.
    command: &'static str,
    /// The line for `[chip]` in silk.toml.
    setting: &'static str,
}

/// Vendors' own sources.
///
/// Source: the repositories named, as of 2026; `cpackget` installs packs from the index of
/// Open-CMSIS-Pack.
const SOURCES: [Source; 9] = [
    Source {
        chips: &["nrf"],
        place: "Nordic's nrfx, in mdk/ or bsp/stable/mdk/",
        licence: "BSD-3-Clause",
        command: "git clone --depth 1 https://github.com/NordicSemiconductor/nrfx",
        setting: "svd = \"nrfx/bsp/stable/mdk\"",
    },
    Source {
        chips: &["rp2040"],
        place: "Raspberry Pi's pico-sdk",
        licence: "BSD-3-Clause",
        command: "git clone --depth 1 https://github.com/raspberrypi/pico-sdk",
        setting: "svd = \"pico-sdk/src/rp2040/hardware_regs/RP2040.svd\"",
    },
    Source {
        chips: &["rp235"],
        place: "Raspberry Pi's pico-sdk",
        licence: "BSD-3-Clause",
        command: "git clone --depth 1 https://github.com/raspberrypi/pico-sdk",
        setting: "svd = \"pico-sdk/src/rp2350/hardware_regs/RP2350.svd\"",
    },
    Source {
        chips: &["esp32", "esp8266"],
        place: "Espressif's svd repository",
        licence: "MIT",
        command: "git clone --depth 1 https://github.com/espressif/svd espressif-svd",
        setting: "svd = \"espressif-svd/svd\"",
    },
    Source {
        chips: &["stm32"],
        place: "ST's device family packs, by family: STM32F4xx_DFP, STM32H7xx_DFP, …",
        licence: "see the pack",
        command: "cpackget add Keil::STM32F4xx_DFP",
        setting: "svd = \"Keil.STM32F4xx_DFP.<version>.pack\"",
    },
    Source {
        chips: &["lpc", "mimx", "mk", "mcx", "kw", "ke1", "k32"],
        place: "NXP's mcux-soc-svd, as .xml",
        licence: "see the repository",
        command: "git clone --depth 1 https://github.com/nxp-mcuxpresso/mcux-soc-svd",
        setting: "svd = \"mcux-soc-svd\"",
    },
    Source {
        chips: &["atsam", "sam", "pic32c"],
        place: "Microchip's device family packs: SAMD51_DFP, SAME70_DFP, …",
        licence: "see the pack",
        command: "cpackget add Microchip::SAMD51_DFP",
        setting: "svd = \"Microchip.SAMD51_DFP.<version>.pack\"",
    },
    Source {
        chips: &["gd32"],
        place: "GigaDevice's device family packs: GD32F30x_DFP, GD32F4xx_DFP, …",
        licence: "see the pack",
        command: "cpackget add GigaDevice::GD32F30x_DFP",
        setting: "svd = \"GigaDevice.GD32F30x_DFP.<version>.pack\"",
    },
    Source {
        chips: &["efm32", "efr32", "mgm", "bgm"],
        place: "Silicon Labs' device family packs: EFR32MG21_DFP, …",
        licence: "see the pack",
        command: "cpackget add SiliconLabs::GECKO_EFR32MG21_DFP",
        setting: "svd = \"SiliconLabs.GECKO_EFR32MG21_DFP.<version>.pack\"",
    },
];

/// Collections of many vendors' files, tried where the vendor's own are not known.
const ANY: Source = Source {
    chips: &[],
    place: "the cmsis-svd-data collection of many vendors' files",
    licence: "the vendor's; see its folder",
    command: "git clone --depth 1 https://github.com/cmsis-svd/cmsis-svd-data",
    setting: "svd = \"cmsis-svd-data/data/<vendor>\"",
};

/// What to do for an SVD of `chip`, most promising first; `None`: the chip is not named.
pub(super) fn advice(chip: Option<&str>) -> String {
    let Some(chip) = chip else {
        return "`silk init` looks for one here; with `--chip NAME`, `silk doctor` says who \
                publishes the chip's"
            .to_owned();
    };
    let chip = chip.to_ascii_lowercase();
    let own = SOURCES
        .iter()
        .find(|source| source.chips.iter().any(|start| chip.starts_with(start)))
        .unwrap_or(&ANY);
    let Source { place, licence, command, setting, .. } = own;
    format!("{place} (licence: {licence}); fetch: {command}; then in silk.toml, [chip]: {setting}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_is_sent_to_its_vendor() {
        let cases = [
            ("nRF52840_xxAA", "nrfx"),
            ("STM32F407VGTx", "STM32F4xx_DFP"),
            ("RP2040", "rp2040/hardware_regs"),
            ("RP235x", "RP2350.svd"),
            ("esp32c3", "espressif"),
            ("ATSAMD51P19A", "SAMD51_DFP"),
            ("LPC55S69", "mcux-soc-svd"),
            ("XMC4500", "cmsis-svd-data"),
        ];
        for (chip, expected) in cases {
            assert!(advice(Some(chip)).contains(expected), "{chip}: {}", advice(Some(chip)));
        }
        assert!(advice(None).contains("--chip"));
    }
}
