//! What every handler is given.

use std::sync::Arc;

use outrigger_engine::actors::AnnouncerHandle;
use outrigger_engine::actors::messages::{BooksHandle, DeskHandle};
use outrigger_engine::desk::read_model::ReadModel;
use outrigger_engine::domain::{Catalog, Clock};
use outrigger_engine::stream::{AuditEvent, HubLimits};

use super::access::AccessRules;
use super::ports::{LimitsPort, MetricsPort, ReadinessPort, TokenPort, TradesPort};
use super::ticket::Tickets;

/// What the application gives the API.
pub struct ApiParts {
    pub env: String,
    /// The stream's epoch, told in `hello`.
    pub epoch: String,
    pub desk: DeskHandle,
    pub books: BooksHandle,
    pub announcer: AnnouncerHandle,
    pub read_model: Arc<ReadModel>,
    pub catalog: Arc<Catalog>,
    pub readiness: Arc<dyn ReadinessPort>,
    pub tokens: Arc<dyn TokenPort>,
    pub metrics: Arc<dyn MetricsPort>,
    pub limits: Arc<dyn LimitsPort>,
    pub trades: Arc<dyn TradesPort>,
    pub clock: Clock,
    pub access: AccessRules,
    pub stream_limits: HubLimits,
}

/// The parts, and what the API itself keeps between requests.
pub struct ApiState {
    pub(crate) parts: ApiParts,
    pub(crate) tickets: Tickets,
}

impl ApiState {
    pub fn new(parts: ApiParts) -> ApiState {
        ApiState { parts, tickets: Tickets::default() }
    }

    /// Publishes what a client did. It is told on the stream only; the ledger's record is the journal.
    pub(crate) fn audit(&self, event: AuditEvent) {
        if let Err(error) = self.parts.announcer.audit(event) {
            tracing::warn!(%error, "an audit event could not be published");
        }
    }
}
