//! Which keys there are: the reference for the docs, and the refusal of keys that aren't in it.

use super::synonyms::meant_by;
use super::tables::Settings;
use crate::keys::{Entry, KeyReference, Raw, Reader, Value, nearest};
use crate::{Error, Result};

/// Settings from which every table can be read.
const LEAST: &str = "data.name = 'digits'";

/// Every key there is, in the order of the resolved settings.
///
/// ```
/// let keys = enscore::settings::settings_reference();
/// let steps = keys.iter().find(|key| key.key == "train.steps").map(|key| key.default.as_str());
/// assert_eq!(steps, Some("1000"));
/// ```
pub fn settings_reference() -> Vec<KeyReference> {
    let mut keys: Vec<KeyReference> = Vec::new();
    let Ok(raw) = Raw::parse(LEAST, "", |_| None) else { return keys };
    let mut reader = Reader::new(&raw);
    // Reading defaults can't fail (a test reads them); if it did, the keys read so far stand.
    let _ = Settings::read_all(&mut reader);
    for key in reader.references() {
        merge(&mut keys, key);
    }
    keys
}

/// Adds `key` at the end of its table; one that is known already, with this meaning, goes with the kinds of
/// both.
fn merge(keys: &mut Vec<KeyReference>, key: &KeyReference) {
    let same = |known: &&mut KeyReference| known.key == key.key && known.meaning == key.meaning;
    if let Some(known) = keys.iter_mut().find(same) {
        if !known.applies.is_empty() {
            known.applies = joined([conditions(&known.applies), vec![&key.applies]].concat());
        }
        return;
    }
    let end = keys.iter().rposition(|known| table_of(known) == table_of(key));
    keys.insert(end.map_or(keys.len(), |end| end + 1), key.clone());
}

fn table_of(key: &KeyReference) -> &str {
    key.key.split_once('.').map_or("", |(table, _)| table)
}

/// Refuses the first key that no kind of settings has.
pub(super) fn refuse_unknown(raw: &Raw) -> Result<()> {
    let known = settings_reference();
    let is_known = |entry: &&Entry| {
        let path = format!("{}.{}", entry.table, entry.key);
        known.iter().any(|key| key.key == path)
    };
    let Some(entry) = raw.entries.iter().find(|entry| !is_known(entry)) else { return Ok(()) };
    let error = Error::input(format!("unknown key {}.{}", entry.table, entry.key)).at(&entry.place);
    Err(match nearest_key(&entry.table, &entry.key) {
        Some(near) => error.remedy(format!("did you mean {near}?")),
        None => {
            let names = known.iter().filter(|key| table_of(key) == entry.table);
            let mut names: Vec<_> = names.filter_map(|key| key.key.split('.').nth(1)).collect();
            let all = names.clone();
            let mut at = 0;
            names.retain(|name| {
                at += 1;
                !all[..at - 1].contains(name)
            });
            error.expected(format!("one of {}", names.join(", ")))
        }
    })
}

/// Refuses the first key that goes with another kind of model or objective than the chosen one.
pub(super) fn refuse_of_other_kinds(raw: &Raw, reader: &Reader) -> Result<()> {
    for entry in &raw.entries {
        let path = format!("{}.{}", entry.table, entry.key);
        if reader.references().any(|key| key.key == path) {
            continue;
        }
        let applies = joined(kinds_of(&path).iter().map(String::as_str).collect());
        return Err(Error::input(format!("{path} is only for {applies}"))
            .at(&entry.place)
            .remedy("remove it, or choose a kind that has it"));
    }
    Ok(())
}

/// The kinds that have a key, each once.
fn kinds_of(path: &str) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for key in settings_reference().into_iter().filter(|key| key.key == path) {
        kinds.extend(conditions(&key.applies).into_iter().map(str::to_string));
    }
    kinds
}

/// The conditions that `applies` lists, such as `objective.kind = "cd" with model.kind = "rbm" or "dbm"`.
fn conditions(applies: &str) -> Vec<&str> {
    let mut conditions = Vec::new();
    let mut begin = 0;
    for (at, gap) in applies.match_indices(" or ") {
        let next = at + gap.len();
        // What begins with a quote is another word of the same condition.
        if !applies[next..].starts_with('"') {
            conditions.push(&applies[begin..at]);
            begin = next;
        }
    }
    conditions.push(&applies[begin..]);
    conditions
}

/// The conditions as one text, each once; one that holds with more only says nothing beside the same alone.
fn joined(conditions: Vec<&str>) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for condition in &conditions {
        let alone = condition.split(" with ").next().unwrap_or_default();
        let is_said = *condition != alone && conditions.contains(&alone);
        if !is_said && !kept.contains(condition) {
            kept.push(condition);
        }
    }
    kept.join(" or ")
}

/// Where a `--set` argument gives a table another kind than the file, leaves out the file's keys that the new
/// kind has not; returns a line for each table that lost some.
pub(super) fn replace_kinds(raw: &mut Raw, sets: &[String]) -> Vec<String> {
    let mut notes = Vec::new();
    for set in sets {
        let Some((path, word)) = set.split_once('=') else { continue };
        let Some((table, "kind")) = path.trim().split_once('.') else { continue };
        let word = word.trim().trim_matches(['"', '\'']);
        let before = raw.get(table, "kind").map(|entry| entry.value.clone());
        if matches!(&before, Some(Value::Text(before)) if before == word) {
            continue;
        }
        let wanted = format!("{table}.kind = {word:?}");
        let stays = |entry: &Entry| {
            let kinds = kinds_of(&format!("{table}.{}", entry.key));
            entry.table != table
                || kinds.is_empty()
                || kinds.iter().any(|kind| kind.is_empty() || kind.starts_with(&wanted))
        };
        let (kept, left): (Vec<Entry>, Vec<Entry>) = raw.entries.drain(..).partition(stays);
        raw.entries = kept;
        if !left.is_empty() {
            let keys: Vec<String> = left.iter().map(|entry| format!("{table}.{}", entry.key)).collect();
            notes.push(format!("{wanted} has no {}: left out of {}", keys.join(", "), raw.name));
        }
    }
    notes
}

/// Where a `--set` argument changes the kind of a table, removes the keys of the table that go with some
/// kinds only: they were typed for the kind before.
pub(super) fn drop_other_kinds(raw: &mut Raw, sets: &[String]) {
    let always: Vec<String> =
        settings_reference().into_iter().filter(|key| key.applies.is_empty()).map(|key| key.key).collect();
    for set in sets {
        let Some((table, "kind")) = set.split_once('=').and_then(|(path, _)| path.trim().split_once('.'))
        else {
            continue;
        };
        raw.entries.retain(|entry| {
            entry.table != table || always.contains(&format!("{}.{}", entry.table, entry.key))
        });
    }
}

/// The known key, of any table, that a word outside the tables probably means.
pub(super) fn nearest_of_all(word: &str) -> Option<String> {
    nearest_key("", word)
}

/// The known key that `key`, typed in `table`, probably means: in that table, else in any.
fn nearest_key(table: &str, key: &str) -> Option<String> {
    let known = settings_reference();
    let split = |key: &KeyReference| key.key.split_once('.').map(|(t, k)| (t.to_string(), k.to_string()));
    let pairs: Vec<_> = known.iter().filter_map(split).collect();
    let here = nearest(key, pairs.iter().filter(|(t, _)| t == table).map(|(_, k)| k.as_str()));
    if here.is_none()
        && let Some(meant) = meant_by(key)
    {
        return Some(meant.to_string());
    }
    let anywhere = || nearest(key, pairs.iter().map(|(_, k)| k.as_str()));
    let name = here.or_else(anywhere)?.to_string();
    // A key of the table typed in, else one that always applies, else the first.
    let named = known.iter().filter(|key| split(key).is_some_and(|(_, k)| k == name));
    named.min_by_key(|key| (table_of(key) != table, !key.applies.is_empty())).map(|key| key.key.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::TABLES;

    #[test]
    fn the_reference_reads_every_kind() {
        let raw = Raw::parse(LEAST, "", |_| None).unwrap();
        Settings::read_all(&mut Reader::new(&raw)).unwrap();
        let keys = settings_reference();
        let find = |name: &str| keys.iter().find(|key| key.key == name).map(|key| key.applies.as_str());
        assert_eq!(find("model.groups"), Some("model.kind = \"unet\""));
        assert_eq!(find("model.channels"), Some("model.kind = \"unet\" or model.kind = \"residual-energy\""));
        assert_eq!(
            find("model.hidden"),
            Some(
                "model.kind = \"mlp\" or model.kind = \"mlp-energy\" or model.kind = \"made\" or model.kind = \
                 \"mlp-generator\""
            )
        );
        assert_eq!(find("model.embedding"), Some("model.kind = \"unet\" or model.kind = \"mlp\""));
        assert_eq!(find("data.path"), Some(""));
        assert_eq!(find("objective.start"), Some("objective.kind = \"cd\""));
        let machines = "objective.kind = \"cd\" with model.kind = \"rbm\" or \"dbm\"";
        assert_eq!(find("objective.centring"), Some(machines));
        assert!(keys.iter().all(|key| !key.meaning.is_empty() && !key.kind.is_empty()));
        let mut tables: Vec<_> = keys.iter().map(table_of).collect();
        tables.dedup();
        assert_eq!(tables, TABLES);
    }
}
