//! The options of a client.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::credentials::{Credentials, TokenSource, Tokens, secret};
use crate::request_log::{Hook, RequestRecord};
use crate::server::Server;
use crate::session::{Endpoint, KnownRoute, Place, Session};
use crate::single_flight::SingleFlight;
use crate::team::{DIRECTORY, Team};
use crate::transport::{ProxySetting, Settings, TlsSettings};
use crate::{BodyEncoding, Client, Error, Retry};

/// The options of a [`Client`].
#[derive(Clone)]
#[must_use = "a builder does nothing until build() is called"]
pub struct ClientBuilder {
    server: ServerName,
    directory: String,
    credentials: Option<Credentials>,
    body_encoding: BodyEncoding,
    max_size: Option<u64>,
    allow_plain_http: bool,
    call_timeout: Duration,
    retry: Retry,
    settings: Settings,
    /// What was wrong with an option; told by `build`.
    fault: Option<String>,
}

/// How the caller names the server.
#[derive(Clone)]
pub(crate) enum ServerName {
    Itself(String),
    OfTeam(String),
}

impl ClientBuilder {
    pub(crate) fn new(server: ServerName) -> Self {
        Self {
            server,
            directory: DIRECTORY.into(),
            credentials: None,
            body_encoding: BodyEncoding::default(),
            max_size: None,
            allow_plain_http: false,
            call_timeout: Duration::from_secs(3600),
            retry: Retry::default(),
            settings: Settings {
                connect_limit: Duration::from_secs(30),
                stall_limit: Duration::from_secs(60),
                tls: TlsSettings::default(),
                proxy: ProxySetting::default(),
                hook: None,
            },
            fault: None,
        }
    }

    /// Another server in place of the one given before.
    pub(crate) fn server(mut self, server: ServerName) -> Self {
        self.server = server;
        self
    }

    /// A bearer token, as `POST /api/token` gives it. Blanks around it are
    /// ignored; it is wiped from memory with the client.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        let token = secret(token);
        self.credentials = Some(Credentials::Token(secret(token.trim())));
        self
    }

    /// A user name and a password, to log in with. The client logs in with the
    /// first call that needs it, once however many threads call, and again when
    /// the token expires or is refused. The password is wiped from memory with
    /// the client.
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some(Credentials::Login {
            user: user.into(),
            password: secret(password),
        });
        self
    }

    /// Gives the token for every request, for callers who keep tokens
    /// elsewhere. Is told whether the server refused the one given last, and
    /// then is asked once more; to give the same again ends the call. Called on
    /// the thread of the call, by several at once.
    pub fn token_source<E>(
        mut self,
        source: impl Fn(bool) -> Result<String, E> + Send + Sync + 'static,
    ) -> Self
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let source: TokenSource = Arc::new(move |renew| source(renew).map_err(Into::into));
        self.credentials = Some(Credentials::Source(source));
        self
    }

    /// Where [`Client::for_team`] looks teams up; `https://api.sellercloud.com`
    /// unless set.
    pub fn team_directory(mut self, url: impl Into<String>) -> Self {
        self.directory = url.into();
        self
    }

    /// How the server writes files into its answers; [`BodyEncoding::Base64`]
    /// unless set.
    pub fn body_encoding(mut self, encoding: BodyEncoding) -> Self {
        self.body_encoding = encoding;
        self
    }

    /// Sets the maximum size of a file, in bytes after decoding. Default: 2 GiB for
    /// [`output_file`](Client::output_file), and no limit for files that are saved or
    /// written. Zero is rejected by [`build`](Self::build).
    pub fn max_size(mut self, bytes: u64) -> Self {
        self.max_size = Some(bytes);
        self
    }

    /// Allows `http://` to hosts other than this machine. The token, the
    /// password and the files then travel in the clear.
    pub fn allow_plain_http(mut self, allow: bool) -> Self {
        self.allow_plain_http = allow;
        self
    }

    /// Sets how long to wait for a connection: name lookup, proxy and TLS together.
    /// Default: 30 s. Zero is rejected by [`build`](Self::build); [`Duration::MAX`] means no
    /// limit.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.settings.connect_limit = limit;
        self
    }

    /// Sets how long to wait for the next byte, or until some can be sent. Default: 60 s.
    /// Zero is rejected by [`build`](Self::build); [`Duration::MAX`] means no limit.
    pub fn stall_timeout(mut self, limit: Duration) -> Self {
        self.settings.stall_limit = limit;
        self
    }

    /// Sets how long a whole call may take, with login, retries and waits. Default: 1 h, and
    /// 24 h for calls that wait for a job, whatever is set here.
    /// [`Call::timeout`](crate::Call::timeout) comes before both. Zero is rejected by
    /// [`build`](Self::build); [`Duration::MAX`] means no limit.
    pub fn call_timeout(mut self, limit: Duration) -> Self {
        self.call_timeout = limit;
        self
    }

    /// Sets how often and after which waits failed requests are repeated. Zero attempts are
    /// rejected by [`build`](Self::build).
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The proxy for every server, such as `http://user:password@proxy:3128`
    /// (user name and password percent-encoded); empty for none. Unless set,
    /// the environment says it: `https_proxy` or `http_proxy` by the server's
    /// scheme, else `all_proxy`, in small or large letters; `no_proxy` lists
    /// the hosts that are reached without.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        let url = secret(url);
        self.settings.proxy = match url.trim().is_empty() {
            true => ProxySetting::Direct,
            false => ProxySetting::Url(url),
        };
        self
    }

    /// Trusts the CA certificates in `pem` besides those that the system trusts: any number
    /// in PEM, or one in DER.
    pub fn add_ca_certificates(mut self, pem: &[u8]) -> Self {
        if let Err(fault) = self.settings.tls.add_roots(pem) {
            self.fault(format!("the CA certificates: {fault}"));
        }
        self
    }

    /// Shows this certificate to servers that ask for one: the certificate with
    /// its chain, and its private key, both in PEM; they may be in one text.
    pub fn client_certificate(mut self, chain: &[u8], key: &[u8]) -> Self {
        if let Err(fault) = self.settings.tls.set_identity(chain, key) {
            self.fault(format!("the client certificate: {fault}"));
        }
        self
    }

    /// Is given a record of every request that ends, on the thread of its call.
    /// The same goes to the `log` crate, as `debug` with the target
    /// `sellercloud_output`.
    pub fn on_request(mut self, told: impl Fn(&RequestRecord) + Send + Sync + 'static) -> Self {
        let hook: Hook = Arc::new(told);
        self.settings.hook = Some(hook);
        self
    }

    pub(crate) fn has_team(&self) -> bool {
        matches!(self.server, ServerName::OfTeam(_))
    }

    /// Makes the client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if the server, the
    /// credentials or another option cannot be used.
    pub fn build(self) -> Result<Client, Error> {
        if let Some(fault) = self.fault {
            return Err(Error::InvalidArgument(fault));
        }
        for (name, is_zero) in [
            ("connect_timeout", self.settings.connect_limit.is_zero()),
            ("stall_timeout", self.settings.stall_limit.is_zero()),
            ("call_timeout", self.call_timeout.is_zero()),
            ("max_size", self.max_size == Some(0)),
            ("the number of attempts", self.retry.attempts == 0),
        ] {
            if is_zero {
                let message = format!("{name} must be greater than zero");
                return Err(Error::InvalidArgument(message));
            }
        }
        let credentials = self.credentials.ok_or_else(|| {
            Error::InvalidArgument(
                "no token was given, and no user name and password either".into(),
            )
        })?;
        let endpoint = |server: &str| {
            let server = Server::new(server, self.allow_plain_http)?;
            Ok::<_, Error>(Arc::new(Endpoint::new(server, &self.settings)?))
        };
        let (place, name) = match self.server {
            ServerName::Itself(server) => {
                let endpoint = endpoint(&server)?;
                let name = endpoint.server.url("");
                (Place::Known(endpoint), name)
            }
            ServerName::OfTeam(name) if name.trim().is_empty() => {
                return Err(Error::InvalidArgument("the team's name is empty".into()));
            }
            ServerName::OfTeam(name) => {
                let directory = endpoint(&self.directory)?;
                let name = name.trim().to_owned();
                let shown = format!("the team {name:?}");
                let team = Team { name, directory };
                (Place::OfTeam(team, SingleFlight::new()), shown)
            }
        };
        let session = Session {
            settings: self.settings,
            allow_plain_http: self.allow_plain_http,
            place,
            tokens: Tokens::new(credentials)?,
            retry: self.retry,
            known_route: KnownRoute::default(),
        };
        Ok(Client::new(
            session,
            name,
            self.body_encoding,
            self.max_size,
            self.call_timeout,
        ))
    }

    fn fault(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The server may be a URL with a password in it, which build() refuses.
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}
