//! Reading DER element by element, keeping the raw bytes.

use core::time::Duration;

use der::asn1::{AnyRef, BitStringRef, GeneralizedTime, ObjectIdentifier, UtcTime};
use der::{Decode as _, ErrorKind, Reader as _, SliceReader, Tag, TagNumber, Tagged as _};

/// A reader over the elements inside `bytes`.
pub(super) fn open(bytes: &[u8]) -> der::Result<SliceReader<'_>> {
    SliceReader::new(bytes)
}

/// The content of the next element, which must carry `tag`.
pub(super) fn take<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> der::Result<&'a [u8]> {
    let element = AnyRef::decode(reader)?;
    element.tag().assert_eq(tag)?;
    Ok(element.value())
}

/// The content of the next element if it carries `tag`.
pub(super) fn take_if<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> der::Result<Option<&'a [u8]>> {
    if !reader.is_finished() && Tag::peek(reader)? == tag { take(reader, tag).map(Some) } else { Ok(None) }
}

/// The next element whole, header included.
pub(super) fn whole<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> der::Result<&'a [u8]> {
    Tag::peek(reader)?.assert_eq(tag)?;
    reader.tlv_bytes()
}

/// The only element of `bytes`.
pub(super) fn only(bytes: &[u8], tag: Tag) -> der::Result<&[u8]> {
    let mut reader = open(bytes)?;
    let content = take(&mut reader, tag)?;
    reader.finish()?;
    Ok(content)
}

/// The next element as an object identifier.
pub(super) fn oid(reader: &mut SliceReader<'_>) -> der::Result<ObjectIdentifier> {
    ObjectIdentifier::decode(reader)
}

/// The next element as a bit string of whole bytes.
pub(super) fn bits<'a>(reader: &mut SliceReader<'a>) -> der::Result<&'a [u8]> {
    let whole_bytes = BitStringRef::decode(reader)?.as_bytes();
    whole_bytes.ok_or_else(|| ErrorKind::Noncanonical { tag: Tag::BitString }.into())
}

/// The next element as a time, in seconds since 1970.
pub(super) fn time(reader: &mut SliceReader<'_>) -> der::Result<u64> {
    let duration: Duration = match Tag::peek(reader)? {
        Tag::UtcTime => UtcTime::decode(reader)?.to_unix_duration(),
        _ => GeneralizedTime::decode(reader)?.to_unix_duration(),
    };
    Ok(duration.as_secs())
}

/// The next element as a small unsigned number.
pub(super) fn small(reader: &mut SliceReader<'_>) -> der::Result<u8> {
    u8::decode(reader)
}

/// A context-specific, constructed tag.
pub(super) const fn context(number: u8) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number as u32) }
}
