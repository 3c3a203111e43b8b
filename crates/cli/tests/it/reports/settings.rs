//! The keys of one kind, and where keys of several kinds stand.

use serde_json::Value;

use crate::common::Folder;

fn keys(answer: &Value) -> Vec<String> {
    answer["settings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["key"].as_str().unwrap().to_string())
        .collect()
}

#[test]
fn a_kind_has_its_own_keys() {
    let folder = Folder::new();
    let found = keys(&folder.succeed("settings mlp-energy --json").json());
    assert!(
        found.contains(&"model.hidden".into()) && found.contains(&"model.confinement".into()),
        "{found:?}"
    );
    assert!(found.iter().all(|key| key.starts_with("model.")) && !found.contains(&"model.groups".into()));
    let text = folder.succeed("settings mlp-energy").stdout;
    assert!(text.contains("\n[model]\nkind = \"mlp-energy\"\n") && text.contains("\nhidden = "), "{text}");
    // A machine is a condition of the objective's keys, which are not its own.
    let machine = keys(&folder.succeed("settings rbm --json").json());
    assert!(machine.iter().all(|key| key.starts_with("model.")), "{machine:?}");
    let objective = keys(&folder.succeed("settings cd --json").json());
    assert!(objective.contains(&"objective.step_size".into()), "{objective:?}");
    assert!(objective.contains(&"objective.centring".into()), "{objective:?}");
    // The page of a kind is a settings file's part: it reads back where data are named.
    folder.write("langevin.toml", folder.succeed("settings langevin").stdout.as_bytes());
    assert!(folder.text("langevin.toml").contains("[sampler]\nkind = \"langevin\""));
}

#[test]
fn an_unknown_kind_is_refused_with_the_kinds_there_are() {
    let folder = Folder::new();
    let refused = folder.run("settings nosuchkind");
    assert_eq!(refused.code, Some(2));
    for part in
        ["no such kind or table: nosuchkind", "model: unet, mlp,", "objective: ncsn,", "sampler: annealed,"]
    {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
}

#[test]
fn keys_of_several_kinds_stand_together() {
    let folder = Folder::new();
    let found = keys(&folder.succeed("settings --json").json());
    for (at, key) in found.iter().enumerate() {
        let last = found.iter().rposition(|other| other == key).unwrap();
        assert!(found[at..=last].iter().all(|other| other == key), "{key} stands apart");
    }
    assert!(folder.succeed("compare --help").stdout.contains("run it again after an"));
}
