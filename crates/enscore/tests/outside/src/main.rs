//! A project of its own: its model, its objective, its array; trained, kept, opened again, sampled and
//! scored.
use enscore::prelude::*;
struct TwoLayers;
impl LogDensity for TwoLayers {
    fn log_density<'s>(&self, p: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let w1 = p.get("w1", &[2, 16], Initial::Normal(0.5));
        let w2 = p.get("w2", &[16, 1], Initial::Normal(0.5));
        sum_rows(x.matmul(w1).tanh().matmul(w2)) - 0.5 * sum_rows(x * x)
    }
    fn row_shape(&self) -> &[usize] {
        &[2]
    }
}
struct OwnScoreMatching;
impl Objective for OwnScoreMatching {
    fn estimate<'s>(&self, model: &Network, p: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let slope = |y: Var<'s>| batch.x.scope().gradient(y.sum_all(), &[batch.x])[0];
        let score = slope(model.log_density(p, batch.x));
        let second = |i| slope(score.slice(1, i, i + 1)).slice(1, i, i + 1);
        let loss = batch.mean(0.5 * sum_rows(score * score) + sum_rows(second(0) + second(1)));
        Estimate { loss, optimised: loss, diagnostics: Vec::new() }
    }
}
fn main() -> enscore::Result<()> {
    let rows = (0..500).flat_map(|i| [(i as f32).sin(), (i as f32 * 0.7).cos()]).collect();
    let data = Subset::all(&Dataset::new("mine", "here", &[2], Values::F32(rows))?);
    let network = || Network::Energy(Box::new(TwoLayers));
    let task = Task::new(OwnScoreMatching);
    let mut training = Training::new(network(), task, &data, TrainingOptions::default(), default_executor())?;
    (0..200).try_for_each(|_| training.step().map(drop))?;
    training.into_trained()?.save("mine.safetensors".as_ref())?;
    let model = TrainedModel::open(network(), "mine.safetensors".as_ref())?;
    let mut density = TrainedDensity::new(&model)?;
    let mut chains = Chains::at(&mut density, vec![0.0; 20])?;
    for step in 0..20 {
        Hmc::new(0.2, 5)?.step(&mut density, &mut chains, Key::new(0, step))?;
    }
    println!("scores {:?}", density.log_density(&chains.x)?);
    Ok(())
}
