//! Hash tables that are fast and the same on every run. Never iterated where the order could be seen.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;

pub type Map<K, V> = HashMap<K, V, FixedState>;
pub type Set<K> = HashSet<K, FixedState>;
