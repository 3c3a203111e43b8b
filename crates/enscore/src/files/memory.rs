//! How much memory this process can still take.

use std::fs::read_to_string;

/// Bytes that can be allocated without swapping or hitting a limit: the least of what the system has free,
/// what the control groups of the process leave, and what its address space may still grow by. None where
/// the system doesn't say.
pub fn free_memory() -> Option<u64> {
    [available(), in_control_group(), in_address_space()].into_iter().flatten().min()
}

/// MemAvailable of /proc/meminfo.
fn available() -> Option<u64> {
    kibibytes(&read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

fn kibibytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// What the limit of the process's control group leaves, of either version.
fn in_control_group() -> Option<u64> {
    let number = |path: &str| read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let left = |limit: &str, used: &str| Some(number(limit)?.saturating_sub(number(used)?));
    left("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current").or_else(|| {
        left("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes")
    })
}

/// What `ulimit -v` leaves.
fn in_address_space() -> Option<u64> {
    let limits = read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit = line.split_whitespace().next()?.parse::<u64>().ok()?;
    let used = kibibytes(&read_to_string("/proc/self/status").ok()?, "VmSize:")?;
    Some(limit.saturating_sub(used))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_in_kibibytes() {
        let text = "MemTotal:       100 kB\nMemAvailable:    2048 kB\n";
        assert_eq!(kibibytes(text, "MemAvailable:"), Some(2 << 20));
        assert_eq!(kibibytes(text, "MemFree:"), None);
        assert_eq!(kibibytes("MemAvailable: many kB", "MemAvailable:"), None);
    }

    #[test]
    fn some_memory_is_free() {
        assert!(free_memory().is_none_or(|bytes| bytes > 1 << 20));
    }
}
