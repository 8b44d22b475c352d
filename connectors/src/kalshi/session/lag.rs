//! How late frames come: receipt minus the venue's own times, on the venue's clock.

use outrigger_engine::domain::Received;
use outrigger_engine::venue::{Channel, MarketFrame, PrivateItem};

use crate::kalshi::normalize::{Decoded, Stamped};
use crate::kalshi::stream_figures::StreamFigures;

/// Frames that come this late are of little use, though none is lost.
const LATE_US: i64 = 5_000_000;
/// Good again only well below, so that the verdict does not flutter.
const GOOD_US: i64 = 2_500_000;
/// A recording or an exchange in another time tells times of its own: that is no lag.
const ANOTHER_TIME_US: i64 = 600_000_000;
/// So many ticks in a row with nothing but late frames make the stream late.
const LATE_TICKS: u32 = 5;

/// The lag of one connection.
#[derive(Debug, Default)]
pub(super) struct Lag {
    /// The least late frame since the last tick.
    lowest_us: Option<i64>,
    late_ticks: u32,
    late_us: i64,
}

impl Lag {
    /// Measures one frame; `offset_ms` is the venue's clock minus ours.
    pub(super) fn measure(
        &mut self,
        frame: &Stamped,
        received: Received,
        offset_ms: i64,
        figures: &StreamFigures,
    ) {
        let Some((channel, event_ms)) = fact(&frame.decoded) else { return };
        let now_us = received.wall.0.saturating_add(offset_ms.saturating_mul(1_000));
        let lag_us = |ms: i64| now_us.saturating_sub(ms.saturating_mul(1_000));
        let since_sent_us = frame.sent_ms.map(lag_us);
        figures.frame(channel, since_sent_us, event_ms.map(lag_us));
        if let Some(lag_us) = since_sent_us.filter(|lag_us| *lag_us < ANOTHER_TIME_US) {
            self.lowest_us = Some(self.lowest_us.map_or(lag_us, |lowest| lowest.min(lag_us)));
        }
    }

    /// Judges the frames since the last tick. A tick without any changes nothing.
    pub(super) fn tick(&mut self) {
        match self.lowest_us.take() {
            Some(lowest_us) if lowest_us >= LATE_US => {
                self.late_ticks = self.late_ticks.saturating_add(1);
                self.late_us = lowest_us;
            }
            Some(lowest_us) if lowest_us < GOOD_US || self.late_ticks < LATE_TICKS => self.late_ticks = 0,
            Some(_) | None => {}
        }
    }

    /// Says how late frames are, if all of them have been late for a while.
    pub(super) fn complaint(&self) -> Option<String> {
        let seconds = self.late_us / 1_000_000;
        (self.late_ticks >= LATE_TICKS)
            .then(|| format!("frames come {seconds} s after the exchange sent them"))
    }
}

/// Returns the channel a frame is content of and its own time in milliseconds; `None` for answers and the unreadable.
fn fact(decoded: &Decoded) -> Option<(Channel, Option<i64>)> {
    match decoded {
        Decoded::Market { frame, .. } => match frame {
            MarketFrame::Snapshot { .. } => Some((Channel::OrderbookDelta, None)),
            MarketFrame::Delta { venue_time, .. } => {
                Some((Channel::OrderbookDelta, venue_time.map(|time| time.0)))
            }
            // Zero stands for a trade that told no time.
            MarketFrame::Trade(trade) => Some((Channel::Trade, Some(trade.ts_ms.0).filter(|ms| *ms > 0))),
            MarketFrame::Ticker(quote) => Some((Channel::Ticker, quote.ts_ms.map(|time| time.0))),
            MarketFrame::Lifecycle(_) => Some((Channel::MarketLifecycle, None)),
            MarketFrame::Event(_) => Some((Channel::MarketLifecycle, None)),
            MarketFrame::OrderGroup(notice) => Some((Channel::OrderGroups, notice.ts_ms.map(|time| time.0))),
            MarketFrame::Communication(_) => Some((Channel::Communications, None)),
            MarketFrame::Ack | MarketFrame::Unreadable { .. } => None,
        },
        Decoded::Lifecycle { .. } => Some((Channel::MarketLifecycle, None)),
        Decoded::Private(item) => match item.as_ref() {
            PrivateItem::Fill(fill) => Some((Channel::Fill, Some(fill.ts_ms.0).filter(|ms| *ms > 0))),
            PrivateItem::Order(order) => {
                Some((Channel::UserOrders, order.updated_ms.or(order.created_ms).map(|time| time.0)))
            }
            PrivateItem::Position(_) => Some((Channel::MarketPositions, None)),
            PrivateItem::StreamState { .. } | PrivateItem::Lifecycle(_) => None,
        },
        Decoded::PrivateUnreadable { .. }
        | Decoded::Subscribed { .. }
        | Decoded::Acknowledged { .. }
        | Decoded::Refused { .. }
        | Decoded::Unreadable { .. }
        | Decoded::Unknown { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use outrigger_engine::domain::{Now, WallTime};

    use super::{LATE_TICKS, Lag};
    use crate::kalshi::normalize::{Tickers, decode_any};
    use crate::kalshi::stream_figures::StreamFigures;

    fn trade(sent_ms: i64, event_ms: i64) -> String {
        format!(
            r#"{{"type":"trade","sid":3,"seq":1,"sending_ts_ms":{sent_ms},"msg":{{"trade_id":"t","market_ticker":"KXA","yes_price_dollars":"0.52","count_fp":"1","taker_book_side":"bid","ts_ms":{event_ms}}}}}"#
        )
    }

    fn feel(lag: &mut Lag, figures: &StreamFigures, sent_ms: i64, received_ms: i64, offset_ms: i64) {
        let received = Now { wall: WallTime(received_ms * 1_000), ..Now::default() };
        lag.measure(
            &decode_any(&trade(sent_ms, sent_ms - 50), &mut Tickers::default()),
            received,
            offset_ms,
            figures,
        );
    }

    #[test]
    fn lags_are_counted_on_the_venues_clock_by_channel() {
        let (mut lag, figures) = (Lag::default(), StreamFigures::default());
        // Our clock is 30 s behind; the frame took 20 ms.
        feel(&mut lag, &figures, 1_790_000_030_000, 1_790_000_000_020, 30_000);
        let trade = figures.channels().into_iter().find(|reading| reading.channel == "trade").unwrap();
        assert_eq!((trade.since_sent.sum_us, trade.since_event.sum_us), (20_000, 70_000));
    }

    #[test]
    fn only_lasting_lag_of_every_frame_is_complained_of_and_it_ends_well_below() {
        let (mut lag, figures) = (Lag::default(), StreamFigures::default());
        let tick = |lag: &mut Lag, lags_ms: &[i64]| {
            for lag_ms in lags_ms {
                feel(lag, &figures, 1_790_000_000_000, 1_790_000_000_000 + lag_ms, 0);
            }
            lag.tick();
            lag.complaint().is_some()
        };
        for _ in 0..LATE_TICKS - 1 {
            assert!(!tick(&mut lag, &[9_000]));
        }
        assert!(!tick(&mut lag, &[9_000, 10]), "one frame in time shows that the way is free");
        for _ in 0..LATE_TICKS - 1 {
            assert!(!tick(&mut lag, &[5_000]));
        }
        assert!(tick(&mut lag, &[12_000]));
        assert!(lag.complaint().unwrap().contains("12 s"));
        assert!(tick(&mut lag, &[]), "silence does not mend it");
        assert!(tick(&mut lag, &[3_000]));
        assert!(!tick(&mut lag, &[2_000]));
        for _ in 0..20 {
            assert!(!tick(&mut lag, &[86_400_000]), "a recording of yesterday is no lag");
        }
    }
}
