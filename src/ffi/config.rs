use std::ffi::{c_char, c_void};
use std::ptr;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{
    Context, bytes, c_string, call, free, is_null, limit, required_mut, sco_error, sco_status,
    text, time_limit,
};
use crate::builder::ServerName;
use crate::{BodyEncoding, Client, ClientBuilder, Error, RequestRecord, Retry};

/// Options for a client. Made by sco_config_new, freed with sco_config_free;
/// clients made with it keep their own copy. One thread at a time may use it.
pub struct sco_config {
    pub(super) builder: ClientBuilder,
    pub(super) retry: Retry,
}

/// The body is base64 text, that as a JSON string, or a JSON object that holds
/// it as Content; told apart by the first byte. This is the default.
pub const SCO_BODY_BASE64: i32 = 0;
/// The body is the file, byte for byte. Nothing is checked.
pub const SCO_BODY_RAW: i32 = 1;
/// SCO_BODY_BASE64 if the body's first 64 KiB can be that, else SCO_BODY_RAW. A
/// guess: a raw file of nothing but letters and digits may be taken for base64.
pub const SCO_BODY_AUTO: i32 = 2;

/// Options with their defaults. Never NULL. Free it with sco_config_free.
#[unsafe(no_mangle)]
pub extern "C" fn sco_config_new() -> *mut sco_config {
    // The server is given when a client is made.
    let builder = Client::builder(String::new());
    let retry = Retry::default();
    Box::into_raw(Box::new(sco_config { builder, retry }))
}

/// How the server writes files into its answers: one of SCO_BODY_BASE64,
/// SCO_BODY_RAW and SCO_BODY_AUTO. SCO_INVALID_ARGUMENT for any other number,
/// or if config is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_config_set_body_encoding(
    config: *mut sco_config,
    encoding: i32,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        let encoding = match encoding {
            SCO_BODY_BASE64 => BodyEncoding::Base64,
            SCO_BODY_RAW => BodyEncoding::Raw,
            SCO_BODY_AUTO => BodyEncoding::Auto,
            other => {
                let message = format!("{other} is not a body encoding");
                return Err(Error::InvalidArgument(message));
            }
        };
        // SAFETY: `config` is NULL or a live handle that only this thread uses.
        unsafe { change(config, |builder| builder.body_encoding(encoding)) }
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// Sets the size of the largest file to accept, in bytes after decoding. The
/// default is 2 GiB (2147483648) for files in memory, and no limit for files that
/// are saved or written. Zero is rejected; UINT64_MAX means no limit.
/// SCO_INVALID_ARGUMENT if config is NULL or bytes is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_config_set_max_size(
    config: *mut sco_config,
    bytes: u64,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        let bytes = limit(bytes, "the maximum size")?;
        // SAFETY: `config` is NULL or a live handle that only this thread uses.
        unsafe { change(config, |builder| builder.max_size(bytes)) }
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// Whether to allow http:// to hosts other than this machine: 0 (the default)
/// or not 0. The token and the files then travel in the clear.
/// SCO_INVALID_ARGUMENT if config is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_config_set_allow_plain_http(
    config: *mut sco_config,
    allow: i32,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: `config` is NULL or a live handle that only this thread uses.
    let set = || unsafe { change(config, |builder| builder.allow_plain_http(allow != 0)) };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// A user name and a password to log in with, in place of a token. The client
/// logs in with the first call that needs it, once however many threads call,
/// and again when the token expires or is refused. Both are copied; the password
/// is wiped from memory when config and its clients are freed.
/// SCO_INVALID_ARGUMENT if a pointer is NULL or a string is not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_config_set_credentials(
    config: *mut sco_config,
    user: *const c_char,
    password: *const c_char,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        unsafe {
            let (user, password) = (text(user, "user")?, text(password, "password")?);
            change(config, |builder| builder.credentials(user, password))
        }
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// Where a token callback puts the token. It lives as long as that call.
pub struct sco_token {
    text: Option<Zeroizing<String>>,
}

/// Gives the token for one request, by sco_token_set, and returns 0; any other
/// number ends the call with SCO_AUTHENTICATION. renew is 1 if the server has
/// just refused the token that was given last, else 0; to give the same again
/// ends the call as well.
///
/// Called on the threads that make calls, by several at once. It must return,
/// not throw or jump out; it may call the library, but make no call with the
/// client that asks.
pub type sco_token_fn =
    Option<unsafe extern "C" fn(context: *mut c_void, renew: i32, token: *mut sco_token) -> i32>;

/// Gives a token callback's token, which is copied. SCO_INVALID_ARGUMENT if a
/// pointer is NULL or the text is not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_token_set(
    token: *mut sco_token,
    token_text: *const c_char,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        let (token, token_text) = unsafe {
            (
                required_mut(token, "token")?,
                text(token_text, "token_text")?,
            )
        };
        token.text = Some(Zeroizing::new(token_text.to_owned()));
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// Asks a callback for the token of every request, for callers who keep tokens
/// elsewhere. context is handed to it, and must be there as long as config and
/// its clients are. SCO_INVALID_ARGUMENT if config or token is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_config_set_token_callback(
    config: *mut sco_config,
    token: sco_token_fn,
    context: *mut c_void,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        let token = token.ok_or_else(|| is_null("token"))?;
        let context = Context(context);
        let source = move |renew: bool| {
            let mut place = sco_token { text: None };
            // SAFETY: the caller vouches for the callback; `place` is there for its time.
            match unsafe { token(context.get(), renew.into(), &mut place) } {
                0 => {
                    let text = place.text.as_deref().cloned();
                    text.ok_or_else(|| "the callback set none".to_owned())
                }
                code => Err(format!("the callback returned {code}")),
            }
        };
        // SAFETY: `config` is NULL or a live handle that only this thread uses.
        unsafe { change(config, |builder| builder.token_source(source)) }
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// The team whose server is meant, in place of a server: it is looked up by the
/// team's name with the first call. SCO_INVALID_ARGUMENT if a pointer is NULL or
/// the name is not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_config_set_team(
    config: *mut sco_config,
    team: *const c_char,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        unsafe {
            let team = ServerName::OfTeam(text(team, "team")?.into());
            change(config, |builder| builder.server(team))
        }
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// Where teams are looked up. The default is "https://api.sellercloud.com".
/// SCO_INVALID_ARGUMENT if a pointer is NULL or the URL is not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_config_set_team_directory(
    config: *mut sco_config,
    url: *const c_char,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        unsafe {
            let url = text(url, "url")?;
            change(config, |builder| builder.team_directory(url))
        }
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// Sets the time limits, in milliseconds. connect: for a connection, with name
/// lookup, proxy and TLS together; the default is 30000. stall: how long the
/// server may be silent; the default is 60000. whole: for a whole call, with
/// login, retries and waits; the default is 3600000, and 24 hours for calls that
/// wait for a job, whatever is set here. sco_options_set_timeout, for one call,
/// takes precedence over whole. Zero is rejected; UINT64_MAX means no limit.
/// SCO_INVALID_ARGUMENT if config is NULL or a limit is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_config_set_timeouts(
    config: *mut sco_config,
    connect: u64,
    stall: u64,
    whole: u64,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        let connect = time_limit(connect, "the connect timeout")?;
        let stall = time_limit(stall, "the stall timeout")?;
        let whole = time_limit(whole, "the call timeout")?;
        let set = |builder: ClientBuilder| {
            builder
                .connect_timeout(connect)
                .stall_timeout(stall)
                .call_timeout(whole)
        };
        // SAFETY: `config` is NULL or a live handle that only this thread uses.
        unsafe { change(config, set) }
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// Sets when a request is retried. attempts: how many times to try, the first one
/// included; the default is 5, and 1 means no retry. Zero is rejected; UINT32_MAX
/// means no limit but the time of the call. base_ms: the longest wait before the
/// second attempt, doubled for each later one; the default is 1000. longest_ms: the
/// longest wait; the default is 30000. The wait is chosen at random up to that, and
/// what the server asks for is added. These two are not limits: zero means to retry
/// at once. SCO_INVALID_ARGUMENT if config is NULL or attempts is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_config_set_retry(
    config: *mut sco_config,
    attempts: u32,
    base_ms: u64,
    longest_ms: u64,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        let attempts = limit(attempts, "the number of attempts")?;
        let set = |retry: &mut Retry| {
            retry.attempts = attempts;
            retry.base = Duration::from_millis(base_ms);
            retry.longest = Duration::from_millis(longest_ms);
        };
        // SAFETY: `config` is NULL or a live handle that only this thread uses.
        unsafe { change_retry(config, set) }
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// Sets whether a response with status 500 is retried as well: 0 (the default) or
/// not 0. The server uses 500 also for errors that a retry does not help, such as a
/// job that does not exist. Independent of sco_config_set_retry.
/// SCO_INVALID_ARGUMENT if config is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_config_set_retry_server_errors(
    config: *mut sco_config,
    enabled: i32,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = |retry: &mut Retry| retry.server_errors = enabled != 0;
    // SAFETY: `config` is NULL or a live handle that only this thread uses.
    let set = || unsafe { change_retry(config, set) };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// The proxy for every server, such as "http://user:password@proxy:3128" (user
/// name and password percent-encoded); "" for none. Unless set, the environment
/// says it: https_proxy or http_proxy by the server's scheme, else all_proxy, in
/// lowercase or uppercase; no_proxy lists the hosts that are reached without. A
/// server on loopback is never reached through a proxy. SCO_INVALID_ARGUMENT if a pointer is NULL or the URL is not UTF-8; a URL that
/// is no proxy's is refused by sco_client_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_config_set_proxy(
    config: *mut sco_config,
    url: *const c_char,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        unsafe {
            let url = text(url, "url")?;
            change(config, |builder| builder.proxy(url))
        }
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// Trusts CA certificates besides those that the system trusts. pem: one or
/// more of them in PEM, or one in DER, length bytes; they are copied.
/// SCO_INVALID_ARGUMENT if a pointer is NULL; certificates that cannot be used are refused by
/// sco_client_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_config_add_ca_certificates(
    config: *mut sco_config,
    pem: *const u8,
    length: usize,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        unsafe {
            let pem = bytes(pem, length, "pem")?;
            change(config, |builder| builder.add_ca_certificates(pem))
        }
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// Shows a certificate to servers that ask for one. chain: the certificate with
/// its chain, and key: its private key, both in PEM with their lengths in bytes;
/// they may be in one text. They are copied. SCO_INVALID_ARGUMENT if a pointer is
/// NULL; a certificate that cannot be used is refused by sco_client_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_config_set_client_certificate(
    config: *mut sco_config,
    chain: *const u8,
    chain_length: usize,
    key: *const u8,
    key_length: usize,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        unsafe {
            let chain = bytes(chain, chain_length, "chain")?;
            let key = bytes(key, key_length, "key")?;
            change(config, |builder| builder.client_certificate(chain, key))
        }
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// One request and what came of it, for a log. It holds no token, password or
/// body, and lives as long as the callback's call. Later versions may add members
/// at the end: size says which are there.
#[repr(C)]
pub struct sco_request {
    /// The size of this structure, in bytes.
    pub size: usize,
    /// "GET" or "POST".
    pub method: *const c_char,
    /// The URL that was asked for.
    pub url: *const c_char,
    /// Why there was no answer, or not all of it; else NULL.
    pub error: *const c_char,
    /// How many bytes of the answer's body were read, as they were sent.
    pub bytes: u64,
    /// From the request's beginning to the end of the answer's body.
    pub seconds: f64,
    /// The HTTP status code; 0 where there was no answer.
    pub status: i32,
    /// Which attempt of the call this was; the first is 1.
    pub attempt: u32,
}

/// Is called with the record of a request that has ended. It has no result: a log
/// never decides a call's outcome. Called on the threads that make calls, by several
/// at once; the record of a login comes when the login is over. It must return, not
/// throw or jump out; it may make calls, also with the same client.
pub type sco_log_fn =
    Option<unsafe extern "C" fn(context: *mut c_void, request: *const sco_request)>;

/// Tells a callback of every request; NULL for none, which is the default.
/// context is handed to it, and must be there as long as config and its clients
/// are. SCO_INVALID_ARGUMENT if config is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_config_set_log(
    config: *mut sco_config,
    log: sco_log_fn,
    context: *mut c_void,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        let context = Context(context);
        let told = move |record: &RequestRecord| {
            let Some(log) = log else { return };
            let (method, url) = (c_string(record.method), c_string(&record.url));
            let error = record.error.as_deref().map(c_string);
            let request = sco_request {
                size: size_of::<sco_request>(),
                method: method.as_ptr(),
                url: url.as_ptr(),
                error: error.as_ref().map_or(ptr::null(), |error| error.as_ptr()),
                bytes: record.bytes,
                seconds: record.time.as_secs_f64(),
                status: record.status.map_or(0, i32::from),
                attempt: record.attempt,
            };
            // SAFETY: the caller vouches for the callback; what `request` points
            // to is there for its time.
            unsafe { log(context.get(), &request) };
        };
        // SAFETY: `config` is NULL or a live handle that only this thread uses.
        unsafe { change(config, |builder| builder.on_request(told)) }
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// Frees options. NULL is allowed. Clients made with them are not affected.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_config_free(config: *mut sco_config) {
    // SAFETY: `config` is NULL or a handle made by sco_config_new, which the caller owns.
    unsafe { free(config) };
}

/// # Safety
///
/// `config` is NULL or a live handle that only this thread uses.
unsafe fn change(
    config: *mut sco_config,
    set: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<(), Error> {
    // SAFETY: as the caller vouches.
    let config = unsafe { required_mut(config, "config") }?;
    config.builder = set(config.builder.clone());
    Ok(())
}

/// # Safety
///
/// As for `change`.
unsafe fn change_retry(config: *mut sco_config, set: impl FnOnce(&mut Retry)) -> Result<(), Error> {
    // SAFETY: as the caller vouches.
    let config = unsafe { required_mut(config, "config") }?;
    set(&mut config.retry);
    config.builder = config.builder.clone().retry(config.retry);
    Ok(())
}
