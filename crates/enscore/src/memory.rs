//! How much memory the machine has to give, and the refusal of what needs more: said before it is taken,
//! since a program that asks for more than there is ends without a word.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Bytes of a gibibyte.
pub const GIB: f64 = (1u64 << 30) as f64;
/// The share of what is free that is taken unasked: the system and its cache need some, too.
const SHARE: f64 = 0.75;
/// What limits one process.
const PROCESS: &str = "the limit of the address space (ulimit -v) leaves";
/// What is assumed where the system doesn't say.
const UNKNOWN: f64 = 4.0 * GIB;

/// A limit of memory, in bytes, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryLimit {
    /// The limit.
    pub bytes: f64,
    /// What sets it, in words.
    pub origin: String,
    /// Whether the user set it.
    pub set: bool,
}

impl MemoryLimit {
    /// A limit that the user set in GiB, or what the limits of the process leave where that is less. 0 stands
    /// for three quarters of what is free now: the least of the system's available memory, of what the
    /// control groups leave, and of what the limits of the process's address space and data leave.
    pub fn of_gib(gib: f64) -> MemoryLimit {
        if gib > 0.0 {
            let origin = "train.memory_limit_gib".to_string();
            let asked = MemoryLimit { bytes: gib * GIB, origin, set: true };
            // Beyond the limits of the process an allocation fails, whatever is allowed.
            return match MemoryLimit::address_space() {
                Some(space) if space.bytes < asked.bytes => space,
                _ => asked,
            };
        }
        let (bytes, origin) = match free() {
            Some((bytes, origin)) => (SHARE * bytes, format!("three quarters of what {origin}")),
            None => (UNKNOWN, "the system doesn't say what is free".to_string()),
        };
        MemoryLimit { bytes, origin, set: false }
    }

    /// What is free now.
    pub fn free() -> MemoryLimit {
        MemoryLimit::of_gib(0.0)
    }

    /// The lesser of a limit that a run was trained with and of what is free here and now.
    pub fn of_run(gib: f64) -> MemoryLimit {
        let [set, free] = [MemoryLimit::of_gib(gib), MemoryLimit::free()];
        if free.bytes < set.bytes { free } else { set }
    }

    /// What the limits of the process's address space leave, where there are any: threads take of it what
    /// they never touch.
    pub fn address_space() -> Option<MemoryLimit> {
        let bytes = SHARE * free_of_process()?;
        Some(MemoryLimit { bytes, origin: format!("three quarters of what {PROCESS}"), set: false })
    }

    /// Refuses `what` ("the samples need"), asked for at `place`, where it needs more bytes than the limit.
    ///
    /// # Errors
    /// [`Error::input`] with both figures.
    pub fn refuse_beyond(&self, what: &str, place: &str, needed: f64) -> Result<()> {
        if needed <= self.bytes {
            return Ok(());
        }
        let than = if self.set { "allowed" } else { "there is" };
        Err(Error::input(format!("{what} more memory than {than}"))
            .at(place)
            .found(format!("{} needed", in_words(needed)))
            .expected(format!("at most {} ({})", in_words(self.bytes), self.origin)))
    }
}

/// Bytes as GiB, with six digits that count, as far as they do.
fn in_words(bytes: f64) -> String {
    let gib = bytes / GIB;
    let digits = if gib > 0.0 { (5.0 - gib.log10().floor()).clamp(0.0, 9.0) as usize } else { 0 };
    let text = format!("{gib:.digits$}");
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{short} GiB")
}

/// Bytes that can be allocated without swapping or hitting a limit. None where the system doesn't say.
pub fn free_memory() -> Option<u64> {
    free().map(|(bytes, _)| bytes as u64)
}

/// The bytes that are free, and what limits them.
fn free() -> Option<(f64, &'static str)> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok();
    let available = meminfo.as_deref().and_then(|text| kib_of(text, "MemAvailable:"));
    let machine = available.map(|bytes| (bytes, "the machine has free"));
    let group = free_in_groups().map(|bytes| (bytes, "the control group leaves"));
    let process = free_of_process().map(|bytes| (bytes, PROCESS));
    [machine, group, process].into_iter().flatten().min_by(|a, b| a.0.total_cmp(&b.0))
}

/// The bytes of a line like `MemAvailable:  123 kB`.
fn kib_of(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| 1024.0 * kib)
}

/// What the limits of address space and data (`ulimit -v`, `ulimit -d`) leave of what is in use.
fn free_of_process() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let left = |limit: &str, used: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(limit))?;
        let soft: f64 = line.split_whitespace().next()?.parse().ok()?;
        Some((soft - kib_of(&status, used)?).max(0.0))
    };
    let space = left("Max address space", "VmSize:");
    let data = left("Max data size", "VmData:");
    space.into_iter().chain(data).min_by(f64::total_cmp)
}

/// The least that the process's control groups, of either version, leave.
fn free_in_groups() -> Option<f64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mut least: Option<f64> = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next(), parts.next()?, parts.next()?);
        let (root, limit, used) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max", "memory.current"),
            _ if controllers.split(',').any(|controller| controller == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes")
            }
            _ => continue,
        };
        // Inside a container the path may be that of the host: the group is then the root that is mounted.
        let own = PathBuf::from(root).join(path.trim_start_matches('/'));
        for folder in own.ancestors().take_while(|folder| folder.starts_with(root)) {
            if let Some(left) = left_in(folder, limit, used) {
                least = Some(least.map_or(left, |least| least.min(left)));
            }
        }
    }
    least
}

/// What a group leaves of its limit; pages of files that are cached count as free.
fn left_in(folder: &Path, limit: &str, used: &str) -> Option<f64> {
    let number = |name: &str| fs::read_to_string(folder.join(name)).ok()?.trim().parse::<f64>().ok();
    let cached = fs::read_to_string(folder.join("memory.stat")).ok().and_then(|text| {
        let line = text.lines().find_map(|line| {
            line.strip_prefix("inactive_file ").or_else(|| line.strip_prefix("total_inactive_file "))
        })?;
        line.trim().parse::<f64>().ok()
    });
    Some((number(limit)? - number(used)? + cached.unwrap_or(0.0)).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_says_what_is_free() {
        let limit = MemoryLimit::free();
        assert!(limit.bytes > 0.0 && !limit.origin.is_empty(), "{limit:?}");
        assert_eq!(MemoryLimit::of_gib(2.0).bytes, 2.0 * GIB);
        assert_eq!(MemoryLimit::of_run(1e-6).origin, "train.memory_limit_gib");
        assert_ne!(MemoryLimit::of_run(1e9).origin, "train.memory_limit_gib");
        assert_eq!(kib_of("A: 3 kB\nMemAvailable:   7 kB\n", "MemAvailable:"), Some(7.0 * 1024.0));
    }

    #[test]
    fn what_needs_more_is_refused_with_both_figures() {
        let limit = MemoryLimit { bytes: 0.75 * GIB, origin: "a test".to_string(), set: false };
        assert!(limit.refuse_beyond("they need", "--num 3", 3072.0).is_ok());
        assert_eq!(
            limit.refuse_beyond("they need", "--num 3", 12.34567 * GIB).unwrap_err().to_string(),
            "they need more memory than there is: --num 3: found 12.3457 GiB needed, expected at most 0.75 GiB (a test)"
        );
        let words = [0.001 * GIB, 4e12 * GIB, 0.0, 3.0 * GIB].map(in_words);
        assert_eq!(words, ["0.001 GiB", "4000000000000 GiB", "0 GiB", "3 GiB"]);
    }
}
