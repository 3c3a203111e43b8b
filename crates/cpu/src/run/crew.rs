//! A crew of threads that work through the steps of a program side by side: steps that need nothing from each
//! other run at the same time, each on one thread.
//!
//! Small programs (perceptrons at a batch of 128) have steps too short to be shared out, but many that are
//! independent: a layer's weight gradient, the next layer's cotangent, the tangent beside the value. Which
//! step waits for which follows from the memory that they touch, so that room used again makes the later step
//! wait, and two steps at the same time never touch what one of them writes. What a step computes does not
//! depend on when it runs: bits stay the same.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::plan::Span;
use crate::step::Step;

/// Programs with more steps have long ones, which are shared out themselves.
const MOST_STEPS: usize = 512;
/// A crew pays from this much time in short steps, on one thread.
const WORTH_NS: f64 = 60_000.0;
/// A crew pays from this share of the time in short steps.
const SHARE: f64 = 0.3;
/// Looks around without success after which a thread lets others run.
const PATIENCE: usize = 64;

/// The steps' order: who waits for whom, and who goes first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    /// The steps, the one with the longest way to the end first; everything below is by rank in this order.
    steps: Vec<usize>,
    /// Ranks of the steps that wait for a step.
    followers: Vec<Vec<u32>>,
    /// How many steps a step waits for.
    needs: Vec<u32>,
    /// A bit for each step that one thread does alone.
    narrow: Vec<u64>,
}

/// Whether enough of the steps' time is spent in short ones.
pub(crate) fn is_worth_it(steps: &[Step]) -> bool {
    let cost = |steps: &mut dyn Iterator<Item = &Step>| steps.map(Step::cost).sum::<f64>();
    let narrow = cost(&mut steps.iter().filter(|step| !step.is_wide()));
    steps.len() <= MOST_STEPS && narrow >= WORTH_NS && narrow >= SHARE * cost(&mut steps.iter())
}

impl Order {
    /// The order of `steps`.
    pub(crate) fn new(steps: &[Step]) -> Order {
        let costs: Vec<f64> = steps.iter().map(Step::cost).collect();
        let needs = needs(steps);
        // The way to the end through the steps that wait: the longest first keeps the others busy meanwhile.
        let mut way = costs;
        for (later, earlier) in needs.iter().enumerate().rev() {
            for earlier in earlier {
                way[*earlier] = way[*earlier].max(way[later] + steps[*earlier].cost());
            }
        }
        let mut by_way: Vec<usize> = (0..steps.len()).collect();
        by_way.sort_by(|a, b| way[*b].total_cmp(&way[*a]).then(a.cmp(b)));
        let mut rank = vec![0u32; steps.len()];
        by_way.iter().enumerate().for_each(|(position, step)| rank[*step] = position as u32);
        let mut order = Order {
            followers: vec![Vec::new(); steps.len()],
            needs: by_way.iter().map(|step| needs[*step].len() as u32).collect(),
            narrow: vec![0; steps.len().div_ceil(64)],
            steps: by_way,
        };
        for (later, earlier) in needs.iter().enumerate() {
            earlier.iter().for_each(|earlier| order.followers[rank[*earlier] as usize].push(rank[later]));
            if !steps[later].is_wide() {
                order.narrow[rank[later] as usize / 64] |= 1 << (rank[later] % 64);
            }
        }
        order
    }
}

/// For each step the earlier ones that it must wait for, without those that they wait for themselves.
fn needs(steps: &[Step]) -> Vec<Vec<usize>> {
    let touches: Vec<_> = steps.iter().map(Step::touches).collect();
    let words = steps.len().div_ceil(64);
    // All steps before a step, direct or not.
    let mut before = vec![vec![0u64; words]; steps.len()];
    let mut needs = vec![Vec::new(); steps.len()];
    for later in 0..steps.len() {
        let mut all = vec![0u64; words];
        for earlier in (0..later).rev() {
            let known = all[earlier / 64] >> (earlier % 64) & 1 == 1;
            if known || !conflict(&touches[earlier], &touches[later]) {
                continue;
            }
            needs[later].push(earlier);
            all.iter_mut().zip(&before[earlier]).for_each(|(all, before)| *all |= before);
            all[earlier / 64] |= 1 << (earlier % 64);
        }
        before[later] = all;
    }
    needs
}

/// Whether one of two steps (reads, writes) writes what the other touches.
fn conflict(a: &(Vec<Span>, Vec<Span>), b: &(Vec<Span>, Vec<Span>)) -> bool {
    let meets = |x: &[Span], y: &[Span]| x.iter().any(|x| y.iter().any(|y| x.overlaps(y)));
    meets(&a.1, &b.1) || meets(&a.1, &b.0) || meets(&a.0, &b.1)
}

/// The state of one run.
pub(crate) struct Crew<'a> {
    order: &'a Order,
    /// How many steps each step still waits for.
    waiting: Vec<AtomicUsize>,
    /// A bit for each step that waits for nobody and was not taken.
    ready: Vec<AtomicU64>,
    left: AtomicUsize,
    failed: AtomicBool,
}

impl<'a> Crew<'a> {
    pub(crate) fn new(order: &'a Order) -> Crew<'a> {
        let waiting = order.needs.iter().map(|count| AtomicUsize::new(*count as usize)).collect();
        let mut ready = vec![0u64; order.narrow.len()];
        let free = (0..order.needs.len()).filter(|rank| order.needs[*rank] == 0);
        free.for_each(|rank| ready[rank / 64] |= 1 << (rank % 64));
        Crew {
            order,
            waiting,
            ready: ready.into_iter().map(AtomicU64::new).collect(),
            left: AtomicUsize::new(order.steps.len()),
            failed: AtomicBool::new(false),
        }
    }

    /// Works until all steps are done: on the thread that leads, on any step; on others, on those that one
    /// thread does alone, and in between on what the leader shares out.
    pub(crate) fn work(&self, leads: bool, step: &(impl Fn(usize) + ?Sized)) {
        // A step that panics would leave the others waiting for ever.
        let _fails = FailOnPanic(&self.failed);
        let mut idle = 0;
        while self.left.load(Ordering::Acquire) > 0 && !self.failed.load(Ordering::Acquire) {
            match self.take(leads) {
                Some(rank) => {
                    step(self.order.steps[rank]);
                    self.finish(rank);
                    idle = 0;
                }
                None if !leads && rayon::yield_now() == Some(rayon::Yield::Executed) => idle = 0,
                None if idle < PATIENCE => {
                    idle += 1;
                    std::hint::spin_loop();
                }
                None => std::thread::yield_now(),
            }
        }
    }

    /// The first step that waits for nobody.
    fn take(&self, any: bool) -> Option<usize> {
        for (word, (ready, narrow)) in self.ready.iter().zip(&self.order.narrow).enumerate() {
            let allowed = if any { u64::MAX } else { *narrow };
            loop {
                let free = ready.load(Ordering::Acquire) & allowed;
                if free == 0 {
                    break;
                }
                let bit = free & free.wrapping_neg();
                if ready.fetch_and(!bit, Ordering::AcqRel) & bit != 0 {
                    return Some(word * 64 + bit.trailing_zeros() as usize);
                }
            }
        }
        None
    }

    fn finish(&self, rank: usize) {
        for follower in &self.order.followers[rank] {
            let follower = *follower as usize;
            // Whoever takes the last obstacle away has seen what all of them wrote.
            if self.waiting[follower].fetch_sub(1, Ordering::AcqRel) == 1 {
                self.ready[follower / 64].fetch_or(1 << (follower % 64), Ordering::Release);
            }
        }
        self.left.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Tells the others when its thread panics.
struct FailOnPanic<'a>(&'a AtomicBool);

impl Drop for FailOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::argument::Options;
    use crate::compile::compile;
    use enscore_program::{Kind, Program, Scope};

    /// A training step of two layers, small enough for a crew and large enough to be cut.
    fn program() -> Program {
        let scope = Scope::new();
        let x = scope.input("x", Kind::Float, &[128, 96]);
        let [a, b] = ["a", "b"].map(|name| scope.input(name, Kind::Float, &[96, 96]));
        let y = x.matmul(a).softplus().matmul(b).softplus();
        let gradient = scope.gradient(y.square().sum_all(), &[a, b]);
        scope.finish(&[("a", a - 0.1 * gradient[0]), ("b", b - 0.1 * gradient[1])]).expect("a program")
    }

    #[test]
    fn steps_that_touch_the_same_memory_wait_for_each_other() {
        let compiled = compile::<f32>(&program(), Options::default()).expect("compiles");
        let order = compiled.order.expect("a crew is worth it");
        let steps: Vec<&Step> = order.steps.iter().map(|step| &compiled.steps[*step]).collect();
        assert!(steps.iter().filter(|step| matches!(step, Step::Piece { .. })).count() >= 8);
        // Steps that come after a step, by way of any number of others.
        let mut after = vec![vec![false; steps.len()]; steps.len()];
        let mut in_order: Vec<usize> = (0..steps.len()).collect();
        in_order.sort_by_key(|rank| std::cmp::Reverse(order.steps[*rank]));
        for rank in in_order {
            for follower in &order.followers[rank] {
                assert!(order.steps[*follower as usize] > order.steps[rank]);
                let further = after[*follower as usize].clone();
                after[rank].iter_mut().zip(further).for_each(|(after, further)| *after |= further);
                after[rank][*follower as usize] = true;
            }
        }
        let mut independent = 0;
        for (i, j) in (0..steps.len()).flat_map(|i| (0..i).map(move |j| (i, j))) {
            let waits = after[i][j] || after[j][i];
            assert!(waits || !conflict(&steps[i].touches(), &steps[j].touches()), "{i} and {j}");
            independent += usize::from(!waits);
        }
        assert!(independent > steps.len(), "{independent} pairs of {} steps", steps.len());
    }

    #[test]
    fn every_step_runs_once_and_after_those_that_it_waits_for() {
        let compiled = compile::<f32>(&program(), Options::default()).expect("compiles");
        let order = compiled.order.expect("a crew is worth it");
        for _ in 0..50 {
            let crew = Crew::new(&order);
            let done: Vec<AtomicBool> = order.steps.iter().map(|_| AtomicBool::new(false)).collect();
            let needs = needs(&compiled.steps);
            let step = |number: usize| {
                assert!(needs[number].iter().all(|earlier| done[*earlier].load(Ordering::Acquire)));
                assert!(!done[number].swap(true, Ordering::AcqRel), "step {number} ran before");
            };
            std::thread::scope(|scope| {
                scope.spawn(|| crew.work(false, &step));
                crew.work(true, &step);
            });
            assert!(done.iter().all(|done| done.load(Ordering::Acquire)));
        }
    }
}
