//! Where on the USB a probe is plugged in.
//!
//! Makers of cheap probes give all of them one serial number. What then tells two of them apart is the
//! port: the bus and the chain of hub ports, as `1-2.3`. Linux says it in sysfs; elsewhere no port is
//! known, and a probe is its ids and serial number.
//!
//! Source: Linux, Documentation/ABI/stable/sysfs-bus-usb: a device's folder is named for its port.

use std::path::Path;

/// The folder of all USB devices.
pub(crate) const DEVICES: &str = "/sys/bus/usb/devices";

/// Whether `text` names a port, as `1-2` or `3-1.4.2`.
pub(crate) fn is_port(text: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('-').is_some_and(|(bus, chain)| number(bus) && chain.split('.').all(number))
}

/// The ports at which devices of these ids and this serial number are plugged in, in order. `None`: any
/// serial number; `Some("")`: none at all. Empty where `devices` cannot be read.
pub(crate) fn ports(
    devices: &Path,
    vendor_id: u16,
    product_id: u16,
    serial: Option<&str>,
) -> Vec<String> {
    let attribute = |device: &Path, name: &str| {
        std::fs::read_to_string(device.join(name)).ok().map(|text| text.trim().to_owned())
    };
    let id = |device: &Path, name: &str| {
        attribute(device, name).and_then(|text| u16::from_str_radix(&text, 16).ok())
    };
    let is_it = |device: &Path| {
        id(device, "idVendor") == Some(vendor_id)
            && id(device, "idProduct") == Some(product_id)
            && serial.is_none_or(|wanted| attribute(device, "serial").unwrap_or_default() == wanted)
    };
    let entries = std::fs::read_dir(devices).into_iter().flatten().flatten();
    let mut ports: Vec<String> = entries
        .filter(|entry| is_it(&entry.path()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| is_port(name))
        .collect();
    ports.sort();
    ports
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;

    /// A device plugged in at `port` of a made-up machine.
    pub(crate) fn plug(devices: &Path, port: &str, ids: (&str, &str), serial: Option<&str>) {
        let device = devices.join(port);
        std::fs::create_dir_all(&device).unwrap();
        std::fs::write(device.join("idVendor"), format!("{}\n", ids.0)).unwrap();
        std::fs::write(device.join("idProduct"), format!("{}\n", ids.1)).unwrap();
        if let Some(serial) = serial {
            std::fs::write(device.join("serial"), format!("{serial}\n")).unwrap();
        }
    }

    #[test]
    fn probes_of_one_serial_number_are_told_apart_by_their_ports() {
        let machine = tempfile::tempdir().unwrap();
        let devices = machine.path();
        plug(devices, "1-2", ("0483", "374b"), Some("0001"));
        plug(devices, "1-4.3", ("0483", "374b"), Some("0001"));
        plug(devices, "3-1", ("0483", "374b"), Some("0002"));
        plug(devices, "3-2", ("1366", "1015"), None);
        // An interface of the first, and a root hub.
        plug(devices, "1-2:1.0", ("0483", "374b"), Some("0001"));
        plug(devices, "usb1", ("1d6b", "0002"), None);
        let at = |serial| ports(devices, 0x0483, 0x374b, serial);
        assert_eq!(at(Some("0001")), ["1-2", "1-4.3"]);
        assert_eq!(at(Some("0002")), ["3-1"]);
        assert_eq!(at(None).len(), 3);
        assert_eq!(ports(devices, 0x1366, 0x1015, Some("")), ["3-2"]);
        assert_eq!(ports(&devices.join("nowhere"), 0x1366, 0x1015, None), [""; 0]);
    }

    #[test]
    fn a_port_is_a_bus_and_a_chain() {
        for port in ["1-2", "3-1.4.2", "12-10"] {
            assert!(is_port(port), "{port}");
        }
        for other in ["", "usb1", "1-2:1.0", "1", "-2", "1-", "1-2.", "a-1"] {
            assert!(!is_port(other), "{other}");
        }
    }
}
