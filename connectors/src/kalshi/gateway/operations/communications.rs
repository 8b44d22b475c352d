//! Requests for quotes, and quotes.

use outrigger_engine::domain::{Count, Price, Ticker};
use serde::{Deserialize, Serialize};

use super::{OperationError, Operations, unwritable};
use crate::kalshi::gateway::route::{self, Request};

/// A request for quotes on so many contracts of a market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewRfq {
    pub market_ticker: Ticker,
    pub contracts_fp: Count,
    /// What the quote leaves unfilled rests in the book.
    pub rest_remainder: bool,
}

/// A quote on both sides of an RFQ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewQuote {
    pub rfq_id: String,
    pub yes_bid: Price,
    pub no_bid: Price,
    pub rest_remainder: bool,
}

/// An RFQ as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RfqTerms {
    pub id: String,
    pub market_ticker: Ticker,
    pub status: String,
}

/// A quote as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct QuoteTerms {
    pub id: String,
    pub rfq_id: String,
    pub status: String,
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

#[derive(Serialize)]
struct Nothing {}

impl Operations {
    /// Asks for quotes; returns the RFQ's id. At most 100 may be open.
    pub async fn create_rfq(&self, rfq: &NewRfq) -> Result<String, OperationError> {
        let request = Request::to(&route::CREATE_RFQ, &[]).json(rfq).map_err(unwritable)?;
        Ok(self.call::<Made>(request).await?.id)
    }

    pub async fn rfq(&self, id: &str) -> Result<RfqTerms, OperationError> {
        #[derive(Deserialize)]
        struct One {
            rfq: RfqTerms,
        }
        Ok(self.call::<One>(Request::to(&route::RFQ, &[id])).await?.rfq)
    }

    /// Returns one page of RFQs, newest first.
    pub async fn rfqs(&self) -> Result<Vec<RfqTerms>, OperationError> {
        #[derive(Deserialize)]
        struct Page {
            rfqs: Option<Vec<RfqTerms>>,
        }
        let page: Page = self.call(Request::to(&route::RFQS, &[])).await?;
        Ok(page.rfqs.unwrap_or_default())
    }

    pub async fn delete_rfq(&self, id: &str) -> Result<(), OperationError> {
        self.done(Request::to(&route::DELETE_RFQ, &[id])).await
    }

    /// Quotes on an RFQ; returns the quote's id.
    pub async fn create_quote(&self, quote: &NewQuote) -> Result<String, OperationError> {
        let request = Request::to(&route::CREATE_QUOTE, &[]).json(quote).map_err(unwritable)?;
        Ok(self.call::<Made>(request).await?.id)
    }

    pub async fn quote(&self, rfq: &str, quote: &str) -> Result<QuoteTerms, OperationError> {
        #[derive(Deserialize)]
        struct One {
            quote: QuoteTerms,
        }
        Ok(self.call::<One>(Request::to(&route::QUOTE, &[rfq, quote])).await?.quote)
    }

    pub async fn delete_quote(&self, rfq: &str, quote: &str) -> Result<(), OperationError> {
        self.done(Request::to(&route::DELETE_QUOTE, &[rfq, quote])).await
    }

    /// Accepts a quote's side, `yes` or `no`; its maker has to confirm.
    pub async fn accept_quote(&self, rfq: &str, quote: &str, side: &str) -> Result<(), OperationError> {
        #[derive(Serialize)]
        struct Body<'a> {
            accepted_side: &'a str,
        }
        let request = Request::to(&route::ACCEPT_QUOTE, &[rfq, quote]);
        self.done(request.json(&Body { accepted_side: side }).map_err(unwritable)?).await
    }

    /// Confirms a quote of ours that was accepted.
    pub async fn confirm_quote(&self, rfq: &str, quote: &str) -> Result<(), OperationError> {
        let request = Request::to(&route::CONFIRM_QUOTE, &[rfq, quote]);
        self.done(request.json(&Nothing {}).map_err(unwritable)?).await
    }
}
