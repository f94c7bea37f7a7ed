//! The options of a client.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Client;
use crate::body::BodyEncoding;
use crate::download::Downloads;
use crate::error::Error;
use crate::jobs::Jobs;
use crate::session::credentials::{TokenProvider, secret};
use crate::session::{
    BaseUrl, Credentials, Endpoint, RetryPolicy, ServerLocation, Session, SingleFlight,
    TEAM_LOOKUP_URL, Team, TokenCache,
};
use crate::transport::{Hook, ProxySetting, RequestRecord, Settings, TlsSettings, UserAgent};

/// Builds a [`Client`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use sellercloud_output::Client;
///
/// let client = Client::builder("tt")
///     .credentials("user@example.com", "password")
///     .call_timeout(Duration::from_secs(600))
///     .build()?;
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until build() is called"]
pub struct ClientBuilder {
    server: ServerName,
    team_lookup_url: String,
    credentials: Option<Credentials>,
    body_encoding: BodyEncoding,
    max_file_size: Option<u64>,
    allow_plain_http: bool,
    call_timeout: Duration,
    retry_policy: RetryPolicy,
    user_agent_suffix: Option<String>,
    settings: Settings,
    /// The error of the first invalid option. `build` returns it.
    error: Option<String>,
}

/// The server, as the caller gives it.
#[derive(Clone)]
pub(crate) enum ServerName {
    Server(String),
    Team(String),
}

impl ClientBuilder {
    pub(crate) fn new(server: ServerName) -> Self {
        Self {
            server,
            team_lookup_url: TEAM_LOOKUP_URL.into(),
            credentials: None,
            body_encoding: BodyEncoding::default(),
            max_file_size: None,
            allow_plain_http: false,
            call_timeout: Duration::from_secs(3600),
            retry_policy: RetryPolicy::default(),
            user_agent_suffix: None,
            settings: Settings {
                connect_timeout: Duration::from_secs(30),
                stall_timeout: Duration::from_secs(60),
                tls: TlsSettings::default(),
                proxy: ProxySetting::default(),
                user_agent: UserAgent::default(),
                hook: None,
            },
            error: None,
        }
    }

    /// Sets the server, in place of the previous one.
    #[cfg(feature = "capi")]
    pub(crate) fn server(mut self, server: ServerName) -> Self {
        self.server = server;
        self
    }

    /// Sets the bearer token, as `POST /api/token` returns it. Whitespace around it is ignored. The
    /// token is wiped from memory when the last clone of the client is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::Client;
    ///
    /// let client = Client::builder("tt").token("the-bearer-token").build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn token(mut self, token: impl Into<String>) -> Self {
        let token = secret(token);
        self.credentials = Some(Credentials::Token(secret(token.trim())));
        self
    }

    /// Sets the user name and the password to log in with.
    ///
    /// The client logs in with the first call that needs it, once for any number of threads,
    /// and again when the token expires or is rejected. The password is wiped from memory when the
    /// last clone of the client is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::Client;
    ///
    /// let builder = Client::builder("tt");
    /// let client = builder.credentials("user@example.com", "password").build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn credentials(
        mut self,
        user_name: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        self.credentials = Some(Credentials::Login {
            user_name: user_name.into(),
            password: secret(password),
        });
        self
    }

    /// Sets a function that returns the token for each request, for programs that store tokens
    /// elsewhere.
    ///
    /// It is called on the thread of each call, so several threads may call it at the same time.
    /// Its argument is `true` if the server has just rejected the last token. It is then called
    /// once more, and the call fails if it returns the same token again. If it returns an error,
    /// the call fails with [`Authentication`](crate::ErrorKind::Authentication).
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::Client;
    ///
    /// let read_token = |_is_rejected: bool| std::fs::read_to_string("/run/secrets/token");
    /// let client = Client::builder("tt").token_provider(read_token).build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn token_provider<E>(
        mut self,
        provider: impl Fn(bool) -> Result<String, E> + Send + Sync + 'static,
    ) -> Self
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let provider: TokenProvider =
            Arc::new(move |is_rejected| provider(is_rejected).map_err(Into::into));
        self.credentials = Some(Credentials::Provider(provider));
        self
    }

    /// Sets the base URL of the service at which [`Client::for_team`] looks up the server. Default:
    /// `https://api.sellercloud.com`.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::Client;
    ///
    /// let client = Client::for_team("acme")
    ///     .team_lookup_url("https://api.example.com")
    ///     .token("the-bearer-token")
    ///     .build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn team_lookup_url(mut self, url: impl Into<String>) -> Self {
        self.team_lookup_url = url.into();
        self
    }

    /// Sets how the server encodes files in response bodies. Default: [`BodyEncoding::Base64`].
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::{BodyEncoding, Client};
    ///
    /// let builder = Client::builder("tt").token("the-bearer-token");
    /// let client = builder.body_encoding(BodyEncoding::Auto).build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn body_encoding(mut self, encoding: BodyEncoding) -> Self {
        self.body_encoding = encoding;
        self
    }

    /// Sets the maximum size of a file, in bytes after decoding. Default: 2 GiB for files in
    /// memory, which may be the caller's, and no limit for files that are saved, written or read
    /// from an open download. Zero is rejected by [`build`](Self::build); [`u64::MAX`] means no
    /// limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::Client;
    ///
    /// let builder = Client::builder("tt").token("the-bearer-token");
    /// let client = builder.max_file_size(64 * 1024 * 1024).build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn max_file_size(mut self, bytes: u64) -> Self {
        self.max_file_size = Some(bytes);
        self
    }

    /// Sets whether `http://` is allowed to remote hosts. Default: `false`. With `true` the
    /// token, the password and the files travel unencrypted. Plain HTTP to loopback is always
    /// allowed.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::Client;
    ///
    /// let builder = Client::builder("http://sellercloud.internal/rest").token("the-bearer-token");
    /// let client = builder.allow_plain_http(true).build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn allow_plain_http(mut self, allow: bool) -> Self {
        self.allow_plain_http = allow;
        self
    }

    /// Sets how long to wait for a connection: name lookup, proxy and TLS together. Default:
    /// 30 s. Zero is rejected by [`build`](Self::build); [`Duration::MAX`] means no limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use sellercloud_output::Client;
    ///
    /// let builder = Client::builder("tt").token("the-bearer-token");
    /// let client = builder.connect_timeout(Duration::from_secs(10)).build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// Sets how long to wait for the next byte, or until bytes can be sent. Default: 60 s.
    /// Zero is rejected by [`build`](Self::build); [`Duration::MAX`] means no limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use sellercloud_output::Client;
    ///
    /// let builder = Client::builder("tt").token("the-bearer-token");
    /// let client = builder.stall_timeout(Duration::from_secs(120)).build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn stall_timeout(mut self, timeout: Duration) -> Self {
        self.settings.stall_timeout = timeout;
        self
    }

    /// Sets how long a whole call may take, including login, retries and waits. Default: 1 h.
    /// Operations that wait for a job do not use it: their default is 24 h.
    /// [`Call::timeout`](crate::Call::timeout) takes precedence. Zero is rejected by
    /// [`build`](Self::build); [`Duration::MAX`] means no limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use sellercloud_output::Client;
    ///
    /// let builder = Client::builder("tt").token("the-bearer-token");
    /// let client = builder.call_timeout(Duration::from_secs(600)).build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout;
        self
    }

    /// Sets when failed requests are retried. Default: [`RetryPolicy::default`].
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::{Client, RetryPolicy};
    ///
    /// let builder = Client::builder("tt").token("the-bearer-token");
    /// let client = builder.retry_policy(RetryPolicy::never()).build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry_policy = policy;
        self
    }

    /// Sets the proxy for remote servers, such as `http://user:password@proxy:3128` (user name
    /// and password percent-encoded). An empty string means no proxy.
    ///
    /// Default: the environment decides. The proxy is that of `https_proxy` or `http_proxy`, by
    /// the server's scheme, else of `all_proxy`, in lowercase or uppercase; `no_proxy` lists
    /// the hosts that are reached directly. A server on loopback is never reached through a
    /// proxy.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::Client;
    ///
    /// let builder = Client::builder("tt").token("the-bearer-token");
    /// let client = builder.proxy("http://proxy.example:3128").build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        let url = secret(url);
        self.settings.proxy = match url.trim().is_empty() {
            true => ProxySetting::Direct,
            false => ProxySetting::Url(url),
        };
        self
    }

    /// Adds CA certificates to those that the system trusts: any number in PEM, or one in DER.
    /// Certificates that cannot be used are an error of [`build`](Self::build). Default: none.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::Client;
    ///
    /// let certificates = std::fs::read("company-ca.pem")?;
    /// let builder = Client::builder("tt").token("the-bearer-token");
    /// let client = builder.add_ca_certificates(&certificates).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_ca_certificates(mut self, certificates: &[u8]) -> Self {
        if let Err(error) = self.settings.tls.add_roots(certificates) {
            self.note(format!("the CA certificates cannot be used: {error}"));
        }
        self
    }

    /// Sets the certificate for servers that request one: the certificate with its chain, and its
    /// private key, both in PEM. Both may be in one file, which is then passed twice. A certificate
    /// that cannot be used is an error of [`build`](Self::build). Default: none.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::Client;
    ///
    /// let chain = std::fs::read("client.pem")?;
    /// let key = std::fs::read("client.key")?;
    /// let builder = Client::builder("tt").token("the-bearer-token");
    /// let client = builder.client_certificate(&chain, &key).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn client_certificate(mut self, chain: &[u8], key: &[u8]) -> Self {
        if let Err(error) = self.settings.tls.set_identity(chain, key) {
            self.note(format!("the client certificate cannot be used: {error}"));
        }
        self
    }

    /// Sets text to append to the User-Agent header, which is the library's name and version, after
    /// a space. Default: none.
    ///
    /// It names the program in the logs of servers and proxies, such as `nightly-export/2.1` or
    /// `nightly-export/2.1 (warehouse 7)` (RFC 9110 section 10.1.5). Every request has it: calls,
    /// logins, team lookups, and the `CONNECT` request to a proxy. It must have 1 to 128 bytes,
    /// which are visible ASCII characters and spaces, and no space at its beginning or end.
    /// [`build`](Self::build) rejects any other text.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::Client;
    ///
    /// let builder = Client::builder("tt").token("the-bearer-token");
    /// let client = builder.user_agent_suffix("nightly-export/2.1").build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn user_agent_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.user_agent_suffix = Some(suffix.into());
        self
    }

    /// Sets a function that is called with the record of each request after it has ended, on the
    /// thread of its call. Several threads may call it at the same time. Default: none.
    ///
    /// The same record is logged with the `log` crate, at the level debug with the target
    /// `sellercloud_output`. It contains no token, password or body.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::Client;
    ///
    /// let client = Client::builder("tt")
    ///     .token("the-bearer-token")
    ///     .on_request(|record| eprintln!("{record}"))
    ///     .build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn on_request(
        mut self,
        on_request: impl Fn(&RequestRecord) + Send + Sync + 'static,
    ) -> Self {
        let hook: Hook = Arc::new(on_request);
        self.settings.hook = Some(hook);
        self
    }

    #[cfg(feature = "capi")]
    pub(crate) fn has_team(&self) -> bool {
        matches!(self.server, ServerName::Team(_))
    }

    /// Builds the client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if the server, the credentials or
    /// another option cannot be used.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::{Client, ErrorKind};
    ///
    /// let client = Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let error = Client::builder("tt").build().unwrap_err(); // no token
    /// assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn build(mut self) -> Result<Client, Error> {
        if let Some(error) = self.error {
            return Err(Error::invalid_argument(error));
        }
        if let Some(suffix) = self.user_agent_suffix {
            let user_agent = UserAgent::with_suffix(&suffix);
            self.settings.user_agent = user_agent.map_err(Error::invalid_argument)?;
        }
        for (name, is_zero) in [
            ("connect_timeout", self.settings.connect_timeout.is_zero()),
            ("stall_timeout", self.settings.stall_timeout.is_zero()),
            ("call_timeout", self.call_timeout.is_zero()),
            ("max_file_size", self.max_file_size == Some(0)),
        ] {
            if is_zero {
                let message = format!("{name} is zero: it must be greater than zero");
                return Err(Error::invalid_argument(message));
            }
        }
        self.retry_policy.check()?;
        let credentials = self.credentials.ok_or_else(|| {
            let message = "the client has neither a token nor a user name and password";
            Error::invalid_argument(message)
        })?;
        let endpoint = |server: &str| {
            let base_url = BaseUrl::new(server, self.allow_plain_http)?;
            Ok::<_, Error>(Arc::new(Endpoint::new(base_url, &self.settings)?))
        };
        let (location, server) = match self.server {
            ServerName::Server(server) => {
                let endpoint = endpoint(&server)?;
                let server = endpoint.base_url.url("");
                (ServerLocation::Known(endpoint), server)
            }
            ServerName::Team(name) if name.trim().is_empty() => {
                return Err(Error::invalid_argument("the name of the team is empty"));
            }
            ServerName::Team(name) => {
                let lookup = endpoint(&self.team_lookup_url)?;
                let name = name.trim().to_owned();
                let server = format!("the team {name:?}");
                let team = Team { name, lookup };
                (ServerLocation::OfTeam(team, SingleFlight::new()), server)
            }
        };
        let session = Session {
            settings: self.settings,
            allow_plain_http: self.allow_plain_http,
            location,
            tokens: TokenCache::new(credentials)?,
            retry_policy: self.retry_policy,
        };
        let downloads = Downloads {
            jobs: Jobs::new(session),
            body_encoding: self.body_encoding,
            max_file_size: self.max_file_size,
        };
        Ok(Client {
            downloads: Arc::new(downloads),
            server: server.into(),
            call_timeout: self.call_timeout,
        })
    }

    /// Notes an error for `build`, unless there is one already.
    fn note(&mut self, error: String) {
        self.error.get_or_insert(error);
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The server may be a URL with a password in it, which build() rejects.
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}
