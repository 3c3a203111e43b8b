//! Progress on stderr: a bar where it is a terminal, nothing where it is not.

use std::io::{IsTerminal, Write, stderr};

use enscore::Result;
use enscore::train::Observer;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::context::Context;
use crate::signals::Signals;

const TEMPLATE: &str = "{prefix:<8} [{bar:32}] {pos}/{len}  {rate}  ETA {eta}  {msg}";
/// How much of the shown loss is the losses before the last one: single batches jump too much to be read.
const SMOOTHING: f64 = 0.95;

/// The bar of what runs now.
pub(crate) struct Progress {
    bar: ProgressBar,
    phase: String,
    loss: Option<f64>,
    verbose: bool,
    terminal: bool,
    signals: Signals,
}

impl Progress {
    pub(crate) fn new(context: &Context) -> Progress {
        let verbose = context.verbose;
        let terminal = stderr().is_terminal();
        let signals = context.signals.clone();
        Progress { bar: ProgressBar::hidden(), phase: String::new(), loss: None, verbose, terminal, signals }
    }

    fn start(&mut self, phase: &str, done: u64, total: u64) {
        self.end();
        self.phase = phase.to_string();
        if !self.terminal {
            return;
        }
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        let style = style.with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            // A rate that doesn't fit on the line is no reason to stop.
            let _ = write!(out, "{:.1}/s", state.per_sec());
        });
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        self.bar = bar.with_style(style.progress_chars("=> ")).with_position(done);
        self.bar.set_prefix(phase.to_string());
        self.bar.reset_eta();
    }

    /// Says how far `phase` is; ends it with an error if a signal came.
    pub(crate) fn phase(&mut self, phase: &str, done: u64, total: u64) -> Result<()> {
        if phase != self.phase {
            self.start(phase, done, total);
        }
        self.bar.set_position(done);
        self.signals.check(phase)
    }

    /// Ends the bar and clears its line.
    pub(crate) fn end(&mut self) {
        self.bar.finish_and_clear();
        self.bar = ProgressBar::hidden();
        self.phase.clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

impl Observer for Progress {
    fn begin(&mut self, step: u64, steps: u64, parameters: u64) {
        self.start("training", step, steps);
        self.message(&format!("training {parameters} parameters for {steps} steps, {step} done"));
    }

    fn step(&mut self, step: u64, loss_per_dim: f64) {
        if !self.terminal {
            return;
        }
        let loss = self.loss.map_or(loss_per_dim, |loss| SMOOTHING * loss + (1.0 - SMOOTHING) * loss_per_dim);
        self.loss = Some(loss);
        self.bar.set_position(step);
        self.bar.set_message(format!("loss {loss:.4}"));
    }

    fn message(&mut self, text: &str) {
        if self.terminal || self.verbose {
            // Where stderr is gone there is nobody to tell.
            self.bar.suspend(|| drop(writeln!(stderr(), "{text}")));
        }
    }
}
