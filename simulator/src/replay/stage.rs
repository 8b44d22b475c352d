//! What one connection has been shown of a recording: books, sequences, and who gets the next frame.
//!
//! Subscriptions made while the replay runs get a snapshot from the books played so far; nothing a client does
//! moves, restarts or changes the recording.
//!
//! Choices: recorded answers to the recorder's own commands (`subscribed`, `ok`, `unsubscribed`, errors without
//! a sid) are left out, as they would answer commands of the client that it never sent. Recorded errors with a
//! sid are passed on; 10 and 25 end the subscription as they do live. Text that is no frame at all is passed
//! on as it stands.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::socket::book_frame::{Snapshot, snapshot};
use crate::socket::channel::Channel;
use crate::socket::command::Refusal;
use crate::socket::control;
use crate::socket::outbox::Outbox;
use crate::socket::subscription::{Added, Source, Subscription, Subscriptions};

use super::Recording;
use super::books::{Books, LaneKey, NoBook};
use super::frame::Frame;
use super::line::Recorded;
use super::number::{Count, Price};
use super::sequence::{Lane, Order};

/// The state of one replay.
pub(super) struct Stage {
    recording: Arc<Recording>,
    books: Arc<Mutex<Books>>,
    lanes: HashMap<LaneKey, (Option<Channel>, Lane)>,
    has_begun: bool,
}

impl Stage {
    pub(super) fn new(recording: Arc<Recording>) -> Self {
        Self { recording, books: Arc::default(), lanes: HashMap::new(), has_begun: false }
    }

    /// Marks the first frame as about to be played: from here on REST shows the books of this replay.
    pub(super) fn begin(&mut self) {
        self.has_begun = true;
        self.recording.show(&self.books);
    }

    /// Plays one recorded frame: to the books, and to the subscription that wants it.
    pub(super) fn play(&mut self, recorded: &Recorded, subscriptions: &mut Subscriptions, out: &mut Outbox) {
        let Some(frame) = Frame::parse(&recorded.text) else {
            // A WebSocket text frame must be UTF-8; anything else would end the connection instead of being seen.
            return out.verbatim(String::from_utf8_lossy(&recorded.text).as_bytes());
        };
        if frame.kind == "subscribed" {
            return self.note_subscribed(recorded.conn, &frame);
        }
        let Some(sid) = frame.sid else { return play_without_sid(&frame, subscriptions, out) };
        let key = (recorded.conn, sid);
        let (named, lane) = self.lanes.entry(key).or_default();
        let channel = Channel::of_message_type(&frame.kind).or(*named);
        *named = channel;
        if channel == Some(Channel::OrderbookDelta) {
            let order = lane.order(frame.seq, &recorded.text);
            apply(&mut self.books.lock(), key, order, &frame);
        }
        let Some(subscription) = channel.and_then(|channel| subscriptions.of_channel(channel)) else {
            if let Some(seq) = frame.seq {
                lane.pass_by(seq);
            }
            return;
        };
        if !is_wanted(subscription, &frame) {
            if let Some(seq) = frame.seq {
                lane.leave_out(seq, &mut subscription.seq);
            }
            return;
        }
        let seq = frame.seq.map(|seq| lane.keep(seq, &mut subscription.seq));
        out.text(|to| frame.rewrite(to, subscription.sid, seq, subscription.use_yes_price));
        if frame.kind == "error" && matches!(frame.message.code, Some(10 | 25)) {
            let sid = subscription.sid;
            subscriptions.remove(sid);
        }
    }

    /// Learns which channel a recorded sid is; its sequence starts anew.
    fn note_subscribed(&mut self, conn: u64, frame: &Frame<'_>) {
        if let Some(sid) = frame.message.sid {
            let channel = frame.message.channel.as_deref().and_then(Channel::named);
            self.lanes.insert((conn, sid), (channel, Lane::default()));
        }
    }

    fn send_snapshot(
        &self,
        subscription: &mut Subscription,
        id: Option<i64>,
        ticker: &str,
        out: &mut Outbox,
    ) -> Result<(), NoBook> {
        if self.recording.catalog().market(ticker).is_none() {
            return Err(NoBook::UnknownMarket);
        }
        let view = self.books.lock().view(ticker)?;
        let wide = |(price, count): &(Price, Count)| (i64::from(*price), *count);
        snapshot(
            out,
            Snapshot {
                id,
                sid: subscription.sid,
                seq: subscription.next_seq(),
                market_ticker: ticker,
                market_id: &view.market_id,
                clock: None,
                yes: view.yes.iter().map(wide),
                no: view.no.iter().map(wide),
                use_yes_price: subscription.use_yes_price,
            },
        );
        Ok(())
    }
}

impl Source for Stage {
    fn ticker_of(&self, market_id: &str) -> Option<String> {
        let markets = self.recording.catalog().markets();
        markets.iter().find(|market| market.market_id == market_id).map(|market| market.ticker.clone())
    }

    fn on_added(&mut self, subscription: &mut Subscription, added: &Added, out: &mut Outbox) {
        if added.is_new {
            let of_channel =
                self.lanes.values_mut().filter(|(named, _)| *named == Some(subscription.channel));
            of_channel.for_each(|(_, lane)| lane.forget_numbers());
        }
        if subscription.channel != Channel::OrderbookDelta || !self.has_begun {
            return;
        }
        for ticker in &added.tickers {
            // A market whose recorded snapshot is still to come gets that one.
            if self.send_snapshot(subscription, None, ticker, out) == Err(NoBook::Broken) {
                control::error(out, None, None, &refusal(NoBook::Broken, ticker));
            }
        }
    }

    fn on_get_snapshot(
        &mut self,
        subscription: &mut Subscription,
        id: Option<i64>,
        tickers: &[String],
        out: &mut Outbox,
    ) {
        for ticker in tickers {
            if let Err(reason) = self.send_snapshot(subscription, id, ticker, out) {
                control::error(out, id, None, &refusal(reason, ticker));
            }
        }
    }
}

/// Applies a frame of the book channel to the books.
fn apply(books: &mut Books, key: LaneKey, order: Order, frame: &Frame<'_>) {
    match &*frame.kind {
        "orderbook_snapshot" | "orderbook_delta" => books.apply(key, frame, order),
        _ if frame.seq.is_some() && order == Order::Gap => books.break_lane(key),
        _ => {}
    }
}

/// Passes on a frame whose sid is absent or unreadable, unless it answered the recorder.
fn play_without_sid(frame: &Frame<'_>, subscriptions: &mut Subscriptions, out: &mut Outbox) {
    let channel = Channel::of_message_type(&frame.kind);
    if let Some(subscription) = channel.and_then(|channel| subscriptions.of_channel(channel))
        && is_wanted(subscription, frame)
    {
        out.text(|to| frame.rewrite(to, subscription.sid, None, subscription.use_yes_price));
    }
}

fn is_wanted(subscription: &Subscription, frame: &Frame<'_>) -> bool {
    let answers_recorder = matches!(&*frame.kind, "ok" | "unsubscribed");
    let ticker = frame.message.market_ticker.as_deref();
    !answers_recorder && ticker.is_none_or(|ticker| subscription.filter.wants(ticker))
}

/// Says in an error frame why a snapshot cannot be given. The code is a general one that ends nothing.
fn refusal(reason: NoBook, ticker: &str) -> Refusal {
    let mut refusal = Refusal::with_text(1, format!("Unable to process message: {reason}"));
    refusal.market_tickers.push(ticker.to_owned());
    refusal
}
