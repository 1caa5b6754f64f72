//! Shamir's sharing of 32 bytes over GF(2^8), threshold 2 of 3.
//!
//! Each byte is the constant term of a line with a random slope; a share is the line's value at its index. Two points
//! give the line, one gives nothing. What [`combine`] returns is a [`Rebuilt`], which no key type accepts until it has
//! met its [`Commitment`]: any two points give *some* line.

use core::num::NonZeroU8;

use crate::commitment::Commitment;
use crate::gf256::{invert, multiply, weighted_sum};
use crate::random::Random;
use crate::secret::Secret;

/// Where on the line a share lies. Zero, where the secret lies, is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Index(NonZeroU8);

/// A share at zero would be the secret itself, chosen by whoever made the share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a share at index zero")]
pub struct ZeroIndex;

impl Index {
    /// The index of the first share.
    pub const FIRST: Self = Self(NonZeroU8::MIN);
    /// The index of the second share.
    pub const SECOND: Self = Self(NonZeroU8::MIN.saturating_add(1));
    /// The index of the third share.
    pub const THIRD: Self = Self(NonZeroU8::MIN.saturating_add(2));

    /// Reads an index.
    ///
    /// # Errors
    /// [`ZeroIndex`] for zero.
    pub fn parse(value: u8) -> Result<Self, ZeroIndex> {
        NonZeroU8::new(value).map(Self).ok_or(ZeroIndex)
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.0.get()
    }
}

/// One point of the line of each byte: `index ‖ 32 values`.
pub struct Share {
    index: Index,
    values: Secret<32>,
}

/// Why bytes are no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedShare {
    /// They are too few.
    #[error("a share of {length} bytes is cut short")]
    Truncated {
        /// How many there are.
        length: usize,
    },
    /// They are too many.
    #[error("a share of {length} bytes is too long")]
    Oversized {
        /// How many there are.
        length: usize,
    },
    /// The index is zero.
    #[error(transparent)]
    ZeroIndex(#[from] ZeroIndex),
}

impl Share {
    /// The length of the byte form.
    pub const LENGTH: usize = 33;

    /// A share with these values.
    #[must_use]
    pub fn new(index: Index, values: Secret<32>) -> Self {
        Self { index, values }
    }

    /// Reads `index ‖ values`. The caller erases its own copy.
    ///
    /// # Errors
    /// [`MalformedShare`] for another length or an index of zero.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedShare> {
        let length = bytes.len();
        if length > Self::LENGTH {
            return Err(MalformedShare::Oversized { length });
        }
        let truncated = MalformedShare::Truncated { length };
        let (&index, values) = bytes.split_first().ok_or(truncated)?;
        let values = Secret::copied(values).map_err(|_| truncated)?;
        Ok(Self { index: Index::parse(index)?, values })
    }

    /// Writes `index ‖ values`.
    #[must_use]
    pub fn to_bytes(&self) -> Secret<33> {
        Secret::written(|bytes: &mut [u8; Self::LENGTH]| {
            let [index, values @ ..] = bytes;
            *index = self.index.value();
            values.copy_from_slice(self.values.expose());
        })
    }

    /// Where on the line it lies.
    #[must_use]
    pub fn index(&self) -> Index {
        self.index
    }

    /// The values, of a part that is no point of a line.
    pub(crate) fn into_values(self) -> Secret<32> {
        self.values
    }
}

/// Splits `secret` on a fresh line, into the shares at the first, second and third index.
#[must_use]
pub fn split(secret: &Secret<32>, random: &mut dyn Random) -> [Share; 3] {
    let slope = Secret::<32>::random(random);
    [Index::FIRST, Index::SECOND, Index::THIRD].map(|index| {
        let values = Secret::written(|values| {
            weighted_sum(1, secret.expose(), index.value(), slope.expose(), values);
        });
        Share { index, values }
    })
}

/// Two shares have the same index: they give no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("both shares have index {index}")]
pub struct DuplicatedIndex {
    /// The index.
    pub index: u8,
}

/// A secret put together from shares that nobody has vouched for yet. It is no secret of ours before it is confirmed:
///
/// ```
/// # use shroud_custody::{Commitment, Secret, SystemRandom, shamir};
/// let secret = Secret::<32>::random(&mut SystemRandom);
/// let commitment = Commitment::to(&secret, b"place");
/// let [left, right, _] = shamir::split(&secret, &mut SystemRandom);
/// let confirmed: Secret<32> = shamir::combine(&left, &right)?.confirm(&commitment, b"place")?;
/// assert_eq!(confirmed.expose(), secret.expose());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```compile_fail,E0308
/// # use shroud_custody::{Commitment, Secret, SystemRandom, shamir};
/// let secret = Secret::<32>::random(&mut SystemRandom);
/// let commitment = Commitment::to(&secret, b"place");
/// let [left, right, _] = shamir::split(&secret, &mut SystemRandom);
/// let unconfirmed: Secret<32> = shamir::combine(&left, &right)?;
/// assert_eq!(unconfirmed.expose(), secret.expose());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Rebuilt(Secret<32>);

/// A rebuilt secret is not the committed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rebuilt secret is not the committed one")]
pub struct NotCommitted;

impl Rebuilt {
    /// Gives the secret up if it is the one that was committed to in the place that `context` names.
    ///
    /// # Errors
    /// [`NotCommitted`] if it is another.
    pub fn confirm(self, commitment: &Commitment, context: &[u8]) -> Result<Secret<32>, NotCommitted> {
        if commitment.admits(&self.0, context).into() { Ok(self.0) } else { Err(NotCommitted) }
    }

    /// The unconfirmed secret, for a computation whose outcome is refused whatever it is.
    pub(crate) fn unconfirmed(self) -> Secret<32> {
        self.0
    }

    /// The unconfirmed secret, to be compared with a commitment.
    pub(crate) fn candidate(&self) -> &Secret<32> {
        &self.0
    }
}

/// Rebuilds the secret from two shares, by Lagrange's formula at zero.
///
/// # Errors
/// [`DuplicatedIndex`] if both have the same index.
pub fn combine(left: &Share, right: &Share) -> Result<Rebuilt, DuplicatedIndex> {
    let (x, y) = (left.index.value(), right.index.value());
    if x == y {
        return Err(DuplicatedIndex { index: x });
    }
    let scale = invert(x ^ y);
    let (left_weight, right_weight) = (multiply(y, scale), multiply(x, scale));
    Ok(Rebuilt(Secret::written(|secret| {
        weighted_sum(left_weight, left.values.expose(), right_weight, right.values.expose(), secret);
    })))
}

/// The two halves of an XOR split: a random one, and what it lacks.
pub(crate) fn halve(secret: &Secret<32>, random: &mut dyn Random) -> (Secret<32>, Secret<32>) {
    let half = Secret::random(random);
    let other = join(secret, &half);
    (half, other)
}

/// The secret of two halves.
pub(crate) fn join(left: &Secret<32>, right: &Secret<32>) -> Secret<32> {
    Secret::written(|secret| weighted_sum(1, left.expose(), 1, right.expose(), secret))
}
