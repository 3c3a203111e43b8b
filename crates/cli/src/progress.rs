//! Progress on stderr: a bar where it is a terminal, else a line every ten seconds.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use enscore::Result;
use enscore::text::decimal;
use enscore::train::{LastState, Observer};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::context::Context;
use crate::signals::Signals;

const TEMPLATE: &str = "{prefix:<8} [{bar:32}] {pos}/{len}  {rate}  ETA {eta}  {msg}";
/// The same of a training that ends by the clock.
const TIMED: &str = "{prefix:<8} {pos} steps  {rate}  {elapsed}  {msg}";
/// How much of the shown loss is the losses before the last one: single batches jump too much to be read.
const SMOOTHING: f64 = 0.95;
/// Between two lines where there is no terminal.
const LINES_APART: Duration = Duration::from_secs(10);

/// What is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// A bar and every message.
    Bar,
    /// A line now and then.
    Lines,
    /// A line now and then, and every message.
    All,
    /// Warnings alone.
    Nothing,
}

/// The bar of what runs now.
pub(crate) struct Progress {
    bar: ProgressBar,
    phase: String,
    loss: Option<f64>,
    shown: Shown,
    /// How long a training may take.
    limit: Option<Duration>,
    pace: Pace,
    signals: Signals,
}

/// How fast it goes, for lines.
struct Pace {
    began: Instant,
    from: u64,
    total: u64,
    said: Instant,
}

impl Pace {
    fn new(from: u64, total: u64) -> Pace {
        Pace { began: Instant::now(), from, total, said: Instant::now() }
    }
}

impl Progress {
    pub(crate) fn new(context: &Context) -> Progress {
        let shown = match (context.quiet, stderr().is_terminal(), context.verbose) {
            (true, _, _) => Shown::Nothing,
            (false, true, _) => Shown::Bar,
            (false, false, true) => Shown::All,
            (false, false, false) => Shown::Lines,
        };
        Progress {
            bar: ProgressBar::hidden(),
            phase: String::new(),
            loss: None,
            shown,
            limit: None,
            pace: Pace::new(0, 0),
            signals: context.signals.clone(),
        }
    }

    /// A training ends after this time, if any.
    pub(crate) fn within(mut self, limit: Option<Duration>) -> Progress {
        self.limit = limit;
        self
    }

    fn start(&mut self, phase: &str, done: u64, total: u64) {
        self.end();
        self.phase = phase.to_string();
        self.pace = Pace::new(done, total);
        if self.shown != Shown::Bar {
            return;
        }
        let timed = self.limit.is_some() && phase == TRAINING;
        let template = if timed { TIMED } else { TEMPLATE };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let style = style.with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            // A rate that doesn't fit on the line is no reason to stop.
            let _ = write!(out, "{:.1}/s", state.per_sec());
        });
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        self.bar = bar.with_style(style.progress_chars("=> ")).with_position(done);
        self.bar.set_prefix(phase.to_string());
        self.bar.reset_eta();
    }

    /// Says how far `phase` is. A signal ends it from outside: nothing of it would be kept.
    pub(crate) fn phase(&mut self, phase: &str, done: u64, total: u64) -> Result<()> {
        if phase != self.phase {
            self.start(phase, done, total);
            self.signals.doing(phase);
        }
        self.show(done);
        Ok(())
    }

    /// Shows how far it is; where there is no bar, seldom.
    fn show(&mut self, done: u64) {
        match self.shown {
            Shown::Bar => self.bar.set_position(done),
            Shown::Lines | Shown::All if self.pace.said.elapsed() >= LINES_APART => {
                self.pace.said = Instant::now();
                let line = self.line(done);
                self.write(&line);
            }
            Shown::Lines | Shown::All | Shown::Nothing => {}
        }
    }

    /// Phase, steps, loss, rate, time left.
    fn line(&self, done: u64) -> String {
        let Pace { began, from, total, .. } = self.pace;
        let took = began.elapsed().as_secs_f64();
        let rate = done.saturating_sub(from) as f64 / took.max(1e-9);
        let limit = self.limit.filter(|_| self.phase == TRAINING).map(|limit| limit.as_secs_f64());
        let by_steps = total.saturating_sub(done) as f64 / rate.max(1e-9);
        let left = limit.map_or(by_steps, |limit| (limit - took).max(0.0).min(by_steps));
        let of = if limit.is_some() { String::new() } else { format!(" of {total}") };
        let loss = self.loss.filter(|_| self.phase == TRAINING);
        let loss = loss.map_or(String::new(), |loss| format!(", loss {}", decimal(loss, 4)));
        format!("{}: {done}{of}{loss}, {rate:.1}/s, {left:.0} s left", self.phase)
    }

    fn write(&self, line: &str) {
        // Where stderr is gone there is nobody to tell.
        self.bar.suspend(|| drop(writeln!(stderr(), "{line}")));
    }

    /// Ends the bar and clears its line.
    pub(crate) fn end(&mut self) {
        self.bar.finish_and_clear();
        self.bar = ProgressBar::hidden();
        self.phase.clear();
    }
}

/// The phase of a training.
const TRAINING: &str = "training";

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

impl Observer for Progress {
    fn begin(&mut self, step: u64, steps: u64, parameters: u64) {
        self.signals.training(true);
        self.start(TRAINING, step, steps);
        self.message(&format!("training {parameters} parameters for {steps} steps, {step} done"));
    }

    fn step(&mut self, step: u64, loss_per_dim: f64) {
        let loss = self.loss.map_or(loss_per_dim, |loss| SMOOTHING * loss + (1.0 - SMOOTHING) * loss_per_dim);
        self.loss = Some(loss);
        if self.shown == Shown::Bar {
            self.bar.set_message(format!("loss {}", decimal(loss, 4)));
        }
        self.show(step);
    }

    fn message(&mut self, text: &str) {
        if matches!(self.shown, Shown::Bar | Shown::All) {
            self.write(text);
        }
    }

    fn warning(&mut self, text: &str) {
        self.write(&format!("enscore: warning: {text}"));
    }

    fn holds(&mut self, state: Option<LastState>) {
        self.signals.hold(state);
    }

    fn saving(&mut self, now: bool) {
        self.signals.saving(now);
    }

    fn ended(&mut self) {
        self.signals.training(false);
    }
}
