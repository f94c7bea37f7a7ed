//! TLS by rustls, with the certificates that the system trusts.

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

use super::failure::{ConnectionError, is_disconnect};
use super::stream::Buffered;

/// The CA certificates to trust besides the system's, and the client's own certificate.
#[derive(Clone, Default)]
pub(crate) struct TlsSettings {
    roots: Vec<CertificateDer<'static>>,
    identity: Option<Arc<CertifiedKey>>,
}

impl TlsSettings {
    /// Adds CA certificates to trust: any number in PEM, or one in DER.
    ///
    /// # Errors
    ///
    /// A message for users.
    pub(crate) fn add_roots(&mut self, file: &[u8]) -> Result<(), String> {
        let roots = certificates(file)?;
        for root in &roots {
            rustls::RootCertStore::empty()
                .add(root.clone())
                .map_err(|error| format!("a certificate cannot be used: {}", describe(&error)))?;
        }
        self.roots.extend(roots);
        Ok(())
    }

    /// Sets the certificate, with its chain, for servers that request one.
    ///
    /// # Errors
    ///
    /// A message for users. It contains nothing of the key.
    pub(crate) fn set_identity(&mut self, chain: &[u8], key: &[u8]) -> Result<(), String> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(&as_utf8(key))
            .map_err(|error| format!("found no private key in PEM: {}", describe_pem(error)))?;
        let identity =
            CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| {
                format!(
                    "the certificate and its private key cannot be used: {}",
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
        .map_err(|error| format!("the text is not valid PEM: {}", describe_pem(error)))?;
    if all.is_empty() {
        return Err("found no certificate in PEM, nor one in DER".into());
    }
    Ok(all)
}

/// Returns whether the file is a DER sequence (ITU-T X.690) of the file's length. The length of
/// every certificate takes two bytes.
fn is_der(file: &[u8]) -> bool {
    match file {
        [0x30, 0x82, high, low, rest @ ..] => {
            rest.len() == usize::from(u16::from_be_bytes([*high, *low]))
        }
        _ => false,
    }
}

/// Returns text in UTF-8 without a byte order mark, from UTF-8 or UTF-16. The result is wiped when
/// it is dropped, since it may be a key.
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

/// Returns a description of a PEM error, without any of the text, which may be a key.
fn describe_pem(error: pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no end",
        pem::Error::IllegalSectionStart { .. } => "a section does not begin correctly",
        pem::Error::Base64Decode(_) => "a section is not valid base64",
        pem::Error::NoItemsFound => "there is no such section",
        _ => "it cannot be read",
    }
}

/// Wraps connections to https servers in TLS.
pub(super) struct TlsConnector {
    settings: TlsSettings,
    /// Created when it is first needed: loading the system's certificates takes time, and plain
    /// HTTP does not need them.
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
        // Two threads may do this at the same time. Either result is valid.
        Ok(self.config.get_or_init(|| config).clone())
    }

    fn new_config(&self) -> Result<ClientConfig, rustls::Error> {
        let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
        let roots = self.settings.roots.iter().cloned();
        let verifier = Verifier::new_with_extra_roots(roots, provider.clone())?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            // A verifier of one's own may be dangerous. This one is the system's.
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
    /// Performs the TLS handshake with a host, over a connection to it.
    ///
    /// # Errors
    ///
    /// A [`rustls::Error`] if the host is not trusted or does not speak TLS, a
    /// [`ConnectionError::Tls`] if its name cannot be in a certificate, else the connection's
    /// error.
    pub(super) fn connect(&self, host: &str, stream: Buffered) -> io::Result<Tls> {
        let host = host.trim_matches(['[', ']']).trim_end_matches('.');
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            ConnectionError::Tls("the host's name is not valid in a certificate".into())
        })?;
        let config = self.config().map_err(as_tls)?;
        let mut connection = ClientConnection::new(config, name).map_err(as_tls)?;
        let mut stream = stream.with_read_ahead();
        match connection.complete_io(&mut stream) {
            Ok(_) => Ok(Tls(StreamOwned::new(connection, stream))),
            Err(error) if is_disconnect(error.kind()) => {
                Err(ConnectionError::EndedInHandshake.into())
            }
            Err(error) => Err(error),
        }
    }
}

/// Returns a description of a TLS error, and advice for common ones. The subject of the text is the
/// server.
pub(super) fn describe(error: &rustls::Error) -> String {
    use CertificateError as Bad;
    let description = match error {
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer) => {
            "this system does not trust its certificate's issuer (if that is a company's own CA, \
             add it to the system's store or to the client)"
        }
        rustls::Error::InvalidCertificate(Bad::BadSignature) => {
            "its certificate is not signed by the CA that it names"
        }
        rustls::Error::InvalidCertificate(Bad::Other(other)) => {
            // The type of this error is private to rustls.
            let text = other.to_string();
            return match text.contains(CA_USED_AS_END_ENTITY) {
                true => "its certificate is that of a CA, which cannot be a server's own: sign a \
                         certificate for the server with it"
                    .to_owned(),
                false => format!("its certificate was rejected: {}", spaced(&text)),
            };
        }
        rustls::Error::InvalidCertificate(bad) => {
            let text = bad.to_string();
            return match text.contains(' ') {
                true => text,
                false => format!("its certificate was rejected: {}", spaced(&text)),
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
    description.to_owned()
}

/// The text of webpki's error for a CA certificate that a server uses as its own. It only selects
/// the message.
const CA_USED_AS_END_ENTITY: &str = "CaUsedAsEndEntity";

/// Returns an identifier such as `CaUsedAsEndEntity` as lowercase words.
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

/// Wraps an error as rustls's own I/O does.
fn as_tls(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// A TLS connection. It ends only with the closing message of TLS: if the connection below ends
/// without it, reading fails with the kind `UnexpectedEof`.
pub(super) struct Tls(StreamOwned<ClientConnection, Buffered>);

impl Tls {
    /// Returns the stream that carries the TLS connection.
    pub(super) fn inner(&mut self) -> &mut Buffered {
        self.0.get_mut()
    }

    /// Returns whether the connection is open and has no unread data.
    pub(super) fn is_idle(&mut self) -> bool {
        let state = self.0.conn.process_new_packets();
        let is_empty = state
            .is_ok_and(|state| state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed());
        is_empty && self.0.get_mut().is_idle()
    }
}

impl Read for Tls {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::UnixTime;

    use super::*;

    /// A self-signed CA certificate for `server.example`. Only its extensions matter.
    const CA: &str = "\
-----BEGIN CERTIFICATE-----
MIIBmzCCAUKgAwIBAgIUYBE+Vf0Ix0V7+Ds6xlg+RaRGfl8wCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKRXhhbXBsZSBDQTAgFw0yNjExMjUxNzA5MjdaGA8yMTI2MTEw
MTE3MDkyN1owFTETMBEGA1UEAwwKRXhhbXBsZSBDQTBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABAJBIMkwF9O2FZ29wapnJWuW5rlrbOEtyLMQLw7jxb8NTHEQTimO
8uu9GbzwinhkxuQEfcbLQj1d6pml3aoHiRmjbjBsMB0GA1UdDgQWBBTsu9+9uqgF
edGNIhlS/hSQQIOzejAfBgNVHSMEGDAWgBTsu9+9uqgFedGNIhlS/hSQQIOzejAP
BgNVHRMBAf8EBTADAQH/MBkGA1UdEQQSMBCCDnNlcnZlci5leGFtcGxlMAoGCCqG
SM49BAMCA0cAMEQCICL+bGGmOHzjAC22ObQ+2o8gk4efrpXVjN+YfeaTLYodAiA7
mjmqtGdvR7eMbo533UGchCjvp2vrVLY8jH27BYYdaA==
-----END CERTIFICATE-----";

    #[test]
    fn describe_ca_used_as_server_certificate_says_what_to_do() {
        let certificate = certificates(CA.as_bytes()).unwrap().remove(0);
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let name = ServerName::try_from("server.example").unwrap();
        let verified = builder.build().unwrap().verify_server_cert(
            &certificate,
            &[],
            &name,
            &[],
            UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000)),
        );
        let description = describe(&verified.unwrap_err());
        assert!(
            description.contains("that of a CA, which cannot be a server's own"),
            "{description}"
        );
    }

    #[test]
    fn spaced_identifier_gives_lowercase_words() {
        assert_eq!(spaced("CaUsedAsEndEntity"), "ca used as end entity");
        assert_eq!(spaced("HandshakeFailure"), "handshake failure");
    }
}
