//! The time that this thread was at work. What is asked is how much one core can do, and who else wants the cores of this machine
//! meanwhile is another question. (Tried: the clock on the wall. With four other programs running, the same Room took
//! three times as long.)

use std::time::Duration;

/// Since the thread began; time that others had the core is not in it.
pub(crate) fn worked() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock is one that every thread has, and what it says is written to a place of ours.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert!(failed == 0, "a thread has a clock");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
