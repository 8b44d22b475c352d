//! What is wrong with a configuration, all of it, each with its place.

use std::fmt;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where: a flag, a variable, or file, line and column.
    pub place: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Every mistake that was found. Never empty when returned as an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.0.len() == 1 { "mistake" } else { "mistakes" };
        write!(f, "{} {noun} in the configuration", self.0.len())?;
        for Mistake { place, message } in &self.0 {
            write!(f, "\n  {place}: {message}")?;
        }
        Ok(())
    }
}
