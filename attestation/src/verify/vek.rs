//! The checks `key_kind`, `product`, `tcb` and `chip_id`: report, certificate and issuer speak of one key.

use super::chain::{Anchor, Chain};
use super::examine::named_kind;
use crate::finding::Findings;
use crate::x509::{Certificate, VekExtensions, VekKind, X509Error};
use crate::{Check, Product, Report};

/// A certificate offered for the key that signed, and AMD's extensions in it.
pub(super) struct Vek<'a> {
    pub(super) certificate: Certificate<'a>,
    pub(super) extensions: VekExtensions<'a>,
}

impl<'a> Vek<'a> {
    pub(super) fn read(certificate: Certificate<'a>, findings: &mut Findings) -> Option<Self> {
        let refuse = |error: X509Error| {
            let remedy = "Obtain the certificate again from AMD's key service.";
            findings.reject(
                Check::Chain,
                "VEK extensions",
                "as AMD 57230 has them",
                error.to_string(),
                remedy,
            );
        };
        let extensions = VekExtensions::parse(&certificate).map_err(refuse).ok()?;
        Some(Self { certificate, extensions })
    }

    /// The extensions alone, for choosing among certificates.
    pub(super) fn peek(certificate: &Certificate<'a>) -> Option<VekExtensions<'a>> {
        VekExtensions::parse(certificate).ok()
    }
}

/// Judges all four, and gives the product by which the report is laid out.
pub(super) fn judge(
    vek: &Vek<'_>,
    report: Option<&Report>,
    chain: Option<&Chain<'_>>,
    findings: &mut Findings,
) -> Option<Product> {
    key_kind(vek, report, chain, findings);
    let product = product(vek, report, chain, findings);
    if let Some(report) = report {
        tcb(&vek.extensions, report, product, findings);
        chip_id(&vek.extensions, report, product, findings);
    }
    product
}

fn key_kind(vek: &Vek<'_>, report: Option<&Report>, chain: Option<&Chain<'_>>, findings: &mut Findings) {
    let remedy =
        "A VCEK is issued by an ASK, a VLEK by an ASVK: pass the certificate of the key that signed.";
    let Some(kind) = vek.extensions.kind() else {
        let expected = "either a hwID (VCEK) or a cspID (VLEK)";
        findings.reject(Check::KeyKind, "VEK extensions", expected, "both or none", remedy);
        return;
    };
    let mut demand = |holds: bool, field, expected: String, found: String| {
        if !holds {
            findings.reject(Check::KeyKind, field, expected, found, remedy);
        }
    };
    let subject = vek.certificate.subject;
    let named = subject.common_name() == Some(kind.common_name());
    demand(named, "VEK subject", kind.common_name().into(), subject.to_string());
    if let Some(report) = report {
        let claimed = report.key_info.signing_key();
        demand(named_kind(report) == Some(kind), "SIGNING_KEY", kind.name().into(), claimed.name().into());
    }
    if let Some(chain) = chain {
        let issuer = chain.ask.subject;
        let fits = issuer.common_name().and_then(issuer_kind) == Some(kind);
        let expected = if kind == VekKind::Vcek { "an ASK" } else { "an ASVK" };
        demand(fits, "VEK issuer", expected.into(), issuer.to_string());
    }
    if !findings.failed(Check::KeyKind) {
        findings.pass(Check::KeyKind, kind.name());
    }
}

/// `SEV-Genoa` issues VCEKs, `SEV-VLEK-Genoa` issues VLEKs.
fn issuer_kind(name: &str) -> Option<VekKind> {
    let rest = name.strip_prefix("SEV-")?;
    Some(if rest.starts_with("VLEK-") { VekKind::Vlek } else { VekKind::Vcek })
}

fn issuer_product(name: &str) -> Option<Product> {
    let rest = name.strip_prefix("SEV-")?;
    Product::from_name(rest.strip_prefix("VLEK-").unwrap_or(rest))
}

/// The product by CPUID, or by the certificate for reports that carry no CPUID; all who name one must agree.
fn product(
    vek: &Vek<'_>,
    report: Option<&Report>,
    chain: Option<&Chain<'_>>,
    findings: &mut Findings,
) -> Option<Product> {
    let remedy = "Pass the certificates of this processor's family.";
    let certified = vek.extensions.product();
    let by_cpuid = report.and_then(Report::product);
    if let Some(cpuid) = report.and_then(Report::known_cpuid).filter(|_| by_cpuid.is_none()) {
        let found = format!("family {:#x}, model {:#x}", cpuid.family, cpuid.model);
        findings.reject(
            Check::Product,
            "CPUID_FAM_ID",
            "Milan, Genoa or Turin",
            found,
            "Use a verifier that knows it.",
        );
    }
    let Some(product) = by_cpuid.or(certified) else {
        findings.reject(Check::Product, "productName", "Milan, Genoa or Turin", named(vek), remedy);
        return None;
    };
    let mut agree = |field, other: Option<Product>, found: String| {
        if other != Some(product) {
            findings.reject(Check::Product, field, product.name(), found, remedy);
        }
    };
    agree("productName", certified, named(vek));
    if let Some(chain) = chain {
        let issuer = chain.ask.subject;
        agree("VEK issuer", issuer.common_name().and_then(issuer_product), issuer.to_string());
        if let Anchor::Amd(pinned) = chain.anchor {
            agree("ARK", Some(pinned.product), pinned.product.to_string());
        }
    }
    if !findings.failed(Check::Product) {
        findings.pass(Check::Product, product.name());
    }
    Some(product)
}

fn named(vek: &Vek<'_>) -> String {
    vek.extensions.product_name.unwrap_or("no product name").to_owned()
}

fn tcb(vek: &VekExtensions<'_>, report: &Report, product: Option<Product>, findings: &mut Findings) {
    let remedy = "Obtain the VCEK for this chip and this reported TCB from AMD's key service.";
    let Some(product) = product else { return };
    let reported = report.reported_tcb.layout(product);
    let Some(certified) = vek.tcb(product) else {
        let expected = format!("every patch level of {product}");
        findings.reject(Check::Tcb, "SPL extensions", expected, "one missing, or one not known", remedy);
        return;
    };
    if certified != reported {
        findings.reject(Check::Tcb, "REPORTED_TCB", certified.to_string(), reported.to_string(), remedy);
    }
    for (field, tcb) in [
        ("REPORTED_TCB", report.reported_tcb),
        ("CURRENT_TCB", report.current_tcb),
        ("COMMITTED_TCB", report.committed_tcb),
        ("LAUNCH_TCB", report.launch_tcb),
    ] {
        let reserved = tcb.reserved(product);
        if reserved != [0; 4] {
            let remedy = "Use a verifier that knows what these bytes mean.";
            findings.reject(Check::Tcb, field, "zero in reserved bytes", hex::encode(reserved), remedy);
        }
    }
    if !findings.failed(Check::Tcb) {
        findings.pass(Check::Tcb, format!("the certificate's: {reported}"));
    }
}

fn chip_id(vek: &VekExtensions<'_>, report: &Report, product: Option<Product>, findings: &mut Findings) {
    match (vek.kind(), vek.hwid, product) {
        (Some(VekKind::Vlek), _, _) => {
            findings.pass(Check::ChipId, "a VLEK is bound to no chip; the certificate names none");
        }
        (_, Some(hwid), Some(product)) => vcek_chip_id(hwid, report, product, findings),
        (_, None, _) => {
            let remedy = "Pass the VCEK's own certificate.";
            findings.reject(Check::ChipId, "hwID", "a chip id in the certificate", "none", remedy);
        }
        (_, _, None) => {}
    }
}

fn vcek_chip_id(hwid: &[u8], report: &Report, product: Product, findings: &mut Findings) {
    let length = product.hwid_length();
    if hwid.len() != length {
        let (expected, found) = (format!("{length} bytes on {product}"), format!("{} bytes", hwid.len()));
        findings.reject(Check::ChipId, "hwID", expected, found, "Pass the certificate of this processor.");
        return;
    }
    let rest = report.chip_id.strip_prefix(hwid);
    if rest.is_some_and(|rest| rest.iter().all(|byte| *byte == 0)) {
        findings.pass(Check::ChipId, format!("the certificate's: {}", hex::encode(hwid)));
    } else {
        let remedy = "Obtain the VCEK of this chip; a host that masks chip ids must sign with a VLEK.";
        findings.reject(Check::ChipId, "CHIP_ID", hex::encode(hwid), hex::encode(report.chip_id), remedy);
    }
}
