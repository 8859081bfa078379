//! How much memory the private server caches pages in.

use std::fs;

/// What a server of any size gets, and the most that it takes of a large machine.
const LEAST_MB: u64 = 128;
const MOST_MB: u64 = 1_024;

/// The part of the machine's memory that it takes in between: one eighth.
const PART: u64 = 8;

/// The cache of a server on this machine, in MB.
pub(super) fn share_mb() -> u32 {
    let machine = fs::read_to_string("/proc/meminfo").ok();
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let machine = machine.and_then(|text| of_machine(&text));
    let container = container.and_then(|text| of_container(&text));
    share_of(machine.into_iter().chain(container).min())
}

fn share_of(memory_mb: Option<u64>) -> u32 {
    let share = memory_mb.unwrap_or_default() / PART;
    share.clamp(LEAST_MB, MOST_MB) as u32
}

/// The memory that `/proc/meminfo` tells, in MB.
fn of_machine(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes >> 10)
}

/// The limit of a container in MB, if it has one.
fn of_container(limit: &str) -> Option<u64> {
    let bytes: u64 = limit.trim().parse().ok()?;
    Some(bytes >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_takes_an_eighth_of_the_memory_within_bounds() {
        assert_eq!(
            of_machine("MemFree: 1 kB\nMemTotal:       24689212 kB\n"),
            Some(24_110)
        );
        assert_eq!(of_container("4294967296\n"), Some(4_096));
        assert_eq!(of_container("max\n"), None);
        assert_eq!(share_of(Some(24_110)), 1_024);
        assert_eq!(share_of(Some(4_096)), 512);
        assert_eq!(share_of(Some(500)), 128);
        assert_eq!(share_of(None), 128);
    }
}
