//! A work behind a method or a data set: a run's report names those that it used.

use std::fmt;

/// A work: what it is cited for, who, when, what, where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Citation {
    /// What it is cited for, in a few words.
    pub role: &'static str,
    /// Full names where they were printed so.
    pub authors: &'static str,
    /// Year of publication.
    pub year: u16,
    /// Title.
    pub title: &'static str,
    /// Journal with volume and pages, conference, or repository; a data set's licence.
    pub venue: &'static str,
}

impl fmt::Display for Citation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} ({}). {}. {}.", self.authors, self.year, self.title, self.venue)
    }
}
