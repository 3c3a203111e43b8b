//! `enscore settings`: every key of a settings file.

use enscore::settings::settings_reference;
use serde_json::{Value, json};

use crate::output::Answer;

pub(crate) fn run() -> Answer {
    let keys = settings_reference();
    let mut text =
        "# Every key of a settings file with its default. Keys without a default are commented out.\n"
            .to_string();
    let mut current = "";
    let mut named = std::collections::BTreeSet::new();
    for key in &keys {
        let (table, name) = key.key.split_once('.').unwrap_or(("", &key.key));
        if table != current {
            text.push_str(&format!("\n[{table}]\n"));
            current = table;
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
    let object = |key: &enscore::settings::KeyReference| {
        json!({
            "key": key.key, "type": key.kind, "default": key.default, "meaning": key.meaning,
            "only_with": key.applies,
        })
    };
    let list: Vec<Value> = keys.iter().map(object).collect();
    Answer::new(json!({ "settings": list }), text)
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
