//! TLS, right and wrong.

use std::sync::Arc;

use outrigger_simulator::{Options, TlsMode};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, Error, RootCertStore};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::world::{Answer, World, request};

struct Secured {
    world: World,
    connector: TlsConnector,
    _directory: tempfile::TempDir,
}

fn secured(modes: &[&str]) -> Secured {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    let tls = modes.iter().map(|mode| format!("127.0.0.1:0={mode}").parse().unwrap()).collect();
    let world =
        World::start(Options { tls, tls_ca: Some(file.clone()), control: true, ..Options::default() });
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Secured { world, connector: TlsConnector::from(Arc::new(config)), _directory: directory }
}

impl Secured {
    async fn connect(&self, index: usize) -> std::io::Result<TlsStream<tokio::net::TcpStream>> {
        let tcp = tokio::net::TcpStream::connect(self.world.running().tls_addrs()[index]).await?;
        self.connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await
    }
}

#[tokio::test]
async fn tls_as_it_should_be() {
    let secured = secured(&["valid"]);
    let mut stream = secured.connect(0).await.unwrap();
    stream.write_all(&request("GET", "/portfolio/balance", None, 0)).await.unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    assert_eq!(Answer::read(&bytes).status, 200);
    secured.world.streams_well().await;
}

#[tokio::test]
async fn faults_happen_inside_tls_too() {
    let secured = secured(&["valid"]);
    let rule = json!({ "route": "GET /exchange/status", "fault": "reset", "count": 1 });
    assert_eq!(secured.world.post("/control/faults", rule).status, 200);
    let mut stream = secured.connect(0).await.unwrap();
    stream.write_all(&request("GET", "/exchange/status", None, 0)).await.unwrap();
    let end = stream.read(&mut [0; 16]).await.unwrap_err();
    assert_eq!(end.kind(), std::io::ErrorKind::ConnectionReset);
    secured.world.streams_well().await;
}

#[tokio::test]
async fn certificates_that_must_not_be_trusted() {
    let secured = secured(&["expired", "wrong-name", "self-signed"]);
    let mut told = Vec::new();
    for index in 0..3 {
        let error = secured.connect(index).await.unwrap_err();
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(Error::InvalidCertificate(error)) => told.push(error.clone()),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(told[0], CertificateError::ExpiredContext { .. }), "{:?}", told[0]);
    assert!(matches!(told[1], CertificateError::NotValidForNameContext { .. }), "{:?}", told[1]);
    assert!(matches!(told[2], CertificateError::UnknownIssuer), "{:?}", told[2]);
    secured.world.streams_well().await;
}

#[tokio::test]
async fn a_handshake_that_is_broken_off() {
    let secured = secured(&["aborted"]);
    let error = secured.connect(0).await.unwrap_err();
    use std::io::ErrorKind::{ConnectionReset, UnexpectedEof};
    assert!(matches!(error.kind(), UnexpectedEof | ConnectionReset), "{error:?}");
    secured.world.streams_well().await;
}

#[test]
fn modes_are_read_from_text_and_mistakes_named() {
    let tls: outrigger_simulator::Tls = "127.0.0.1:7443=wrong-name".parse().unwrap();
    assert_eq!((tls.listen.port(), tls.mode), (7443, TlsMode::WrongName));
    for text in ["127.0.0.1:7443", "127.0.0.1:7443=perfect", "here=valid"] {
        let told = text.parse::<outrigger_simulator::Tls>().unwrap_err().to_string();
        assert!(told.contains(text) && told.contains("self-signed"), "{told}");
    }
}
