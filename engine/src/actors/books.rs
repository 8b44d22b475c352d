//! The shell of the book keeper.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::messages::BooksMessage;
use crate::book::{BookCounters, Keeper, KeeperOutput, TradeGap};
use crate::domain::{Clock, Ticker, TimeWatch, VenueTime};
use crate::stream::Announcement;
use crate::venue::{FeedCommand, TradeSink, VenueRequest};

const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Where the book keeper's outputs go.
pub struct BooksPorts {
    pub announcer: mpsc::Sender<Announcement>,
    pub feed: mpsc::Sender<FeedCommand>,
    /// Reads public trades back after a break.
    pub gateway: mpsc::Sender<VenueRequest>,
    pub trades: Arc<dyn TradeSink>,
    /// How far the tape of an earlier process reaches, if there is one.
    pub trades_missing_since: Option<VenueTime>,
    pub counters: Arc<BookCounters>,
    pub clock: Clock,
}

/// Owns every book.
pub struct BooksActor {
    keeper: Keeper,
    lane: Option<mpsc::Receiver<BooksMessage>>,
    announcer: mpsc::Sender<Announcement>,
    feed: mpsc::Sender<FeedCommand>,
    gateway: mpsc::Sender<VenueRequest>,
    trades: Arc<dyn TradeSink>,
    clock: Clock,
    watch: TimeWatch,
    out: KeeperOutput,
}

impl BooksActor {
    pub fn new(lane: mpsc::Receiver<BooksMessage>, ports: BooksPorts) -> BooksActor {
        BooksActor {
            keeper: Keeper::new(ports.counters, ports.trades_missing_since),
            lane: Some(lane),
            announcer: ports.announcer,
            feed: ports.feed,
            gateway: ports.gateway,
            trades: ports.trades,
            clock: ports.clock,
            watch: TimeWatch::default(),
            out: KeeperOutput::default(),
        }
    }

    /// A book that someone reads and nobody keeps is subscribed; its first snapshot is announced when it comes.
    fn want_if_missing(&self, is_missing: bool, ticker: &Ticker) {
        if is_missing && self.feed.try_send(FeedCommand::Want { tickers: vec![ticker.clone()] }).is_err() {
            tracing::warn!(%ticker, "the feed's command lane is full; the book is wanted again at the next read");
        }
    }

    /// Looks at the clocks before anything is told or taken: what was known before a break is no longer live.
    fn look_at_clocks(&mut self) {
        let now = (self.clock)();
        if let Some(found) = self.watch.look(now) {
            self.keeper.distrust_all(&found.to_string(), now, &mut self.out);
        }
    }

    /// Records trades, and what may be missing of them, in the order in which a torn record only makes more be read back.
    fn tape(&mut self) {
        let gaps = std::mem::take(&mut self.out.gaps);
        for gap in &gaps {
            if let TradeGap::Opened(since) = gap {
                self.trades.remember_gap(Some(*since));
            }
        }
        for announcement in &self.out.announcements {
            match announcement {
                Announcement::Trade { trade, received, .. } => self.trades.record(trade, *received),
                Announcement::Alert(alert) => tracing::warn!(code = alert.code, "{}", alert.message),
                _ => {}
            }
        }
        for gap in gaps {
            if let TradeGap::Narrowed(since) = gap {
                self.trades.remember_gap(since);
            }
        }
    }

    /// Sends what the keeper put out. Announcements keep their order; requests to the feed may be dropped, the sweep repeats them.
    fn flush(&mut self, ctx: &mut Context<Self>) {
        for resync in self.out.resyncs.drain(..) {
            let (generation, sid, tickers) = (resync.generation, resync.sid, resync.tickers);
            tracing::warn!(sid = sid.0, books = tickers.len(), "books are suspect, asking for snapshots");
            if self.feed.try_send(FeedCommand::Snapshot { generation, sid, tickers }).is_err() {
                tracing::warn!("the feed's command lane is full, the snapshot will be asked for again");
            }
        }
        for renewal in self.out.renewals.drain(..) {
            let (generation, sid, reason) = (renewal.generation, renewal.sid, renewal.reason);
            if self.feed.try_send(FeedCommand::Resubscribe { generation, sid, reason }).is_err() {
                tracing::warn!("the feed's command lane is full, the subscription will be made anew later");
            }
        }
        if let Some((generation, reason)) = self.out.reconnect.take()
            && self.feed.try_send(FeedCommand::Reconnect { generation, reason }).is_err()
        {
            tracing::warn!("the feed's command lane is full, the new connection will be asked for again");
        }
        self.tape();
        for scope in std::mem::take(&mut self.out.backfills) {
            tracing::info!(
                since_ms = scope.since.0,
                markets = scope.tickers.len(),
                "reading trades back after a break"
            );
            if self.gateway.try_send(VenueRequest::Trades(scope)).is_err() {
                let now = (self.clock)();
                self.keeper.read_back(Err("the gateway's queue is full".into()), now, &mut self.out);
            }
        }
        let mut waiting = std::mem::take(&mut self.out.announcements).into_iter();
        while let Some(announcement) = waiting.next() {
            if let Err(mpsc::error::TrySendError::Full(first)) = self.announcer.try_send(announcement) {
                let lane = self.announcer.clone();
                let rest = async move {
                    for announcement in std::iter::once(first).chain(waiting) {
                        if lane.send(announcement).await.is_err() {
                            return;
                        }
                    }
                };
                ctx.wait(rest.into_actor(self));
                return;
            }
        }
    }
}

impl Actor for BooksActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        if let Some(lane) = self.lane.take() {
            ctx.add_stream(ReceiverStream::new(lane));
        }
        ctx.run_interval(SWEEP_EVERY, |actor, ctx| {
            actor.look_at_clocks();
            let now = (actor.clock)();
            actor.keeper.sweep(now.monotonic, &mut actor.out);
            actor.flush(ctx);
        });
    }
}

impl StreamHandler<BooksMessage> for BooksActor {
    fn handle(&mut self, message: BooksMessage, ctx: &mut Context<Self>) {
        self.look_at_clocks();
        match message {
            BooksMessage::Feed(batch) => {
                for item in batch {
                    self.keeper.apply(item, &mut self.out);
                }
            }
            BooksMessage::Trades(report) => {
                if let Err(reason) = &report {
                    tracing::warn!(reason, "trades could not be read back, trying again");
                }
                self.keeper.read_back(report, (self.clock)(), &mut self.out);
            }
            BooksMessage::Read { ticker, reply } => {
                let view = self.keeper.view(&ticker, (self.clock)().monotonic);
                self.want_if_missing(view.is_none(), &ticker);
                // A reader that went away needs no answer.
                let _ = reply.send(view);
            }
            BooksMessage::Announce { ticker } => {
                let received = (self.clock)();
                let view = self.keeper.view(&ticker, received.monotonic);
                self.want_if_missing(view.is_none(), &ticker);
                if let Some(view) = view {
                    self.out.announcements.push(Announcement::BookSnapshot {
                        view,
                        received,
                        requested: true,
                    });
                }
            }
        }
        self.flush(ctx);
    }

    /// All senders are gone: the process is stopping.
    fn finished(&mut self, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
