//! PEM blocks (RFC 7468), with whatever text stands between them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// What every block begins with.
pub(super) const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// One block.
pub(super) struct Block<'a> {
    /// What stands after BEGIN.
    pub(super) label: &'a str,
    /// The content.
    pub(super) content: Vec<u8>,
}

/// A block that does not end, or whose content is not base64.
pub(super) struct Malformed;

/// The blocks of a text, in order; ends after the first malformed one.
pub(super) fn blocks(text: &str) -> impl Iterator<Item = Result<Block<'_>, Malformed>> {
    let mut rest = Some(text);
    core::iter::from_fn(move || {
        let (_, after) = rest?.split_once(BEGIN)?;
        let found = block(after);
        rest = found.as_ref().map(|(_, after)| *after);
        Some(found.map(|(block, _)| block).ok_or(Malformed))
    })
}

fn block(after_begin: &str) -> Option<(Block<'_>, &str)> {
    let (label, after) = after_begin.split_once(DASHES)?;
    let (body, after) = after.split_once("-----END ")?;
    let after = after.strip_prefix(label)?.strip_prefix(DASHES)?;
    let encoded: String = body.split_ascii_whitespace().collect();
    let content = BASE64_STANDARD.decode(encoded).ok()?;
    Some((Block { label, content }, after))
}
