//! One file per command: from its arguments to its answer.

pub(crate) mod compare;
pub(crate) mod data;
pub(crate) mod demo;
pub(crate) mod denoise;
pub(crate) mod evaluate;
pub(crate) mod export;
pub(crate) mod inpaint;
pub(crate) mod lecture;
pub(crate) mod logz;
pub(crate) mod profile;
pub(crate) mod sample;
pub(crate) mod score;
pub(crate) mod settings;
pub(crate) mod suggest;
pub(crate) mod train;
