//! TLS in front of the exchange, right or wrong in one chosen way. Certificates are made at the start, by a CA of its own.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A second port, with TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tls {
    pub listen: SocketAddr,
    pub mode: TlsMode,
}

/// What is wrong with it, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    Valid,
    Expired,
    WrongName,
    SelfSigned,
    /// The connection is closed in the middle of the handshake.
    Aborted,
}

const MODES: [(&str, TlsMode); 5] = [
    ("valid", TlsMode::Valid),
    ("expired", TlsMode::Expired),
    ("wrong-name", TlsMode::WrongName),
    ("self-signed", TlsMode::SelfSigned),
    ("aborted", TlsMode::Aborted),
];

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("\"{text}\" is not ADDR=MODE, such as 127.0.0.1:7443=valid; the mode can be {}", names())]
    Text { text: String },
    #[error("cannot make certificates")]
    Certificate(#[from] rcgen::Error),
    #[error("cannot serve TLS")]
    Tls(#[from] rustls::Error),
    #[error("cannot write the certificate of the CA to {path}")]
    Write { path: PathBuf, source: io::Error },
}

fn names() -> String {
    MODES.map(|(name, _)| name).join(", ")
}

impl FromStr for Tls {
    type Err = TlsError;

    fn from_str(text: &str) -> Result<Tls, TlsError> {
        let read = || {
            let (listen, name) = text.split_once('=')?;
            let (_, mode) = MODES.into_iter().find(|(known, _)| *known == name)?;
            Some(Tls { listen: listen.parse().ok()?, mode })
        };
        read().ok_or_else(|| TlsError::Text { text: text.to_owned() })
    }
}

/// The exchange's own certificate authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(crate) fn new() -> Result<Authority, TlsError> {
        let key = KeyPair::generate()?;
        let mut params = params("Outrigger simulated exchange CA", Vec::new());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key)?.pem();
        Ok(Authority { issuer: Issuer::new(params, key), pem })
    }

    /// Returns the certificate that clients are to trust.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    pub(crate) fn gate(&self, mode: TlsMode) -> Result<Gate, TlsError> {
        if mode == TlsMode::Aborted {
            return Ok(Gate(None));
        }
        let here = [
            SanType::DnsName("localhost".try_into()?),
            SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        ];
        let elsewhere = [SanType::DnsName("elsewhere.invalid".try_into()?)];
        let names = if mode == TlsMode::WrongName { elsewhere.to_vec() } else { here.to_vec() };
        let mut params = params("Outrigger simulated exchange", names);
        if mode == TlsMode::Expired {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate()?;
        let certificate = match mode {
            TlsMode::SelfSigned => params.self_signed(&key)?,
            _ => params.signed_by(&key, &self.issuer)?,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )?;
        Ok(Gate(Some(TlsAcceptor::from(Arc::new(config)))))
    }
}

fn params(name: &str, names: Vec<SanType>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.subject_alt_names = names;
    params
}

/// Makes clients shake hands; one without an acceptor ends every handshake.
pub(crate) struct Gate(Option<TlsAcceptor>);

impl fmt::Debug for Gate {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(if self.0.is_some() { "Gate" } else { "Gate(aborts)" })
    }
}

impl Gate {
    /// Returns the stream inside TLS; none if the handshake was broken off on purpose.
    pub(super) async fn admit(&self, mut stream: TcpStream) -> io::Result<Option<TlsStream<TcpStream>>> {
        match &self.0 {
            Some(acceptor) => acceptor.accept(stream).await.map(Some),
            None => {
                let mut hello = [0; 512];
                let _ = stream.read(&mut hello).await?;
                Ok(None)
            }
        }
    }
}
