//! How much memory does this process hold?

/// Kilobytes that are resident; nothing where Linux does not tell.
pub(super) fn resident() -> Option<u64> {
    // Of all that /proc tells of memory the one that needs no size of a page.
    read(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn read(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// What may be added to a tenth: the allocator's pools of several threads, and the answers that the host remembers for a minute.
const SLACK: u64 = 32 * 1024;

/// Is what is held in the end as good as what was held early?
pub(super) fn is_flat(early: u64, late: u64) -> bool {
    late <= early + early / 10 + SLACK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_tells_is_read() {
        // the text, kilobytes
        let table = [
            ("Name:\tx\nVmRSS:\t   12345 kB\nVmData:\t1 kB\n", Some(12_345)),
            ("VmData:\t1 kB\n", None),
            ("VmRSS:\t12345\n", None),
        ];
        for (status, expected) in table {
            assert_eq!(read(status), expected, "{status}");
        }
    }

    #[test]
    fn flat_is_a_tenth_and_some() {
        // early and late, in kilobytes, and whether that is flat
        let table = [(100, 100, true), (100_000, 90_000, true), (100_000, 142_768, true), (100_000, 142_769, false)];
        for (early, late, expected) in table {
            assert_eq!(is_flat(early, late), expected, "{early}, {late}");
        }
    }
}
