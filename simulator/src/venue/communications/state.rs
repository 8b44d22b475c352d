//! The states of RFQs, quotes, batches and block trades, and the only steps between them.
//!
//! Every change of a status goes through one of these tables; a step that is not listed is refused.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RfqStatus {
    Open,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuoteStatus {
    Open,
    Accepted,
    Confirmed,
    Executed,
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuoteStep {
    Accept,
    Confirm,
    Execute,
    /// Withdrawn or replaced by its maker, or its RFQ is gone.
    Withdraw,
    /// Not confirmed in time, or its execution failed.
    Void,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchStatus {
    Open,
    Accepted,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchStep {
    Accept,
    /// Closed by its creator, or its markets are over.
    Delete,
    /// Executed, failed, or not confirmed in time.
    Finish,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchQuoteStatus {
    Open,
    Accepted,
    Confirmed,
    Executed,
    PartiallyExecuted,
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchQuoteStep {
    Accept,
    Confirm,
    Execute,
    ExecutePartly,
    Withdraw,
    Void,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposalStatus {
    Pending,
    Executed,
    Expired,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposalStep {
    Execute,
    Expire,
}

const QUOTE_STEPS: &[(QuoteStatus, QuoteStep, QuoteStatus)] = &[
    (QuoteStatus::Open, QuoteStep::Accept, QuoteStatus::Accepted),
    (QuoteStatus::Open, QuoteStep::Withdraw, QuoteStatus::Cancelled),
    (QuoteStatus::Accepted, QuoteStep::Confirm, QuoteStatus::Confirmed),
    (QuoteStatus::Accepted, QuoteStep::Void, QuoteStatus::Cancelled),
    (QuoteStatus::Confirmed, QuoteStep::Execute, QuoteStatus::Executed),
    (QuoteStatus::Confirmed, QuoteStep::Void, QuoteStatus::Cancelled),
];

const BATCH_STEPS: &[(BatchStatus, BatchStep, BatchStatus)] = &[
    (BatchStatus::Open, BatchStep::Accept, BatchStatus::Accepted),
    (BatchStatus::Open, BatchStep::Delete, BatchStatus::Closed),
    (BatchStatus::Accepted, BatchStep::Finish, BatchStatus::Closed),
];

const BATCH_QUOTE_STEPS: &[(BatchQuoteStatus, BatchQuoteStep, BatchQuoteStatus)] = &[
    (BatchQuoteStatus::Open, BatchQuoteStep::Accept, BatchQuoteStatus::Accepted),
    (BatchQuoteStatus::Open, BatchQuoteStep::Withdraw, BatchQuoteStatus::Cancelled),
    (BatchQuoteStatus::Accepted, BatchQuoteStep::Confirm, BatchQuoteStatus::Confirmed),
    (BatchQuoteStatus::Accepted, BatchQuoteStep::Void, BatchQuoteStatus::Cancelled),
    (BatchQuoteStatus::Confirmed, BatchQuoteStep::Execute, BatchQuoteStatus::Executed),
    (BatchQuoteStatus::Confirmed, BatchQuoteStep::ExecutePartly, BatchQuoteStatus::PartiallyExecuted),
    (BatchQuoteStatus::Confirmed, BatchQuoteStep::Void, BatchQuoteStatus::Cancelled),
];

const PROPOSAL_STEPS: &[(ProposalStatus, ProposalStep, ProposalStatus)] = &[
    (ProposalStatus::Pending, ProposalStep::Execute, ProposalStatus::Executed),
    (ProposalStatus::Pending, ProposalStep::Expire, ProposalStatus::Expired),
];

fn step<S: Copy + PartialEq, T: Copy + PartialEq>(table: &[(S, T, S)], from: S, by: T) -> Option<S> {
    table.iter().find(|(state, step, _)| *state == from && *step == by).map(|(_, _, to)| *to)
}

impl RfqStatus {
    pub const fn name(self) -> &'static str {
        match self {
            RfqStatus::Open => "open",
            RfqStatus::Closed => "closed",
        }
    }
}

impl QuoteStatus {
    /// Returns the state after a step; none if the step is not possible.
    pub fn after(self, by: QuoteStep) -> Option<QuoteStatus> {
        step(QUOTE_STEPS, self, by)
    }

    pub const fn name(self) -> &'static str {
        match self {
            QuoteStatus::Open => "open",
            QuoteStatus::Accepted => "accepted",
            QuoteStatus::Confirmed => "confirmed",
            QuoteStatus::Executed => "executed",
            QuoteStatus::Cancelled => "cancelled",
        }
    }
}

impl BatchStatus {
    /// Returns the state after a step; none if the step is not possible.
    pub fn after(self, by: BatchStep) -> Option<BatchStatus> {
        step(BATCH_STEPS, self, by)
    }

    pub const fn name(self) -> &'static str {
        match self {
            BatchStatus::Open => "open",
            BatchStatus::Accepted => "accepted",
            BatchStatus::Closed => "closed",
        }
    }
}

impl BatchQuoteStatus {
    /// Returns the state after a step; none if the step is not possible.
    pub fn after(self, by: BatchQuoteStep) -> Option<BatchQuoteStatus> {
        step(BATCH_QUOTE_STEPS, self, by)
    }

    pub const fn name(self) -> &'static str {
        match self {
            BatchQuoteStatus::Open => "open",
            BatchQuoteStatus::Accepted => "accepted",
            BatchQuoteStatus::Confirmed => "confirmed",
            BatchQuoteStatus::Executed => "executed",
            BatchQuoteStatus::PartiallyExecuted => "partially_executed",
            BatchQuoteStatus::Cancelled => "cancelled",
        }
    }
}

impl ProposalStatus {
    /// Returns the state after a step; none if the step is not possible.
    pub fn after(self, by: ProposalStep) -> Option<ProposalStatus> {
        step(PROPOSAL_STEPS, self, by)
    }

    pub const fn name(self) -> &'static str {
        match self {
            ProposalStatus::Pending => "pending",
            ProposalStatus::Executed => "executed",
            ProposalStatus::Expired => "expired",
        }
    }
}
