//! A network of the caller's own with its weights: made by a training in memory, kept as one safetensors
//! file, opened again.

use std::path::Path;

use enscore_program::Parameter;

use super::TrainedModel;
use crate::checkpoint::{DataRecord, TensorData, Tensors};
use crate::error::Result;
use crate::executor::{Weights, default_executor};
use crate::mcmc::StartNoise;
use crate::model::{Network, NoiseLevels, parameters_of};

/// What a file says of the data besides the weights: the least and the greatest value, moments of each
/// element.
const RANGE: &str = "data.range";
const MEAN: &str = "data.mean";
const DEVIATION: &str = "data.deviation";

impl TrainedModel {
    /// `network` with these values of its parameters, by name, as trained on `data`. Its log density has
    /// temperature 1; a score network is used at the one noise level 1.
    ///
    /// # Errors
    /// A parameter without values, or with another number of them.
    pub fn of_network(network: Network, data: DataRecord, tensors: &Tensors) -> Result<TrainedModel> {
        let parameters = parameters_of(&network)?;
        let shapes: Vec<(String, Vec<usize>)> =
            parameters.iter().map(|parameter| (parameter.name.clone(), parameter.shape.clone())).collect();
        tensors.expect_shapes_beside(&shapes, &["data."])?;
        let weight = |parameter: &Parameter| Ok(tensors.f32(&parameter.name)?.to_vec());
        let values = parameters.iter().map(weight).collect::<Result<Vec<Vec<f32>>>>()?;
        let executor = default_executor();
        Ok(TrainedModel {
            weights: Weights::upload(&*executor, &parameters, &values)?,
            model: network,
            levels: NoiseLevels::single(1.0)?,
            data,
            executor,
            temperature: 1.0,
            start_noise: StartNoise::Uniform,
        })
    }

    /// Writes the weights, and what chains need to know of the data, to one safetensors file.
    ///
    /// # Errors
    /// A path that can't be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut tensors = Tensors::new();
        for (parameter, values) in self.parameters().iter().zip(self.weights.read()?) {
            tensors.insert(&parameter.name, &parameter.shape, TensorData::F32(values))?;
        }
        let DataRecord { range, mean, deviation, .. } = &self.data;
        for (name, values) in [(RANGE, &range[..]), (MEAN, mean), (DEVIATION, deviation)] {
            tensors.insert(name, &[values.len()], TensorData::F64(values.to_vec()))?;
        }
        tensors.write(path)
    }

    /// Opens what [`TrainedModel::save`] wrote, for the network that it was written from.
    ///
    /// # Errors
    /// A file that can't be read; tensors of another network, each named.
    pub fn open(network: Network, path: &Path) -> Result<TrainedModel> {
        let tensors = Tensors::read(path)?;
        let range = tensors.f64(RANGE)?;
        let data = DataRecord {
            name: path.display().to_string(),
            fingerprint: String::new(),
            scale: serde_json::to_value(crate::data::Scale::NONE).unwrap_or_default(),
            row_shape: network.row_shape().to_vec(),
            variance: 0.0,
            range: [range.first().copied().unwrap_or(0.0), range.last().copied().unwrap_or(1.0)],
            mean: tensors.f64(MEAN)?.to_vec(),
            deviation: tensors.f64(DEVIATION)?.to_vec(),
            count: None,
            whitening: None,
            table: None,
        };
        TrainedModel::of_network(network, data, &tensors)
    }
}
