//! How long did it take? By the clock on the wall, or by the processor's, which stands still while others have their turn.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

#[derive(Clone, Copy)]
pub(super) enum Clock {
    /// The time that passes on the wall clock.
    Wall,
    /// What this thread works: where it is the time that grows with a request, and not how busy the machine is, that is asked for.
    Processor,
}

impl Clock {
    /// The time since some moment; only what lies between two of these says something.
    pub(super) fn now(self) -> Duration {
        match self {
            Clock::Wall => wall(),
            Clock::Processor => processor(),
        }
    }
}

fn wall() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

#[cfg(unix)]
fn processor() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(now).unwrap_or_else(|_| wall())
}

/// The processor time of this process, which this platform does not tell.
#[cfg(not(unix))]
fn processor() -> Duration {
    wall()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_run_while_somebody_works() {
        for clock in [Clock::Wall, Clock::Processor] {
            let started = clock.now();
            let mut sum = 0_u64;
            while clock.now() == started {
                sum = std::hint::black_box(sum.wrapping_add(1));
            }
            assert!(clock.now() > started);
        }
    }
}
