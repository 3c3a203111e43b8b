//! What is asked of a reader: which columns of a table are used and how, what becomes of missing values,
//! and the shape, size and colour of pictures.

use super::table::TableRecord;
use crate::keys::choice;

choice! {
    /// What becomes of a table's missing values: empty cells, NA, ?, nan, null.
    Missing {
        /// They are refused, with their number and the first place.
        Refuse = "refuse",
        /// Rows with a missing value are left out.
        Drop = "drop",
        /// They take the mean of their column's other values.
        Mean = "mean",
    }
}

choice! {
    /// Whether a table's first row holds the names of its columns.
    Header {
        /// It does where its cells tell: words over numbers, or the numbers 0, 1, 2 over others.
        Auto = "auto",
        /// It does.
        FirstRow = "first-row",
        /// It doesn't: it is data.
        None = "none",
    }
}

choice! {
    /// The colours that pictures are read as.
    Colour {
        /// As the files have them; where grey and colour pictures are mixed, all are read as colour.
        AsIs = "as-is",
        /// One channel: 0.299 R + 0.587 G + 0.114 B of colour pictures (ITU-R BT.601).
        Grey = "grey",
        /// Red, green and blue; grey pictures have three equal channels.
        Rgb = "rgb",
        /// Red, green, blue and alpha.
        Rgba = "rgba",
    }
}

/// How a source is read. The default refuses what is not numbers and leaves shapes as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The column of labels, which is kept beside the rows; by name or as `column N`, from 1.
    pub label: Option<String>,
    /// Columns that are not used; by name or as `column N`.
    pub leave_out: Vec<String>,
    /// Columns of categories, each of which becomes a column of 0 and 1 per category.
    pub one_hot: Vec<String>,
    /// What becomes of missing values.
    pub missing: Missing,
    /// Whether the first row of a table holds names.
    pub header: Header,
    /// The shape of a row, [height, width] or [height, width, channels]; none leaves it as it is.
    pub shape: Option<Vec<usize>>,
    /// The size that pictures are cropped and resized to, [height, width]; none refuses mixed sizes.
    pub size: Option<[usize; 2]>,
    /// The colours that pictures are read as.
    pub colour: Colour,
    /// How the columns of an earlier table were used: the same are taken, by name, in the same order.
    pub known: Option<TableRecord>,
    /// Which values of those columns are needed: files may lack the columns of others. None: all.
    pub needed: Option<Vec<usize>>,
}

impl Default for Reading {
    fn default() -> Self {
        Reading {
            label: None,
            leave_out: Vec::new(),
            one_hot: Vec::new(),
            missing: Missing::Refuse,
            header: Header::Auto,
            shape: None,
            size: None,
            colour: Colour::AsIs,
            known: None,
            needed: None,
        }
    }
}

impl Reading {
    /// This reading for data that a model meets later: the columns that `record` lists, in its order; those
    /// that give none of the `needed` values may be missing.
    #[must_use]
    pub fn again(&self, record: Option<&TableRecord>, needed: Option<&[usize]>) -> Reading {
        Reading { known: record.cloned(), needed: needed.map(<[usize]>::to_vec), ..self.clone() }
    }

    /// Whether columns of an array are chosen, or its missing values settled.
    pub(in crate::data) fn picks_columns(&self) -> bool {
        self.known.is_some()
            || self.label.is_some()
            || !self.leave_out.is_empty()
            || !self.one_hot.is_empty()
            || self.missing != Missing::Refuse
    }
}
