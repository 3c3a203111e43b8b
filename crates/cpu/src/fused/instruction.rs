//! The instructions of a fused unit: what is done to each tile.

use enscore_program::random::Key;
use enscore_program::{Binary, Compare, Logic, Unary};

use crate::plan::{Form, Place};
use crate::random::Distribution;
use crate::stretch::{Readable, Writable};

/// Where an instruction reads a tile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operand {
    /// A tile-sized register.
    Register(usize),
    /// The same stretch of a value in memory: a slot of `reads`.
    Memory(usize),
    /// The same stretch of a value that this unit writes: a slot of `writes`.
    Written(usize),
    /// One number in memory: a slot of `reads`.
    Scalar(usize),
    /// One number known beforehand.
    Immediate(f64),
}

/// Where an instruction writes a tile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    Register(usize),
    /// A slot of `writes`.
    Memory(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operation {
    Copy,
    Unary(Unary),
    Binary(Binary),
    Compare(Compare),
    Logic(Logic),
    Not,
    IsFinite,
    Select,
    /// a b + c
    MultiplyAdd,
    /// A strided view: a position in `views`.
    View(usize),
    /// Indices as floats: a slot of `indices`.
    Index(usize),
    /// Draws: a position in `draws`.
    Draw(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Instruction {
    pub(crate) operation: Operation,
    pub(crate) operands: Vec<Operand>,
    pub(crate) target: Target,
}

/// A value read through strides: element i of the unit's pass is at Σ index[axis] stride[axis] + offset.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    /// A slot of `reads`.
    pub(crate) slot: usize,
    pub(crate) offset: usize,
    /// Extents and strides, outermost first; neighbours that move together are one axis.
    pub(crate) axes: Vec<(usize, usize)>,
    /// A view that repeats itself from tile to tile is loaded once for many tiles: its number among those.
    pub(crate) steady: Option<usize>,
}

impl View {
    /// (block, period): the pass consists of blocks in each of which the view repeats its first `period`
    /// elements.
    pub(crate) fn repetition(&self) -> Option<(usize, usize)> {
        match self.axes[..] {
            [.., (extent, 0)] => Some((extent, 1)),
            [.., (times, 0), (extent, _)] => Some((times * extent, extent)),
            _ => None,
        }
    }

    /// Whether each of `parts` parts of a pass reads only the same part of the `len` elements that are
    /// viewed.
    pub(crate) fn keeps_parts(&self, len: usize, parts: usize) -> bool {
        let Some(((extent, step), inner)) = self.axes.split_first() else { return false };
        let rows = extent / parts;
        let last = rows.saturating_sub(1) * step
            + inner.iter().map(|(extent, step)| (extent - 1) * step).sum::<usize>();
        self.offset == 0 && extent % parts == 0 && extent * step == len && last < len / parts
    }
}

/// Independent draws over the unit's pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw {
    pub(crate) distribution: Distribution,
    pub(crate) stream: u32,
    pub(crate) row_len: usize,
    /// The program's input that is the key.
    pub(crate) key: usize,
}

/// The end of a reduction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reduction {
    pub(crate) operand: Operand,
    pub(crate) is_max: bool,
    /// A slot of `writes`: `[outer, inner]`.
    pub(crate) target: usize,
}

/// A fused unit, ready to run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fused {
    /// Elements of the pass.
    pub(crate) size: usize,
    pub(crate) form: Option<Form>,
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) registers: usize,
    pub(crate) views: Vec<View>,
    pub(crate) draws: Vec<Draw>,
    pub(crate) reductions: Vec<Reduction>,
    /// Values read, with their lengths.
    pub(crate) reads: Vec<(Place, usize)>,
    /// Reads of values of which other parts may be written meanwhile: only the same part is read.
    pub(crate) shared: Vec<bool>,
    /// Values written, with their lengths.
    pub(crate) writes: Vec<(Place, usize)>,
    /// Index values read, with their lengths.
    pub(crate) indices: Vec<(Place, usize)>,
}

impl Fused {
    /// About how many nanoseconds one thread needs.
    pub(crate) fn cost(&self) -> f64 {
        /// Time of an arithmetic instruction on one element.
        const SIMPLE_NS: f64 = 0.05;
        /// Time of a function or a draw of one element.
        const FUNCTION_NS: f64 = 0.4;
        let instruction = |instruction: &Instruction| match instruction.operation {
            Operation::Unary(Unary::Neg | Unary::Sqrt | Unary::Abs | Unary::Sign) => SIMPLE_NS,
            Operation::Unary(_) | Operation::Draw(_) => FUNCTION_NS,
            _ => SIMPLE_NS,
        };
        let each: f64 = self.instructions.iter().map(instruction).sum();
        self.size as f64 * (each + SIMPLE_NS * self.reductions.len() as f64)
    }

    /// Elements that the pass reads of the value in a slot of `reads`, views left aside.
    pub(crate) fn direct_elements(&self, slot: usize) -> usize {
        let read = |operand: &Operand| match operand {
            Operand::Memory(read) if *read == slot => self.size,
            Operand::Scalar(read) if *read == slot => 1,
            _ => 0,
        };
        self.operands().map(read).max().unwrap_or(0)
    }

    /// The operands of all instructions and reductions.
    fn operands(&self) -> impl Iterator<Item = &Operand> {
        let ends = self.reductions.iter().map(|reduction| &reduction.operand);
        self.instructions.iter().flat_map(|instruction| &instruction.operands).chain(ends)
    }

    /// Whether the pass falls into `parts` equal parts that reduce their own outer rows.
    pub(crate) fn falls_into(&self, parts: usize) -> bool {
        let reduces = !self.reductions.is_empty();
        self.form.filter(|_| reduces).map_or(self.size, |form| form.outer).is_multiple_of(parts)
    }

    /// Whether each of `parts` equal parts of the pass reads only the same part of the value in a slot of
    /// `reads`.
    pub(crate) fn reads_own_part(&self, slot: usize, parts: usize) -> bool {
        let len = self.reads[slot].1;
        let aligned = |operand: &Operand| match operand {
            Operand::Scalar(read) => *read != slot,
            Operand::Memory(read) => *read != slot || len == self.size,
            _ => true,
        };
        let mut views = self.views.iter().filter(|view| view.slot == slot);
        self.operands().all(aligned) && views.all(|view| view.keeps_parts(len, parts))
    }
}

/// The memory that a fused unit works on, resolved for one run. Slots are those of [`Fused`].
pub(crate) struct Slots<'a, T> {
    pub(crate) reads: Vec<Readable<'a, T>>,
    pub(crate) writes: Vec<Writable<T>>,
    pub(crate) indices: Vec<&'a [i32]>,
    pub(crate) keys: Vec<Key>,
}
