//! The checks `debug`, `vmpl`, `policy`, `id_key`, `author_key`, and policy's part of `tcb` and `product`.

use crate::finding::Findings;
use crate::platform::{KeyDigest, TcbBounds};
use crate::{Check, PlatformPolicy, Product, Rejection, Report};

/// Judges a report against a platform policy.
pub(super) fn judge(
    report: &Report,
    product: Option<Product>,
    policy: &PlatformPolicy,
    findings: &mut Findings,
) {
    allowed_product(product, policy, findings);
    debug(report, policy, findings);
    vmpl(report, policy, findings);
    guest_policy(report, product, policy, findings);
    state(report, policy, findings);
    if !findings.failed(Check::Policy) {
        findings.pass(
            Check::Policy,
            format!("POLICY {:#x}, PLATFORM_INFO {:#x}", report.policy.0, report.platform_info.0),
        );
    }
    if let Some(product) = product {
        bounds(report, product, policy.minimum_tcb.get(&product), findings);
    }
    let (id, author) = (&policy.id_keys, &policy.author_keys);
    key(Check::IdKey, "ID_KEY_DIGEST", report.id_key_digest, id.as_deref(), findings);
    key(Check::AuthorKey, "AUTHOR_KEY_DIGEST", report.author_key_digest, author.as_deref(), findings);
}

/// What a platform policy refuses in a report, whether or not the report is genuine: for planning a change of bounds.
#[must_use]
pub fn appraise(report: &Report, product: Option<Product>, policy: &PlatformPolicy) -> Vec<Rejection> {
    let mut findings = Findings::default();
    judge(report, product, policy, &mut findings);
    findings.rejections
}

fn allowed_product(product: Option<Product>, policy: &PlatformPolicy, findings: &mut Findings) {
    let Some(product) = product else { return };
    if policy.products.contains(&product) {
        findings.pass(Check::Product, format!("{product} is allowed by policy"));
        return;
    }
    let expected = policy.products.iter().map(|product| product.name()).collect::<Vec<_>>().join(" or ");
    let remedy = match product {
        Product::Milan => {
            "Move to Genoa or Turin: the seed of Milan's root of trust was extracted (arXiv 2605.12990)."
        }
        _ => "Move to a processor that policy allows.",
    };
    findings.reject(Check::Product, "products", expected, product.name(), remedy);
}

fn debug(report: &Report, policy: &PlatformPolicy, findings: &mut Findings) {
    let allowed = report.policy.debug_allowed();
    if allowed && !policy.allow_debug {
        let remedy = "Launch the guest with a policy that forbids debugging (bit 19 clear).";
        findings.reject(Check::Debug, "POLICY bit 19 (DEBUG)", "0", "1", remedy);
    } else {
        findings.pass(Check::Debug, if allowed { "allowed, and policy admits it" } else { "forbidden" });
    }
}

fn vmpl(report: &Report, policy: &PlatformPolicy, findings: &mut Findings) {
    if policy.vmpl.contains(&report.vmpl) {
        findings.pass(Check::Vmpl, report.vmpl.to_string());
        return;
    }
    let expected = policy.vmpl.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
    let remedy = "Ask for the report at the privilege level that the policy names.";
    findings.reject(Check::Vmpl, "VMPL", expected, report.vmpl.to_string(), remedy);
}

/// What the guest was launched with.
fn guest_policy(report: &Report, product: Option<Product>, policy: &PlatformPolicy, findings: &mut Findings) {
    let bits = report.policy;
    let on = |products: &[Product]| product.is_none_or(|product| products.contains(&product));
    let forbidden = [
        ("POLICY bit 18 (MIGRATE_MA)", bits.migration_agent_allowed(), policy.allow_migration_agent),
        ("POLICY bit 16 (SMT)", bits.smt_allowed(), policy.allow_smt),
        ("POLICY bit 21 (CXL_ALLOW)", bits.cxl_allowed(), policy.allow_cxl),
    ];
    let demanded = [
        ("POLICY bit 20 (SINGLE_SOCKET)", bits.single_socket(), policy.require_single_socket),
        ("POLICY bit 22 (MEM_AES_256_XTS)", bits.aes_256_xts(), on(&policy.require_aes_256_xts)),
        ("POLICY bit 23 (RAPL_DIS)", bits.rapl_disabled(), on(&policy.require_rapl_off)),
        (
            "POLICY bit 24 (CIPHERTEXT_HIDING)",
            bits.ciphertext_hiding(),
            on(&policy.require_ciphertext_hiding),
        ),
        ("POLICY bit 25 (PAGE_SWAP_DISABLE)", bits.page_swap_disabled(), on(&policy.require_page_swap_off)),
    ];
    for (field, _, _) in forbidden.iter().filter(|(_, set, allowed)| *set && !allowed) {
        findings.reject(Check::Policy, field, "0", "1", "Launch the guest with this bit clear.");
    }
    for (field, _, _) in demanded.iter().filter(|(_, set, required)| *required && !set) {
        let remedy = "Launch the guest with this bit set, on a host that offers it.";
        findings.reject(Check::Policy, field, "1", "0", remedy);
    }
    if report.guest_svn < policy.minimum_guest_svn {
        let (expected, found) =
            (format!("at least {}", policy.minimum_guest_svn), report.guest_svn.to_string());
        findings.reject(Check::Policy, "GUEST_SVN", expected, found, "Launch a newer release of the guest.");
    }
}

/// What the platform is like now.
fn state(report: &Report, policy: &PlatformPolicy, findings: &mut Findings) {
    if policy.require_alias_check && !report.platform_info.alias_check_complete() {
        let remedy = "Update the host's firmware and reset it, so that memory is checked for aliases.";
        findings.reject(Check::Policy, "PLATFORM_INFO bit 5 (ALIAS_CHECK_COMPLETE)", "1", "0", remedy);
    }
    let required = policy.required_mitigations;
    if required == 0 {
        return;
    }
    let (launch, current) = report.mitigations.map_or((0, 0), |vectors| (vectors.launch, vectors.current));
    for (field, vector) in [("LAUNCH_MIT_VECTOR", launch), ("CURRENT_MIT_VECTOR", current)] {
        if vector & required != required {
            let (expected, found) = (format!("all of {required:#x}"), format!("{vector:#x}"));
            let remedy = "Update the host's firmware and launch the guest again.";
            findings.reject(Check::Policy, field, expected, found, remedy);
        }
    }
}

/// The lowest patch levels. Every bound that is absent is said to be.
fn bounds(report: &Report, product: Product, bounds: Option<&TcbBounds>, findings: &mut Findings) {
    let bounds = bounds.copied().unwrap_or_default();
    for (field, tcb, bound) in [
        ("REPORTED_TCB", report.reported_tcb, bounds.reported),
        ("COMMITTED_TCB", report.committed_tcb, bounds.committed),
        ("CURRENT_TCB", report.current_tcb, bounds.current),
        ("LAUNCH_TCB", report.launch_tcb, bounds.launch),
    ] {
        let found = tcb.layout(product);
        match bound {
            None => findings.pass(Check::Tcb, format!("{field} has no bound: {found}")),
            Some(bound) if found.reaches(&bound) => {
                findings.pass(Check::Tcb, format!("{field} reaches its bound: {found}"));
            }
            Some(bound) => {
                let expected = format!("at least {bound}");
                let remedy = "Update the host's firmware; if the platform cannot, lower the bound in the reference \
                              values and know what that admits.";
                findings.reject(Check::Tcb, field, expected, found.to_string(), remedy);
            }
        }
    }
}

fn key(
    check: Check,
    field: &'static str,
    digest: [u8; 48],
    allowed: Option<&[KeyDigest]>,
    findings: &mut Findings,
) {
    let found = if digest == [0; 48] { "none".to_owned() } else { hex::encode(digest) };
    match allowed {
        None => findings.pass(check, format!("not bounded by policy: {found}")),
        Some(list) if list.contains(&KeyDigest(digest)) => findings.pass(check, found),
        Some(list) => {
            let expected = list.iter().map(|key| hex::encode(key.0)).collect::<Vec<_>>().join(" or ");
            let remedy = "Launch the guest with an ID block signed by a key that policy names.";
            findings.reject(check, field, expected, found, remedy);
        }
    }
}
