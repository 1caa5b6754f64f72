//! SEV-SNP evidence: parse, verify, bind to a purpose. Sans-IO: bytes, time and reference values are arguments.
//!
//! ```text
//! Evidence ─► collateral, report ─► genuine? ─► as agreed? ─► VerifiedReport
//!  (bytes)     parsed, raw kept     AMD's word    reference     carries what
//!                                   for it        values        was checked
//! ```
//!
//! What it trusts: AMD's root keys, which are pinned in `roots/`, and the [`ReferenceValues`] that the caller chose.
//! Everything else is hostile until it has been checked. It follows AMD's documents 56860 (report, certificate
//! table), 57230 (certificates of VCEK and VLEK) and RFC 5280 (dates, revocation), on the bytes as received: nothing
//! that is verified is ever re-encoded.

pub mod certificate;
pub mod collateral;
mod crypto;
mod evidence;
mod finding;
pub mod plan;
pub mod platform;
mod product;
pub mod purpose;
pub mod reference;
pub mod report;
mod roots;
pub mod session;
pub mod verify;
pub mod x509;

pub use evidence::Evidence;
pub use finding::{Check, Checked, Rejected, Rejection};
pub use platform::PlatformPolicy;
pub use product::Product;
pub use purpose::ReportData;
pub use reference::{ReferenceError, ReferenceValues};
pub use report::Report;
pub use verify::{Level, VerifiedReport, verify};
