//! What a launch measures. Real hardware hashes the pages of the guest's image; this hashes the program's bytes.

use aws_lc_rs::digest::{SHA256, SHA384, digest};
use shroud_wire::canonical::Canonical;

/// The label of a development measurement.
const LAUNCH: &str = "shroud/dev/launch";

/// The MEASUREMENT (48 bytes) of a program: SHA-384 of the canonical bytes `shroud/dev/launch`, program.
#[must_use]
pub fn measure(program: &[u8]) -> [u8; 48] {
    array(digest(&SHA384, &Canonical::new(LAUNCH).field(program).into_bytes()).as_ref())
}

/// What was launched: fixed once, before the guest runs, and the same in each of its reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// MEASUREMENT of the program.
    pub measurement: [u8; 48],
    /// HOST_DATA: SHA-256 of the configuration file's exact bytes.
    pub host_data: [u8; 32],
}

impl Launch {
    /// Measures a program and its configuration.
    #[must_use]
    pub fn of(program: &[u8], configuration: &[u8]) -> Self {
        Self { measurement: measure(program), host_data: array(digest(&SHA256, configuration).as_ref()) }
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_program_counts() {
        assert_ne!(measure(b"program"), measure(b"prograM"));
        assert_ne!(measure(b""), measure(b"\0"));
    }

    #[test]
    fn host_data_is_the_plain_sha_256_of_the_configuration() {
        let launch = Launch::of(b"", b"abc");
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex::encode(launch.host_data), known);
    }
}
