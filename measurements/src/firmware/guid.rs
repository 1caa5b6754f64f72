//! GUIDs as firmware stores them: the first three groups little-endian.

/// Sixteen bytes as they lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Guid(pub(crate) [u8; 16]);

/// Which byte of the text stands at each place in memory.
const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

impl Guid {
    /// From the customary text. For constants: text of another form does not compile.
    pub(crate) const fn parse(text: &str) -> Self {
        let text = text.as_bytes();
        assert!(text.len() == 36, "a GUID has 36 characters");
        let mut plain = [0; 16];
        let (mut from, mut to) = (0, 0);
        while to < 16 {
            if text[from] == b'-' {
                from += 1;
            }
            plain[to] = digit(text[from]) << 4 | digit(text[from + 1]);
            from += 2;
            to += 1;
        }
        let mut bytes = [0; 16];
        let mut place = 0;
        while place < 16 {
            bytes[place] = plain[ORDER[place]];
            place += 1;
        }
        Self(bytes)
    }
}

const fn digit(character: u8) -> u8 {
    match character {
        b'0'..=b'9' => character - b'0',
        b'a'..=b'f' => character - b'a' + 10,
        _ => panic!("a GUID has lower-case hexadecimal digits"),
    }
}
