//! What goes wrong: with the whole connection, and with what a frame says.

use outrigger_engine::book::Trust;
use outrigger_engine::domain::{Count, Generation, Leg, Now, SignedCount, SubscriptionId};
use outrigger_engine::venue::{Channel, FeedItem, FeedState, LifecycleEvent, MarketFrame};

use super::{LIFECYCLE, Run, Sent, Tally};
use crate::truth::price;
use crate::venue::{Content, MARKETS};

impl Run {
    /// What happens to the whole connection.
    pub(super) fn happenings(&mut self, tally: &mut Tally) {
        if self.dice.hits(4) {
            tally.reconnects += 1;
            self.reconnect();
        }
        if self.dice.hits(4) && self.seen > 0 {
            tally.resets += 1;
            self.reset(tally);
        }
        if self.dice.hits(10) {
            tally.grids += 1;
            self.change_grid();
        }
        // Frames of what was before come most of all when something new has just begun.
        let repeats = if self.seen < 40 { 8_000 } else { 400 };
        if self.dice.hits(repeats) && !self.recent.is_empty() {
            let sent = self.recent[self.dice.below(self.recent.len())].clone();
            tally.repeated += 1;
            self.deliver(&sent, tally);
        }
    }

    /// Another connection, sometimes with clocks that began anew, sometimes without clocks at all.
    pub(super) fn reconnect(&mut self) {
        self.generation = Generation(self.generation.0 + 1);
        let sid = SubscriptionId(1 + self.dice.below(3) as u64);
        for state in [FeedState::Connecting, FeedState::Subscribing, FeedState::Live] {
            let at = Now { monotonic: self.now, ..Now::default() };
            let (generation, reason) = (self.generation, String::new());
            self.keeper.apply(FeedItem::State { generation, state, reason, at }, &mut self.out);
        }
        self.venue.has_clock = self.dice.below(4) > 0;
        if self.dice.below(4) == 0 {
            self.venue.restart_clocks();
        }
        self.subscribe(sid);
    }

    pub(super) fn subscribe(&mut self, sid: SubscriptionId) {
        self.sid = sid;
        (self.seq, self.seen, self.renew_in) = (0, 0, None);
        self.reach(u64::MAX);
        self.asked.clear();
        (self.told, self.reminded) = ([false; MARKETS], self.now);
        let (generation, channel) = (self.generation, Channel::OrderbookDelta);
        self.keeper.apply(FeedItem::Subscribed { generation, sid, channel }, &mut self.out);
        for market in 0..MARKETS {
            let view = self.keeper.view(self.truth.ticker(market), self.now);
            assert!(view.is_none_or(|view| view.trust != Trust::Live), "live before anything came");
        }
        self.venue.subscribe(&mut self.dice);
    }

    /// The exchange numbers from one again, without being asked. The first of the new numbers always arrives.
    fn reset(&mut self, tally: &mut Tally) {
        self.held.clear();
        self.reach(u64::MAX);
        self.seq = 1;
        let sent = Sent { generation: self.generation, sid: self.sid, seq: 1, content: Content::Ack };
        self.deliver(&sent, tally);
        self.check_none_live("after a reset");
    }

    fn change_grid(&mut self) {
        let market = self.dice.below(MARKETS);
        let ticker = self.truth.ticker(market).clone();
        let event = LifecycleEvent::new(ticker.clone(), "price_level_structure_updated");
        let (generation, received) = (self.generation, Now { monotonic: self.now, ..Now::default() });
        let frame = MarketFrame::Lifecycle(Box::new(event));
        let item = FeedItem::Frame { generation, sid: LIFECYCLE, seq: None, received, frame };
        self.keeper.apply(item, &mut self.out);
        let view = self.keeper.view(&ticker, self.now);
        assert!(view.is_none_or(|view| view.trust != Trust::Live), "live on an old grid");
    }

    /// Something that no book can take, in the place of a frame.
    pub(super) fn impossible(&mut self, market: usize) -> MarketFrame {
        let ticker = self.truth.ticker(market).clone();
        let clock = None;
        if self.dice.below(2) == 0 {
            let change = SignedCount::from_hundredths(-1_000_000_000_000).unwrap();
            let (leg, price) = (Leg::Yes, price(self.dice.below(3)));
            return MarketFrame::Delta { ticker, leg, price, change, clock, venue_time: None };
        }
        let one = (price(0), Count::from_hundredths(100).unwrap());
        MarketFrame::Snapshot { ticker, yes: vec![one, one], no: vec![], clock, asked: None }
    }

    /// Delivers something else than what was sent.
    pub(super) fn spoil(&mut self, sent: &Sent, frame: MarketFrame, tally: &mut Tally) {
        let is_unreadable = matches!(frame, MarketFrame::Unreadable { .. });
        let is_anyones = is_unreadable && self.dice.below(4) == 0;
        if is_unreadable {
            tally.unreadable += 1
        } else {
            tally.impossible += 1
        }
        let market = match &frame {
            MarketFrame::Delta { ticker, .. } | MarketFrame::Snapshot { ticker, .. } => {
                Some(self.truth.market(ticker))
            }
            _ => None,
        };
        let seq = (!is_anyones).then_some(sent.seq);
        self.arrive(sent.seq, seq.is_some());
        self.apply(sent, seq, frame, tally);
        match market {
            None => self.check_none_live("after an unreadable frame"),
            Some(market) => {
                // The content that was sent is lost without a hole in the numbers: its own market has to pay.
                if let Content::Delta(change) = &sent.content
                    && change.market != market
                {
                    self.subscribe(SubscriptionId(self.sid.0 + 10));
                    return;
                }
                let view = self.keeper.view(self.truth.ticker(market), self.now);
                assert!(view.is_none_or(|view| view.trust != Trust::Live), "live after what cannot be");
            }
        }
    }
}
