//! Where a secret stands in its vault: one grammar for writing, reading and judging, so that no two spellings of a path
//! lead to one secret, and no path leads out of its vault.

use std::fmt;

/// The longest path, in bytes: it has to fit a row's key with its vault, version and provider.
const LONGEST: usize = 255;

/// A path of segments of letters, digits, `-` and `_`, beginning and ending with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretPath(String);

/// Why a text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    /// Nothing is there.
    #[error("the path is empty")]
    Empty,
    /// It is too long.
    #[error("the path has {found} bytes, at most {LONGEST} were expected")]
    Long {
        /// Its length.
        found: usize,
    },
    /// A segment says "here" or "up".
    #[error("the path has a segment of dots, which leads elsewhere")]
    Dots,
    /// A character is outside the grammar.
    #[error("the path may have letters, digits, '-', '_' and '/', found {found:?}")]
    Character {
        /// The character.
        found: char,
    },
    /// It begins or ends with something else than a letter or digit.
    #[error("the path must begin and end with a letter or digit")]
    Edge,
    /// Two slashes stand side by side.
    #[error("the path has an empty segment")]
    EmptySegment,
}

impl SecretPath {
    /// Reads a path that was percent-decoded once.
    ///
    /// # Errors
    /// [`PathError`] says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, PathError> {
        if text.len() > LONGEST {
            return Err(PathError::Long { found: text.len() });
        }
        if text.split('/').any(|segment| segment == "." || segment == "..") {
            return Err(PathError::Dots);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/');
        if let Some(found) = text.chars().find(|c| !allowed(*c)) {
            return Err(PathError::Character { found });
        }
        let (first, last) = text.chars().next().zip(text.chars().last()).ok_or(PathError::Empty)?;
        if !first.is_ascii_alphanumeric() || !last.is_ascii_alphanumeric() {
            return Err(PathError::Edge);
        }
        if text.contains("//") {
            return Err(PathError::EmptySegment);
        }
        Ok(Self(text.to_owned()))
    }

    /// The path.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_grammar() {
        for text in ["a", "7", "api-keys/stripe", "a_b/c-d/E9", "a--b", "a/-b/c"] {
            assert_eq!(SecretPath::parse(text).map(|path| path.to_string()), Ok(text.to_owned()));
        }
        assert!(SecretPath::parse(&"a".repeat(LONGEST)).is_ok());
    }

    #[test]
    fn empty() {
        assert_eq!(SecretPath::parse(""), Err(PathError::Empty));
    }

    #[test]
    fn too_long() {
        assert_eq!(SecretPath::parse(&"a".repeat(256)), Err(PathError::Long { found: 256 }));
    }

    #[test]
    fn dots_lead_nowhere() {
        for text in ["..", "a/../b", "../a", "a/.", "./a", "a/.."] {
            assert_eq!(SecretPath::parse(text), Err(PathError::Dots), "{text}");
        }
    }

    #[test]
    fn foreign_characters() {
        for (text, found) in [
            ("a.b", '.'),
            ("a b", ' '),
            ("a%2Fb", '%'),
            ("ä", 'ä'),
            ("a@2", '@'),
            ("a\0", '\0'),
            ("a\\b", '\\'),
        ] {
            assert_eq!(SecretPath::parse(text), Err(PathError::Character { found }), "{text}");
        }
    }

    #[test]
    fn edges() {
        for text in ["/a", "a/", "-a", "a-", "_a", "a_", "/"] {
            assert_eq!(SecretPath::parse(text), Err(PathError::Edge), "{text}");
        }
    }

    #[test]
    fn empty_segment() {
        assert_eq!(SecretPath::parse("a//b"), Err(PathError::EmptySegment));
    }
}
