//! TLS by rustls, with the system's own idea of whom to trust.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::{Arc, OnceLock};

use rustls::client::ResolvesClientCert;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, InvalidMessage, StreamOwned,
};
use rustls_platform_verifier::Verifier;
use zeroize::Zeroizing;

use super::failure::{ConnectionError, is_break};
use super::stream::Buffered;

/// Whom to trust besides those whom the system trusts, and how to show who
/// this client is.
#[derive(Clone, Default)]
pub(crate) struct TlsSettings {
    roots: Vec<CertificateDer<'static>>,
    identity: Option<Arc<CertifiedKey>>,
}

impl TlsSettings {
    /// Trusts these certificates too: any number in PEM, or one in DER.
    ///
    /// # Errors
    ///
    /// A message for people.
    pub(crate) fn add_roots(&mut self, file: &[u8]) -> Result<(), String> {
        let roots = certificates(file)?;
        for root in &roots {
            rustls::RootCertStore::empty()
                .add(root.clone())
                .map_err(|error| {
                    format!("a certificate in it cannot be used: {}", describe(&error))
                })?;
        }
        self.roots.extend(roots);
        Ok(())
    }

    /// Shows this certificate, with its chain, to servers that ask for one.
    pub(crate) fn set_identity(&mut self, chain: &[u8], key: &[u8]) -> Result<(), String> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(&as_utf8(key)).map_err(|error| {
            format!("there is no private key in PEM to be used: {}", tell(error))
        })?;
        let identity =
            CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| {
                format!(
                    "the certificate and its key cannot be used: {}",
                    describe(&error)
                )
            })?;
        self.identity = Some(Arc::new(identity));
        Ok(())
    }
}

fn certificates(file: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    if is_der(file) {
        return Ok(vec![CertificateDer::from(file.to_vec())]);
    }
    let all = CertificateDer::pem_slice_iter(&as_utf8(file))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("it is not valid PEM: {}", tell(error)))?;
    if all.is_empty() {
        return Err("there is no certificate in PEM in it, nor is it one in DER".into());
    }
    Ok(all)
}

/// Returns whether this is a sequence (ITU-T X.690) whose length, of two bytes as every
/// certificate's is, fits.
fn is_der(file: &[u8]) -> bool {
    match file {
        [0x30, 0x82, high, low, rest @ ..] => {
            rest.len() == usize::from(u16::from_be_bytes([*high, *low]))
        }
        _ => false,
    }
}

/// Returns text without the mark that Windows puts before it, and not in UTF-16. It may be
/// a key.
fn as_utf8(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let units = |bytes: &[u8], from: fn([u8; 2]) -> u16| {
        let pairs = bytes.chunks_exact(2).map(|pair| from([pair[0], pair[1]]));
        let mut utf8 = Zeroizing::new(Vec::with_capacity(2 * bytes.len()));
        for c in char::decode_utf16(pairs) {
            let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
            utf8.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        utf8
    };
    match text {
        [0xef, 0xbb, 0xbf, rest @ ..] => Zeroizing::new(rest.to_vec()),
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        _ => Zeroizing::new(text.to_vec()),
    }
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

impl TlsConnector {
    /// Shakes hands with a host over a connection to it.
    ///
    /// # Errors
    ///
    /// [`ConnectionError::Tls`] where the host is not trusted or does not speak TLS; else what
    /// the connection says.
    pub(super) fn connect(&self, host: &str, stream: Buffered) -> io::Result<Tls> {
        let host = host.trim_matches(['[', ']']).trim_end_matches('.');
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| ConnectionError::Tls("no certificate can hold the host's name".into()))?;
        let config = self.config().map_err(as_tls)?;
        let mut connection = ClientConnection::new(config, name).map_err(as_tls)?;
        let mut stream = stream.reading_ahead();
        match connection.complete_io(&mut stream) {
            Ok(_) => Ok(Tls(StreamOwned::new(connection, stream))),
            Err(error) if is_break(error.kind()) => Err(ConnectionError::EndedInHandshake.into()),
            Err(error) => Err(error),
        }
    }
}

/// Says what rustls found to be wrong, and what to do where that is known.
pub(super) fn describe(error: &rustls::Error) -> String {
    use CertificateError as Bad;
    let words = match error {
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer) => {
            "this system does not trust its certificate's issuer (if that is a company's own CA, \
             add it to the system's store or to the client)"
        }
        rustls::Error::InvalidCertificate(Bad::BadSignature) => {
            "its certificate is not signed by the CA that it names"
        }
        rustls::Error::InvalidCertificate(Bad::Other(other)) => {
            let words = other.to_string();
            return match words.contains("CaUsedAsEndEntity") {
                true => "its certificate is that of a CA, which cannot be a server's own: sign a \
                         certificate for the server with it"
                    .to_owned(),
                false => format!("its certificate is refused: {}", spaced(&words)),
            };
        }
        rustls::Error::InvalidCertificate(bad) => {
            let words = bad.to_string();
            return match words.contains(' ') {
                true => words,
                false => format!("its certificate is refused: {}", spaced(&words)),
            };
        }
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "it requires a client certificate"
        }
        rustls::Error::AlertReceived(alert) => {
            let alert = spaced(&format!("{alert:?}"));
            return format!("it ended TLS with the alert \"{alert}\"");
        }
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "it does not speak TLS on this port"
        }
        _ => return error.to_string(),
    };
    words.to_owned()
}

/// Returns an identifier such as `CaUsedAsEndEntity` in words.
fn spaced(identifier: &str) -> String {
    let mut words = String::new();
    let mut was_lower = false;
    for c in identifier.chars() {
        if c.is_uppercase() && was_lower {
            words.push(' ');
        }
        was_lower = c.is_lowercase();
        words.extend(c.to_lowercase());
    }
    words
}

/// In the way that rustls's own I/O wraps its errors.
fn as_tls(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// A connection within TLS. It ends only where TLS says so: an end of the connection below is
/// an error of the kind `UnexpectedEof`.
pub(super) struct Tls(StreamOwned<ClientConnection, Buffered>);

impl Tls {
    pub(super) fn below(&mut self) -> &mut Buffered {
        self.0.get_mut()
    }

    /// Returns whether the connection is there, and nothing came over it that is unread.
    pub(super) fn is_idle(&mut self) -> bool {
        let state = self.0.conn.process_new_packets();
        let is_empty = state
            .is_ok_and(|state| state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed());
        is_empty && self.0.get_mut().is_idle()
    }
}

impl Read for Tls {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.read(room)
    }
}

impl Write for Tls {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}
