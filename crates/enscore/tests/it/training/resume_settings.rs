//! Which settings a resumed run may change: what its bits so far depend on is refused, everything else is
//! taken, written to settings.toml, and acted on.

use enscore::settings::{Settings, settings_reference};

use crate::common::runs::Folder;

/// The keys that a resumed run keeps.
fn is_fixed(key: &str) -> bool {
    let table = key.split('.').next().unwrap();
    ["model", "objective"].contains(&table)
        || ["train.seed", "train.batch"].contains(&key)
        || (table == "data" && !["data.name", "data.path"].contains(&key))
}

/// A change of each fixed key, with the family whose run has it. Of the data's keys that change its
/// fingerprint the data is named, else the key.
const FIXED: [(&str, &str); 75] = [
    ("ncsn-mlp", "train.seed=5"),
    ("ncsn-mlp", "train.batch=7"),
    ("ncsn-mlp", "data.validation=0.2"),
    ("ncsn-mlp", "data.test_fraction=0.2"),
    ("ncsn-unet", "data.dequantise=false"),
    ("rbm-tempered", "data.binarise=true"),
    ("rbm-tempered", "data.grey=bits"),
    ("ssm-mlp", "data.preprocess=whiten"),
    ("ssm-mlp", "data.drop_correlated=0.5"),
    ("ssm-mlp", "data.leave_out=['a']"),
    ("ssm-mlp", "data.label=a"),
    ("ncsn-mlp", "data.one_hot=['a']"),
    ("ssm-mlp", "data.missing=drop"),
    ("ssm-mlp", "data.header=first-row"),
    ("ssm-mlp", "data.shape=[2]"),
    ("ssm-mlp", "data.size=[4, 4]"),
    ("ssm-mlp", "data.colour=grey"),
    ("cd-data", "model.kind=mlp-energy"),
    ("ncsn-mlp", "model.hidden=[7]"),
    ("ncsn-mlp", "model.activation=tanh"),
    ("ncsn-mlp", "model.embedding=6"),
    ("sm-energy", "model.confinement=1.0"),
    ("ncsn-unet", "model.channels=6"),
    ("ncsn-unet", "model.multipliers=[2, 1]"),
    ("ncsn-unet", "model.blocks=2"),
    ("ncsn-unet", "model.groups=1"),
    ("ncsn-unet", "model.conv=direct"),
    ("cd-short-run", "model.levels=2"),
    ("ml-made", "model.conditionals=gaussian-mixture"),
    ("ml-made", "model.components=4"),
    ("ml-made-bits", "model.orderings=2"),
    ("elbo-vae", "model.latents=3"),
    ("elbo-bits", "model.likelihood=gaussian"),
    ("elbo-vae", "model.spread=each"),
    ("elbo-vae", "objective.beta=2.0"),
    ("elbo-vae", "objective.draws=3"),
    ("iwae-images", "model.width=5"),
    ("iwae-images", "objective.draws=2"),
    ("gan-points", "objective.saturating=true"),
    ("gan-points", "objective.critic_steps=1"),
    ("gan-points", "objective.critic_hidden=[4]"),
    ("gan-points", "objective.critic_rate=1.0"),
    ("gan-points", "objective.spectral=false"),
    ("wgan-images", "objective.penalty=1.0"),
    ("wgan-images", "objective.critic=mlp"),
    ("wgan-images", "objective.critic_channels=3"),
    ("wgan-images", "objective.critic_levels=1"),
    ("fit-mixture", "model.covariance=diagonal"),
    ("fit-kde", "model.bandwidth=silverman"),
    ("fit-kde", "model.kernel=isotropic"),
    ("ml-pixelcnn", "model.layers=1"),
    ("rbm-gaussian", "model.deviation=0.6"),
    ("dbm-pretrained", "model.mean_field_steps=5"),
    ("sm-dkef", "model.inducing=6"),
    ("sm-energy", "objective.kind=ssm"),
    ("ncsn-mlp", "objective.sigma_max=2"),
    ("ncsn-mlp", "objective.sigma_min=0.05"),
    ("ncsn-mlp", "objective.levels=4"),
    ("dsm-mlp", "objective.sigma=0.2"),
    ("sm-energy", "objective.tangents=1"),
    ("ssm-mlp", "objective.projections=1"),
    ("ssm-mlp", "objective.direction=sphere"),
    ("ssm-mlp", "objective.variance_reduction=false"),
    ("cd-persistent", "objective.steps=4"),
    ("cd-persistent", "objective.step_size=0.03"),
    ("cd-persistent", "objective.noise_std=0"),
    ("cd-persistent", "objective.buffer=16"),
    ("cd-persistent", "objective.restart=0.1"),
    ("cd-persistent", "objective.energy_l2=0"),
    ("cd-persistent", "objective.data_noise=0"),
    ("rbm-tempered", "objective.temperatures=2"),
    ("rbm-tempered", "objective.chains=6"),
    ("nce-energy", "objective.ratio=2"),
    ("fce-energy", "objective.threshold=0.7"),
    ("fce-energy", "objective.flow_rate=1"),
];

#[test]
fn a_resumed_run_can_not_change_what_its_bits_depend_on() {
    let folder = Folder::new();
    for (family, change) in FIXED {
        let run = format!("{family} {}", change.split('=').next().unwrap());
        let settings = folder.settings(family, &[]);
        let before = folder.stopped(&run, &settings, 2);
        let (state, text) = (before.state(2), std::fs::read(before.path().join("settings.toml")).unwrap());
        let error = folder.ask(&run, &folder.settings(family, &[change]), true, None).unwrap_err();
        let key = change.split('=').next().unwrap();
        let named = error.to_string();
        assert!(named.contains(key) || named.contains("other data"), "{change}: {named}");
        // Nothing is lost by the refusal.
        assert!(before.state(2) == state && before.checkpoints() == [2], "{change}");
        assert_eq!(std::fs::read(before.path().join("settings.toml")).unwrap(), text, "{change}");
        folder.resumed(&run, &settings);
    }
}

/// Keys outside the list above: new values are taken.
#[test]
fn a_resumed_run_may_change_the_rest_and_records_it() {
    let folder = Folder::new();
    for change in [
        "optimiser.learning_rate=0.5",
        "optimiser.kind=sgd",
        "optimiser.beta1=0.2",
        "optimiser.clip_norm=0.001",
        "optimiser.ema_decay=0",
        "train.steps=15",
        "train.log_every=1",
        "train.checkpoint_every=1",
        "train.validate_every=1",
        "sampler.count=9",
        "sampler.steps_per_level=1",
        "stability.rollbacks=7",
    ] {
        let (key, value) = change.split_once('=').unwrap();
        assert!(!is_fixed(key));
        let whole = folder.train(&format!("whole {key}"), &folder.settings("ncsn-mlp", &[]));
        folder.stopped(key, &folder.settings("ncsn-mlp", &[]), 5);
        let resumed = folder.resumed(key, &folder.settings("ncsn-mlp", &[change]));
        let recorded = Settings::load(&resumed.path().join("settings.toml"), &[]).unwrap();
        let recorded = recorded.resolved().iter().find(|(name, _)| name == key).unwrap();
        assert_eq!(recorded.1.trim_matches('"').parse::<f64>().ok(), value.parse().ok(), "{change}");
        assert!(value.parse::<f64>().is_ok() || recorded.1.contains(value), "{change}: {recorded:?}");
        let acts_on_weights = key.starts_with("optimiser.");
        let changed = resumed.tensors() != whole.tensors();
        assert!(
            changed == (acts_on_weights || key == "train.steps"),
            "{change} changes the state: {changed}"
        );
    }
}

/// What is listed as fixed is what the rule says, for every key that there is.
#[test]
fn every_fixed_key_has_its_refusal() {
    let named: Vec<&str> = FIXED.iter().map(|(_, change)| change.split('=').next().unwrap()).collect();
    assert!(named.iter().all(|key| is_fixed(key)));
    // Keys of one kind of model or objective stand for those of the other kinds: the rule goes by the table.
    for table in ["data", "train"] {
        for key in settings_reference().iter().map(|key| key.key.as_str()) {
            if key.starts_with(&format!("{table}.")) && is_fixed(key) {
                assert!(named.contains(&key), "no test refuses a change of {key}");
            }
        }
    }
}
