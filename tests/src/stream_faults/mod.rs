//! Faults of the exchange's stream against a whole sidecar: a table of them, what carries each out, and judges that share
//! nothing with the product: a client of the local stream, the exchange's own tape, the exchange's own account.

pub mod cases;
pub mod faults;
mod kinds;
pub mod lane;
pub mod page;
pub mod trader;
pub mod truth;
pub mod witness;
