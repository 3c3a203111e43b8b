//! The memory of one run, lent value by value: inputs, outputs, and ranges of one arena.

use std::collections::HashMap;
use std::marker::PhantomData;

use enscore_program::random::Key;

use crate::argument::Argument;
use crate::fused::{Fused, Readable, Slots, Writable};
use crate::math::Math;
use crate::plan::Place;
use crate::step::Stored;

/// The memory of one run.
pub(crate) struct Memory<'a, T> {
    inputs: &'a [Argument<'a, T>],
    outputs: Vec<(*mut T, usize)>,
    arena: (*mut T, usize),
    constants: &'a [T],
    indices: (*mut i32, usize),
    _borrowed: PhantomData<&'a mut T>,
}

impl<'a, T: Math> Memory<'a, T> {
    pub(crate) fn new(
        inputs: &'a [Argument<'a, T>],
        outputs: &'a mut [&mut [T]],
        arena: &'a mut [T],
        constants: &'a [T],
        indices: &'a mut [i32],
    ) -> Self {
        Memory {
            inputs,
            outputs: outputs.iter_mut().map(|output| (output.as_mut_ptr(), output.len())).collect(),
            arena: (arena.as_mut_ptr(), arena.len()),
            constants,
            indices: (indices.as_mut_ptr(), indices.len()),
            _borrowed: PhantomData,
        }
    }

    /// # Safety
    /// No exclusive slice of the same value is alive.
    pub(crate) unsafe fn floats(&self, (place, len): Stored) -> &[T] {
        match place {
            Place::Input(i) => match self.inputs[i] {
                Argument::Float(values) => &values[..len],
                _ => &[],
            },
            Place::Constant(start) => &self.constants[start..start + len],
            // SAFETY: the plan gives each value its own range, checked when the program was compiled.
            _ => unsafe { self.floats_mut((place, len)) },
        }
    }

    /// # Safety
    /// No other slice of the same value is alive.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn floats_mut(&self, (place, len): Stored) -> &mut [T] {
        let (base, room, start) = match place {
            Place::Arena(start) => (self.arena.0, self.arena.1, start),
            Place::Output(i) => (self.outputs[i].0, self.outputs[i].1, 0),
            _ => return &mut [],
        };
        assert!(start + len <= room, "{len} elements at {start} of {room}");
        // SAFETY: the range lies inside memory borrowed exclusively for the run; exclusiveness among values is the
        // caller's promise.
        unsafe { std::slice::from_raw_parts_mut(base.add(start), len) }
    }

    /// # Safety
    /// No other slice of the same value is alive.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn indices_mut(&self, (place, len): Stored) -> &mut [i32] {
        let Place::Index(start) = place else { return &mut [] };
        assert!(start + len <= self.indices.1, "{len} indices at {start} of {}", self.indices.1);
        // SAFETY: as for floats.
        unsafe { std::slice::from_raw_parts_mut(self.indices.0.add(start), len) }
    }

    /// # Safety
    /// No exclusive slice of the same value is alive.
    pub(crate) unsafe fn indices(&self, (place, len): Stored) -> &[i32] {
        match place {
            Place::Input(i) => match self.inputs[i] {
                Argument::Index(values) => &values[..len],
                _ => &[],
            },
            // SAFETY: as for floats.
            _ => unsafe { self.indices_mut((place, len)) },
        }
    }

    /// The values that a step writes.
    ///
    /// # Safety
    /// As for [`Memory::floats_mut`], and no value occurs twice.
    pub(crate) unsafe fn writables<'w>(
        &self,
        writes: impl Iterator<Item = &'w Stored>,
    ) -> HashMap<Place, Writable<T>> {
        // SAFETY: the caller's promise.
        writes.map(|write| (write.0, Writable::new(unsafe { self.floats_mut(*write) }))).collect()
    }

    /// The memory that a pass works on, given the values that its step writes.
    ///
    /// # Safety
    /// What the pass reads and its step does not write is written by nobody for as long as the slots are used.
    pub(crate) unsafe fn slots(&self, fused: &Fused, writes: &HashMap<Place, Writable<T>>) -> Slots<'_, T> {
        let read = |stored: &Stored| match writes.get(&stored.0) {
            Some(writable) => Readable::of(*writable),
            // SAFETY: the caller's promise.
            None => Readable::new(unsafe { self.floats(*stored) }),
        };
        Slots {
            reads: fused.reads.iter().map(read).collect(),
            writes: fused.writes.iter().map(|write| writes[&write.0]).collect(),
            // SAFETY: the caller's promise.
            indices: fused.indices.iter().map(|index| unsafe { self.indices(*index) }).collect(),
            keys: fused.draws.iter().map(|draw| self.key(draw.key)).collect(),
        }
    }

    pub(crate) fn key(&self, input: usize) -> Key {
        if let Argument::Key(key) = self.inputs[input] { key } else { Key::default() }
    }
}
