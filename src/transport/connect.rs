//! Connects to a server: directly, or through a proxy.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector as UreqConnector, NextTimeout};

use super::UserAgent;
use super::eof_guard::EofGuard;
use super::failure::ConnectionError;
use super::proxy::Proxy;
use super::resolve::resolve;
use super::stream::{Buffered, Stream};
use super::tcp::{self, Limit};
use super::tls::{self, TlsConnector};
use super::tunnel;
use super::wait::after;

/// Connects to a server. The proxy and the timeouts are handled here: ureq is configured without
/// them.
pub(super) struct Connector {
    /// How long to wait for name lookup, connection, proxy and TLS together.
    connect_timeout: Duration,
    stall_timeout: Duration,
    tls: TlsConnector,
    proxy: Option<Proxy>,
    user_agent: UserAgent,
}

impl Connector {
    pub(super) fn new(settings: &super::Settings, proxy: Option<Proxy>) -> Self {
        Self {
            connect_timeout: settings.connect_timeout,
            stall_timeout: settings.stall_timeout,
            tls: TlsConnector::new(settings.tls.clone()),
            proxy,
            user_agent: settings.user_agent.clone(),
        }
    }

    fn open(&self, uri: &Uri) -> io::Result<EofGuard> {
        let until = after(self.connect_timeout);
        let is_https = uri.scheme_str() == Some("https");
        let host = uri.host().unwrap_or_default();
        let default_port = if is_https { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(default_port);
        let stream = match &self.proxy {
            Some(proxy) => {
                let stream = dial(proxy.host(), proxy.port(), until)?;
                let mut stream = match proxy.is_https() {
                    true => self.tls_to_proxy(proxy, stream)?,
                    false => stream,
                };
                tunnel::open(&mut stream, proxy, host, port, &self.user_agent, until)?;
                stream
            }
            None => dial(host, port, until)?,
        };
        let mut stream = match is_https {
            true => Buffered::new(Stream::Tls(Box::new(self.tls.connect(host, stream)?))),
            false => stream,
        };
        stream.set_limit(Limit::Stall(self.stall_timeout));
        Ok(EofGuard::new(stream, is_https))
    }

    fn tls_to_proxy(&self, proxy: &Proxy, stream: Buffered) -> io::Result<Buffered> {
        let tls = self.tls.connect(proxy.host(), stream).map_err(|error| {
            let inner = error.get_ref();
            let tls = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
            let message = match (tls, ConnectionError::from_io(&error)) {
                (Some(tls), _) => tls::describe(tls),
                (None, Some(ConnectionError::Tls(message))) => message.clone(),
                _ => return error,
            };
            ConnectionError::ProxyTls(message).into()
        })?;
        Ok(Buffered::new(Stream::Tls(Box::new(tls))))
    }
}

fn dial(host: &str, port: u16, until: Option<Instant>) -> io::Result<Buffered> {
    let addresses = resolve(host, port, until)?;
    let tcp = tcp::connect(&addresses, until)?;
    Ok(Buffered::new(Stream::Tcp(tcp)))
}

impl UreqConnector<()> for Connector {
    type Out = EofGuard;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<EofGuard>, ureq::Error> {
        Ok(Some(self.open(details.uri)?))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

/// A resolver that does nothing. ureq would resolve names before it looks for a pooled connection,
/// and also names that a proxy resolves; [`Connector`] resolves them when it needs to.
#[derive(Debug)]
pub(super) struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}
