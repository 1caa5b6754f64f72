//! How many witnesses must answer: checked, not assumed.
//!
//! With n members, of which f may lie or forget:
//!
//! - what W of them cosigned is remembered by an honest one among any R that a boot hears, if W + R ≥ n + f + 1;
//! - two guests cannot each find W of them for different histories, if W + W ≥ n + f + 1.
//!
//! Anything less is refused where it is configured.

/// A checked set of quorums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    members: usize,
    write: usize,
    boot: usize,
    faulty: usize,
}

/// Why quorums are refused.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum QuorumError {
    /// A boot could miss what was written.
    #[error(
        "write {write} + boot {boot} is below members {members} + faulty {faulty} + 1: a boot could miss what was written"
    )]
    TooSmall {
        /// n.
        members: usize,
        /// W.
        write: usize,
        /// R.
        boot: usize,
        /// f.
        faulty: usize,
    },
    /// Two guests could each write a history of their own.
    #[error(
        "twice write {write} is below members {members} + faulty {faulty} + 1: two guests could both write"
    )]
    SplitBrain {
        /// n.
        members: usize,
        /// W.
        write: usize,
        /// f.
        faulty: usize,
    },
    /// A quorum is empty, or larger than the set.
    #[error("a quorum of {quorum} among {members} members")]
    Impossible {
        /// The quorum.
        quorum: usize,
        /// n.
        members: usize,
    },
    /// A quorum could consist of liars alone.
    #[error("a quorum of {quorum} with {faulty} that may lie")]
    AllFaulty {
        /// The quorum.
        quorum: usize,
        /// f.
        faulty: usize,
    },
}

impl Quorum {
    /// Takes n members, write quorum W, boot quorum R and f that may lie or forget.
    ///
    /// # Errors
    /// Every [`QuorumError`].
    pub fn new(members: usize, write: usize, boot: usize, faulty: usize) -> Result<Self, QuorumError> {
        for quorum in [write, boot] {
            if quorum == 0 || quorum > members {
                return Err(QuorumError::Impossible { quorum, members });
            }
            if quorum <= faulty {
                return Err(QuorumError::AllFaulty { quorum, faulty });
            }
        }
        let meet = members.saturating_add(faulty).saturating_add(1);
        if write.saturating_add(boot) < meet {
            return Err(QuorumError::TooSmall { members, write, boot, faulty });
        }
        if write.saturating_add(write) < meet {
            return Err(QuorumError::SplitBrain { members, write, faulty });
        }
        Ok(Self { members, write, boot, faulty })
    }

    /// n.
    #[must_use]
    pub fn members(&self) -> usize {
        self.members
    }

    /// W: cosignatures that make a record durable.
    #[must_use]
    pub fn write(&self) -> usize {
        self.write
    }

    /// R: gateways that a boot must hear.
    #[must_use]
    pub fn boot(&self) -> usize {
        self.boot
    }

    /// f: members that may lie or forget.
    #[must_use]
    pub fn faulty(&self) -> usize {
        self.faulty
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quorums_that_meet_are_taken() {
        for (members, write, boot, faulty) in
            [(3, 2, 2, 0), (4, 3, 3, 1), (3, 3, 1, 0), (1, 1, 1, 0), (5, 4, 3, 1)]
        {
            let quorum = Quorum::new(members, write, boot, faulty).unwrap();
            assert_eq!(
                (quorum.members(), quorum.write(), quorum.boot(), quorum.faulty()),
                (members, write, boot, faulty)
            );
        }
    }

    #[test]
    fn quorums_too_small_are_refused_with_their_numbers() {
        let refused = Quorum::new(4, 3, 2, 1).unwrap_err();
        assert_eq!(refused, QuorumError::TooSmall { members: 4, write: 3, boot: 2, faulty: 1 });
        assert!(refused.to_string().starts_with("write 3 + boot 2 is below members 4 + faulty 1 + 1"));
        assert!(Quorum::new(3, 2, 1, 0).is_err());
        assert!(Quorum::new(3, 2, 2, 1).is_err());
    }

    #[test]
    fn write_quorums_that_need_not_meet_are_refused() {
        assert_eq!(Quorum::new(3, 1, 3, 0), Err(QuorumError::SplitBrain { members: 3, write: 1, faulty: 0 }));
        assert_eq!(Quorum::new(5, 3, 4, 1), Err(QuorumError::SplitBrain { members: 5, write: 3, faulty: 1 }));
    }

    #[test]
    fn impossible_quorums_are_refused() {
        assert_eq!(Quorum::new(3, 4, 2, 0), Err(QuorumError::Impossible { quorum: 4, members: 3 }));
        assert_eq!(Quorum::new(3, 2, 0, 0), Err(QuorumError::Impossible { quorum: 0, members: 3 }));
        assert_eq!(Quorum::new(0, 0, 0, 0), Err(QuorumError::Impossible { quorum: 0, members: 0 }));
    }

    #[test]
    fn quorums_of_liars_are_refused() {
        assert_eq!(Quorum::new(3, 3, 1, 1), Err(QuorumError::AllFaulty { quorum: 1, faulty: 1 }));
        assert!(Quorum::new(3, 3, 3, usize::MAX).is_err());
    }
}
