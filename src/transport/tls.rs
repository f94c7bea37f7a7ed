//! TLS by rustls, with the system's own idea of whom to trust.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::{Arc, OnceLock};

use rustls::client::ResolvesClientCert;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, ClientConfig, ClientConnection, StreamOwned};
use rustls_platform_verifier::Verifier;
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
    TransportAdapter, time,
};

/// Whom to trust besides those whom the system trusts, and how to show who
/// this client is.
#[derive(Clone, Default)]
pub(crate) struct TlsSettings {
    roots: Vec<CertificateDer<'static>>,
    identity: Option<Arc<CertifiedKey>>,
}

impl TlsSettings {
    /// Trusts the certificates in `pem` too. The error is for people.
    pub(crate) fn add_roots(&mut self, pem: &[u8]) -> Result<(), String> {
        let roots = certificates(pem)?;
        for root in &roots {
            rustls::RootCertStore::empty()
                .add(root.clone())
                .map_err(|error| format!("a certificate in it cannot be used: {error}"))?;
        }
        self.roots.extend(roots);
        Ok(())
    }

    /// Shows this certificate, with its chain, to servers that ask for one.
    pub(crate) fn set_identity(&mut self, chain: &[u8], key: &[u8]) -> Result<(), String> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
            format!("there is no private key in PEM to be used: {}", tell(error))
        })?;
        let identity = CertifiedKey::from_der(chain, key, &ring::default_provider())
            .map_err(|error| format!("the certificate and its key cannot be used: {error}"))?;
        self.identity = Some(Arc::new(identity));
        Ok(())
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("it is not valid PEM: {}", tell(error)))?;
    if all.is_empty() {
        return Err("there is no certificate in PEM in it".into());
    }
    Ok(all)
}

/// Without what the text held: it may be a key.
fn tell(error: pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no end",
        pem::Error::IllegalSectionStart { .. } => "a section does not begin as it must",
        pem::Error::Base64Decode(_) => "a section is not base64",
        pem::Error::NoItemsFound => "nothing of that kind was found",
        _ => "it cannot be read",
    }
}

/// Wraps connections to https servers in TLS.
pub(super) struct TlsConnector {
    settings: TlsSettings,
    /// Made when it is first needed: reading the system's certificates takes
    /// its time, and plain http does without.
    config: OnceLock<Arc<ClientConfig>>,
}

impl TlsConnector {
    pub(super) fn new(settings: TlsSettings) -> Self {
        Self {
            settings,
            config: OnceLock::new(),
        }
    }

    fn config(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        if let Some(config) = self.config.get() {
            return Ok(config.clone());
        }
        let config = Arc::new(self.new_config()?);
        // Two threads may come here at once; either config will do.
        Ok(self.config.get_or_init(|| config).clone())
    }

    fn new_config(&self) -> Result<ClientConfig, rustls::Error> {
        let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
        let roots = self.settings.roots.iter().cloned();
        let verifier = Verifier::new_with_extra_roots(roots, provider.clone())?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            // Dangerous is what a verifier might be; this one is the system's.
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        Ok(match &self.settings.identity {
            Some(identity) => {
                let identity = SingleCertAndKey::from((**identity).clone());
                let identity: Arc<dyn ResolvesClientCert> = Arc::new(identity);
                config.with_client_cert_resolver(identity)
            }
            None => config.with_no_client_auth(),
        })
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector").finish_non_exhaustive()
    }
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, Tls>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(transport) = chained else {
            return Ok(None);
        };
        if !details.needs_tls() || transport.is_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let host = details.uri.host().unwrap_or_default();
        let host = host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host)
            .map_err(|_| Error::Tls("the host's name cannot be in a certificate"))?;
        let config = self.config().map_err(as_tls)?;
        let mut connection = ClientConnection::new(config, name).map_err(as_tls)?;
        let clock = details.current_time.clone();
        let mut socket = TransportAdapter::new(transport.boxed(), clock);
        socket.set_timeout(left(details));
        connection.complete_io(&mut socket)?;
        let sizes = details.config;
        Ok(Some(Either::B(Tls {
            stream: StreamOwned::new(connection, socket),
            buffers: LazyBuffers::new(sizes.input_buffer_size(), sizes.output_buffer_size()),
        })))
    }
}

/// What rustls says is wrong; what to do, where that is known.
pub(super) fn describe(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "this system does not trust its certificate's issuer (if that is a company's own CA, \
             add it to the system's store or to the client)"
                .to_owned()
        }
        _ => error.to_string(),
    }
}

/// In the way that rustls's own I/O wraps its errors.
fn as_tls(error: rustls::Error) -> Error {
    io::Error::new(io::ErrorKind::InvalidData, error).into()
}

/// What the name lookup, the connection and a proxy have left of the time to connect.
fn left(details: &ConnectionDetails) -> NextTimeout {
    let mut limit = details.timeout;
    if let (time::Duration::Exact(whole), time::Instant::Exact(start), time::Instant::Exact(now)) =
        (limit.after, details.now, (details.current_time)())
    {
        let spent = now.saturating_duration_since(start);
        limit.after = time::Duration::Exact(whole.saturating_sub(spent));
    }
    limit
}

/// A connection within TLS.
pub(super) struct Tls {
    stream: StreamOwned<ClientConnection, TransportAdapter>,
    buffers: LazyBuffers,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Transport for Tls {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, limit: NextTimeout) -> Result<(), Error> {
        self.stream.get_mut().set_timeout(limit);
        let output = &self.buffers.output()[..amount];
        self.stream.write_all(output)?;
        self.stream.flush()?;
        Ok(())
    }

    fn await_input(&mut self, limit: NextTimeout) -> Result<bool, Error> {
        self.stream.get_mut().set_timeout(limit);
        let length = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(length);
        Ok(length > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}
