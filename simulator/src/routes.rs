//! Everything the exchange serves on one port, and in which order: control, WebSocket, REST.

use std::sync::Arc;

use actix_web::web::{self, ServiceConfig};

use crate::faults::Faults;
use crate::faults::control::{self, Control};
use crate::host::Exchange;
use crate::http::{self, HttpState};
use crate::socket::{self, SocketState};
use crate::tape::Tape;

#[derive(Clone)]
pub(crate) struct Routes {
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) socket: SocketState,
    pub(crate) rest: HttpState,
    pub(crate) tape: Option<Arc<Tape>>,
    pub(crate) faults: Option<Faults>,
    pub(crate) control: Option<Control>,
}

impl Routes {
    pub(crate) fn configure(self, config: &mut ServiceConfig) {
        config.app_data(self.tape);
        config.app_data(self.exchange);
        if let Some(faults) = self.faults {
            config.app_data(web::Data::new(faults));
        }
        if let Some(control) = self.control {
            control::configure(config, control);
        }
        socket::configure(config, self.socket);
        http::configure(config, self.rest);
    }
}
