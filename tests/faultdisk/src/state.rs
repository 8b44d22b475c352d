//! The files, their record, and the faults. No C here.

use std::collections::BTreeMap;
use std::io;

use crate::Bytes;
use crate::image::{Image, Log};
use crate::locks::{Locks, SharedMemory};
use crate::random::Random;

/// What can be asked of the disk and made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Open,
    Read,
    Write,
    Truncate,
    Sync,
    Size,
    Lock,
    MapMemory,
    LockMemory,
    Remove,
    Look,
    Rename,
    Link,
    SyncDirectory,
}

/// How an operation fails. One that cannot fail this way fails as `Io`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Io,
    Full,
    Busy,
}

/// The `at`-th operation since `inject` fails, counted from 1; if `lasting`, so do all later ones of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub at: u64,
    pub how: How,
    pub lasting: bool,
}

/// One operation as recorded.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Create {
        name: String,
        file: u64,
    },
    Write {
        file: u64,
        offset: u64,
        bytes: Bytes,
    },
    Truncate {
        file: u64,
        len: u64,
    },
    Sync {
        file: u64,
    },
    /// The sync said it failed: what it should have saved may be lost even if a later one succeeds.
    SyncFailed {
        file: u64,
    },
    SyncDirectory,
    Remove {
        name: String,
    },
    Rename {
        from: String,
        to: String,
    },
    Link {
        name: String,
        file: u64,
    },
    Note(u64),
}

/// An operation that did not happen, or only in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed(pub How);

impl From<Failed> for io::Error {
    fn from(failed: Failed) -> io::Error {
        match failed.0 {
            How::Io => io::Error::other("input/output error"),
            How::Full => io::Error::from(io::ErrorKind::StorageFull),
            How::Busy => io::Error::from(io::ErrorKind::ResourceBusy),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Node {
    pub data: Vec<u8>,
    pub locks: Locks,
    pub memory: SharedMemory,
}

#[derive(Debug)]
pub(crate) struct State {
    names: BTreeMap<String, u64>,
    nodes: BTreeMap<u64, Node>,
    numbers: u64,
    log: Option<Log>,
    fault: Option<Fault>,
    asked: Vec<Kind>,
    /// The kind of the first operation that failed.
    failed: Option<Kind>,
    limit: Option<u64>,
    pub(crate) lies: bool,
    pub(crate) random: Random,
}

impl Default for State {
    fn default() -> State {
        State {
            names: BTreeMap::new(),
            nodes: BTreeMap::new(),
            numbers: 0,
            log: None,
            fault: None,
            asked: Vec::new(),
            failed: None,
            limit: None,
            lies: false,
            random: Random::new(1),
        }
    }
}

impl State {
    pub(crate) fn load(&mut self, image: &Image) {
        *self = State { numbers: self.numbers, random: self.random.clone(), ..State::default() };
        for (name, data) in &image.files {
            let file = self.number();
            self.names.insert(name.clone(), file);
            self.nodes.insert(file, Node { data: data.clone(), ..Node::default() });
        }
    }

    pub(crate) fn image(&self) -> Image {
        let data = |file: &u64| self.nodes.get(file).map(|node| node.data.clone()).unwrap_or_default();
        Image { files: self.names.iter().map(|(name, file)| (name.clone(), data(file))).collect() }
    }

    pub(crate) fn record(&mut self) {
        let files = self.nodes.iter().map(|(file, node)| (*file, node.data.clone())).collect();
        self.log = Some(Log { names: self.names.clone(), files, ops: Vec::new() });
    }

    pub(crate) fn take_log(&mut self) -> Log {
        self.log.take().unwrap_or_default()
    }

    pub(crate) fn append(&mut self, op: Op) {
        if let Some(log) = &mut self.log {
            log.ops.push(op);
        }
    }

    pub(crate) fn inject(&mut self, fault: Option<Fault>) {
        (self.fault, self.asked, self.failed) = (fault, Vec::new(), None);
    }

    pub(crate) fn operations(&self) -> (Vec<Kind>, Option<Kind>) {
        (self.asked.clone(), self.failed)
    }

    pub(crate) fn limit(&mut self, bytes: Option<u64>) {
        self.limit = bytes;
    }

    pub(crate) fn bytes(&self) -> u64 {
        let named: std::collections::BTreeSet<&u64> = self.names.values().collect();
        named.into_iter().filter_map(|file| self.nodes.get(file)).map(|node| node.data.len() as u64).sum()
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Counts an operation; says if this one is to fail.
    pub(crate) fn ask(&mut self, kind: Kind) -> Result<(), Failed> {
        self.asked.push(kind);
        let Some(fault) = self.fault else { return Ok(()) };
        let asked = self.asked.len() as u64;
        let is_hit = asked == fault.at;
        if is_hit && self.failed.is_none() {
            self.failed = Some(kind);
        }
        if is_hit || (fault.lasting && asked > fault.at && self.failed == Some(kind)) {
            return Err(Failed(fault.how));
        }
        Ok(())
    }

    pub(crate) fn node(&mut self, file: u64) -> &mut Node {
        self.nodes.entry(file).or_default()
    }

    /// Returns the file's number; makes the file if it is missing and `create` says so.
    pub(crate) fn open(&mut self, name: &str, create: bool) -> Result<u64, Failed> {
        self.ask(Kind::Open)?;
        if let Some(file) = self.names.get(name) {
            return Ok(*file);
        }
        if !create {
            return Err(Failed(How::Io));
        }
        let file = self.number();
        self.names.insert(name.to_owned(), file);
        self.nodes.insert(file, Node::default());
        self.append(Op::Create { name: name.to_owned(), file });
        Ok(file)
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    pub(crate) fn len(&self, name: &str) -> Option<u64> {
        let file = self.names.get(name)?;
        self.nodes.get(file).map(|node| node.data.len() as u64)
    }

    /// SQLite's idea of existing: an empty file does not.
    pub(crate) fn look(&mut self, name: &str) -> Result<bool, Failed> {
        self.ask(Kind::Look)?;
        let file = self.names.get(name).and_then(|file| self.nodes.get(file));
        Ok(file.is_some_and(|node| !node.data.is_empty()))
    }

    pub(crate) fn read_all(&mut self, name: &str) -> io::Result<Vec<u8>> {
        self.ask(Kind::Read)?;
        let file = self.names.get(name).and_then(|file| self.nodes.get(file));
        file.map(|node| node.data.clone()).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    /// Fills `into`, with zeros beyond the end; returns how many bytes were there.
    pub(crate) fn read(&mut self, file: u64, into: &mut [u8], offset: u64) -> Result<usize, Failed> {
        self.ask(Kind::Read)?;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let found = self.node(file).data.get(offset..).unwrap_or_default();
        let count = found.len().min(into.len());
        into.fill(0);
        for (to, from) in into.iter_mut().zip(found) {
            *to = *from;
        }
        Ok(count)
    }

    pub(crate) fn write(&mut self, file: u64, bytes: &[u8], offset: u64) -> Result<(), Failed> {
        let asked = self.ask(Kind::Write);
        let (mut kept, mut failed) = (bytes, None);
        if let Err(fault) = asked {
            // A write that fails may have written some.
            (kept, failed) = (bytes.get(..bytes.len() / 2).unwrap_or_default(), Some(fault));
        }
        let len = self.node(file).data.len() as u64;
        if let Some(limit) = self.limit {
            let growth = (offset + kept.len() as u64).saturating_sub(len);
            let room = limit.saturating_sub(self.bytes());
            if growth > room {
                let fits = kept.len() as u64 - (growth - room).min(kept.len() as u64);
                kept = kept.get(..usize::try_from(fits).unwrap_or(0)).unwrap_or_default();
                self.failed = self.failed.or(Some(Kind::Write));
                failed = Some(Failed(How::Full));
            }
        }
        if !kept.is_empty() {
            put(&mut self.node(file).data, kept, offset);
            self.append(Op::Write { file, offset, bytes: kept.into() });
        }
        failed.map_or(Ok(()), Err)
    }

    pub(crate) fn truncate(&mut self, file: u64, len: u64) -> Result<(), Failed> {
        self.ask(Kind::Truncate)?;
        self.node(file).data.resize(usize::try_from(len).unwrap_or(0), 0);
        self.append(Op::Truncate { file, len });
        Ok(())
    }

    pub(crate) fn sync(&mut self, file: u64) -> Result<(), Failed> {
        if let Err(failed) = self.ask(Kind::Sync) {
            self.append(Op::SyncFailed { file });
            return Err(failed);
        }
        if !self.lies {
            self.append(Op::Sync { file });
        }
        Ok(())
    }

    pub(crate) fn sync_directory(&mut self) -> Result<(), Failed> {
        self.ask(Kind::SyncDirectory)?;
        if !self.lies {
            self.append(Op::SyncDirectory);
        }
        Ok(())
    }

    pub(crate) fn size(&mut self, file: u64) -> Result<u64, Failed> {
        self.ask(Kind::Size)?;
        Ok(self.node(file).data.len() as u64)
    }

    pub(crate) fn remove(&mut self, name: &str) -> io::Result<()> {
        self.ask(Kind::Remove)?;
        if self.forget(name) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    /// Takes a name away; whoever has the file open keeps it.
    pub(crate) fn forget(&mut self, name: &str) -> bool {
        let was_there = self.names.remove(name).is_some();
        if was_there {
            self.append(Op::Remove { name: name.to_owned() });
        }
        was_there
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.ask(Kind::Rename)?;
        let file = self.names.remove(from).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        self.names.insert(to.to_owned(), file);
        self.append(Op::Rename { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    pub(crate) fn link(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.ask(Kind::Link)?;
        let file = *self.names.get(from).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        if self.exists(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.names.insert(to.to_owned(), file);
        self.append(Op::Link { name: to.to_owned(), file });
        Ok(())
    }
}

/// Writes `bytes` at `offset`, with zeros in a hole before it.
pub(crate) fn put(data: &mut Vec<u8>, bytes: &[u8], offset: u64) {
    let from = usize::try_from(offset).unwrap_or(0);
    let to = from + bytes.len();
    if data.len() < to {
        data.resize(to, 0);
    }
    if let Some(place) = data.get_mut(from..to) {
        place.copy_from_slice(bytes);
    }
}
