//! The shell of the book keeper.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::messages::BooksMessage;
use super::parked::Parked;
use crate::book::{BookCounters, BookStanding, Keeper, KeeperOutput, Overseer, OverseerConfig, TradeGap};
use crate::desk::read_model::ReadModel;
use crate::domain::{Catalog, Clock, Ticker, TimeWatch, VenueTime};
use crate::stream::Announcement;
use crate::venue::{FeedCommand, TradeSink, VenueRequest};

const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// What clients newly need is gathered for so long, so that many markets make few commands.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Places that must be free in the feed's lane before anything is decided: what is decided is then also told.
const COMMANDS_PER_LOOK: usize = 2;

/// Where the book keeper's outputs go.
pub struct BooksPorts {
    pub announcer: mpsc::Sender<Announcement>,
    pub feed: mpsc::Sender<FeedCommand>,
    /// Reads public trades back after a break.
    pub gateway: mpsc::Sender<VenueRequest>,
    /// Markets the venue is asked about; the answer appears in the catalogue. Full: they are asked for at the next read.
    pub look_ups: mpsc::Sender<Vec<Ticker>>,
    /// Books to read by REST; the answer is [`BooksMessage::Sampled`]. Full: this sample is left out.
    pub samples: mpsc::Sender<Vec<Ticker>>,
    pub trades: Arc<dyn TradeSink>,
    /// How far the tape of an earlier process reaches, if there is one.
    pub trades_missing_since: Option<VenueTime>,
    pub catalog: Arc<Catalog>,
    /// The feed has two strands of connections that tell the same.
    pub has_two_strands: bool,
    /// Tells in which markets the account has something.
    pub read_model: Arc<ReadModel>,
    pub counters: Arc<BookCounters>,
    pub standing: Arc<BookStanding>,
    pub clock: Clock,
}

/// Owns every book.
pub struct BooksActor {
    keeper: Keeper,
    overseer: Overseer,
    parked: Parked,
    lane: Option<mpsc::Receiver<BooksMessage>>,
    watch: TimeWatch,
    ports: BooksPorts,
    out: KeeperOutput,
}

impl BooksActor {
    pub fn new(lane: mpsc::Receiver<BooksMessage>, config: OverseerConfig, ports: BooksPorts) -> BooksActor {
        let (counters, standing) = (Arc::clone(&ports.counters), Arc::clone(&ports.standing));
        BooksActor {
            keeper: if ports.has_two_strands {
                Keeper::of_two(Arc::clone(&counters), ports.trades_missing_since)
            } else {
                Keeper::new(Arc::clone(&counters), ports.trades_missing_since)
            },
            overseer: Overseer::new(config, counters, standing),
            parked: Parked::default(),
            lane: Some(lane),
            watch: TimeWatch::default(),
            ports,
            out: KeeperOutput::default(),
        }
    }

    /// Lets the overseer look, and does what it finds necessary.
    fn look(&mut self) {
        let now = (self.ports.clock)();
        if self.ports.feed.capacity() < COMMANDS_PER_LOOK {
            return;
        }
        let todo = self.overseer.look(now, &mut self.keeper, &self.ports.catalog, &mut self.out);
        for command in todo.commands {
            if self.ports.feed.try_send(command).is_err() {
                tracing::warn!("the feed is gone; the process is stopping");
            }
        }
        if !todo.look_up.is_empty() && self.ports.look_ups.try_send(todo.look_up).is_err() {
            tracing::warn!("too many markets wait to be looked up; some must be asked for again");
        }
        if let Some(tickers) = todo.read
            && self.ports.samples.try_send(tickers).is_err()
        {
            self.overseer.sampled(Err("the exchange is not read".to_owned()), now.monotonic);
        }
        for alert in todo.alerts {
            self.out.announcements.push(Announcement::Alert(alert));
        }
        self.parked.serve(now.monotonic, &self.keeper, &self.ports.catalog);
    }

    /// Looks where the account has something at stake.
    fn account(&mut self) {
        let positions = self.ports.read_model.positions.read();
        let at_stake = positions.values().filter(|position| !position.is_empty());
        let tickers: BTreeSet<Ticker> = at_stake.map(|position| position.ticker.clone()).collect();
        drop(positions);
        self.overseer.account(&tickers, (self.ports.clock)().monotonic);
    }

    /// Looks at the clocks before anything is told or taken: what was known before a break is no longer live.
    fn look_at_clocks(&mut self) {
        let now = (self.ports.clock)();
        if let Some(found) = self.watch.look(now) {
            self.keeper.distrust_all(&found.to_string(), now, &mut self.out);
        }
    }

    /// Notes what is announced, and records trades and what may be missing of them, in the order in which a torn record only makes more be read back.
    fn tape(&mut self) {
        let gaps = std::mem::take(&mut self.out.gaps);
        for gap in &gaps {
            if let TradeGap::Opened(since) = gap {
                self.ports.trades.remember_gap(Some(*since));
            }
        }
        for announcement in &self.out.announcements {
            self.overseer.note(announcement);
            match announcement {
                Announcement::Trade { trade, received, .. } => self.ports.trades.record(trade, *received),
                Announcement::Alert(alert) => tracing::warn!(code = alert.code, "{}", alert.message),
                _ => {}
            }
        }
        for gap in gaps {
            if let TradeGap::Narrowed(since) = gap {
                self.ports.trades.remember_gap(since);
            }
        }
    }

    /// Sends what the keeper put out. Announcements keep their order; requests to the feed may be dropped, the sweep repeats them.
    fn flush(&mut self, ctx: &mut Context<Self>) {
        for resync in self.out.resyncs.drain(..) {
            let (generation, sid, tickers) = (resync.generation, resync.sid, resync.tickers);
            tracing::warn!(sid = sid.0, books = tickers.len(), "books are suspect, asking for snapshots");
            if self.ports.feed.try_send(FeedCommand::Snapshot { generation, sid, tickers }).is_err() {
                tracing::warn!("the feed's command lane is full, the snapshot will be asked for again");
            }
        }
        for renewal in self.out.renewals.drain(..) {
            let (generation, sid, reason) = (renewal.generation, renewal.sid, renewal.reason);
            if self.ports.feed.try_send(FeedCommand::Resubscribe { generation, sid, reason }).is_err() {
                tracing::warn!("the feed's command lane is full, the subscription will be made anew later");
            }
        }
        for (generation, reason) in self.out.reconnects.drain(..) {
            if self.ports.feed.try_send(FeedCommand::Reconnect { generation, reason }).is_err() {
                tracing::warn!("the feed's command lane is full, the new connection will be asked for again");
            }
        }
        self.tape();
        for scope in std::mem::take(&mut self.out.backfills) {
            tracing::info!(
                since_ms = scope.since.0,
                markets = scope.tickers.len(),
                "reading trades back after a break"
            );
            if self.ports.gateway.try_send(VenueRequest::Trades(scope)).is_err() {
                let now = (self.ports.clock)();
                self.keeper.read_back(Err("the gateway's queue is full".into()), now, &mut self.out);
            }
        }
        let mut waiting = std::mem::take(&mut self.out.announcements).into_iter();
        while let Some(announcement) = waiting.next() {
            if let Err(mpsc::error::TrySendError::Full(first)) = self.ports.announcer.try_send(announcement) {
                let lane = self.ports.announcer.clone();
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
            let now = (actor.ports.clock)();
            actor.keeper.sweep(now.monotonic, &mut actor.out);
            actor.account();
            actor.flush(ctx);
        });
        ctx.run_interval(LOOK_EVERY, |actor, ctx| {
            actor.look();
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
                self.keeper.read_back(report, (self.ports.clock)(), &mut self.out);
            }
            BooksMessage::Read { ticker, reply } => {
                let now = (self.ports.clock)().monotonic;
                self.overseer.ask(&ticker, now);
                self.parked.park(ticker, reply, now);
                self.parked.serve(now, &self.keeper, &self.ports.catalog);
            }
            BooksMessage::Announce { ticker } => {
                let received = (self.ports.clock)();
                if let Some(view) = self.keeper.view(&ticker, received.monotonic) {
                    self.out.announcements.push(Announcement::BookSnapshot {
                        view,
                        received,
                        requested: true,
                    });
                }
            }
            BooksMessage::Clients { ticker, has_clients } => {
                self.overseer.clients(&ticker, has_clients, (self.ports.clock)().monotonic);
            }
            BooksMessage::Sampled(samples) => {
                self.overseer.sampled(samples, (self.ports.clock)().monotonic);
            }
        }
        self.flush(ctx);
    }

    /// All senders are gone: the process is stopping.
    fn finished(&mut self, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
