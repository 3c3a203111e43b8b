//! Where values live: their place, their length, and stretches of them that steps touch.

/// Where the elements of a value are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Place {
    /// The caller's input.
    Input(usize),
    /// The caller's output.
    Output(usize),
    /// From this element of the arena on.
    Arena(usize),
    /// From this element of the constants on.
    Constant(usize),
    /// From this element of the index arena on.
    Index(usize),
    /// From this element of the partial sums on, which are double precision.
    Sums(usize),
}

/// A value in memory: where, and how many elements.
pub(crate) type Stored = (Place, usize);

/// Elements of a value, or of a part of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) place: Place,
    /// From the beginning of the value on.
    start: usize,
    pub(crate) len: usize,
}

impl Span {
    pub(crate) fn whole((place, len): Stored) -> Span {
        Span { place, start: 0, len }
    }

    /// Part `part` of `parts` equal ones.
    pub(crate) fn part((place, len): Stored, part: usize, parts: usize) -> Span {
        Span { place, start: part * (len / parts), len: len / parts }
    }

    /// Whether two spans share elements of the arena, the indices, the partial sums or an output; inputs and
    /// constants are never written.
    pub(crate) fn overlaps(&self, other: &Span) -> bool {
        let (from, to) = match (self.place, other.place) {
            (Place::Arena(x), Place::Arena(y))
            | (Place::Index(x), Place::Index(y))
            | (Place::Sums(x), Place::Sums(y)) => (x, y),
            (Place::Output(x), Place::Output(y)) if x == y => (0, 0),
            _ => return false,
        };
        let from = from + self.start;
        let to = to + other.start;
        self.len > 0 && other.len > 0 && from < to + other.len && to < from + self.len
    }
}
