//! The example of 3 x 3 pixels: all 512 images with their energies.

use crate::error::{Error, Result};
use crate::ising::denoise::IsingDenoising;
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::studio::Studio;
use crate::report::{Chart, Figure, Mark, Scale, Series, sheet::sheet};

const SIDE: usize = 3;
const PIXELS: usize = SIDE * SIDE;
/// A cross with a flipped corner and a flipped centre.
const NOISY: [i8; PIXELS] = [1, 1, -1, 1, -1, 1, -1, 1, -1];
/// A flip has probability 0.2; neighbours agree with this weight.
const FLIP: f64 = 0.2;
const BETA: f64 = 0.6;
/// Images that are shown.
const SHOWN: usize = 8;

const CAPTION: &str = "The energy of every one of the 512 images of 3 x 3 pixels given the corrupted one \
    (top left), in order. The eight images of least energy follow it: the first is the most probable one, \
    which the minimum cut finds without enumerating anything. exp(-E) / Z is the probability of each \
    image, Z the sum over all 512; at 30 x 30 pixels it would have 10^270 terms.";

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    studio.go_on()?;
    let model = IsingDenoising::new(0.5 * ((1.0 - FLIP) / FLIP).ln(), BETA)?;
    let mut images: Vec<(f64, Vec<i8>)> = (0..1usize << PIXELS)
        .map(|state| {
            let image: Vec<i8> = (0..PIXELS).map(|i| if state >> i & 1 == 1 { 1 } else { -1 }).collect();
            Ok((model.energy(&image, &NOISY, SIDE, SIDE)?, image))
        })
        .collect::<Result<_>>()?;
    images.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (least, best) = images.first().cloned().ok_or_else(|| Error::run("no images"))?;
    let z: f64 = images.iter().map(|(energy, _)| (least - energy).exp()).sum();
    let log_z = z.ln() - least;
    let exact = model.enumerate(&NOISY, SIDE, SIDE)?;
    let map = model.exact_map(&NOISY, SIDE, SIDE)?;
    let shown = std::iter::once(&NOISY[..]).chain(images.iter().take(SHOWN).map(|(_, image)| &image[..]));
    let grey: Vec<f32> = shown.flatten().map(|spin| if *spin > 0 { 0.85 } else { 0.15 }).collect();
    let energies: Vec<(f64, f64)> =
        images.iter().enumerate().map(|(rank, (energy, _))| ((rank + 1) as f64, *energy)).collect();
    let probability = (-least - log_z).exp();
    Ok(Drawn {
        caption: CAPTION.to_string(),
        figures: vec![
            Figure::picture(
                "The corrupted image, then the eight most probable ones.",
                &sheet(&grey, [SIDE, SIDE, 1], SHOWN + 1, 24, 8)?,
            )?,
            Figure::chart(
                "All 512 energies in order.",
                &Chart {
                    title: "Energies of all images".into(),
                    x_label: "image, by energy".into(),
                    y_label: "energy (nats)".into(),
                    x_scale: Scale::Log,
                    y_scale: Scale::Linear,
                    series: vec![Series::new("energy", &energies, Mark::Dots)],
                },
            )?,
        ],
        numbers: vec![
            Number::beside("energy of the minimum cut's image, nats", map.energy, least, 1e-12),
            Number::beside(
                "pixels of it that differ from the most probable image",
                best.iter().zip(&map.spins).filter(|(a, b)| a != b).count() as f64,
                0.0,
                0.0,
            ),
            Number::beside("log Z by the Gray code enumeration, nats", exact.log_z, log_z, 1e-12),
            Number::above("probability of the most probable image", probability, 1.0 / 512.0),
        ],
    })
}
