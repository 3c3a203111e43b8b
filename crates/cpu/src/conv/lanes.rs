//! Fixed division of a call's work into lanes, and the work buffers that running lanes share.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

/// The most lanes: bounds scratch, and the threads that one call can use.
const MOST_LANES: usize = 16;

/// `total` units of work cut into `count` consecutive ranges. Depends on shapes only.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lanes {
    pub count: usize,
    total: usize,
}

impl Lanes {
    /// Lanes with at least `fewest` units each, where there are that many; a power of two of them, which two
    /// or four threads share evenly.
    pub fn new(total: usize, fewest: usize) -> Lanes {
        let most = (total / fewest.max(1)).clamp(1, MOST_LANES);
        Lanes { count: 1 << most.ilog2(), total }
    }

    /// Units in the longest lane.
    pub fn longest(&self) -> usize {
        self.total.div_ceil(self.count)
    }

    /// The units of one lane.
    pub fn range(&self, lane: usize) -> Range<usize> {
        lane * self.total / self.count..(lane + 1) * self.total / self.count
    }

    /// Cuts `data` so that each lane owns what its units produce; `end(u)` is where the output of the first
    /// `u` units ends.
    pub fn split<'a, T>(&self, mut data: &'a mut [T], end: impl Fn(usize) -> usize) -> Vec<&'a mut [T]> {
        let mut parts = Vec::with_capacity(self.count);
        let mut cut = 0;
        for lane in 0..self.count {
            let next = end(self.range(lane).end);
            let (part, rest) = data.split_at_mut(next - cut);
            parts.push(part);
            (data, cut) = (rest, next);
        }
        parts
    }
}

/// Calls `work(lane, part, buffer)` for every lane's part, in parallel when there are several. A buffer holds
/// `length` elements of `scratch` with whatever the lane before left there; the one returned last is lent
/// first, so that as many stay in cache as there are threads.
pub(super) fn run<T: Send, P: Send>(
    parts: Vec<P>,
    scratch: &mut [T],
    length: usize,
    work: impl Fn(usize, P, &mut [T]) + Sync,
) {
    let count = parts.len();
    let mut buffers = Vec::with_capacity(count);
    let mut rest = scratch;
    for _ in 0..count {
        let (buffer, tail) = rest.split_at_mut(length);
        buffers.push(buffer);
        rest = tail;
    }
    if count == 1 {
        for (part, buffer) in parts.into_iter().zip(buffers) {
            work(0, part, buffer);
        }
        return;
    }
    let pool = Mutex::new(buffers);
    let lock = || pool.lock().unwrap_or_else(PoisonError::into_inner);
    parts.into_par_iter().enumerate().with_max_len(1).for_each(|(lane, part)| {
        let lent = lock().pop();
        // There are as many buffers as lanes, so one is always free.
        let Some(buffer) = lent else { unreachable!("fewer buffers than lanes") };
        work(lane, part, buffer);
        lock().push(buffer);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_cover_every_unit_once() {
        for (total, fewest) in [(0, 1), (1, 4), (7, 2), (100, 3), (1000, 1)] {
            let lanes = Lanes::new(total, fewest);
            let units: Vec<usize> = (0..lanes.count).flat_map(|lane| lanes.range(lane)).collect();
            assert_eq!(units, (0..total).collect::<Vec<_>>());
            assert!((0..lanes.count).all(|lane| lanes.range(lane).len() <= lanes.longest()));
        }
    }

    #[test]
    fn parts_and_buffers_are_disjoint() {
        let lanes = Lanes::new(37, 2);
        let mut data = vec![0; 37 * 3];
        let mut scratch = vec![0; lanes.count * 2];
        run(lanes.split(&mut data, |units| units * 3), &mut scratch, 2, |lane, part, buffer| {
            buffer.fill(lane + 1);
            part.fill(buffer[1]);
        });
        let expected = (0..lanes.count).flat_map(|lane| vec![lane + 1; lanes.range(lane).len() * 3]);
        assert!(data.into_iter().eq(expected));
    }
}
