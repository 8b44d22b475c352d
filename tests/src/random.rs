//! A small seeded generator (xorshift64*), so that a failing run can be repeated from the seed it prints.

use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    pub fn new(seed: u64) -> Random {
        // Zero would stay zero.
        Random { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1 }
    }

    /// Returns the seed of `OUTRIGGER_SEED`, or one of the moment.
    pub fn seed() -> u64 {
        let given = std::env::var("OUTRIGGER_SEED").ok().and_then(|seed| seed.parse().ok());
        let moment = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
        given.unwrap_or_else(moment)
    }

    /// Returns a number from 0 up to, not including, `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        (self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end.max(1)
    }

    /// Returns one of `choices`.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let at = self.below(choices.len() as u64);
        &choices[usize::try_from(at).unwrap_or(0)]
    }
}
