//! What a vCPU says of itself: CPUID `0000_0001` EAX, which QEMU puts into RDX at reset (AMD 25481).

use core::str::FromStr;

/// Family, model and stepping in one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature(pub u32);

/// No vCPU of that name or number is known.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SignatureError {
    /// Not the name of a processor that QEMU offers and that can run SNP guests.
    #[error(
        "unknown vCPU type {0:?}; expected EPYC, EPYC-Rome, EPYC-Milan, EPYC-Genoa or EPYC-Turin, with -vN or without"
    )]
    Type(String),
    /// Neither decimal nor `0x` with hexadecimal digits, or above 32 bits.
    #[error("{0:?} is no vCPU signature; expected a number of 32 bits, decimal or with 0x")]
    Number(String),
}

/// QEMU's names, with family, model and stepping. Every version of a model has the same.
const TYPES: [(&str, u8, u8, u8); 6] = [
    ("EPYC", 23, 1, 2),
    ("EPYC-IBPB", 23, 1, 2),
    ("EPYC-Rome", 23, 49, 0),
    ("EPYC-Milan", 25, 1, 1),
    ("EPYC-Genoa", 25, 17, 0),
    ("EPYC-Turin", 26, 0, 0),
];

impl Signature {
    /// From family (extended family included), model (extended model included) and stepping.
    #[must_use]
    pub const fn new(family: u8, model: u8, stepping: u8) -> Self {
        let (base, extended) = if family > 15 { (15, family - 15) } else { (family, 0) };
        Self(
            (extended as u32) << 20
                | ((model >> 4) as u32) << 16
                | (base as u32) << 8
                | ((model & 15) as u32) << 4
                | (stepping & 15) as u32,
        )
    }

    /// The family, extended family included.
    #[must_use]
    pub const fn family(self) -> u8 {
        let [_, base, extended, high] = self.0.to_le_bytes();
        (base & 15).saturating_add(extended >> 4 | high << 4)
    }

    /// The model, extended model included.
    #[must_use]
    pub const fn model(self) -> u8 {
        let [low, _, extended, _] = self.0.to_le_bytes();
        low >> 4 | extended << 4
    }

    /// The signature of a vCPU type by its name in QEMU: `EPYC-Milan`, `EPYC-Milan-v2`.
    ///
    /// # Errors
    /// [`SignatureError::Type`].
    pub fn of_type(name: &str) -> Result<Self, SignatureError> {
        TYPES
            .iter()
            .find(|(known, ..)| *known == unversioned(name))
            .map(|&(_, family, model, stepping)| Self::new(family, model, stepping))
            .ok_or_else(|| SignatureError::Type(name.to_owned()))
    }
}

/// The name without its version, if it has one.
fn unversioned(name: &str) -> &str {
    match name.rsplit_once("-v") {
        Some((model, version))
            if !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            model
        }
        _ => name,
    }
}

impl FromStr for Signature {
    type Err = SignatureError;

    fn from_str(text: &str) -> Result<Self, SignatureError> {
        let number = match text.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => text.parse(),
        };
        number.map(Self).map_err(|_| SignatureError::Number(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_amds_processors() {
        for (name, signature) in [
            ("EPYC", 0x0080_0f12),
            ("EPYC-IBPB", 0x0080_0f12),
            ("EPYC-v4", 0x0080_0f12),
            ("EPYC-Rome-v2", 0x0083_0f10),
            ("EPYC-Milan", 0x00a0_0f11),
            ("EPYC-Genoa-v1", 0x00a1_0f10),
            ("EPYC-Turin", 0x00b0_0f00),
        ] {
            assert_eq!(Signature::of_type(name), Ok(Signature(signature)), "{name}");
        }
    }

    #[test]
    fn family_and_model_come_out_as_they_went_in() {
        for (_, family, model, stepping) in TYPES {
            let signature = Signature::new(family, model, stepping);
            assert_eq!((signature.family(), signature.model()), (family, model));
        }
        assert_eq!((Signature(0x0000_0662).family(), Signature(0x0000_0662).model()), (6, 6));
    }

    #[test]
    fn unknown_vcpu_type_is_refused() {
        for name in ["", "epyc", "EPYC-", "EPYC-v", "EPYC-vx", "EPYC-Naples", "-v1", "qemu64"] {
            assert_eq!(Signature::of_type(name), Err(SignatureError::Type(name.to_owned())), "{name}");
        }
    }

    #[test]
    fn signature_number_is_decimal_or_hexadecimal() {
        assert_eq!("8392466".parse(), Ok(Signature(0x0080_0f12)));
        assert_eq!("0x800f12".parse(), Ok(Signature(0x0080_0f12)));
        for text in ["", "0x", "800f12", "-1", "4294967296", "0x100000000"] {
            assert_eq!(text.parse::<Signature>(), Err(SignatureError::Number(text.to_owned())), "{text}");
        }
    }
}
