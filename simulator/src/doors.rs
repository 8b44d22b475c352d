//! Which ports are open: the exchange's own, or others in front of it where bytes can be misused or wrapped in TLS.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::thread::JoinHandle;

use tokio_util::sync::CancellationToken;

use crate::Options;
use crate::faults::front::{self, Door};
use crate::faults::{Authority, FaultSpec, Faults, TlsError};
use crate::server::SpawnError;

/// Ports that are bound, and what stands behind them.
pub(crate) struct Doors {
    /// None if nothing can go wrong: then nothing asks.
    pub(crate) faults: Option<Faults>,
    /// Where the exchange itself listens.
    pub(crate) server: TcpListener,
    /// Where clients without TLS connect.
    pub(crate) addr: SocketAddr,
    /// Where clients with TLS connect, in the order of the options.
    pub(crate) tls: Vec<SocketAddr>,
    front: Vec<Door>,
}

impl Doors {
    pub(crate) fn open(options: &Options) -> Result<Doors, SpawnError> {
        let specs: Vec<FaultSpec> = options.scenario.faults.iter().chain(&options.faults).cloned().collect();
        let has_faults = options.control || !specs.is_empty() || options.scenario.ends_sockets();
        let is_fronted = has_faults || !options.tls.is_empty();
        let faults = is_fronted.then(|| Faults::new(&specs, options.seed)).transpose()?;
        let (own, addr) = bind(options.listen)?;
        let mut front = Vec::new();
        let server = if has_faults {
            front.push(Door { listener: own, gate: None });
            bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?.0
        } else {
            own
        };
        let mut tls = Vec::new();
        if !options.tls.is_empty() {
            let authority = Authority::new()?;
            if let Some(path) = &options.tls_ca {
                std::fs::write(path, authority.pem())
                    .map_err(|source| TlsError::Write { path: path.clone(), source })?;
            }
            for port in &options.tls {
                let (listener, addr) = bind(port.listen)?;
                front.push(Door { listener, gate: Some(authority.gate(port.mode)?) });
                tls.push(addr);
            }
        }
        Ok(Doors { faults, server, addr, tls, front })
    }

    /// Starts what stands in front of `server`, if anything does.
    pub(crate) fn start_front(
        &mut self,
        closing: CancellationToken,
        end: CancellationToken,
    ) -> io::Result<Option<JoinHandle<()>>> {
        let Some(faults) = self.faults.clone() else { return Ok(None) };
        let mut server = self.server.local_addr()?;
        if server.ip().is_unspecified() {
            server.set_ip(match server {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let doors = std::mem::take(&mut self.front);
        front::start(doors, server, faults, closing, end).map(Some)
    }
}

fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), SpawnError> {
    let listen = |source| SpawnError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(listen)?;
    let addr = listener.local_addr().map_err(listen)?;
    Ok((listener, addr))
}
