//! Locks between the connections of one file, and the memory they share for the write-ahead log's index.

use std::collections::BTreeMap;

/// Who holds which lock of a database file (SQLite's five levels).
#[derive(Debug, Default)]
pub(crate) struct Locks {
    levels: BTreeMap<u64, Level>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    None,
    Shared,
    Reserved,
    Pending,
    Exclusive,
}

impl Locks {
    /// Raises the lock of `who`; false means another one is in the way.
    pub(crate) fn lock(&mut self, who: u64, wanted: Level) -> bool {
        let mine = self.levels.get(&who).copied().unwrap_or(Level::None);
        if mine >= wanted {
            return true;
        }
        let others = self.levels.iter().filter(|(other, _)| **other != who).map(|(_, level)| *level).max();
        let others = others.unwrap_or(Level::None);
        let (level, granted) = match wanted {
            Level::None => (Level::None, true),
            Level::Shared => (wanted, others < Level::Pending),
            Level::Reserved => (wanted, others < Level::Reserved),
            Level::Pending | Level::Exclusive if others >= Level::Reserved => (mine, false),
            Level::Pending | Level::Exclusive if others == Level::None => (wanted, true),
            // Readers are still there: nobody new comes in.
            Level::Pending | Level::Exclusive => (Level::Pending, false),
        };
        if granted || level == Level::Pending {
            self.levels.insert(who, level);
        }
        granted
    }

    pub(crate) fn unlock(&mut self, who: u64, to: Level) {
        match to {
            Level::None => {
                self.levels.remove(&who);
            }
            level => {
                self.levels.insert(who, level);
            }
        }
    }

    pub(crate) fn is_reserved(&self) -> bool {
        self.levels.values().any(|level| *level >= Level::Reserved)
    }
}

const REGION_WORDS: usize = 4096;
/// A region of 32 KiB.
pub(crate) const REGION_BYTES: usize = REGION_WORDS * 8;
const SLOTS: usize = 8;

/// Memory whose address SQLite keeps.
#[derive(Debug)]
struct Region(*mut [u64; REGION_WORDS]);

// SAFETY: the memory is plain words that SQLite itself guards with the locks below and with barriers.
unsafe impl Send for Region {}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: made by `Box::into_raw`, freed once, when no connection maps it any more.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

/// The index of a write-ahead log.
#[derive(Debug, Default)]
pub(crate) struct SharedMemory {
    regions: Vec<Region>,
    /// Each connection's slots: shared and exclusive, as bits.
    held: BTreeMap<u64, (u8, u8)>,
}

impl SharedMemory {
    /// Returns the address of a region; null if it is missing and not to be made.
    pub(crate) fn map(&mut self, who: u64, index: usize, make: bool) -> *mut std::ffi::c_void {
        self.held.entry(who).or_default();
        while make && self.regions.len() <= index {
            self.regions.push(Region(Box::into_raw(Box::new([0; REGION_WORDS]))));
        }
        self.regions.get(index).map_or(std::ptr::null_mut(), |region| region.0.cast())
    }

    /// Takes `count` slots from `first` on; false means another one is in the way.
    pub(crate) fn lock(&mut self, who: u64, first: usize, count: usize, exclusive: bool) -> bool {
        let mask = mask(first, count);
        let in_the_way =
            |(shared, exclusively): &(u8, u8)| exclusively & mask != 0 || (exclusive && shared & mask != 0);
        if self.held.iter().any(|(other, held)| *other != who && in_the_way(held)) {
            return false;
        }
        let (shared, exclusively) = self.held.entry(who).or_default();
        if exclusive {
            *exclusively |= mask
        } else {
            *shared |= mask
        }
        true
    }

    pub(crate) fn unlock(&mut self, who: u64, first: usize, count: usize) {
        let mask = mask(first, count);
        if let Some((shared, exclusively)) = self.held.get_mut(&who) {
            (*shared, *exclusively) = (*shared & !mask, *exclusively & !mask);
        }
    }

    /// Lets a connection go. The last one takes the memory with it: it means nothing without connections.
    pub(crate) fn unmap(&mut self, who: u64) {
        self.held.remove(&who);
        if self.held.is_empty() {
            self.regions.clear();
        }
    }
}

fn mask(first: usize, count: usize) -> u8 {
    (first..(first + count).min(SLOTS)).fold(0, |mask, slot| mask | (1 << slot))
}
