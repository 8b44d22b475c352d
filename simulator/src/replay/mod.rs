//! Serves a recorded WebSocket session to whoever subscribes, at recorded or multiplied speed.
//!
//! Every connection gets the whole recording from its first frame. Gaps, duplicates, late and damaged frames of
//! the recording are passed on as they are; frames that the client did not ask for are left out without making
//! a gap. A recording of several connections is played one connection after another on the same socket.
//!
//! Never holds the file in memory, never restarts on a command, never shows a book that may be wrong.

mod books;
mod catalog;
mod feed;
mod frame;
mod line;
mod number;
mod pace;
mod sequence;
mod session;
mod stage;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use books::Books;
pub use books::NoBook;
pub use catalog::{Catalog, CatalogMarket};
use number::{Count, Price, format_count, format_price};
pub(crate) use session::ReplaySession;

/// Says why a recording cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be opened or read to its end.
    #[error("cannot read the recording {}", file.display())]
    Unreadable {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file holds no frame that could be subscribed to.
    #[error("the recording {} holds no frame of any channel", file.display())]
    Empty { file: PathBuf },
    /// The speed is negative or no number.
    #[error("speed {speed} is not a multiple of recorded time (0 or more)")]
    BadSpeed { speed: f64 },
}

/// The bids of both legs as wire strings, worst price first, each leg at its own price.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BookView {
    pub market_id: String,
    pub yes: Vec<(String, String)>,
    pub no: Vec<(String, String)>,
}

/// A recording that can be served any number of times.
pub struct Recording {
    file: PathBuf,
    speed: f64,
    catalog: Catalog,
    /// The books of the replay that began last: what REST shows.
    shown: Mutex<Arc<Mutex<Books>>>,
}

impl Recording {
    /// Scans the file once and makes it ready to be served.
    pub fn open(file: &Path, speed: f64) -> Result<Arc<Self>, ReplayError> {
        if !(speed >= 0.0 && speed.is_finite()) {
            return Err(ReplayError::BadSpeed { speed });
        }
        let catalog = Catalog::scan(file)
            .map_err(|source| ReplayError::Unreadable { file: file.to_owned(), source })?;
        if !catalog.has_any_channel() {
            return Err(ReplayError::Empty { file: file.to_owned() });
        }
        Ok(Arc::new(Self { file: file.to_owned(), speed, catalog, shown: Mutex::default() }))
    }

    /// Returns what the recording holds.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Returns a market's book in the replay that began last.
    pub fn orderbook(&self, ticker: &str) -> Result<BookView, NoBook> {
        let market = self.catalog.market(ticker).ok_or(NoBook::UnknownMarket)?;
        let books = Arc::clone(&self.shown.lock());
        let view = books.lock().view(ticker)?;
        let strings = |side: Vec<(Price, Count)>| {
            side.into_iter().map(|(price, count)| (format_price(price), format_count(count))).collect()
        };
        Ok(BookView { market_id: market.market_id.clone(), yes: strings(view.yes), no: strings(view.no) })
    }

    /// Makes the session of one connection.
    pub(crate) fn session(self: &Arc<Self>) -> ReplaySession {
        ReplaySession::new(Arc::clone(self))
    }

    fn speed(&self) -> f64 {
        self.speed
    }

    fn file(&self) -> &Path {
        &self.file
    }

    fn show(&self, books: &Arc<Mutex<Books>>) {
        *self.shown.lock() = Arc::clone(books);
    }
}
