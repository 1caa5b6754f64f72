//! What enters a launch digest, and what cannot be launched.

use shroud_measurements::{
    Firmware, GUEST_FEATURES, KernelHashes, Launch, LaunchDigest, LaunchError, MAX_VCPUS, Signature, Vmm,
};

use crate::image::{HASHES_GUID, Image, KERNEL_HASHES, VCPUS_GUID};

const GENOA: Vmm = Vmm::Qemu(Signature(0x00a1_0f10));

fn launch<'a>(firmware: &'a Firmware<'a>, kernel: Option<&'a KernelHashes>) -> Launch<'a> {
    Launch { firmware, firmware_digest: None, kernel, vcpus: 2, vmm: GENOA, guest_features: GUEST_FEATURES }
}

fn digest(image: &Image, kernel: Option<&KernelHashes>) -> Result<LaunchDigest, LaunchError> {
    let bytes = image.bytes();
    launch(&Firmware::parse(&bytes).unwrap(), kernel).digest()
}

#[test]
fn each_byte_of_kernel_initrd_and_command_line_counts() {
    let of = |kernel: &[u8], initrd: &[u8], append: &str| {
        digest(&Image::default(), Some(&KernelHashes::new(kernel, initrd, append).unwrap())).unwrap()
    };
    let published = of(b"kernel", b"initrd", "quiet");
    assert_ne!(of(b"kernem", b"initrd", "quiet"), published);
    assert_ne!(of(b"kernel", b"initre", "quiet"), published);
    assert_ne!(of(b"kernel", b"initrd", "quieu"), published);
    assert_ne!(of(b"kernel", b"initrd", "quiet "), published);
    assert_ne!(of(b"", b"", ""), digest(&Image::default(), None).unwrap());
    assert_eq!(of(b"kernel", b"initrd", "quiet"), published);
}

#[test]
fn each_way_to_launch_has_its_own_digest() {
    let bytes = Image::default().bytes();
    let firmware = Firmware::parse(&bytes).unwrap();
    let base = launch(&firmware, None);
    let launches = [
        base,
        Launch { vcpus: 1, ..base },
        Launch { vcpus: 3, ..base },
        Launch { guest_features: 0x21, ..base },
        Launch { vmm: Vmm::Qemu(Signature(0x00b0_0f00)), ..base },
        Launch { vmm: Vmm::Ec2, ..base },
        Launch { vmm: Vmm::Gce, ..base },
        Launch { firmware_digest: "5a".repeat(48).parse().ok(), ..base },
    ];
    let digests: Vec<_> = launches.iter().map(|launch| launch.digest().unwrap()).collect();
    for (index, digest) in digests.iter().enumerate() {
        assert!(!digests.iter().skip(index + 1).any(|other| other == digest), "{index}");
    }
}

/// A firmware's last page with the digest of the whole measures as the whole does.
#[test]
fn footer_and_digest_stand_for_the_whole_firmware() {
    let bytes = Image::default().bytes();
    let (whole, footer) = (Firmware::parse(&bytes).unwrap(), Firmware::parse(&bytes[4096..]).unwrap());
    let by_footer = Launch { firmware_digest: Some(whole.digest()), ..launch(&footer, None) };
    assert_eq!(by_footer.digest(), launch(&whole, None).digest());
    assert_ne!(footer.digest(), whole.digest());
}

#[test]
fn number_of_vcpus_is_bounded() {
    let bytes = Image::default().bytes();
    let firmware = Firmware::parse(&bytes).unwrap();
    for vcpus in [0, MAX_VCPUS + 1, u32::MAX] {
        assert_eq!(Launch { vcpus, ..launch(&firmware, None) }.digest(), Err(LaunchError::Vcpus(vcpus)));
    }
    assert!(Launch { vcpus: MAX_VCPUS, ..launch(&firmware, None) }.digest().is_ok());
}

/// Such a firmware would boot any kernel and measure nothing of it.
#[test]
fn kernel_without_a_place_for_its_hash_is_refused() {
    let kernel = KernelHashes::new(b"kernel", b"", "").unwrap();
    let mut without_section = Image::default();
    without_section.sections.retain(|(_, _, kind)| *kind != KERNEL_HASHES);
    for image in [
        without_section,
        Image::default().with(HASHES_GUID, None),
        Image::default().with(HASHES_GUID, Some(&[0; 8])),
        Image::default().with(HASHES_GUID, Some(&0x90_0c00_u32.to_le_bytes())),
    ] {
        assert_eq!(digest(&image, Some(&kernel)), Err(LaunchError::NoKernelHashes));
        assert!(digest(&image, None).is_ok());
    }
}

#[test]
fn kernel_hashes_beyond_their_page_are_refused() {
    let kernel = KernelHashes::new(b"kernel", b"", "").unwrap();
    let image = Image::default().with(HASHES_GUID, Some(&0x81_0f51_u32.to_le_bytes()));
    assert_eq!(digest(&image, Some(&kernel)), Err(LaunchError::KernelHashesPlace));
}

#[test]
fn further_vcpus_without_a_start_are_refused() {
    let bytes = Image::default().with(VCPUS_GUID, None).bytes();
    let firmware = Firmware::parse(&bytes).unwrap();
    assert_eq!(launch(&firmware, None).digest(), Err(LaunchError::NoOtherVcpus));
    assert!(Launch { vcpus: 1, ..launch(&firmware, None) }.digest().is_ok());
}
