//! A residual U-Net score: s(x, σ) = U(x / √(σ² + v), log σ) / σ, with v the variance of the data.
//!
//! The U is Ronneberger, Fischer and Brox 2015's: blocks at ever coarser resolution, then back, each block on
//! the way back reading the block of the same resolution on the way down. Blocks are residual with
//! normalisation first (He, Zhang, Ren and Sun 2016, "Identity mappings", figure 4e): GroupNorm, SiLU, conv
//! 3x3, plus the embedding of log σ per channel (as Ho, Jain and Abbeel 2020), GroupNorm, SiLU, conv 3x3,
//! plus the block's input. Each block's last conv starts at 0 (Goyal et al. 2017, section 5.1, as Ho et al.):
//! a block is its input at first, and the U-Net needs fewer steps. Dividing the output by σ is Song and Ermon
//! 2020's technique 3; by default it is added to the score of a Gaussian (see `gaussian_skip`).

use enscore_program::{Parameters, Var};

use crate::citation::Citation;
use crate::error::{Error, Result};
use crate::keys::{Keys, Kind, ListOf, Reader, keys, within};
use crate::model::gaussian_skip::{GaussianSkip, KARRAS, OutputSettings, Skip};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::layers::{
    Convolution, ConvolutionSettings, GROUP_NORM, RESIDUAL, SILU, Start, WINOGRAD, conv, dense,
    embed_noise_level, group_norm, scale_input, scale_output,
};
use crate::model::network::Network;
use crate::model::traits::Score;

keys! {
    /// Settings of a U-Net: residual blocks at halving resolutions, joined by skip connections.
    UNetSettings {
        channels: usize = 32, within(1, 4096), "Width at full resolution, in channels.";
        multipliers: Vec<usize> = vec![1, 2, 2], ListOf { items: within(1, 64), length: within(1, 8) },
            "Width of each level as a multiple of channels; each level after the first halves the resolution.";
        blocks: usize = 1, within(1, 16), "Residual blocks per level.";
        groups: usize = 8, within(1, 4096), "Groups of GroupNorm; must divide the width of every level.";
        embedding: usize = 64, within(0, 4096),
            "Width of the embedding of log sigma; 0: none, an unconditional network whose output is divided by sigma.";
        ..convolutions: ConvolutionSettings;
        ..output: OutputSettings;
    }
}

impl UNetSettings {
    /// The width of each level, in channels.
    pub fn widths(&self) -> Vec<usize> {
        self.multipliers.iter().map(|multiplier| multiplier * self.channels).collect()
    }
}

impl Kind for UNetSettings {
    type Facts = ();

    fn read(reader: &mut Reader, (): &()) -> Result<Self> {
        let unet = UNetSettings::read_keys(reader)?;
        match unet.widths().into_iter().find(|width| width % unet.groups != 0) {
            Some(width) => Err(reader
                .wrong("groups")
                .found(format!("{} for a level of {width} channels", unet.groups))
                .expected("a divisor of every level's width")),
            None => Ok(unet),
        }
    }
}

impl ModelKind for UNetSettings {
    fn family(&self) -> Family {
        Family::Score
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        let shape = data.image("a U-Net", "mlp")?;
        let unet = UNet::new(shape, self.clone(), data.variance)?;
        Ok(Network::Score(Box::new(match self.output.skip {
            Skip::None => unet,
            Skip::Gaussian => unet.with_gaussian_skip(data.mean, data.deviation)?,
        })))
    }

    fn cites(&self) -> Vec<Citation> {
        let unet = Citation {
            role: "network: U-Net",
            authors: "Olaf Ronneberger, Philipp Fischer, Thomas Brox",
            year: 2015,
            title: "U-Net: Convolutional Networks for Biomedical Image Segmentation",
            venue: "Medical Image Computing and Computer-Assisted Intervention, LNCS 9351, 234-241",
        };
        let mut cites = vec![unet, RESIDUAL, GROUP_NORM, SILU, WINOGRAD];
        cites.extend((self.output.skip == Skip::Gaussian).then_some(KARRAS));
        cites
    }

    fn convolution(&self) -> Convolution {
        self.convolutions.conv
    }
}

/// A score of images `[batch, height, width, channels]`, checked to fit them.
#[derive(Clone, Debug)]
pub struct UNet {
    row_shape: [usize; 3],
    widths: Vec<usize>,
    settings: UNetSettings,
    /// Variance of the data per element.
    data_variance: f64,
    /// What the output is added to, if anything.
    skip: Option<GaussianSkip>,
}

impl UNet {
    /// A network for images of `row_shape` `[height, width, channels]`, of data with this variance per
    /// element, in squared units of the data.
    ///
    /// # Errors
    /// A size that can't be halved as often as there are levels below the first, groups that don't divide
    /// every width or hold a single value, or an extent of 0: each named with what would fit.
    pub fn new(row_shape: [usize; 3], settings: UNetSettings, data_variance: f64) -> Result<Self> {
        check_extents(row_shape, &settings, data_variance)?;
        check_levels(row_shape, settings.multipliers.len())?;
        let width = |multiplier: &usize| settings.channels.checked_mul(*multiplier);
        let widths: Option<Vec<usize>> = settings.multipliers.iter().map(width).collect();
        let widths =
            widths.ok_or_else(|| Error::input("the U-Net is too wide").at("channels x multipliers"))?;
        check_groups(row_shape, &widths, settings.groups)?;
        Ok(UNet { row_shape, widths, settings, data_variance, skip: None })
    }

    /// The same with its output added to the score of independent Gaussians with these means and standard
    /// deviations of each element; of mean 0 and the data's variance where they are empty.
    ///
    /// # Errors
    /// Moments of another length than a row, or that are not finite.
    pub fn with_gaussian_skip(self, mean: &[f64], deviation: &[f64]) -> Result<Self> {
        let len = self.row_shape.iter().product();
        let skip = Some(GaussianSkip::new(len, mean, deviation, self.data_variance)?);
        Ok(UNet { skip, ..self })
    }

    /// A residual block: `[batch, h, w, in]` → `[batch, h, w, width]`.
    fn block<'s>(
        &self,
        parameters: &Parameters<'s>,
        x: Var<'s>,
        width: usize,
        level: Option<Var<'s>>,
    ) -> Var<'s> {
        let groups = self.settings.groups;
        let hidden = group_norm(&parameters.at("norm1"), x, groups).silu();
        let mut hidden = conv(&parameters.at("conv1"), hidden, 3, width, Start::Small);
        if let Some(level) = level {
            let shift = dense(&parameters.at("embedding"), level, width, Start::Small);
            hidden = hidden + shift.broadcast_axes(&hidden.shape(), &[0, 3]);
        }
        let hidden = group_norm(&parameters.at("norm2"), hidden, groups).silu();
        let hidden = conv(&parameters.at("conv2"), hidden, 3, width, Start::Zero);
        let identity =
            if x.extent(3) == width { x } else { conv(&parameters.at("skip"), x, 1, width, Start::Small) };
        hidden + identity
    }

    /// The network itself, before the output is divided by σ.
    fn network<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>, level: Option<Var<'s>>) -> Var<'s> {
        let levels = self.widths.len();
        let blocks = self.settings.blocks;
        let name = |part: &str, level: usize, block: usize| parameters.at(&format!("{part}.{level}.{block}"));
        let mut hidden = conv(&parameters.at("input.conv"), x, 3, self.widths[0], Start::Small);
        let mut skips = Vec::new();
        for (i, width) in self.widths.iter().enumerate() {
            if i > 0 {
                hidden = hidden.average_pool();
            }
            for j in 0..blocks {
                hidden = self.block(&name("encoder", i, j), hidden, *width, level);
                skips.push(hidden);
            }
        }
        hidden = self.block(&parameters.at("middle"), hidden, self.widths[levels - 1], level);
        for (i, width) in self.widths.iter().enumerate().rev() {
            for j in 0..blocks {
                let skip = skips.pop().unwrap_or(hidden);
                hidden = self.block(&name("decoder", i, j), hidden.concatenate(&[skip], 3), *width, level);
            }
            if i > 0 {
                hidden = hidden.upsample_nearest();
            }
        }
        let hidden = group_norm(&parameters.at("output.norm"), hidden, self.settings.groups).silu();
        conv(&parameters.at("output.conv"), hidden, 3, self.row_shape[2], Start::Zero)
    }
}

impl Score for UNet {
    fn score<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>, sigma: Var<'s>) -> Var<'s> {
        let embedding = self.settings.embedding;
        let level = (embedding > 0)
            .then(|| embed_noise_level(&parameters.at("embedding"), sigma, embedding, Start::Small));
        let scaled = scale_input(x, sigma, self.data_variance);
        let network = self.network(parameters, scaled, level);
        match &self.skip {
            Some(skip) => skip.add_to(network, x, sigma),
            None => scale_output(network, sigma),
        }
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

fn check_extents(row_shape: [usize; 3], settings: &UNetSettings, variance: f64) -> Result<()> {
    let [height, width, channels] = row_shape;
    let extents = [
        ("image height", height),
        ("image width", width),
        ("image channels", channels),
        ("channels", settings.channels),
        ("number of multipliers", settings.multipliers.len()),
        ("smallest multiplier", settings.multipliers.iter().copied().min().unwrap_or(0)),
        ("blocks", settings.blocks),
        ("groups", settings.groups),
    ];
    if let Some((name, _)) = extents.iter().find(|(_, extent)| *extent == 0) {
        return Err(Error::input("the U-Net is empty").at(name).found(0).expected("at least 1"));
    }

    if variance.is_finite() && variance >= 0.0 {
        Ok(())
    } else {
        Err(Error::input("invalid variance of the data")
            .at("data_variance")
            .found(variance)
            .expected("a finite number, at least 0"))
    }
}

/// Height and width are halved `levels` - 1 times.
fn check_levels([height, width, _]: [usize; 3], levels: usize) -> Result<()> {
    let halvings = height.trailing_zeros().min(width.trailing_zeros()) as usize;
    if levels <= halvings + 1 {
        return Ok(());
    }
    let expected = match u32::try_from(levels - 1).ok().and_then(|power| 2usize.checked_pow(power)) {
        Some(factor) => format!("height and width divisible by {factor} for {levels} multipliers"),
        None => "fewer multipliers".to_string(),
    };
    Err(Error::input("the image can't be halved that often")
        .found(format!("{height}x{width}"))
        .expected(expected)
        .remedy(format!("use at most {} multipliers, or crop or pad the images", halvings + 1)))
}

/// Every normalised width is one of `widths` or a sum of them, so it is enough that groups divide these; and
/// a group of a single value would be normalised to 0.
fn check_groups([height, width, _]: [usize; 3], widths: &[usize], groups: usize) -> Result<()> {
    for (level, channels) in widths.iter().enumerate() {
        let place = || format!("resolution {} of the U-Net", level + 1);
        if channels % groups != 0 {
            return Err(Error::input("the groups don't divide the channels")
                .at(place())
                .found(format!("{channels} channels in {groups} groups"))
                .remedy("choose groups that divide channels times every multiplier"));
        }
        if (height >> level) * (width >> level) * (channels / groups) < 2 {
            return Err(Error::input("a normalised group holds a single value")
                .at(place())
                .found(format!("{channels} channels of one pixel in {groups} groups"))
                .remedy("use fewer groups or fewer multipliers"));
        }
    }
    Ok(())
}
