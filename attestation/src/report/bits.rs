//! The report's bit fields (AMD 56860: `POLICY`, `PLATFORM_INFO`, and the word at 48h).

/// `POLICY`: what the guest's owner demanded at launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestPolicy(pub u64);

impl GuestPolicy {
    /// The bits that AMD reserves and that must be zero.
    pub const RESERVED: u64 = !0 << 26;

    const fn bit(self, bit: u32) -> bool {
        self.0 >> bit & 1 == 1
    }

    /// The guest may run with SMT enabled.
    #[must_use]
    pub const fn smt_allowed(self) -> bool {
        self.bit(16)
    }

    /// The bit that must always be one.
    #[must_use]
    pub const fn reserved_one(self) -> bool {
        self.bit(17)
    }

    /// A migration agent may be bound to the guest.
    #[must_use]
    pub const fn migration_agent_allowed(self) -> bool {
        self.bit(18)
    }

    /// The host may decrypt the guest's memory with debug commands.
    #[must_use]
    pub const fn debug_allowed(self) -> bool {
        self.bit(19)
    }

    /// The guest runs on one socket only.
    #[must_use]
    pub const fn single_socket(self) -> bool {
        self.bit(20)
    }

    /// Devices and memory behind CXL may be present.
    #[must_use]
    pub const fn cxl_allowed(self) -> bool {
        self.bit(21)
    }

    /// Memory must be encrypted with AES-256-XTS.
    #[must_use]
    pub const fn aes_256_xts(self) -> bool {
        self.bit(22)
    }

    /// Running-average power limits must be disabled.
    #[must_use]
    pub const fn rapl_disabled(self) -> bool {
        self.bit(23)
    }

    /// Ciphertext hiding of DRAM must be enabled.
    #[must_use]
    pub const fn ciphertext_hiding(self) -> bool {
        self.bit(24)
    }

    /// The host may not move or swap the guest's pages by firmware commands.
    #[must_use]
    pub const fn page_swap_disabled(self) -> bool {
        self.bit(25)
    }
}

/// `PLATFORM_INFO`: the state of the platform when the report was made. Bits that are not known are shown, never
/// refused: genuine Turin reports set some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlatformInfo(pub u64);

impl PlatformInfo {
    const fn bit(self, bit: u32) -> bool {
        self.0 >> bit & 1 == 1
    }

    /// SMT is enabled.
    #[must_use]
    pub const fn smt_enabled(self) -> bool {
        self.bit(0)
    }

    /// Transparent SME is enabled.
    #[must_use]
    pub const fn tsme_enabled(self) -> bool {
        self.bit(1)
    }

    /// Memory has error correction.
    #[must_use]
    pub const fn ecc_enabled(self) -> bool {
        self.bit(2)
    }

    /// Running-average power limits are disabled.
    #[must_use]
    pub const fn rapl_disabled(self) -> bool {
        self.bit(3)
    }

    /// Ciphertext hiding of DRAM is enabled.
    #[must_use]
    pub const fn ciphertext_hiding(self) -> bool {
        self.bit(4)
    }

    /// Memory was checked for aliased addresses since the last reset (against BadRAM).
    #[must_use]
    pub const fn alias_check_complete(self) -> bool {
        self.bit(5)
    }
}

/// The key that signed a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningKey {
    /// The chip's own key.
    Vcek,
    /// A key that AMD gave to a cloud provider.
    Vlek,
    /// Nobody: the report carries no signature.
    None,
    /// A value that AMD reserves.
    Reserved,
}

impl SigningKey {
    /// The name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vcek => "vcek",
            Self::Vlek => "vlek",
            Self::None => "none",
            Self::Reserved => "reserved",
        }
    }
}

/// The word at 48h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyInfo(pub u32);

impl KeyInfo {
    /// The bits that AMD reserves and that must be zero.
    pub const RESERVED: u32 = !0 << 5;

    /// `AUTHOR_KEY_EN`: the digest of the author key is present.
    #[must_use]
    pub const fn author_key_enabled(self) -> bool {
        self.0 & 1 == 1
    }

    /// `MASK_CHIP_KEY`: the platform does not sign with its VCEK.
    #[must_use]
    pub const fn mask_chip_key(self) -> bool {
        self.0 >> 1 & 1 == 1
    }

    /// `SIGNING_KEY`.
    #[must_use]
    pub const fn signing_key(self) -> SigningKey {
        match self.0 >> 2 & 7 {
            0 => SigningKey::Vcek,
            1 => SigningKey::Vlek,
            7 => SigningKey::None,
            _ => SigningKey::Reserved,
        }
    }
}
