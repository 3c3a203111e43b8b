//! Where and when a report was made: version, machine, date, command, and the files beside it.

use std::path::Path;
use std::thread::available_parallelism;
use std::time::{SystemTime, UNIX_EPOCH};

use super::contents::Fact;
use crate::checkpoint::RunFolder;

/// Files of a run's folder that a reader may want.
const FILES: [&str; 11] = [
    "settings.toml",
    "manifest.json",
    "metrics.jsonl",
    "scores.csv",
    "log_z.json",
    "divergence.json",
    "samples.png",
    "nearest.png",
    "trajectory.png",
    "filters.png",
    "checkpoints/latest",
];

/// Version, machine, date and command.
pub(super) fn environment(folder: &RunFolder, command: Option<&str>) -> Vec<Fact> {
    let manifest = folder.manifest();
    let cores = available_parallelism().map_or("unknown".to_string(), |cores| cores.to_string());
    let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let mut facts = vec![
        Fact::new("enscore", &manifest.enscore),
        Fact::new("instructions", &manifest.instructions),
        Fact::new("machine", format!("{system}, {cores} cores")),
        Fact::new("seed", manifest.seed),
        Fact::new("report written", utc(now)),
    ];
    facts.extend(command.map(|command| Fact::new("by the command", command)));
    facts
}

/// The files that are there.
pub(super) fn files_beside(folder: &Path) -> Vec<String> {
    let there = |name: &&&str| folder.join(name).exists();
    FILES.iter().filter(there).map(|name| name.to_string()).collect()
}

/// Seconds since 1970 as a date and time of day in UTC, by the proleptic Gregorian calendar: years of 365
/// days, a day more in every fourth but for three centuries of four (Hinnant 2021, "chrono-compatible
/// low-level date algorithms").
fn utc(seconds: u64) -> String {
    // Days are counted from 1 March 0000, so that leap days end their years.
    let days = seconds / 86_400 + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let minutes = seconds % 86_400 / 60;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let cases = [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (951_868_800, "2000-03-01 00:00 UTC"),
            (1_735_689_599, "2024-12-31 23:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ];
        for (seconds, text) in cases {
            assert_eq!(utc(seconds), text);
        }
    }
}
