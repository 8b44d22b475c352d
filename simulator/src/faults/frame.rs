//! Carries out faults on the text frames of one connection, between the session and the bytes that leave.
//!
//! A number that is left out or skipped moves every later `seq` of its subscription, as if the exchange had numbered so.
//! Frames that wait stay in order, and count as waiting for the client.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use actix_web::{HttpRequest, web};
use tokio::time::Instant;

use crate::socket::channel::Channel;

use super::frame_text::{self, Head};
use super::link::{Link, Mode};
use super::rule::{Fault, Place};
use super::{Cut, Faults};

#[derive(Debug)]
pub(crate) struct FrameFaults {
    faults: Faults,
    link: Option<Link>,
    /// What is added to `seq`, by sid.
    offsets: BTreeMap<u64, i64>,
    late: VecDeque<(Instant, Vec<u8>)>,
    late_bytes: usize,
    swapped: Option<Swapped>,
    mute: Mute,
    overflows: bool,
}

/// A frame that lets the next of its channel go first.
#[derive(Debug)]
struct Swapped {
    channel: Option<Channel>,
    until: Instant,
    frame: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mute {
    No,
    Until(Instant),
    ForEver,
}

/// Puts an encoded frame on its way.
type Write<'a> = &'a mut dyn FnMut(&[u8]);

impl FrameFaults {
    /// Returns the faults of a connection; none if its exchange has no faults at all.
    pub(crate) fn of(request: &HttpRequest) -> Option<Box<FrameFaults>> {
        let faults = Faults::clone(request.app_data::<web::Data<Faults>>()?);
        let link = faults.link_of(request);
        Some(Box::new(FrameFaults::new(faults, link)))
    }

    fn new(faults: Faults, link: Option<Link>) -> FrameFaults {
        FrameFaults {
            faults,
            link,
            offsets: BTreeMap::new(),
            late: VecDeque::new(),
            late_bytes: 0,
            swapped: None,
            mute: Mute::No,
            overflows: false,
        }
    }

    /// Says how often a command is heard: once, if nothing is wrong.
    pub(crate) fn hearings(&self) -> usize {
        match self.faults.concerns_streams().then(|| self.faults.decide(&Place::Command)).flatten() {
            Some(Fault::LeaveOut { .. }) => 0,
            Some(Fault::Duplicate) => 2,
            _ => 1,
        }
    }

    /// Tells once whether the client is to be taken for one that does not keep up.
    pub(crate) fn take_overflow(&mut self) -> bool {
        std::mem::take(&mut self.overflows)
    }

    /// Bytes of frames that wait.
    pub(crate) fn late_bytes(&self) -> usize {
        self.late_bytes
    }

    /// Returns when [`FrameFaults::release`] has something to do.
    pub(crate) fn due_at(&self) -> Option<Instant> {
        let late = self.late.front().map(|(at, _)| *at);
        let swapped = self.swapped.as_ref().map(|swapped| swapped.until);
        late.into_iter().chain(swapped).min()
    }

    /// Sends what has waited long enough.
    pub(crate) fn release(&mut self, now: Instant, write: Write<'_>) {
        while let Some((_, frame)) = self.late.pop_front_if(|(at, _)| *at <= now) {
            self.late_bytes = self.late_bytes.saturating_sub(frame.len());
            write(&frame);
        }
        if let Some(swapped) = self.swapped.take_if(|swapped| swapped.until <= now) {
            self.send(&swapped.frame, write);
        }
    }

    /// Sends a frame, or what becomes of it.
    pub(crate) fn pass(&mut self, frame: &[u8], now: Instant, write: Write<'_>) {
        if self.is_mute(now) {
            return;
        }
        let asks = self.faults.concerns_streams();
        if !asks && self.offsets.is_empty() && self.late.is_empty() && self.swapped.is_none() {
            return write(frame);
        }
        let head = Head::of(frame);
        let place = Place::Frame { channel: head.channel, market: head.market };
        let fault = asks.then(|| self.faults.decide(&place)).flatten();
        match fault {
            Some(Fault::LeaveOut { consume_seq }) => {
                if !consume_seq && head.is_numbered() {
                    self.renumber(&head, -1);
                }
                return;
            }
            Some(Fault::Gap { by }) => self.renumber(&head, by),
            _ => {}
        }
        let offset = head.sid.and_then(|sid| self.offsets.get(&sid)).copied().unwrap_or(0);
        let frame = head.renumbered(frame, offset);
        match fault {
            Some(Fault::Reorder { ms }) if self.swapped.is_none() => {
                self.swapped = Some(Swapped { channel: head.channel, until: now + span(ms), frame });
                return;
            }
            Some(Fault::Mute { ms }) => {
                self.mute = ms.map_or(Mute::ForEver, |ms| Mute::Until(now + span(ms)));
                return;
            }
            Some(Fault::Delay { ms }) => self.delay(now + span(ms), frame),
            Some(Fault::Maintenance { ms }) => drop(self.faults.cut(Cut::Close, ms)),
            fault => self.send_changed(fault, &head, &frame, write),
        }
        let is_next =
            |swapped: &mut Swapped| swapped.channel.is_none_or(|channel| head.channel == Some(channel));
        if let Some(swapped) = self.swapped.take_if(is_next) {
            self.send(&swapped.frame, write);
        }
    }

    fn send_changed(&mut self, fault: Option<Fault>, head: &Head<'_>, frame: &[u8], write: Write<'_>) {
        match fault {
            Some(Fault::Duplicate) => self.send(frame, write),
            Some(Fault::UnknownType) => self.send(&frame_text::unknown_type(head.sid), write),
            Some(Fault::Malformed) => return self.send(frame_text::malformed(frame), write),
            Some(Fault::UnknownFields) => return self.send(&frame_text::unknown_fields(frame), write),
            Some(Fault::Huge { bytes }) => return self.send(&frame_text::huge(frame, bytes), write),
            Some(Fault::Trickle { ms }) => self.change_link(Mode::Trickle(span(ms))),
            Some(Fault::HalfOpen) => self.change_link(Mode::Frozen),
            Some(Fault::Overflow) => self.overflows = true,
            Some(Fault::Drop { .. }) => self.change_link(Mode::Close),
            Some(Fault::Reset { .. }) => self.change_link(Mode::Reset),
            _ => {}
        }
        self.send(frame, write);
    }

    /// Sends a frame behind those that wait.
    fn send(&mut self, frame: &[u8], write: Write<'_>) {
        match self.late.back() {
            Some((at, _)) => self.delay(*at, frame.to_vec()),
            None => write(frame),
        }
    }

    /// Lets a frame wait; never to overtake one that waits already.
    fn delay(&mut self, until: Instant, frame: Vec<u8>) {
        let behind = self.late.back().map_or(until, |(at, _)| until.max(*at));
        self.late_bytes += frame.len();
        self.late.push_back((behind, frame));
    }

    fn renumber(&mut self, head: &Head<'_>, by: i64) {
        if let Some(sid) = head.sid {
            *self.offsets.entry(sid).or_insert(0) += by;
        }
    }

    fn is_mute(&mut self, now: Instant) -> bool {
        if matches!(self.mute, Mute::Until(until) if until <= now) {
            self.mute = Mute::No;
        }
        self.mute != Mute::No
    }

    fn change_link(&self, mode: Mode) {
        if let Some(link) = &self.link {
            link.set(mode);
        }
    }
}

fn span(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
