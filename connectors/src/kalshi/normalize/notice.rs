//! Events, order groups, and what goes to and fro about quotes.

use outrigger_engine::domain::{ClientOrderId, Leg, VenueOrderId, VenueTime};
use outrigger_engine::venue::{
    BatchTerms, ComboLeg, Communication, CommunicationKind, EventChange, EventNotice, MarketFrame,
    OrderGroupNotice, QuoteTerms,
};

use super::NormalizeError;
use super::tickers::Tickers;
use crate::kalshi::wire::notice as wire;

pub(super) fn event(msg: wire::EventLifecycle<'_>) -> Result<MarketFrame, NormalizeError> {
    let text = |text: std::borrow::Cow<'_, str>| (!text.is_empty()).then(|| text.into_owned());
    let change = EventChange::EventCreated {
        series_ticker: msg.series_ticker.and_then(text),
        title: msg.title.and_then(text),
        exchange_index: msg.exchange_index,
    };
    Ok(MarketFrame::Event(EventNotice { event_ticker: msg.event_ticker.into_owned(), change }))
}

pub(super) fn event_fees(msg: wire::EventFees<'_>) -> Result<MarketFrame, NormalizeError> {
    let change = EventChange::EventFeesChanged {
        fee_type: msg.fee_type_override.map(|text| text.into_owned()),
        fee_multiplier: msg.fee_multiplier_override.map(|number| number.get().to_owned()),
    };
    Ok(MarketFrame::Event(EventNotice { event_ticker: msg.event_ticker.into_owned(), change }))
}

pub(super) fn order_group(msg: wire::OrderGroup<'_>) -> Result<MarketFrame, NormalizeError> {
    Ok(MarketFrame::OrderGroup(OrderGroupNotice {
        order_group_id: msg.order_group_id.into_owned(),
        event_type: msg.event_type.into_owned(),
        contracts_limit: msg.contracts_limit_fp.0,
        ts_ms: msg.ts_ms.map(VenueTime),
    }))
}

/// Returns the kind that `name` is the venue's name of.
pub(super) fn communication_kind(name: &str) -> Option<CommunicationKind> {
    CommunicationKind::ALL.into_iter().find(|kind| kind.as_str() == name)
}

pub(super) fn communication(
    kind: CommunicationKind,
    mut msg: wire::Communication<'_>,
    tickers: &mut Tickers,
) -> Result<MarketFrame, NormalizeError> {
    let is_batch = matches!(kind, CommunicationKind::RfqBatchCreated | CommunicationKind::RfqBatchDeleted);
    let id = msg.id.take();
    let (batch_id, rfq_id) = if is_batch { (id, None) } else { (None, id) };
    let times = [&msg.created_ts, &msg.deleted_ts, &msg.accepted_ts, &msg.executed_ts, &msg.updated_ts];
    let ts_ms = times.into_iter().flatten().find_map(|time| time.venue_time());
    let accepted_side = msg.accepted_side.as_deref().map(leg).transpose()?;
    let children = std::mem::take(&mut msg.rfqs).into_iter().chain(std::mem::take(&mut msg.quotes));
    let children: Vec<QuoteTerms> = children.map(|child| terms(child, None, tickers)).collect();
    let legs = std::mem::take(&mut msg.legs).into_iter().chain(std::mem::take(&mut msg.mve_selected_legs));
    let legs = legs.map(|one| combo_leg(one, tickers)).collect::<Result<Vec<_>, _>>()?;
    Ok(MarketFrame::Communication(Box::new(Communication {
        event_type: kind,
        ts_ms,
        batch: BatchTerms {
            rfq_batch_id: msg.rfq_batch_id.take().or(batch_id),
            batch_quote_id: msg.batch_quote_id.take(),
            client_batch_id: msg.client_batch_id.take(),
            version: msg.version,
            yes_complete: msg.yes_complete,
            no_complete: msg.no_complete,
            close_reason: msg.close_reason.take(),
            children,
            executed_rfq_ids: std::mem::take(&mut msg.executed_rfq_ids),
            failed_rfq_ids: std::mem::take(&mut msg.failed_rfq_ids),
            deleted_rfq_ids: std::mem::take(&mut msg.rfq_ids),
        },
        rfq_creator_id: msg.rfq_creator_id.take().or(msg.creator_id.take()),
        quote_creator_id: msg.quote_creator_id.take(),
        accepted_side,
        order_id: msg.order_id.take().map(VenueOrderId::new),
        client_order_id: msg.client_order_id.take().filter(|id| !id.is_empty()).map(ClientOrderId::new),
        subaccount: msg.subaccount,
        legs,
        terms: terms(msg, rfq_id, tickers),
    })))
}

/// `rfq_id` is the id under its short name, which only messages about the RFQ itself use.
fn terms(msg: wire::Communication<'_>, rfq_id: Option<String>, tickers: &mut Tickers) -> QuoteTerms {
    QuoteTerms {
        rfq_id: msg.rfq_id.or(rfq_id).or(msg.id),
        quote_id: msg.quote_id,
        ticker: msg.market_ticker.map(|ticker| tickers.get(&ticker)),
        event_ticker: msg.event_ticker,
        collection_ticker: msg.mve_collection_ticker,
        contracts: msg.contracts_fp.0,
        target_cost: msg.target_cost_dollars.0.or(msg.rfq_target_cost_dollars.0),
        yes_bid: msg.yes_bid_dollars.0,
        no_bid: msg.no_bid_dollars.0,
        yes_contracts_offered: msg.yes_contracts_offered_fp.0,
        no_contracts_offered: msg.no_contracts_offered_fp.0,
        contracts_accepted: msg.contracts_accepted_fp.0,
        leg_indices: msg.leg_indices,
    }
}

fn combo_leg(one: wire::Leg, tickers: &mut Tickers) -> Result<ComboLeg, NormalizeError> {
    Ok(ComboLeg {
        ticker: tickers.get(&one.market_ticker),
        event_ticker: one.event_ticker,
        leg: leg(&one.side)?,
        yes_settlement_value: one.yes_settlement_value_dollars.0,
    })
}

fn leg(side: &str) -> Result<Leg, NormalizeError> {
    match side {
        "yes" => Ok(Leg::Yes),
        "no" => Ok(Leg::No),
        _ => Err(NormalizeError::Meaning("side is neither yes nor no")),
    }
}
