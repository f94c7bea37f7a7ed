use super::{call, free, required_mut, sco_error, sco_status};
use crate::{BodyEncoding, Client, ClientBuilder, Error};

/// Options for a client. Made by sco_config_new, freed with sco_config_free;
/// clients made with it keep their own copy. One thread at a time may use it.
pub struct sco_config {
    pub(super) builder: ClientBuilder,
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
    Box::into_raw(Box::new(sco_config { builder }))
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

/// The largest file to accept, in bytes after decoding. The default is 2 GiB
/// (2147483648). SCO_INVALID_ARGUMENT if config is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_config_set_max_size(
    config: *mut sco_config,
    bytes: u64,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: `config` is NULL or a live handle that only this thread uses.
    let set = || unsafe { change(config, |builder| builder.max_size(bytes)) };
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
