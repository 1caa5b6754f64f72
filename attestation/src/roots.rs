//! AMD's certificates, shipped: ARK, ASK and ASVK of each product, and what AMD is known to have revoked.

use std::sync::LazyLock;

use crate::Product;
use crate::collateral::Collateral;
use crate::x509::Certificate;

/// The certificates of one product, in DER.
pub(crate) struct Pinned {
    /// The product that they vouch for.
    pub(crate) product: Product,
    /// The root.
    pub(crate) ark: &'static Certificate<'static>,
    /// ASK, then ASVK.
    pub(crate) intermediates: [&'static Certificate<'static>; 2],
}

impl Pinned {
    /// Every product's.
    pub(crate) fn all() -> &'static [Self] {
        static ALL: LazyLock<Vec<Pinned>> = LazyLock::new(|| PEM.iter().filter_map(Pinned::read).collect());
        &ALL
    }

    fn read((product, [ark, ask, asvk]): &(Product, [&'static str; 3])) -> Option<Self> {
        let intermediates = [certificate(ask)?, certificate(asvk)?];
        Some(Self { product: *product, ark: certificate(ark)?, intermediates })
    }

    /// Whether AMD revoked the certificate with this serial number of this root, in any list that it published.
    pub(crate) fn has_revoked(&self, serial: &[u8]) -> bool {
        REVOKED.contains(&(self.product, serial))
    }
}

/// Revocations that AMD published; they stay true however old the list, and where no list is at hand. The first ASK
/// of Genoa is the only one so far (list of 31 October 2022).
const REVOKED: [(Product, &[u8]); 1] = [(Product::Genoa, &[0x02, 0x00, 0x01])];

macro_rules! pem {
    ($product:literal) => {
        [
            include_str!(concat!("../roots/ark_", $product, ".pem")),
            include_str!(concat!("../roots/ask_", $product, ".pem")),
            include_str!(concat!("../roots/asvk_", $product, ".pem")),
        ]
    };
}

static PEM: [(Product, [&str; 3]); 3] =
    [(Product::Milan, pem!("milan")), (Product::Genoa, pem!("genoa")), (Product::Turin, pem!("turin"))];

/// Leaks one certificate for the life of the process; called once for each that is shipped.
fn certificate(pem: &'static str) -> Option<&'static Certificate<'static>> {
    let der = Collateral::parse(pem.as_bytes()).ok()?.certificates.pop()?;
    let der: &'static [u8] = Box::leak(der.into_boxed_slice());
    Certificate::parse(der).ok().map(|certificate| &*Box::leak(Box::new(certificate)))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// The SHA-256 digests of AMD's roots, as published by its key service.
    const ARKS: [(Product, &str); 3] = [
        (Product::Milan, "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd"),
        (Product::Genoa, "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1"),
        (Product::Turin, "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a"),
    ];

    #[test]
    fn every_product_is_pinned() {
        assert_eq!(Pinned::all().len(), ARKS.len());
        for (pinned, (product, digest)) in Pinned::all().iter().zip(ARKS) {
            assert_eq!(pinned.product, product);
            assert_eq!(hex::encode(Sha256::digest(pinned.ark.raw)), digest);
        }
    }

    /// The chain takes these links as given and verifies none of them again.
    #[test]
    fn pinned_links_hold() {
        for pinned in Pinned::all() {
            assert_eq!(pinned.ark.signed_by(pinned.ark), Ok(()));
            for intermediate in pinned.intermediates {
                assert_eq!(intermediate.signed_by(pinned.ark), Ok(()));
                assert_eq!(intermediate.issuer, pinned.ark.subject);
                assert_eq!(intermediate.not_an_authority(), None);
                assert!(!pinned.has_revoked(intermediate.serial));
            }
        }
    }
}
