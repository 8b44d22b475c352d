//! The end that a connection can be told from outside: all sockets at once.

use actix_web::{HttpRequest, web};
use tokio::sync::watch;

use super::link::{Link, Mode};
use super::{Cut, Faults};

/// What cuts one connection.
#[derive(Debug)]
pub(crate) struct Cuts(Option<(watch::Receiver<Cut>, Option<Link>)>);

impl Cuts {
    pub(crate) fn of(request: &HttpRequest) -> Cuts {
        let faults = request.app_data::<web::Data<Faults>>();
        Cuts(faults.map(|faults| (faults.0.cuts.subscribe(), faults.link_of(request))))
    }

    /// What never cuts anything.
    #[cfg(test)]
    pub(crate) fn never() -> Cuts {
        Cuts(None)
    }

    /// Waits until the connection is to end; what needs no word to the client is done already.
    pub(crate) async fn next(&mut self) -> Cut {
        let Some((cuts, link)) = &mut self.0 else { return std::future::pending().await };
        if cuts.changed().await.is_err() {
            return std::future::pending().await;
        }
        let how = *cuts.borrow_and_update();
        let mode = match how {
            Cut::Close => return how,
            Cut::Drop => Mode::Close,
            Cut::Reset => Mode::Reset,
        };
        if let Some(link) = link {
            link.set(mode);
        }
        how
    }
}
