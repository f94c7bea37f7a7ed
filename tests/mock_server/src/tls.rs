//! Certificates of a test authority, and TLS servers with them.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// The server's side of a TLS connection.
pub type TlsStream = StreamOwned<ServerConnection, TcpStream>;

/// A certificate authority.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its private key.
#[derive(Debug)]
pub struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    /// Creates an authority with a new key.
    ///
    /// # Panics
    ///
    /// Panics if no key can be generated.
    #[expect(clippy::new_without_default, reason = "each authority is another one")]
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "Test CA of sellercloud-output");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// Returns the authority's own certificate, in PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Returns the authority's own certificate, in DER.
    pub fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    /// Issues a certificate for a server of that name that is also marked as that of a CA.
    pub fn server_that_is_a_ca(&self, name: &str) -> Identity {
        self.issue(name, |params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        })
    }

    /// Issues a certificate for a server of that name or address.
    pub fn server(&self, name: &str) -> Identity {
        self.issue(name, |_| {})
    }

    /// Issues a certificate for a server of that name or address that has expired.
    pub fn expired_server(&self, name: &str) -> Identity {
        self.issue(name, |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        })
    }

    /// Issues a certificate for a client.
    pub fn client(&self) -> Identity {
        self.issue("client", |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        })
    }

    fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity { certificate, key }
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        Arc::new(roots)
    }
}

impl Identity {
    /// Returns the certificate, in PEM.
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// Returns the private key, in PEM.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// Returns the configuration of a server with this identity.
    pub fn config(&self) -> ServerConfig {
        self.with_verifier(None)
    }

    /// Returns the configuration of a server with this identity that requires a client
    /// certificate of `authority`.
    pub fn config_for_clients_of(&self, authority: &Authority) -> ServerConfig {
        self.with_verifier(Some(authority))
    }

    fn with_verifier(&self, authority: Option<&Authority>) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match authority {
            Some(authority) => builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(authority.roots(), provider)
                    .build()
                    .unwrap(),
            ),
            None => builder.with_no_client_auth(),
        };
        let chain: Vec<CertificateDer> = vec![self.certificate.der().clone()];
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        builder.with_single_cert(chain, key).unwrap()
    }
}

/// Starts a TLS server that runs until the process ends, each connection in its own thread.
///
/// Returns the port on 127.0.0.1.
///
/// # Panics
///
/// Panics if no port is free.
pub fn serve<S>(config: ServerConfig, serve: S) -> u16
where
    S: Fn(&mut TlsStream) -> io::Result<()> + Clone + Send + 'static,
{
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let (config, serve) = (config.clone(), serve.clone());
            thread::spawn(move || {
                let connection = ServerConnection::new(config).unwrap();
                let mut stream = StreamOwned::new(connection, socket.unwrap());
                // Clients that reject the certificate close the connection.
                let _ = serve(&mut stream);
            });
        }
    });
    port
}

/// Starts a TLS server in front of an HTTP server on 127.0.0.1, which runs until the process
/// ends.
///
/// Returns the port on 127.0.0.1.
///
/// # Panics
///
/// Panics if `http_url` is no such URL, or if no port is free.
pub fn serve_in_front_of(http_url: &str, config: ServerConfig) -> u16 {
    let address = http_url.strip_prefix("http://").unwrap();
    let address = address.split('/').next().unwrap().to_owned();
    serve(config, move |client| {
        let mut client = BufReader::new(client);
        let mut server = BufReader::new(TcpStream::connect(&address)?);
        while pass_message(&mut client, server.get_mut())? {
            if !pass_message(&mut server, client.get_mut())? {
                break;
            }
        }
        client.get_mut().conn.send_close_notify();
        client.get_mut().flush()
    })
}

/// Passes on one request or response. A body must have a Content-Length.
///
/// Returns `false` at the end of the connection.
fn pass_message(from: &mut impl BufRead, to: &mut impl Write) -> io::Result<bool> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if from.read_line(&mut head)? == 0 {
            return Ok(false);
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse().unwrap())
    });
    to.write_all(head.as_bytes())?;
    io::copy(&mut from.take(length.unwrap_or(0)), to)?;
    to.flush()?;
    Ok(true)
}
