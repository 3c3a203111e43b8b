//! Lists the data sets that have a name: what they are, their licence, and how to get them.

/// A file of a known data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownFile {
    /// Its name, in the data set's folder and under the address.
    pub name: &'static str,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 in lower-case hex.
    pub sha256: &'static str,
}

/// Where a known data set comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Part of this program.
    BuiltIn,
    /// Drawn by this program from a density that it knows ([`super::toy`]).
    Generated,
    /// Files under an address, which [`super::fetch`] gets.
    Download {
        /// The address before a file's name.
        base: &'static str,
    },
    /// A package of the operating system.
    Package {
        /// The command that installs it.
        command: &'static str,
        /// The folder where it lies then.
        folder: &'static str,
    },
}

/// A data set with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The name that [`super::load`] takes.
    pub name: &'static str,
    /// What the rows are, in one line.
    pub description: &'static str,
    /// How many rows for training and for testing.
    pub rows: [usize; 2],
    /// [height, width, channels] of images, `[d]` of vectors.
    pub row_shape: &'static [usize],
    /// Who made it and where it was published.
    pub source: &'static str,
    /// The licence of the data.
    pub licence: &'static str,
    /// How to get it.
    pub availability: Availability,
    /// Its files, where they are downloaded.
    pub files: &'static [KnownFile],
}

impl Known {
    /// How many bytes its files have together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|f| f.bytes).sum()
    }

    /// What to do to have it, in one line.
    pub fn how_to_get(&self) -> String {
        match self.availability {
            Availability::BuiltIn => "nothing to do: built into the program".to_string(),
            Availability::Generated => "nothing to do: drawn by the program".to_string(),
            Availability::Download { base } => format!(
                "run `enscore data fetch {}` ({} bytes, {}), or put {} from {base} there",
                self.name,
                self.bytes(),
                self.licence,
                self.files.iter().map(|f| f.name).collect::<Vec<_>>().join(", "),
            ),
            Availability::Package { command, .. } => format!("run `{command}` ({})", self.licence),
        }
    }
}

const MNIST: [KnownFile; 4] = [
    KnownFile {
        name: "train-images-idx3-ubyte.gz",
        bytes: 9_719_438,
        sha256: "0b367032e93c5d0cea0925647cfdb18614af8ee15f83e6f2fc2ad904a6835971",
    },
    KnownFile {
        name: "train-labels-idx1-ubyte.gz",
        bytes: 28_857,
        sha256: "1787548bbe0bff1ec2ecdc0ef292b02df999e2d1a6002d27500982c652b17203",
    },
    KnownFile {
        name: "t10k-images-idx3-ubyte.gz",
        bytes: 1_616_508,
        sha256: "1a1a05eab793c14bb050b398624a11b0ffd1a2953baed553b1b9bd079e2a20be",
    },
    KnownFile {
        name: "t10k-labels-idx1-ubyte.gz",
        bytes: 4_517,
        sha256: "b91679a0acfe4ba0e50a2437a903084cba1f5f92592b016a25a7dfd00455798b",
    },
];

/// The entry of a toy density.
const fn toy(name: &'static str, description: &'static str) -> Known {
    Known {
        name,
        description,
        rows: super::toy::ROWS,
        row_shape: &[2],
        source: "drawn from a density with known log density and score",
        licence: "MIT or Apache-2.0, like the program",
        availability: Availability::Generated,
        files: &[],
    }
}

static KNOWN: [Known; 12] = [
    Known {
        name: "digits",
        description: "handwritten digits, grey levels 0 to 16, with labels",
        rows: [super::digits::FIRST_TEST_ROW, 297],
        row_shape: &[8, 8, 1],
        source: "E. Alpaydin and C. Kaynak, UCI optdigits, doi:10.24432/C50P49, from scikit-learn's copy",
        licence: "CC BY 4.0",
        availability: Availability::BuiltIn,
        files: &[],
    },
    Known {
        name: "mnist",
        description: "handwritten digits, grey levels 0 to 255, with labels",
        rows: [60_000, 10_000],
        row_shape: &[28, 28, 1],
        source: "Y. LeCun, C. Cortes and C. Burges, http://yann.lecun.com/exdb/mnist",
        licence: "CC BY-SA 3.0",
        availability: Availability::Download { base: "https://storage.googleapis.com/cvdf-datasets/mnist/" },
        files: &MNIST,
    },
    Known {
        name: "fashion-mnist",
        description: "pictures of clothes, grey levels 0 to 255, with labels",
        rows: [60_000, 10_000],
        row_shape: &[28, 28, 1],
        source: "H. Xiao, K. Rasul and R. Vollgraf, https://github.com/zalandoresearch/fashion-mnist",
        licence: "MIT",
        availability: Availability::Package {
            command: "apt install dataset-fashion-mnist",
            folder: "/usr/share/datasets/fashion-mnist",
        },
        files: &[],
    },
    toy("two-gaussians", "two distant isotropic Gaussians with weights 1/5 and 4/5"),
    toy("eight-gaussians", "eight equal Gaussians on a circle"),
    toy("ring", "a circle with a Gaussian profile"),
    toy("rings", "three concentric circles, equally bright"),
    toy("two-moons", "two interleaved half circles with Gaussian noise"),
    toy("pinwheel", "five Gaussian arms, swirled"),
    toy("spiral", "a spiral of two turns with Gaussian noise"),
    toy("checkerboard", "the eight dark squares of a 4 x 4 board, with soft edges"),
    toy("four-wells", "two coupled double wells, normalised by quadrature"),
];

/// All data sets with a name.
pub fn known() -> &'static [Known] {
    &KNOWN
}
