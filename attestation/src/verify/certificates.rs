//! Sorts what came along: which certificate is the VEK's, which belong to its chain.

use super::examine::{Input, named_kind};
use super::vek::Vek;
use crate::finding::Findings;
use crate::x509::{Certificate, VekKind, X509Error};
use crate::{Check, Report};

/// The certificates, by their place.
pub(super) struct Sorted<'a> {
    /// The VEK's.
    pub(super) vek: Option<Vek<'a>>,
    /// Every authority that came along.
    pub(super) others: Vec<Certificate<'a>>,
    /// The roots that the caller trusts beside AMD's.
    pub(super) roots: Vec<Certificate<'a>>,
}

pub(super) fn sort<'a>(input: &Input<'a>, report: Option<&Report>, findings: &mut Findings) -> Sorted<'a> {
    let mut others = read_all(&input.collateral.certificates, "certificates", findings);
    let roots = read_all(input.roots, "root", findings);
    let vek = match input.vek {
        Some(der) => read(der, "VEK", findings),
        None => choose(&others, report),
    };
    let Some(certificate) = vek else {
        findings.reject(
            Check::Chain,
            "VEK",
            "the certificate of a VCEK or VLEK",
            "none that can be read",
            "Obtain the VCEK from AMD's key service, or the VLEK from the cloud provider.",
        );
        return Sorted { vek: None, others, roots };
    };
    others.retain(|other| other.raw != certificate.raw && !is_vek(other));
    Sorted { vek: Vek::read(certificate, findings), others, roots }
}

fn read_all<'a>(list: &'a [Vec<u8>], field: &'static str, findings: &mut Findings) -> Vec<Certificate<'a>> {
    list.iter().filter_map(|der| read(der, field, findings)).collect()
}

fn read<'a>(der: &'a [u8], field: &'static str, findings: &mut Findings) -> Option<Certificate<'a>> {
    let refuse = |error: X509Error| {
        let remedy = "Obtain the certificate again: its bytes are damaged.";
        findings.reject(Check::Chain, field, "an X.509 v3 certificate in DER", error.to_string(), remedy);
    };
    Certificate::parse(der).map_err(refuse).ok()
}

/// The best match for a report among the VEKs that came along: by key kind, then by chip, then by TCB.
fn choose<'a>(certificates: &[Certificate<'a>], report: Option<&Report>) -> Option<Certificate<'a>> {
    certificates
        .iter()
        .filter(|certificate| is_vek(certificate))
        .max_by_key(|certificate| score(certificate, report))
        .cloned()
}

fn is_vek(certificate: &Certificate<'_>) -> bool {
    let name = certificate.subject.common_name();
    [VekKind::Vcek, VekKind::Vlek].iter().any(|kind| name == Some(kind.common_name()))
}

/// How well a certificate fits, by what it says; whether it is true is judged afterwards.
fn score(certificate: &Certificate<'_>, report: Option<&Report>) -> [bool; 3] {
    let (Some(report), Some(vek)) = (report, Vek::peek(certificate)) else { return [false; 3] };
    let product = report.product().or_else(|| vek.product());
    let tcb = product.and_then(|product| vek.tcb(product));
    [
        vek.kind() == named_kind(report),
        vek.hwid.is_some_and(|hwid| report.chip_id.starts_with(hwid)),
        tcb.is_some() && tcb == product.map(|product| report.reported_tcb.layout(product)),
    ]
}
