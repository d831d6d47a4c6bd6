//! What ESP-IDF notes in its core files besides registers: which task crashed, and its last words.
//!
//! Source: esp-coredump 1.x, `esp_coredump/corefile/elf.py` (`PT_ESP_…`), `esp_coredump/coredump.py`.

/// The control block of the task that crashed, then its exception's registers.
const NT_EXTRA_INFO: u32 = 677;
/// Text.
const NT_PANIC_DETAILS: u32 = 679;

/// The notes of one file.
#[derive(Debug, Default)]
pub(super) struct EspNotes {
    /// Address of a control block.
    pub(super) crashed: Option<u32>,
    /// Such as `abort() was called at PC 0x42009351 on core 0`.
    pub(super) panic: Option<String>,
}

impl EspNotes {
    /// Takes a note if it is one of these.
    pub(super) fn take(&mut self, name: &[u8], kind: u32, description: &[u8]) {
        match (trimmed(name), kind) {
            (b"ESP_EXTRA_INFO" | b"EXTRA_INFO", NT_EXTRA_INFO) => {
                self.crashed = description.first_chunk().map(|word| u32::from_le_bytes(*word));
            }
            (b"ESP_PANIC_DETAILS", NT_PANIC_DETAILS) => {
                let text = String::from_utf8_lossy(trimmed(description)).into_owned();
                self.panic = Some(text).filter(|text| !text.is_empty());
            }
            _ => {}
        }
    }
}

/// Names and texts are padded with zeros to whatever length.
pub(super) fn trimmed(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}
