//! A small training of every family: models, objectives and chains that meet in it. Batches don't divide the
//! rows, so that the last rows of an epoch and of every evaluation fill no batch.

pub mod data;

use data::Data;

/// A family by its name: the data that it learns from, and the settings of a training.
pub struct Family {
    pub name: &'static str,
    pub data: Data,
    pub text: &'static str,
}

/// The family of this name.
pub fn family(name: &str) -> &'static Family {
    FAMILIES.iter().find(|family| family.name == name).unwrap_or_else(|| panic!("no family {name}"))
}

pub const FAMILIES: [Family; 32] = [
    Family { name: "ncsn-mlp", data: Data::Points, text: include_str!("ncsn-mlp.toml") },
    Family { name: "ncsn-unet", data: Data::Digits, text: include_str!("ncsn-unet.toml") },
    Family { name: "dsm-mlp", data: Data::Points, text: include_str!("dsm-mlp.toml") },
    Family { name: "sm-energy", data: Data::Points, text: include_str!("sm-energy.toml") },
    Family { name: "sm-dkef", data: Data::Points, text: include_str!("sm-dkef.toml") },
    Family { name: "sm-student-t", data: Data::Points, text: include_str!("sm-student-t.toml") },
    Family { name: "ssm-mlp", data: Data::Points, text: include_str!("ssm-mlp.toml") },
    Family { name: "cd-persistent", data: Data::Points, text: include_str!("cd-persistent.toml") },
    Family { name: "cd-data", data: Data::Points, text: include_str!("cd-data.toml") },
    Family { name: "cd-short-run", data: Data::Digits, text: include_str!("cd-short-run.toml") },
    Family { name: "ssm-residual", data: Data::Digits, text: include_str!("ssm-residual.toml") },
    Family { name: "nce-energy", data: Data::Points, text: include_str!("nce-energy.toml") },
    Family { name: "ed-energy", data: Data::Points, text: include_str!("ed-energy.toml") },
    Family { name: "fce-energy", data: Data::Points, text: include_str!("fce-energy.toml") },
    Family { name: "ml-flow", data: Data::Points, text: include_str!("ml-flow.toml") },
    Family { name: "ml-image-flow", data: Data::Digits, text: include_str!("ml-image-flow.toml") },
    Family { name: "ml-made", data: Data::Points, text: include_str!("ml-made.toml") },
    Family { name: "ml-made-bits", data: Data::Bits, text: include_str!("ml-made-bits.toml") },
    Family { name: "elbo-vae", data: Data::Points, text: include_str!("elbo-vae.toml") },
    Family { name: "elbo-bits", data: Data::Bits, text: include_str!("elbo-bits.toml") },
    Family { name: "iwae-images", data: Data::Digits, text: include_str!("iwae-images.toml") },
    Family { name: "gan-points", data: Data::Points, text: include_str!("gan-points.toml") },
    Family { name: "wgan-images", data: Data::Digits, text: include_str!("wgan-images.toml") },
    Family { name: "gan-images", data: Data::Digits, text: include_str!("gan-images.toml") },
    Family { name: "wgan-points", data: Data::Points, text: include_str!("wgan-points.toml") },
    Family { name: "fit-mixture", data: Data::Points, text: include_str!("fit-mixture.toml") },
    Family { name: "fit-kde", data: Data::Points, text: include_str!("fit-kde.toml") },
    Family { name: "fit-bits", data: Data::Bits, text: include_str!("fit-bits.toml") },
    Family { name: "ml-pixelcnn", data: Data::Digits, text: include_str!("ml-pixelcnn.toml") },
    Family { name: "rbm-tempered", data: Data::Bits, text: include_str!("rbm-tempered.toml") },
    Family { name: "rbm-gaussian", data: Data::Points, text: include_str!("rbm-gaussian.toml") },
    Family { name: "dbm-pretrained", data: Data::Bits, text: include_str!("dbm-pretrained.toml") },
];
