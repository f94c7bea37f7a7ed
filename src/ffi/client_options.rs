use std::ffi::{c_char, c_void};
use std::time::Duration;

use super::boundary::{
    catch_panics, free, new_handle, required_bytes, required_callback, required_limit,
    required_mut, required_str, required_timeout, unknown_value,
};
use super::callbacks::{Context, request_observer, token_provider};
use super::status::c_enum;
use super::{sco_error, sco_request_callback, sco_status, sco_token_callback};
use crate::client::ServerName;
use crate::{BodyEncoding, Client, ClientBuilder, RetryPolicy};

/// Options for a client.
///
/// sco_client_options_new creates them with their defaults, and sco_client_options_free
/// frees them. A client keeps its own copy. One thread at a time may use them.
pub struct sco_client_options {
    pub(super) builder: ClientBuilder,
    pub(super) retry_policy: RetryPolicy,
}

impl sco_client_options {
    fn change(&mut self, set: impl FnOnce(ClientBuilder) -> ClientBuilder) {
        // A copy, so that a panic leaves the options as they were.
        self.builder = set(self.builder.clone());
    }

    fn change_retry(&mut self, change: impl FnOnce(RetryPolicy) -> RetryPolicy) {
        let policy = change(self.retry_policy);
        self.retry_policy = policy;
        self.change(|builder| builder.retry_policy(policy));
    }
}

c_enum!(sco_body_encoding, BODY_ENCODINGS:
    SCO_BODY_BASE64 = 401,
    SCO_BODY_RAW = 402,
    SCO_BODY_AUTO = 403,
);

/// Creates client options with their defaults.
///
/// @return New options, never NULL. Free them with sco_client_options_free.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn sco_client_options_new() -> *mut sco_client_options {
    new_handle(sco_client_options {
        // sco_client_new sets the server.
        builder: Client::builder(String::new()),
        retry_policy: RetryPolicy::default(),
    })
}

/// Sets the team whose server the client uses.
///
/// Default: no team. The client looks the server up with its first call. Pass NULL as the
/// server to sco_client_new, since a server takes precedence.
///
/// @param options The options to change.
/// @param team The name of the team in UTF-8. It is copied.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options or team is NULL or team is not
/// UTF-8. sco_client_new rejects a team that is empty.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_team(
    options: *mut sco_client_options,
    team: *const c_char,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let team = ServerName::Team(required_str(team, "team")?.into());
            options.change(|builder| builder.server(team));
            Ok(())
        })
    }
}

/// Sets the URL of the service that knows the servers of teams.
///
/// Default: "https://api.sellercloud.com".
///
/// @param options The options to change.
/// @param url The URL in UTF-8. It is copied.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options or url is NULL or url is not
/// UTF-8. sco_client_new rejects text that is not a URL, if the options have a team.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_team_lookup_url(
    options: *mut sco_client_options,
    url: *const c_char,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let url = required_str(url, "url")?;
            options.change(|builder| builder.team_lookup_url(url));
            Ok(())
        })
    }
}

/// Sets the user name and the password that the client logs in with.
///
/// Default: none. They replace a token provider, and a token that is passed to
/// sco_client_new takes precedence over them. The client logs in with the first call that
/// needs a token, once for all threads, and again when the token expires or is rejected.
///
/// @param options The options to change.
/// @param user_name The user name in UTF-8. It is copied.
/// @param password The password in UTF-8. It is copied, and wiped from memory when the
/// options and their clients are freed.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options, user_name or password is NULL
/// or a string is not UTF-8. sco_client_new rejects an empty user name or password.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_credentials(
    options: *mut sco_client_options,
    user_name: *const c_char,
    password: *const c_char,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let user_name = required_str(user_name, "user_name")?;
            let password = required_str(password, "password")?;
            options.change(|builder| builder.credentials(user_name, password));
            Ok(())
        })
    }
}

/// Sets a callback that provides the token for each request.
///
/// Default: no callback. It replaces a user name and a password, and a token that is passed
/// to sco_client_new takes precedence over it. Use it if the program obtains its tokens
/// elsewhere.
///
/// @param options The options to change.
/// @param callback The callback.
/// @param context A pointer that is passed to the callback. What it points to must stay
/// valid until the options, their clients, and the open downloads and waits of those are
/// freed. May be NULL.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options or callback is NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_token_provider(
    options: *mut sco_client_options,
    callback: sco_token_callback,
    context: *mut c_void,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let callback = required_callback(callback, "callback")?;
            let provider = token_provider(callback, Context(context));
            options.change(|builder| builder.token_provider(provider));
            Ok(())
        })
    }
}

/// Sets how the server encodes files in response bodies.
///
/// Default: SCO_BODY_BASE64.
///
/// @param options The options to change.
/// @param encoding The encoding.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or encoding is not a
/// value of sco_body_encoding.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_body_encoding(
    options: *mut sco_client_options,
    encoding: sco_body_encoding,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let encoding = match encoding {
                SCO_BODY_BASE64 => BodyEncoding::Base64,
                SCO_BODY_RAW => BodyEncoding::Raw,
                SCO_BODY_AUTO => BodyEncoding::Auto,
                other => {
                    let allowed =
                        "SCO_BODY_BASE64 (401), SCO_BODY_RAW (402) or SCO_BODY_AUTO (403)";
                    return Err(unknown_value("encoding", other, allowed));
                }
            };
            options.change(|builder| builder.body_encoding(encoding));
            Ok(())
        })
    }
}

/// Sets the maximum size of a file, after decoding.
///
/// Default: 2 GiB for files in memory, which may be the caller's, and no limit for files
/// that are saved, written or read from an open download. The limit that is set here holds
/// for all of them. A larger file fails with SCO_ERROR_TOO_LARGE.
///
/// @param options The options to change.
/// @param bytes The size in bytes. Zero is rejected. UINT64_MAX means no limit.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or bytes is 0.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_max_file_size_bytes(
    options: *mut sco_client_options,
    bytes: u64,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let bytes = required_limit(bytes, "the maximum file size")?;
            options.change(|builder| builder.max_file_size(bytes));
            Ok(())
        })
    }
}

/// Sets whether the client may use http:// for hosts other than loopback.
///
/// Default: 0. With plain HTTP the token, the password and the files are sent unencrypted.
///
/// @param options The options to change.
/// @param allow 0 to reject plain HTTP; any other value to allow it.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_allow_plain_http(
    options: *mut sco_client_options,
    allow: i32,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            options.change(|builder| builder.allow_plain_http(allow != 0));
            Ok(())
        })
    }
}

/// Sets how long to wait for a connection: name lookup, proxy and TLS together.
///
/// Default: 30000 ms.
///
/// @param options The options to change.
/// @param milliseconds The time in milliseconds. Zero is rejected. UINT64_MAX means no
/// limit.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or milliseconds is 0.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_connect_timeout_ms(
    options: *mut sco_client_options,
    milliseconds: u64,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let timeout = required_timeout(milliseconds, "the connect timeout")?;
            options.change(|builder| builder.connect_timeout(timeout));
            Ok(())
        })
    }
}

/// Sets how long to wait for the next byte of a response, or until the next byte of a
/// request can be sent.
///
/// Default: 60000 ms.
///
/// @param options The options to change.
/// @param milliseconds The time in milliseconds. Zero is rejected. UINT64_MAX means no
/// limit.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or milliseconds is 0.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_stall_timeout_ms(
    options: *mut sco_client_options,
    milliseconds: u64,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let timeout = required_timeout(milliseconds, "the stall timeout")?;
            options.change(|builder| builder.stall_timeout(timeout));
            Ok(())
        })
    }
}

/// Sets how long a whole call may take, including the login and all retries.
///
/// Default: 3600000 ms (1 hour). It does not apply to calls that wait for a job: their
/// default is 24 hours. sco_call_options_set_timeout_ms sets the limit of one call and
/// takes precedence.
///
/// @param options The options to change.
/// @param milliseconds The time in milliseconds. Zero is rejected. UINT64_MAX means no
/// limit.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or milliseconds is 0.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_call_timeout_ms(
    options: *mut sco_client_options,
    milliseconds: u64,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let timeout = required_timeout(milliseconds, "the call timeout")?;
            options.change(|builder| builder.call_timeout(timeout));
            Ok(())
        })
    }
}

/// Sets how many times a request is sent at most, including the first time.
///
/// Default: 5. Only transient failures are retried: lost connections, stalls, rate limits,
/// and the HTTP statuses 408, 425, 429, 502, 503, 504, 520 to 524 and 530.
///
/// @param options The options to change.
/// @param attempts The number of attempts. 1 means no retry. Zero is rejected. UINT32_MAX
/// means no limit except the call's timeout.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or attempts is 0.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_max_attempts(
    options: *mut sco_client_options,
    attempts: u32,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let attempts = required_limit(attempts, "the maximum number of attempts")?;
            options.change_retry(|policy| policy.max_attempts(attempts));
            Ok(())
        })
    }
}

/// Sets the maximum time to wait before the second attempt.
///
/// Default: 1000 ms. The maximum doubles with each later attempt, up to the value of
/// sco_client_options_set_max_backoff_ms. The actual time is chosen at random up to the
/// maximum; the time that the server asks for (Retry-After) is added.
///
/// @param options The options to change.
/// @param milliseconds The time in milliseconds. Zero means to retry at once.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_initial_backoff_ms(
    options: *mut sco_client_options,
    milliseconds: u64,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            options
                .change_retry(|policy| policy.initial_backoff(Duration::from_millis(milliseconds)));
            Ok(())
        })
    }
}

/// Sets the maximum time to wait before any later attempt.
///
/// Default: 30000 ms. The time that the server asks for (Retry-After) is added.
///
/// @param options The options to change.
/// @param milliseconds The time in milliseconds. Zero means to retry at once.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_max_backoff_ms(
    options: *mut sco_client_options,
    milliseconds: u64,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            options.change_retry(|policy| policy.max_backoff(Duration::from_millis(milliseconds)));
            Ok(())
        })
    }
}

/// Sets whether responses with status 500 are retried.
///
/// Default: 0. The server uses 500 also for failures that a retry does not change, such as
/// a job that does not exist.
///
/// @param options The options to change.
/// @param enabled 0 to fail at once; any other value to retry.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_retry_server_errors(
    options: *mut sco_client_options,
    enabled: i32,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            options.change_retry(|policy| policy.retry_server_errors(enabled != 0));
            Ok(())
        })
    }
}

/// Sets the proxy for all servers that are not on loopback.
///
/// Default: the proxy that the environment variables name; see "Environment" at the top of
/// this file.
///
/// @param options The options to change.
/// @param url An http:// or https:// URL in UTF-8, such as
/// "http://user:password@proxy:3128", with the user name and the password percent-encoded.
/// An empty string means no proxy. It is copied.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options or url is NULL or url is not
/// UTF-8. sco_client_new rejects text that is not the URL of a proxy.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_proxy(
    options: *mut sco_client_options,
    url: *const c_char,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let url = required_str(url, "url")?;
            options.change(|builder| builder.proxy(url));
            Ok(())
        })
    }
}

/// Adds CA certificates that the client trusts, besides those that the system trusts.
///
/// Default: none. Each call adds to the certificates of the calls before.
///
/// @param options The options to change.
/// @param certificates One or more certificates in PEM, or one in DER. They are copied.
/// @param size The number of bytes.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options or certificates is NULL.
/// sco_client_new rejects certificates that cannot be used.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_add_ca_certificates(
    options: *mut sco_client_options,
    certificates: *const u8,
    size: usize,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let certificates = required_bytes(certificates, size, "certificates")?;
            options.change(|builder| builder.add_ca_certificates(certificates));
            Ok(())
        })
    }
}

/// Sets the certificate that the client shows to servers that ask for one.
///
/// Default: none. If one text has both the chain and the key, pass it for both.
///
/// @param options The options to change.
/// @param chain The certificate and its intermediate certificates, in PEM. It is copied.
/// @param chain_size The number of bytes of chain.
/// @param key The private key, in PEM. It is copied.
/// @param key_size The number of bytes of key.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options, chain or key is NULL.
/// sco_client_new rejects a certificate that cannot be used.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_client_certificate(
    options: *mut sco_client_options,
    chain: *const u8,
    chain_size: usize,
    key: *const u8,
    key_size: usize,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let chain = required_bytes(chain, chain_size, "chain")?;
            let key = required_bytes(key, key_size, "key")?;
            options.change(|builder| builder.client_certificate(chain, key));
            Ok(())
        })
    }
}

/// Sets text that is appended to the User-Agent header of every request, after a space.
///
/// Default: none. The header is the library's name and version. The text names the program
/// in the logs of servers and proxies, such as "nightly-export/2.1" or "nightly-export/2.1
/// (warehouse 7)". Logins, team lookups and the CONNECT request to a proxy have it too.
///
/// @param options The options to change.
/// @param suffix The text: 1 to 128 visible ASCII characters and spaces, with no space at
/// the beginning or the end. It is copied.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options or suffix is NULL or suffix is
/// not UTF-8. sco_client_new rejects any other text.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_user_agent_suffix(
    options: *mut sco_client_options,
    suffix: *const c_char,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let suffix = required_str(suffix, "suffix")?;
            options.change(|builder| builder.user_agent_suffix(suffix));
            Ok(())
        })
    }
}

/// Sets a callback that receives a record of each request.
///
/// Default: no callback.
///
/// @param options The options to change.
/// @param callback The callback, or NULL for none.
/// @param context A pointer that is passed to the callback. What it points to must stay
/// valid until the options, their clients, and the open downloads and waits of those are
/// freed. May be NULL.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_set_on_request(
    options: *mut sco_client_options,
    callback: sco_request_callback,
    context: *mut c_void,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let observer = request_observer(callback, Context(context));
            options.change(|builder| builder.on_request(observer));
            Ok(())
        })
    }
}

/// Frees client options. Clients that were created with them are not affected.
///
/// @param options The options, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_options_free(options: *mut sco_client_options) {
    // SAFETY: the header's contract.
    unsafe { free(options) };
}
