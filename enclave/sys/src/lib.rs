//! What the daemon asks of its kernel: no core dumps, no other process looking in, memory that is never paged out.
//!
//! The one crate that may hold unsafe code, because device requests (ioctl) belong here; what stands here today needs
//! none. It trusts the kernel, which is part of what was measured.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// The kernel refused a protection.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {errno}")]
pub struct Refused {
    /// The protection.
    pub what: &'static str,
    /// Why.
    pub errno: rustix::io::Errno,
}

/// No core file is ever written of this process.
///
/// # Errors
/// [`Refused`] if the limit cannot be set.
pub fn no_core_dumps() -> Result<(), Refused> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).map_err(|errno| Refused { what: "no core dumps", errno })
}

/// No process of the same user may trace this one or read its memory.
///
/// # Errors
/// [`Refused`] if the kernel does not do it.
pub fn not_traceable() -> Result<(), Refused> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|errno| Refused { what: "not traceable", errno })
}

/// Every page of this process, present and future, stays in memory.
///
/// # Errors
/// [`Refused`] if the limit on locked memory is too low.
pub fn memory_locked() -> Result<(), Refused> {
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE)
        .map_err(|errno| Refused { what: "memory locked", errno })
}

#[cfg(test)]
mod tests {
    use rustix::process::{dumpable_behavior, getrlimit};

    use super::*;

    #[test]
    fn the_protections_take_hold() {
        no_core_dumps().unwrap();
        assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
        not_traceable().unwrap();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
