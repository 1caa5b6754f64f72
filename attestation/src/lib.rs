//! SEV-SNP evidence: parse, verify, bind. Sans-IO; the verifier trusts nobody.

pub mod purpose;
