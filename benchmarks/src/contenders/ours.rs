//! Outrigger's own way, as a connection takes it: reader, intake, book keeper, with everything announced and then dropped.

use std::collections::BTreeSet;
use std::sync::Arc;

use outrigger_connectors::FrameReader;
use outrigger_engine::book::{BookCounters, Keeper, KeeperOutput};
use outrigger_engine::domain::{Count, Generation, Monotonic, Price, Received, Ticker};
use outrigger_engine::stream::Announcement;
use outrigger_engine::venue::{FeedBatch, FeedItem, FeedState};

use super::Contender;
use crate::book::{Book, Books, Levels};

pub(super) struct Ours {
    generation: Generation,
    reader: FrameReader,
    batch: FeedBatch,
    keeper: Keeper,
    out: KeeperOutput,
    tickers: BTreeSet<Ticker>,
}

impl Ours {
    pub(super) fn new() -> Ours {
        Ours {
            generation: Generation(0),
            reader: FrameReader::new(Generation(0), Received::default(), Vec::new()),
            batch: FeedBatch::new(),
            keeper: Keeper::new(Arc::new(BookCounters::default()), None),
            out: KeeperOutput::default(),
            tickers: BTreeSet::new(),
        }
    }
}

impl Contender for Ours {
    fn connect(&mut self, tickers: &[String]) {
        self.generation = Generation(self.generation.0 + 1);
        let (generation, at) = (self.generation, Received::default());
        let tickers = tickers.iter().map(|ticker| Ticker::from(ticker.as_str())).collect();
        self.reader = FrameReader::new(generation, at, tickers);
        let (state, reason) = (FeedState::Live, "live".to_owned());
        self.keeper.apply(FeedItem::State { generation, state, reason, at }, &mut self.out);
        self.out.announcements.clear();
    }

    fn decode(&mut self, frame: &str) -> bool {
        self.reader.read(frame, Received::default(), &mut self.batch);
        std::hint::black_box(self.batch.drain(..)).for_each(drop);
        true
    }

    fn feed(&mut self, frame: &str) -> bool {
        self.reader.read(frame, Received::default(), &mut self.batch);
        for item in self.batch.drain(..) {
            self.keeper.apply(item, &mut self.out);
        }
        let is_well = self.out.resyncs.is_empty();
        for announcement in std::hint::black_box(self.out.announcements.drain(..)) {
            if let Announcement::BookSnapshot { view, .. } = announcement {
                self.tickers.insert(view.ticker);
            }
        }
        is_well
    }

    fn books(&self) -> Books {
        let views = self.tickers.iter().filter_map(|ticker| self.keeper.view(ticker, Monotonic::default()));
        views
            .map(|view| (view.ticker.to_string(), Book { yes: levels(&view.yes), no: levels(&view.no) }))
            .collect()
    }
}

fn levels(levels: &[(Price, Count)]) -> Levels {
    let one = |(price, count): &(Price, Count)| {
        (i64::from(price.ten_thousandths()), i64::try_from(count.hundredths()).unwrap_or(i64::MAX))
    };
    levels.iter().map(one).collect()
}
