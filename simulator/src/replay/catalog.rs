//! What a recording holds, found by one scan before it is served: markets, channels, connections.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::Path;

use crate::socket::channel::Channel;

use super::feed::Lines;
use super::frame::{Frame, levels, price_of};
use super::number::Price;

/// One market that a recording names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogMarket {
    pub ticker: String,
    /// The market's UUID where a frame carries it, else empty.
    pub market_id: String,
    /// True if a price off the whole cent occurs.
    pub sub_cent: bool,
    /// True if a price off the whole cent occurs between 0.10 and 0.90, where a tapered grid has none.
    pub sub_cent_in_the_middle: bool,
}

/// The contents of a recording.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    markets: Vec<CatalogMarket>,
    by_ticker: HashMap<String, usize>,
    channels: BTreeSet<Channel>,
    conns: Vec<u64>,
    conns_interleave: bool,
    frame_count: u64,
}

impl Catalog {
    pub(super) fn scan(path: &Path) -> io::Result<Self> {
        let mut catalog = Self::default();
        let mut lines = Lines::open(path)?;
        while let Some(recorded) = lines.next()? {
            catalog.frame_count += 1;
            catalog.note_conn(recorded.conn);
            if let Some(frame) = Frame::parse(&recorded.text) {
                catalog.note_frame(&frame);
            }
        }
        Ok(catalog)
    }

    /// Lists the markets in the order in which the recording first names them.
    pub fn markets(&self) -> &[CatalogMarket] {
        &self.markets
    }

    /// Finds a market by ticker.
    pub fn market(&self, ticker: &str) -> Option<&CatalogMarket> {
        self.by_ticker.get(ticker).and_then(|index| self.markets.get(*index))
    }

    /// Returns how many frames the recording holds.
    pub fn frame_count(&self) -> u64 {
        self.frame_count
    }

    pub(super) fn has_any_channel(&self) -> bool {
        !self.channels.is_empty()
    }

    pub(super) fn has_channel(&self, channel: Channel) -> bool {
        self.channels.contains(&channel)
    }

    /// Returns the connections to be played one after another, empty if the file already has that order.
    pub(super) fn passes(&self) -> Vec<u64> {
        if self.conns_interleave { self.conns.clone() } else { Vec::new() }
    }

    fn note_conn(&mut self, conn: u64) {
        if self.conns.last() == Some(&conn) {
            return;
        }
        if self.conns.contains(&conn) {
            self.conns_interleave = true;
        } else {
            self.conns.push(conn);
        }
    }

    fn note_frame(&mut self, frame: &Frame<'_>) {
        let Some(channel) = Channel::of_message_type(&frame.kind) else {
            let named = frame.message.channel.as_deref().filter(|_| frame.kind == "subscribed");
            self.channels.extend(named.and_then(Channel::named));
            return;
        };
        self.channels.insert(channel);
        let Some(ticker) = frame.message.market_ticker.as_deref().filter(|ticker| !ticker.is_empty()) else {
            return;
        };
        let market = self.market_mut(ticker);
        let Some(market) = market else { return };
        if let Some(id) = frame.message.market_id.as_deref()
            && market.market_id.is_empty()
        {
            id.clone_into(&mut market.market_id);
        }
        if let Some(price) = frame.message.price_dollars.and_then(price_of) {
            market.note_price(price);
        }
        for side in [frame.message.yes_dollars_fp, frame.message.no_dollars_fp].into_iter().flatten() {
            for (price, _) in levels(side).unwrap_or_default() {
                if let Some(price) = price_of(price) {
                    market.note_price(price);
                }
            }
        }
    }

    fn market_mut(&mut self, ticker: &str) -> Option<&mut CatalogMarket> {
        let index = match self.by_ticker.get(ticker) {
            Some(index) => *index,
            None => {
                let index = self.markets.len();
                self.by_ticker.insert(ticker.to_owned(), index);
                self.markets.push(CatalogMarket {
                    ticker: ticker.to_owned(),
                    market_id: String::new(),
                    sub_cent: false,
                    sub_cent_in_the_middle: false,
                });
                index
            }
        };
        self.markets.get_mut(index)
    }
}

impl CatalogMarket {
    fn note_price(&mut self, price: Price) {
        if !price.is_multiple_of(100) {
            self.sub_cent = true;
            self.sub_cent_in_the_middle |= (1_000..=9_000).contains(&price);
        }
    }
}
