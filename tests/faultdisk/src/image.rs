//! What a power cut leaves: the record played up to a moment, and of what was not synced any part, torn at sectors.

use std::collections::BTreeMap;

use crate::Bytes;
use crate::random::Random;
use crate::state::{Op, put};

/// The smallest piece a disk writes whole.
const SECTOR: u64 = 512;

/// All files of a disk, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    pub files: BTreeMap<String, Vec<u8>>,
}

/// A record: the files at its beginning and every operation since.
#[derive(Debug, Clone, Default)]
pub struct Log {
    pub(crate) names: BTreeMap<String, u64>,
    pub(crate) files: BTreeMap<u64, Vec<u8>>,
    pub(crate) ops: Vec<Op>,
}

impl Log {
    /// Returns how many operations were recorded.
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }
}

/// A change of a file that no sync has made safe yet.
#[derive(Debug, Clone)]
enum Pending {
    /// Within one sector.
    Piece {
        offset: u64,
        bytes: Bytes,
        from: usize,
        to: usize,
        doubtful: bool,
    },
    Length(u64),
}

impl Pending {
    fn sector(&self) -> Option<u64> {
        match self {
            Pending::Piece { offset, .. } => Some(offset / SECTOR),
            Pending::Length(_) => None,
        }
    }
}

#[derive(Debug, Clone, Default)]
struct File {
    safe: Vec<u8>,
    pending: Vec<Pending>,
}

impl File {
    fn write(&mut self, offset: u64, bytes: &Bytes) {
        let mut from = 0;
        while from < bytes.len() {
            let at = offset + from as u64;
            let room = usize::try_from(SECTOR - at % SECTOR).unwrap_or(1);
            let to = (from + room).min(bytes.len());
            self.pending.push(Pending::Piece {
                offset: at,
                bytes: Bytes::clone(bytes),
                from,
                to,
                doubtful: false,
            });
            from = to;
        }
    }

    /// After a sync that failed the system believes these pieces clean: a later sync leaves them out.
    fn doubt(&mut self) {
        for pending in &mut self.pending {
            if let Pending::Piece { doubtful, .. } = pending {
                *doubtful = true;
            }
        }
    }

    /// Makes everything safe but what an earlier sync has given up, unless its sector was written again.
    fn sync(&mut self) {
        let clean = |pending: &&Pending| !matches!(pending, Pending::Piece { doubtful: true, .. });
        let sectors: Vec<u64> = self.pending.iter().filter(clean).filter_map(Pending::sector).collect();
        let mut left = Vec::new();
        for pending in std::mem::take(&mut self.pending) {
            match &pending {
                Pending::Piece { doubtful: true, .. }
                    if pending.sector().is_some_and(|sector| !sectors.contains(&sector)) =>
                {
                    left.push(pending);
                }
                _ => apply(&mut self.safe, &pending),
            }
        }
        self.pending = left;
    }

    /// Returns the file as a cut may leave it.
    fn left_by_a_cut(&self, random: &mut Random) -> Vec<u8> {
        let mut data = self.safe.clone();
        let keeps_order = random.happens(50);
        let percent = [0, 20, 50, 80, 97, 100].get(random.index(6)).copied().unwrap_or(50);
        let end = if keeps_order { random.index(self.pending.len() + 1) } else { self.pending.len() };
        let garbage = u8::try_from(random.below(256)).unwrap_or(0);
        let filling = if random.happens(50) { 0 } else { garbage };
        for pending in self.pending.iter().take(end) {
            if keeps_order || random.happens(percent) {
                apply(&mut data, pending);
            } else if let Pending::Piece { offset, from, to, .. } = pending
                && random.happens(30)
            {
                // The file has grown, its new part was never written.
                let grown = usize::try_from(*offset).unwrap_or(0) + (to - from);
                if data.len() < grown {
                    data.resize(grown, filling);
                }
            }
        }
        data
    }
}

fn apply(data: &mut Vec<u8>, pending: &Pending) {
    match pending {
        Pending::Piece { offset, bytes, from, to, .. } => {
            put(data, bytes.get(*from..*to).unwrap_or_default(), *offset);
        }
        Pending::Length(len) => data.resize(usize::try_from(*len).unwrap_or(0), 0),
    }
}

/// The disk itself while a record is played: what is safe, what is on its way.
#[derive(Debug, Clone)]
pub struct Platter<'a> {
    log: &'a Log,
    at: usize,
    files: BTreeMap<u64, File>,
    names: BTreeMap<String, u64>,
    pending_names: Vec<&'a Op>,
    promised: u64,
}

impl<'a> Platter<'a> {
    pub fn new(log: &'a Log) -> Platter<'a> {
        let safe = |data: &Vec<u8>| File { safe: data.clone(), pending: Vec::new() };
        let files = log.files.iter().map(|(file, data)| (*file, safe(data))).collect();
        Platter { log, at: 0, files, names: log.names.clone(), pending_names: Vec::new(), promised: 0 }
    }

    /// Plays on until `to` operations have begun.
    pub fn play(&mut self, to: usize) {
        let log = self.log;
        for op in log.ops.get(self.at..to.max(self.at)).unwrap_or_default() {
            match op {
                Op::Create { file, .. } => {
                    self.files.entry(*file).or_default();
                    self.pending_names.push(op);
                }
                Op::Write { file, offset, bytes } => {
                    self.files.entry(*file).or_default().write(*offset, bytes)
                }
                Op::Truncate { file, len } => {
                    self.files.entry(*file).or_default().pending.push(Pending::Length(*len));
                }
                Op::Sync { file } => self.files.entry(*file).or_default().sync(),
                Op::SyncFailed { file } => self.files.entry(*file).or_default().doubt(),
                Op::SyncDirectory => {
                    for op in std::mem::take(&mut self.pending_names) {
                        rename(&mut self.names, op);
                    }
                }
                Op::Remove { .. } | Op::Rename { .. } | Op::Link { .. } => self.pending_names.push(op),
                Op::Note(promise) => self.promised = *promise,
            }
        }
        self.at = to.max(self.at);
    }

    /// Returns what was noted last up to here.
    pub fn promised(&self) -> u64 {
        self.promised
    }

    /// Returns one of the images a cut at this moment may leave: each sector as of some write since it was safe, lengths and
    /// names with or without what no sync has covered.
    pub fn left_by_a_cut(&self, random: &mut Random) -> Image {
        let mut names = self.names.clone();
        let keeps_order = random.happens(50);
        let end =
            if keeps_order { random.index(self.pending_names.len() + 1) } else { self.pending_names.len() };
        for op in self.pending_names.iter().take(end) {
            if keeps_order || random.happens(50) {
                rename(&mut names, op);
            }
        }
        let mut contents: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        let mut files = BTreeMap::new();
        for (name, file) in names {
            let data = contents.entry(file).or_insert_with(|| {
                self.files.get(&file).map(|file| file.left_by_a_cut(random)).unwrap_or_default()
            });
            files.insert(name, data.clone());
        }
        Image { files }
    }
}

fn rename(names: &mut BTreeMap<String, u64>, op: &Op) {
    match op {
        Op::Create { name, file } | Op::Link { name, file } => {
            names.insert(name.clone(), *file);
        }
        Op::Remove { name } => {
            names.remove(name);
        }
        Op::Rename { from, to } => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
        Op::Write { .. }
        | Op::Truncate { .. }
        | Op::Sync { .. }
        | Op::SyncFailed { .. }
        | Op::SyncDirectory
        | Op::Note(_) => {}
    }
}
