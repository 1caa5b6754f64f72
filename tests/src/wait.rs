//! Waiting for what other processes do, with an end.

use std::time::{Duration, Instant};

/// How long the harness looks away between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// Looks until there is something to see.
///
/// # Panics
/// After `within`, naming `what` was waited for.
pub fn until<T>(what: &str, within: Duration, look: impl FnMut() -> Option<T>) -> T {
    maybe(within, look).unwrap_or_else(|| panic!("{what}: not within {} s", within.as_secs()))
}

/// Looks until there is something to see, or `within` has passed.
pub fn maybe<T>(within: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + within;
    loop {
        if let Some(seen) = look() {
            return Some(seen);
        }
        if Instant::now() > end {
            return None;
        }
        std::thread::sleep(LOOK);
    }
}
