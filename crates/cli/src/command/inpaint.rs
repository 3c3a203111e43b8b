//! `enscore inpaint`: fills the unknown pixels of an image with draws of a machine, or of an autoregressive
//! model, given the known ones.
use enscore::trained::Trained;

use enscore::data::{Dataset, read_image};
use enscore::model::{Given, Network, Support, Units};
use enscore::report::png;
use enscore::sample::{draw_clamped, draw_completed};
use enscore::text::counted;
use enscore::{Error, Result};
use serde_json::json;

use super::evaluate::threads_of;
use crate::args::Inpaint;
use crate::context::Context;
use crate::given;
use crate::output::{Answer, Lines, text_of};
use crate::pictures::{refuse_missing_folder, sheet_of};
use crate::progress::Progress;

pub(crate) fn run(context: &Context, arguments: &Inpaint) -> Result<Answer> {
    given::run(&arguments.run)?;
    context.on_threads(threads_of(&arguments.run), || inpaint(context, arguments))
}

fn inpaint(context: &Context, arguments: &Inpaint) -> Result<Answer> {
    refuse_missing_folder(&arguments.out)?;
    let trained = Trained::open(&arguments.run, &[])?;
    let model = &trained.model;
    let shape: [usize; 3] = model.data.row_shape[..].try_into().map_err(|_| {
        Error::input("the run's rows are not images")
            .at(arguments.run.display())
            .found(format!("{:?}", model.data.row_shape))
    })?;
    let bits = match &model.model {
        Network::Bipartite(units) => units.first_units()[..1].iter().all(|b| b.units == Units::Bernoulli),
        other => other.support() == Support::Bits,
    };
    let row = pixels(read_image(&arguments.input)?, shape, bits)?;
    let unknown = pixels(read_image(&arguments.mask)?, shape, true)?;
    let known: Vec<bool> = unknown.iter().map(|unknown| *unknown == 0.0).collect();
    let filled = known.iter().filter(|known| !**known).count();
    let mut progress = Progress::new(context);
    let count = arguments.num as usize;
    let steps = u64::from(arguments.steps);
    let seed = arguments.seed;
    let mut tell = |done, total| progress.phase("filling", done, total);
    let drawn = match &model.model {
        Network::Normalised(_) => {
            let known = known.clone();
            draw_completed(model, Given { row, known }, count, seed, &mut tell)?
        }
        _ => draw_clamped(model, (&row, &known), count, steps, seed, &mut tell)?,
    };
    progress.end();
    let image = match count {
        1 => enscore::report::sheet::sheet(drawn.shown(), shape, 1, 1, 0)?,
        _ => sheet_of(drawn.shown(), shape, count)?,
    };
    png::write(&arguments.out, &image)?;
    let json = json!({
        "run": text_of(&arguments.run), "step": trained.step, "out": text_of(&arguments.out), "filled": filled,
        "num": count, "steps": steps, "seed": seed, "warnings": trained.warnings,
    });
    let lines = Lines::default()
        .line("run", format!("{}, step {}", arguments.run.display(), trained.step))
        .line(
            "filled",
            format!("{filled} of {} values, {} of seed {seed}", known.len(), counted(count, "draw", "draws")),
        )
        .warnings(&trained.warnings)
        .line("image", arguments.out.display());
    Ok(Answer::new(json, lines.text()))
}

/// The scaled values of one image of this shape; 0 and 1 where `bits`.
fn pixels(image: Dataset, shape: [usize; 3], bits: bool) -> Result<Vec<f32>> {
    image.require_row_shape(&shape)?;
    let image = if bits { image.binarised()? } else { image };
    let mut values = vec![0.0; image.row_len()];
    image.copy_row(0, &mut values)?;
    Ok(values)
}
