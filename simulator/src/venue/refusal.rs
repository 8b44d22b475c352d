//! Why the exchange refuses, with the status and code it was recorded or reported to use.

/// A refusal: HTTP status, `code`, `message`, optional `details`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    pub details: Option<String>,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: &str) -> Refusal {
        Refusal { status, code, message: message.to_owned(), details: None }
    }

    fn with(self, details: impl Into<String>) -> Refusal {
        Refusal { details: Some(details.into()), ..self }
    }

    pub fn not_found() -> Refusal {
        Refusal::new(404, "not_found", "not found")
    }

    pub fn subaccount_not_found() -> Refusal {
        Refusal::new(404, "not_found", "not found").with("subaccount not found")
    }

    pub fn group_not_found() -> Refusal {
        Refusal::new(404, "not_found", "not found").with("order group not found")
    }

    pub fn group_limit() -> Refusal {
        Refusal::new(400, "exceeded_order_group_risk_limit", "exceeded order group risk limit")
            .with("the order group is triggered; reset it to place orders again")
    }

    pub fn transfer_exists() -> Refusal {
        Refusal::new(409, "transfer_already_exists", "transfer already exists")
    }

    /// Refuses what is readable but makes no sense.
    pub fn invalid(details: &str) -> Refusal {
        Refusal::new(400, "bad_request", "bad request").with(details)
    }

    pub fn market_not_found() -> Refusal {
        Refusal::new(404, "market_not_found", "market not found")
    }

    pub fn market_not_active() -> Refusal {
        Refusal::new(400, "MARKET_NOT_ACTIVE", "market is not active")
    }

    pub fn trading_paused() -> Refusal {
        Refusal::new(409, "trading_is_paused", "trading is paused")
    }

    pub fn exchange_paused() -> Refusal {
        Refusal::new(409, "exchange_is_paused", "exchange is paused")
    }

    pub fn invalid_price(price: &str, grid: &str) -> Refusal {
        Refusal::new(400, "invalid_price", "invalid price").with(format!("{price} is not on the grid {grid}"))
    }

    pub fn invalid_order(details: &str) -> Refusal {
        Refusal::new(400, "invalid_order", "invalid order").with(details)
    }

    pub fn invalid_size(details: &str) -> Refusal {
        Refusal::new(400, "invalid_order_size", "invalid order size").with(details)
    }

    pub fn insufficient_balance() -> Refusal {
        Refusal::new(400, "insufficient_balance", "insufficient balance")
    }

    pub fn already_exists() -> Refusal {
        Refusal::new(409, "order_already_exists", "order already exists")
    }

    pub fn killed() -> Refusal {
        Refusal::new(
            409,
            "fill_or_kill_insufficient_resting_volume",
            "fill or kill order has insufficient resting volume",
        )
    }

    pub fn mismatch(code: &'static str) -> Refusal {
        Refusal::new(400, code, &code.replace('_', " "))
    }

    pub fn bad_request(details: impl Into<String>) -> Refusal {
        Refusal::new(400, "bad_request", "bad request").with(details)
    }

    pub fn region_expired() -> Refusal {
        Refusal::new(403, "region_attestation_expired", "region attestation expired")
            .with("say again on the web site where you are")
    }

    pub fn too_many_combos(max: usize) -> Refusal {
        Refusal::new(429, "too_many_requests", "too many requests")
            .with(format!("at most {max} markets can be made in a week"))
    }
}
