//! `enscore settings`: every key of a settings file, or those of one kind of model, objective or sampler.

use enscore::settings::{KeyReference, nearest, settings_reference};
use enscore::{Error, Result};
use serde_json::{Value, json};

use crate::args::Settings;
use crate::output::Answer;

/// The end of the list of all keys.
const END: &str = "\n# `enscore settings KIND`, e.g. `enscore settings mlp`, lists the keys of one kind, and\n\
     # `enscore settings train` those of one table.\n";

pub(crate) fn run(arguments: &Settings) -> Result<Answer> {
    let keys = grouped(settings_reference());
    let (head, keys) = match &arguments.kind {
        None => (
            "# Every key of a settings file with its default. Keys without a default are commented out.\n"
                .to_string(),
            keys,
        ),
        Some(table) if keys.iter().any(|key| table_of(key) == table) => {
            let head = format!("# The keys of [{table}] with their defaults.\n");
            (head, keys.into_iter().filter(|key| table_of(key) == table).collect())
        }
        Some(word) => {
            let kinds = kinds_called(&keys, word)?;
            let head = format!(
                "# The keys of {} with their defaults; `enscore settings` has those of the other tables.\n",
                kinds.join(" and ")
            );
            (head, keys_of(keys, &kinds))
        }
    };
    let kind = arguments.kind.as_deref().filter(|word| keys.iter().all(|key| table_of(key) != *word));
    let mut text = head + &page(&keys, kind);
    if arguments.kind.is_none() {
        text.push_str(END);
    }
    let object = |key: &KeyReference| {
        json!({
            "key": key.key, "type": key.kind, "default": key.default, "meaning": key.meaning,
            "only_with": key.applies,
        })
    };
    let list: Vec<Value> = keys.iter().map(object).collect();
    Ok(Answer::new(json!({ "settings": list }), text))
}

/// A key that several kinds have with other meanings stands in one place: where it stood first.
fn grouped(keys: Vec<KeyReference>) -> Vec<KeyReference> {
    let mut grouped: Vec<KeyReference> = Vec::new();
    for key in keys {
        match grouped.iter().rposition(|known| known.key == key.key) {
            Some(last) => grouped.insert(last + 1, key),
            None => grouped.push(key),
        }
    }
    grouped
}

/// The kinds with this word: `model.kind = "unet"`.
fn kinds_called(keys: &[KeyReference], word: &str) -> Result<Vec<String>> {
    let tables: Vec<(&str, Vec<&str>)> =
        keys.iter().filter_map(|key| Some((key.key.strip_suffix(".kind")?, words(&key.kind)))).collect();
    let with_word = tables.iter().filter(|(_, words)| words.contains(&word));
    let found: Vec<String> = with_word.map(|(table, _)| format!("{table}.kind = {word:?}")).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let error = Error::input("no such kind or table").at(word);
    let all = tables.iter().flat_map(|(_, words)| words.iter().copied()).chain(keys.iter().map(table_of));
    if let Some(near) = nearest(word, all) {
        return Err(error.remedy(format!("did you mean {near}?")));
    }
    let known = tables.iter().map(|(table, words)| format!("{table}: {}", words.join(", ")));
    Err(error.expected(known.collect::<Vec<_>>().join("; ")))
}

fn table_of(key: &KeyReference) -> &str {
    key.key.split('.').next().unwrap_or_default()
}

/// The words in quotes of a key's type.
fn words(kind: &str) -> Vec<&str> {
    kind.split('"').skip(1).step_by(2).collect()
}

/// The key `kind` of the tables of these kinds, and the keys that go with them.
fn keys_of(keys: Vec<KeyReference>, kinds: &[String]) -> Vec<KeyReference> {
    let is_theirs = |key: &KeyReference| {
        kinds.iter().any(|kind| {
            let table = kind.split('.').next().unwrap_or_default();
            // What follows "with" is a condition on another table.
            let chosen = |at: usize| at == 0 || key.applies[..at].ends_with(" or ");
            let mut places = key.applies.match_indices(kind.as_str());
            let (of, name) = key.key.split_once('.').unwrap_or_default();
            of == table && (name == "kind" || places.any(|(at, _)| chosen(at)))
        })
    };
    keys.into_iter().filter(is_theirs).collect()
}

/// The keys as a settings file, table by table; `word` is the kind that was asked for.
fn page(keys: &[KeyReference], word: Option<&str>) -> String {
    let mut text = String::new();
    let mut current = "";
    let mut named = std::collections::BTreeSet::new();
    for key in keys {
        let (table, name) = key.key.split_once('.').unwrap_or(("", &key.key));
        if table != current {
            text.push_str(&format!("\n[{table}]\n"));
            current = table;
        }
        if let Some(word) = word.filter(|_| name == "kind") {
            text.push_str(&format!("kind = {word:?}\n"));
            continue;
        }
        let goes_with =
            if key.applies.is_empty() { String::new() } else { format!(" Only with {}.", key.applies) };
        text.push_str(&format!("# {} {}.{goes_with}\n", key.meaning, capitalised(&key.kind)));
        // A key that kinds have with other meanings stands once.
        let again = !named.insert(&key.key);
        match (key.default.is_empty(), again) {
            (true, _) => text.push_str(&format!("# {name} =\n")),
            (false, true) => text.push_str(&format!("# {name} = {}\n", key.default)),
            (false, false) => text.push_str(&format!("{name} = {}\n", key.default)),
        }
    }
    text
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
