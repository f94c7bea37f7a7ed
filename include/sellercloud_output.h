/**
 * @file
 * @brief Downloads the output file of a Sellercloud queued job.
 *
 * A minimal example, without error handling:
 *
 * @code
 * sco_client *client;
 * sco_output_file *file;
 * sco_client_new("tt", "the-bearer-token", NULL, &client, NULL);
 * sco_get_output_file(client, 28142, NULL, &file, NULL);
 * fwrite(sco_output_file_data(file), 1, sco_output_file_size(file), stdout);
 * sco_output_file_free(file);
 * sco_client_free(client);
 * @endcode
 *
 * Errors:
 * - A function that can fail returns sco_status: SCO_OK (0) or the kind of the error.
 * - Its last parameter is the address of a pointer that receives the details, or NULL. The
 *   pointer is set on every call: to NULL on success, otherwise to an error that the caller
 *   frees with sco_error_free.
 * - NULL where a value is required, text that is not UTF-8 and numbers out of range return
 *   SCO_ERROR_INVALID_ARGUMENT. Zero is rejected for limits, unless a setter gives it a
 *   meaning; the largest value of the type (UINT64_MAX, UINT32_MAX) means no limit.
 * - A panic in the library's Rust code is a bug. The call returns SCO_ERROR_INTERNAL.
 *
 * Ownership:
 * - The library creates all handles, such as sco_client. The caller frees each handle once,
 *   with the function whose name ends in _free. These functions accept NULL.
 * - Out parameters are set to NULL (or 0) first, and to the result on success only.
 * - Strings are UTF-8 and end with NUL. Strings that the caller passes are copied. Strings
 *   that the library returns belong to their handle and are valid until it is freed.
 * - Paths are UTF-8 on Windows. On Unix they are the bytes that the system uses, which need
 *   not be UTF-8: a path is passed on as it is, and returned as it is. In messages, bytes
 *   that are not UTF-8 appear as U+FFFD.
 *
 * Process:
 * - Threads: any number of threads may use a client or a cancel token at the same time, and
 *   may read a file, its properties, a job or an error. Any thread may read an open download
 *   or step a wait, but only one at a time. Only one thread at a time may change options, and
 *   none may change or free them while a call uses them. A call runs on the thread that makes
 *   it, with its callbacks. Only name lookups run on a thread of their own.
 * - Stack: give a thread that makes calls at least 256 KiB, plus what its callbacks need. A
 *   call itself used up to 80 KiB, measured on Linux on x86-64.
 * - Signals: calls continue after a signal handler has run. The library never raises SIGPIPE
 *   and changes no signal handler. No function may be called in a signal handler.
 * - fork: in the child, do not use or free a handle from before the fork. If the parent had
 *   other threads, the child may only call exec. One of them may be a name lookup that timed
 *   out and still runs. exec closes all descriptors of the library.
 * - exit: the process may exit during calls. A file that is being saved does not appear; its
 *   temporary file stays, and later calls that save to the same directory remove it.
 * - dlclose, FreeLibrary: do not unload the library after a call. A name lookup may still be
 *   running on its thread.
 * - pthread_cancel: not supported. It ends the process if it reaches a call. Disable it with
 *   pthread_setcancelstate around calls, and cancel them with a sco_cancel_token. Exceptions
 *   and longjmp must not leave a callback.
 * - Memory: a file that does not fit into memory returns SCO_ERROR_IO. If any other
 *   allocation fails, the process is aborted.
 * - stderr: a panic or an abort prints a message there. Nothing else does.
 *
 * Environment:
 * - https_proxy, http_proxy, all_proxy and no_proxy, in lowercase or uppercase, name the
 *   proxy if sco_client_options_set_proxy does not. In a CGI program (REQUEST_METHOD is set)
 *   HTTP_PROXY is ignored.
 * - SSL_CERT_FILE and SSL_CERT_DIR replace the CA certificates that the system trusts, on
 *   Unix systems other than macOS.
 * - RUST_MIN_STACK sets the stack size of the threads that look up names, in bytes. The
 *   default is 2 MiB. RUST_BACKTRACE adds a backtrace to what a panic writes to standard
 *   error.
 * - The variables are read when a client is created or connects. Do not change the
 *   environment (setenv, putenv) at the same time.
 *
 * This file is generated. Edit src/ffi instead.
 */

#ifndef SELLERCLOUD_OUTPUT_H
#define SELLERCLOUD_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

/** The major version of this header. sco_version returns the version of the library. */
#define SCO_VERSION_MAJOR 0
/** The minor version of this header. */
#define SCO_VERSION_MINOR 1
/** The patch version of this header. */
#define SCO_VERSION_PATCH 0

/**
 * Is 1 if this header has the given version or a later one, otherwise 0. Preprocessor
 * conditions can use it.
 *
 * @param major The major version.
 * @param minor The minor version.
 * @param patch The patch version.
 */
#define SCO_VERSION_AT_LEAST(major, minor, patch) \
  (SCO_VERSION_MAJOR > (major) || \
   (SCO_VERSION_MAJOR == (major) && \
    (SCO_VERSION_MINOR > (minor) || \
     (SCO_VERSION_MINOR == (minor) && SCO_VERSION_PATCH >= (patch)))))

/*
 * Define SCO_SHARED on Windows to link with the DLL's import library. The functions are
 * then called directly instead of through a stub. Without it a program links with the DLL
 * too, and with the static library, for which it must not be defined. It has no effect on
 * other systems.
 */
#ifndef SCO_API
#if defined(_WIN32) && defined(SCO_SHARED)
#define SCO_API __declspec(dllimport)
#else
#define SCO_API
#endif
#endif

/*
 * SCO_NODISCARD makes compilers warn about a status that is not checked, and about a new
 * handle that is not used. Define it as nothing before this file is included to turn the
 * warnings off.
 */
#ifndef SCO_NODISCARD
#if (defined(__cplusplus) && __cplusplus >= 201703L) || (defined(_MSVC_LANG) && _MSVC_LANG >= 201703L)
#define SCO_NODISCARD [[nodiscard]]
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
#define SCO_NODISCARD [[nodiscard]]
#elif defined(__GNUC__)
#define SCO_NODISCARD __attribute__((warn_unused_result))
#else
#define SCO_NODISCARD
#endif
#endif

/**
 * The underlying type of the enums, where the language can declare it. Elsewhere the C
 * compiler chooses a type, whose size the assertions below check in C11 and C17.
 */
#if defined(__cplusplus) && (__cplusplus >= 201103L || defined(_MSC_VER))
#define SCO_INT32_ENUM : int32_t
#elif !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
#define SCO_INT32_ENUM : int32_t
#else
#define SCO_INT32_ENUM
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The outcome of a call: SCO_OK or the kind of the error.
 *
 * A number never changes its meaning. Later versions may add numbers: treat an unknown one
 * as an error.
 */
typedef enum sco_status SCO_INT32_ENUM {
  /** The call succeeded. */
  SCO_OK = 0,
  /** An argument or an option cannot be used. Usually nothing was sent. */
  SCO_ERROR_INVALID_ARGUMENT = 101,
  /**
   * HTTP 401 or a redirect to a login page: the server rejected the token, or the user name
   * and password. Also: the token provider returned no usable token.
   */
  SCO_ERROR_AUTHENTICATION = 102,
  /** HTTP 403: the user is not allowed to do this. */
  SCO_ERROR_FORBIDDEN = 103,
  /** HTTP 404: the server does not know the URL. Also: no server of the team was found. */
  SCO_ERROR_NOT_FOUND = 104,
  /** HTTP 429, or a response with "Too many requests": too many calls from this IP address. */
  SCO_ERROR_RATE_LIMITED = 105,
  /** HTTP 500 to 599: the server failed, or it does not know the job (yet). */
  SCO_ERROR_SERVER = 106,
  /** Any other HTTP status except 200. */
  SCO_ERROR_UNEXPECTED_STATUS = 107,
  /** The connection failed, or it was lost before the response was complete. */
  SCO_ERROR_CONNECTION = 108,
  /** The TLS handshake failed, such as for an untrusted certificate. */
  SCO_ERROR_TLS = 109,
  /** The call or one of its steps timed out. */
  SCO_ERROR_TIMEOUT = 110,
  /** The caller cancelled the call. */
  SCO_ERROR_CANCELLED = 111,
  /** The response is not a file in the expected encoding, or not a job. */
  SCO_ERROR_MALFORMED_BODY = 112,
  /** The file is larger than the limit. */
  SCO_ERROR_TOO_LARGE = 113,
  /**
   * The file cannot be stored: disk, memory, permissions, or the write or reserve callback
   * failed.
   */
  SCO_ERROR_IO = 114,
  /** A bug in this library; please report it. The client can still be used. */
  SCO_ERROR_INTERNAL = 115,
  /** The job ended without success: it failed, was cancelled or aborted, or is on hold. */
  SCO_ERROR_JOB_FAILED = 116
} sco_status;

/** The status of a job. */
typedef enum sco_job_status_code SCO_INT32_ENUM {
  /** A status that this version does not know. sco_job_status_name returns its text. */
  SCO_JOB_STATUS_UNKNOWN = -1,
  /** The job is waiting to start. */
  SCO_JOB_STATUS_SUBMITTED = 0,
  /** The job is running. */
  SCO_JOB_STATUS_PROCESSING = 1,
  /** The job ended with success. */
  SCO_JOB_STATUS_COMPLETED = 3,
  /** The job ended without success. */
  SCO_JOB_STATUS_FAILED = 4,
  /** The job ended with success for some of its records. It has an output file. */
  SCO_JOB_STATUS_PARTIAL_SUCCESS = 5,
  /** The job is on hold until a user releases it. */
  SCO_JOB_STATUS_ON_HOLD = 6,
  /** A user cancelled the job before it started. */
  SCO_JOB_STATUS_CANCELLED = 7,
  /** The job was cancelled because the server restarted. */
  SCO_JOB_STATUS_CANCELLED_SERVICE_RESTARTED = 8,
  /** The server aborted the job because it took too long. */
  SCO_JOB_STATUS_ABORTED_TOO_MUCH_TIME_CONSUMED = 9,
  /** A user cancelled the job while it was running. */
  SCO_JOB_STATUS_CANCELLED_WHILE_RUNNING = 10
} sco_job_status_code;

/** A text field of a job, for sco_job_text. */
typedef enum sco_job_text_field SCO_INT32_ENUM {
  /** The type of the job, in the server's words. */
  SCO_JOB_TEXT_TYPE = 201,
  /** The name of the company that the job is for. */
  SCO_JOB_TEXT_COMPANY_NAME = 202,
  /** Why the job failed, in the server's words. */
  SCO_JOB_TEXT_ERROR_MESSAGE = 203,
  /** When the job was submitted, as the server's text, which may lack a time zone. */
  SCO_JOB_TEXT_SUBMITTED_ON = 204,
  /** When the job started, as the server's text, which may lack a time zone. */
  SCO_JOB_TEXT_STARTED_ON = 205,
  /** When the job ended, as the server's text, which may lack a time zone. */
  SCO_JOB_TEXT_COMPLETED_ON = 206,
  /** The name of the job's output file, once it exists. */
  SCO_JOB_TEXT_OUTPUT_FILE = 207,
  /** The name of the job's input file. */
  SCO_JOB_TEXT_INPUT_FILE = 208
} sco_job_text_field;

/** A number field of a job, for sco_job_number. */
typedef enum sco_job_number_field SCO_INT32_ENUM {
  /** The id of the company that the job is for. */
  SCO_JOB_NUMBER_COMPANY_ID = 301,
  /** The priority of the job, 0 to 3. */
  SCO_JOB_NUMBER_PRIORITY = 302,
  /** The number of records that the job has to process. */
  SCO_JOB_NUMBER_TOTAL_RECORDS = 303,
  /** The number of records processed so far. */
  SCO_JOB_NUMBER_TOTAL_PROCESSED = 304,
  /** The number of records processed with success so far. */
  SCO_JOB_NUMBER_TOTAL_SUCCEEDED = 305,
  /** The number of records processed without success so far. */
  SCO_JOB_NUMBER_TOTAL_FAILED = 306,
  /** The number of phases of the job. */
  SCO_JOB_NUMBER_TOTAL_PHASES = 307,
  /** The number of the phase that the job is in. */
  SCO_JOB_NUMBER_CURRENT_PHASE = 308,
  /** The number of items of the current phase. */
  SCO_JOB_NUMBER_TOTAL_ITEMS_IN_PHASE = 309,
  /** The number of items of the current phase processed so far. */
  SCO_JOB_NUMBER_TOTAL_PROCESSED_IN_PHASE = 310
} sco_job_number_field;

/** How the server encodes files in response bodies. */
typedef enum sco_body_encoding SCO_INT32_ENUM {
  /**
   * The body is base64 text, a JSON string of it, or a JSON object whose Content is that
   * string. The library detects which.
   */
  SCO_BODY_BASE64 = 401,
  /** The body is the file, byte for byte. Nothing is checked. */
  SCO_BODY_RAW = 402,
  /**
   * SCO_BODY_BASE64 if the first 64 KiB of the body can be that, otherwise SCO_BODY_RAW.
   * This is a guess: a raw file that consists of letters and digits may be decoded as
   * base64.
   */
  SCO_BODY_AUTO = 403
} sco_body_encoding;

/**
 * What happens if a file of the same name exists in the directory.
 *
 * Each is free of races between threads and processes. On file systems without hard links
 * and without renaming that refuses to replace (SMB, vboxsf, many FUSE file systems),
 * SCO_IF_EXISTS_FAIL and SCO_IF_EXISTS_KEEP_BOTH are free of races only between programs
 * that use this library on the same computer.
 */
typedef enum sco_if_exists SCO_INT32_ENUM {
  /** The call fails with SCO_ERROR_IO. The existing file is unchanged. */
  SCO_IF_EXISTS_FAIL = 501,
  /**
   * The new file replaces the existing one and gets its permissions. A program that has the
   * old file open continues to read it. A symbolic link is replaced itself. A directory,
   * device, pipe or socket is not replaced: the call fails with SCO_ERROR_IO.
   */
  SCO_IF_EXISTS_REPLACE = 502,
  /**
   * Both files are kept. The new one gets the first unused name of "report (1).csv",
   * "report (2).csv", and so on.
   */
  SCO_IF_EXISTS_KEEP_BOTH = 503
} sco_if_exists;

#if !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L && \
    __STDC_VERSION__ < 202311L
_Static_assert(sizeof(sco_status) == 4, "sco_status must have 4 bytes");
_Static_assert(sizeof(sco_job_status_code) == 4, "sco_job_status_code must have 4 bytes");
_Static_assert(sizeof(sco_job_text_field) == 4, "sco_job_text_field must have 4 bytes");
_Static_assert(sizeof(sco_job_number_field) == 4, "sco_job_number_field must have 4 bytes");
_Static_assert(sizeof(sco_body_encoding) == 4, "sco_body_encoding must have 4 bytes");
_Static_assert(sizeof(sco_if_exists) == 4, "sco_if_exists must have 4 bytes");
#endif


/**
 * Options for calls.
 *
 * sco_call_options_new creates them with their defaults, and sco_call_options_free frees
 * them. Several calls may read them at the same time. Do not modify or free them while a
 * call is using them.
 */
typedef struct sco_call_options sco_call_options;

/**
 * A token that cancels calls.
 *
 * sco_cancel_token_new creates it, and sco_cancel_token_free frees it. Any number of
 * threads may use it at the same time. Do not use it in a signal handler: set a flag there
 * and check the flag in an interrupt callback, or cancel from a thread that waits for
 * signals with sigwait.
 */
typedef struct sco_cancel_token sco_cancel_token;

/**
 * A client for one Sellercloud server and one user.
 *
 * sco_client_new creates it, and sco_client_free frees it. Any number of threads may use
 * it at the same time. It keeps its connections open for the next call.
 */
typedef struct sco_client sco_client;

/**
 * Options for a client.
 *
 * sco_client_options_new creates them with their defaults, and sco_client_options_free
 * frees them. A client keeps its own copy. One thread at a time may use them.
 */
typedef struct sco_client_options sco_client_options;

/**
 * The details of a failed call.
 *
 * A call that fails writes a new error to its last parameter, unless that is NULL. The
 * caller frees it with sco_error_free. Several threads may read it at the same time.
 */
typedef struct sco_error sco_error;

/**
 * The properties of an output file that was saved or written.
 *
 * The functions that save or write a file return it, and sco_file_info_free frees it.
 * Several threads may read it at the same time.
 */
typedef struct sco_file_info sco_file_info;

/**
 * A queued job, as the server described it.
 *
 * sco_get_job and the functions that wait for a job return it, and sco_job_free frees it.
 * A job that sco_error_job returns belongs to the error. Several threads may read a job at
 * the same time.
 */
typedef struct sco_job sco_job;

/**
 * A wait for a job that the caller steps, for programs that wait for many jobs without a
 * thread for each.
 *
 * sco_start_job_wait returns it, and sco_job_wait_free frees it at any time between two
 * steps. Any thread may step it, but only one at a time; another step meanwhile fails with
 * SCO_ERROR_INVALID_ARGUMENT. The client may be freed before it. The callbacks of the
 * client's and the call's options, and what their contexts point to, must stay valid until
 * it is freed; the options themselves may be freed.
 */
typedef struct sco_job_wait sco_job_wait;

/**
 * A job's output file, in memory.
 *
 * sco_get_output_file and sco_wait_for_output_file return it, and sco_output_file_free
 * frees it. Several threads may read it at the same time. Everything that its functions
 * return a pointer to stays valid until the file is freed.
 */
typedef struct sco_output_file sco_output_file;

/**
 * An open download of a job's output file: its name is known, and its bytes are downloaded
 * as they are read.
 *
 * sco_open_output_file and sco_wait_and_open_output_file return it, and
 * sco_output_file_download_free frees it. Any thread may use it, but only one at a time may
 * read; another read meanwhile fails with SCO_ERROR_INVALID_ARGUMENT. The client may be
 * freed before it. The callbacks of the client's and the call's options, and what their
 * contexts point to, must stay valid until it is freed; the options themselves may be
 * freed.
 */
typedef struct sco_output_file_download sco_output_file_download;

/**
 * The place for the result of a token callback. It is valid until the callback returns.
 */
typedef struct sco_token_result sco_token_result;

/**
 * A callback that provides the bearer token for each request.
 *
 * It passes the token to sco_token_result_set and returns 0. It is called on the threads
 * that make calls, by several of them at the same time. It must return normally: no
 * exception, no longjmp. It may call the library, but must not make a call with the client
 * that called it; such a call fails with SCO_ERROR_INVALID_ARGUMENT.
 *
 * @param context The pointer that was set with the callback.
 * @param renew 1 if the server has just rejected the last token, otherwise 0. If the
 * callback provides the rejected token again, the call fails with
 * SCO_ERROR_AUTHENTICATION.
 * @param result The place for the token.
 * @return 0 if a token was set. Any other value fails the call with
 * SCO_ERROR_AUTHENTICATION.
 */
typedef int32_t (*sco_token_callback)(void *context,
                                      int32_t renew,
                                      sco_token_result *result);

/**
 * A record of one HTTP request.
 *
 * It contains no token, password or body. It is valid until the callback returns. Later
 * versions may add members at the end; size tells which members exist.
 */
typedef struct {
  /**
   * The size of this structure, in bytes.
   */
  size_t size;
  /**
   * The HTTP method: "GET" or "POST".
   */
  const char *method;
  /**
   * The URL of the request.
   */
  const char *url;
  /**
   * Why there was no response or only a part of it; NULL if the response was complete.
   */
  const char *error;
  /**
   * The number of bytes of the response body that were received, as they were sent:
   * encoded and possibly compressed.
   */
  uint64_t bytes_received;
  /**
   * The time from the start of the request to the end of the response body, in seconds.
   */
  double duration_seconds;
  /**
   * The HTTP status code; 0 if there was no response.
   */
  int32_t http_status;
  /**
   * The number of this attempt within the call; the first is 1.
   */
  uint32_t attempt;
} sco_request_record;

/**
 * A callback that receives a record of each request when the request has ended.
 *
 * It cannot change the outcome of a call. It is called on the threads that make calls, by
 * several of them at the same time. It receives the record of a login request when the
 * whole login has ended. It must return normally: no exception, no longjmp. It may make
 * calls, with the same client too.
 *
 * @param context The pointer that was set with the callback.
 * @param record The record, valid until the callback returns.
 */
typedef void (*sco_request_callback)(void *context, const sco_request_record *record);

/**
 * A callback that receives a file as it is downloaded, chunk by chunk.
 *
 * It is called on the thread that makes the call. It must return normally: no exception,
 * no longjmp. It may call the library.
 *
 * @param context The pointer that was passed with the callback.
 * @param data The next bytes of the file, valid until the callback returns.
 * @param size The number of bytes; never 0.
 * @return 0 to continue. Any other value fails the call with SCO_ERROR_IO.
 */
typedef int32_t (*sco_write_callback)(void *context, const uint8_t *data, size_t size);

/**
 * A callback that provides memory for a file.
 *
 * The library decodes the file directly into the memory. The callback is called when the
 * first bytes of the file have arrived, and again whenever the file needs more memory. It
 * is not called for an empty file, and not for a later attempt that needs no more memory.
 * It is called on the thread that makes the call. It must return normally: no exception,
 * no longjmp. It may call the library.
 *
 * @param context The pointer that was passed with the callback.
 * @param used The number of bytes at the start of the memory that belong to the file. New
 * memory must start with a copy of them, as with realloc. 0 in the first call and at the
 * start of a later attempt.
 * @param capacity The number of bytes that the memory must have. In the first call it is
 * the likely size of the file, if the server sends it, but at most 128 MiB; otherwise it
 * is at least 256 KiB, however small the file is. Later it is at least twice the previous
 * capacity, unless the likely size is less.
 * @return The memory, which remains the caller's. The library writes to it until the call
 * returns or the callback is called again. NULL fails the call with SCO_ERROR_IO.
 */
typedef uint8_t *(*sco_reserve_callback)(void *context, size_t used, size_t capacity);

/**
 * A callback that decides whether a call continues.
 *
 * It is called on the thread that makes the call, several times a second, whatever the
 * call waits for and while bytes arrive. If several calls use the options at the same
 * time, it is called on several threads at the same time. It must return normally: no
 * exception, no longjmp. It may call the library, but must not change the call's options.
 *
 * @param context The pointer that was set with the callback.
 * @return 0 to continue. Any other value fails the call with SCO_ERROR_CANCELLED.
 */
typedef int32_t (*sco_interrupt_callback)(void *context);

/**
 * The progress of a download.
 *
 * It is valid until the callback returns. Later versions may add members at the end; size
 * tells which members exist.
 */
typedef struct {
  /**
   * The size of this structure, in bytes.
   */
  size_t size;
  /**
   * The number of bytes of the response body that this attempt has received, as they are
   * sent: encoded and possibly compressed.
   */
  uint64_t bytes_received;
  /**
   * The size of the whole response body, in the same bytes; 0 if has_total_bytes is 0.
   */
  uint64_t total_bytes;
  /**
   * 1 if the server sent the size of the response body, otherwise 0.
   */
  int32_t has_total_bytes;
  /**
   * The number of this attempt within the call; the first is 1. bytes_received starts at
   * 0 in each attempt.
   */
  uint32_t attempt;
} sco_progress;

/**
 * A callback that receives the progress of a download.
 *
 * It is called on the thread that makes the call, at the start of each attempt and
 * whenever bytes arrive. If several calls use the options at the same time, it is called
 * on several threads at the same time. It must return normally: no exception, no longjmp.
 * It may call the library, but must not change the call's options.
 *
 * @param context The pointer that was set with the callback.
 * @param progress The progress, valid until the callback returns.
 * @return 0 to continue. Any other value fails the call with SCO_ERROR_CANCELLED.
 */
typedef int32_t (*sco_progress_callback)(void *context, const sco_progress *progress);

/**
 * Returns the version of the library that is running, such as "0.1.0".
 *
 * SCO_VERSION_MAJOR, SCO_VERSION_MINOR and SCO_VERSION_PATCH are the version of the
 * header. Any thread may call this function at any time.
 *
 * @return A static string. Do not free it.
 */
SCO_API const char *sco_version(void);

/**
 * Returns a few words that describe a status, such as "rate limited".
 *
 * sco_error_message has the details of one error. Any thread may call this function at
 * any time.
 *
 * @param status The status. "unknown status" is returned for a number that this version
 * does not know.
 * @return A static string. Do not free it.
 */
SCO_API const char *sco_status_string(sco_status status);

/**
 * Returns the status that the failed call returned.
 *
 * @param error The error, or NULL.
 * @return The status; SCO_OK if error is NULL.
 */
SCO_NODISCARD SCO_API sco_status sco_error_kind(const sco_error *error);

/**
 * Returns the message: what failed, where, why, and what to do.
 *
 * The message is one line. It never contains a token or a password.
 *
 * @param error The error, or NULL.
 * @return A string owned by the error; NULL if error is NULL.
 */
SCO_API const char *sco_error_message(const sco_error *error);

/**
 * Returns the HTTP status code of the response that the call failed with.
 *
 * @param error The error, or NULL.
 * @return The status code, such as 500; 0 if the call failed for another reason, or if
 * error is NULL.
 */
SCO_API int32_t sco_error_http_status(const sco_error *error);

/**
 * Returns whether the same call may succeed later without any change.
 *
 * That is so for lost connections, timeouts, rate limits, and the HTTP statuses 408, 425,
 * 429, 502, 503, 504, 520 to 524 and 530.
 *
 * @param error The error, or NULL.
 * @return 1 if the call may succeed later; 0 if not, or if error is NULL.
 */
SCO_API int32_t sco_error_is_retryable(const sco_error *error);

/**
 * Returns how many times the call attempted its last request.
 *
 * @param error The error, or NULL.
 * @return The number of attempts; 0 if nothing was sent, for SCO_ERROR_JOB_FAILED, or if
 * error is NULL.
 */
SCO_API uint32_t sco_error_attempts(const sco_error *error);

/**
 * Returns how long to wait before the next call: the time that the server asks for, or the
 * backoff for which the call had no time left.
 *
 * @param error The error, or NULL.
 * @return The time in milliseconds; -1 if there is none, or if error is NULL.
 */
SCO_API
int64_t sco_error_retry_after_ms(const sco_error *error);

/**
 * Returns the operating system's error code of an SCO_ERROR_IO error.
 *
 * EEXIST (on Windows ERROR_FILE_EXISTS), for example, means that a file of that name
 * exists.
 *
 * @param error The error, or NULL.
 * @return A value of errno or, on Windows, of GetLastError; 0 if there is none, or if
 * error is NULL.
 */
SCO_API int32_t sco_error_os_error(const sco_error *error);

/**
 * Returns the path of the file or directory that an SCO_ERROR_IO error concerns.
 *
 * @param error The error, or NULL.
 * @return A string owned by the error, which is UTF-8 on Windows but may be any bytes on
 * Unix, as open takes them; NULL if there is no path, or if error is NULL.
 */
SCO_API const char *sco_error_path(const sco_error *error);

/**
 * Returns the id of the job that the failed call was about.
 *
 * @param error The error, or NULL.
 * @return The job's id; 0 if the call was about no job, if an argument was rejected before
 * the call began, or if error is NULL.
 */
SCO_API
int64_t sco_error_job_id(const sco_error *error);

/**
 * Returns the job that ended without success, for SCO_ERROR_JOB_FAILED.
 *
 * @param error The error, or NULL.
 * @return The job, owned by the error: do not free it. NULL for other errors, or if error
 * is NULL.
 */
SCO_API const sco_job *sco_error_job(const sco_error *error);

/**
 * Returns a line of the log of a job that ended without success.
 *
 * The error has the first error lines of the log if the server returned them. They are in
 * the message as well.
 *
 * @param error The error, or NULL.
 * @param index The index of the line; the first is 0.
 * @return A string owned by the error; NULL if there is no such line, or if error is NULL.
 */
SCO_API
const char *sco_error_job_log_line(const sco_error *error,
                                   size_t index);

/**
 * Frees an error, with its strings and its job.
 *
 * @param error The error, or NULL.
 */
SCO_API void sco_error_free(sco_error *error);

/**
 * Sets the result of a token callback.
 *
 * @param result The place for the token, as the callback received it.
 * @param token The bearer token in UTF-8, without "Bearer". It is copied, and wiped from
 * memory after use.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if result or token is NULL or token is not
 * UTF-8.
 */
SCO_NODISCARD SCO_API
sco_status sco_token_result_set(sco_token_result *result,
                                const char *token,
                                sco_error **error);

/**
 * Creates client options with their defaults.
 *
 * @return New options, never NULL. Free them with sco_client_options_free.
 */
SCO_NODISCARD SCO_API sco_client_options *sco_client_options_new(void);

/**
 * Sets the team whose server the client uses.
 *
 * Default: no team. The client looks the server up with its first call. Pass NULL as the
 * server to sco_client_new, since a server takes precedence.
 *
 * @param options The options to change.
 * @param team The name of the team in UTF-8. It is copied.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options or team is NULL or team is not
 * UTF-8. sco_client_new rejects a team that is empty.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_team(sco_client_options *options,
                                       const char *team,
                                       sco_error **error);

/**
 * Sets the URL of the service that knows the servers of teams.
 *
 * Default: "https://api.sellercloud.com".
 *
 * @param options The options to change.
 * @param url The URL in UTF-8. It is copied.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options or url is NULL or url is not
 * UTF-8. sco_client_new rejects text that is not a URL, if the options have a team.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_team_lookup_url(sco_client_options *options,
                                                  const char *url,
                                                  sco_error **error);

/**
 * Sets the user name and the password that the client logs in with.
 *
 * Default: none. They replace a token provider, and a token that is passed to
 * sco_client_new takes precedence over them. The client logs in with the first call that
 * needs a token, once for all threads, and again when the token expires or is rejected.
 *
 * @param options The options to change.
 * @param user_name The user name in UTF-8. It is copied.
 * @param password The password in UTF-8. It is copied, and wiped from memory when the
 * options and their clients are freed.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options, user_name or password is NULL
 * or a string is not UTF-8. sco_client_new rejects an empty user name or password.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_credentials(sco_client_options *options,
                                              const char *user_name,
                                              const char *password,
                                              sco_error **error);

/**
 * Sets a callback that provides the token for each request.
 *
 * Default: no callback. It replaces a user name and a password, and a token that is passed
 * to sco_client_new takes precedence over it. Use it if the program obtains its tokens
 * elsewhere.
 *
 * @param options The options to change.
 * @param callback The callback.
 * @param context A pointer that is passed to the callback. What it points to must stay
 * valid until the options, their clients, and the open downloads and waits of those are
 * freed. May be NULL.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options or callback is NULL.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_token_provider(sco_client_options *options,
                                                 sco_token_callback callback,
                                                 void *context,
                                                 sco_error **error);

/**
 * Sets how the server encodes files in response bodies.
 *
 * Default: SCO_BODY_BASE64.
 *
 * @param options The options to change.
 * @param encoding The encoding.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or encoding is not a
 * value of sco_body_encoding.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_body_encoding(sco_client_options *options,
                                                sco_body_encoding encoding,
                                                sco_error **error);

/**
 * Sets the maximum size of a file, after decoding.
 *
 * Default: 2 GiB for files in memory, which may be the caller's, and no limit for files
 * that are saved, written or read from an open download. The limit that is set here holds
 * for all of them. A larger file fails with SCO_ERROR_TOO_LARGE.
 *
 * @param options The options to change.
 * @param bytes The size in bytes. Zero is rejected. UINT64_MAX means no limit.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or bytes is 0.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_max_file_size_bytes(sco_client_options *options,
                                                      uint64_t bytes,
                                                      sco_error **error);

/**
 * Sets whether the client may use http:// for hosts other than loopback.
 *
 * Default: 0. With plain HTTP the token, the password and the files are sent unencrypted.
 *
 * @param options The options to change.
 * @param allow 0 to reject plain HTTP; any other value to allow it.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_allow_plain_http(sco_client_options *options,
                                                   int32_t allow,
                                                   sco_error **error);

/**
 * Sets how long to wait for a connection: name lookup, proxy and TLS together.
 *
 * Default: 30000 ms.
 *
 * @param options The options to change.
 * @param milliseconds The time in milliseconds. Zero is rejected. UINT64_MAX means no
 * limit.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or milliseconds is 0.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_connect_timeout_ms(sco_client_options *options,
                                                     uint64_t milliseconds,
                                                     sco_error **error);

/**
 * Sets how long to wait for the next byte of a response, or until the next byte of a
 * request can be sent.
 *
 * Default: 60000 ms.
 *
 * @param options The options to change.
 * @param milliseconds The time in milliseconds. Zero is rejected. UINT64_MAX means no
 * limit.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or milliseconds is 0.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_stall_timeout_ms(sco_client_options *options,
                                                   uint64_t milliseconds,
                                                   sco_error **error);

/**
 * Sets how long a whole call may take, including the login and all retries.
 *
 * Default: 3600000 ms (1 hour). It does not apply to calls that wait for a job: their
 * default is 24 hours. sco_call_options_set_timeout_ms sets the limit of one call and
 * takes precedence.
 *
 * @param options The options to change.
 * @param milliseconds The time in milliseconds. Zero is rejected. UINT64_MAX means no
 * limit.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or milliseconds is 0.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_call_timeout_ms(sco_client_options *options,
                                                  uint64_t milliseconds,
                                                  sco_error **error);

/**
 * Sets how many times a request is sent at most, including the first time.
 *
 * Default: 5. Only transient failures are retried: lost connections, stalls, rate limits,
 * and the HTTP statuses 408, 425, 429, 502, 503, 504, 520 to 524 and 530.
 *
 * @param options The options to change.
 * @param attempts The number of attempts. 1 means no retry. Zero is rejected. UINT32_MAX
 * means no limit except the call's timeout.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or attempts is 0.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_max_attempts(sco_client_options *options,
                                               uint32_t attempts,
                                               sco_error **error);

/**
 * Sets the maximum time to wait before the second attempt.
 *
 * Default: 1000 ms. The maximum doubles with each later attempt, up to the value of
 * sco_client_options_set_max_backoff_ms. The actual time is chosen at random up to the
 * maximum; the time that the server asks for (Retry-After) is added.
 *
 * @param options The options to change.
 * @param milliseconds The time in milliseconds. Zero means to retry at once.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_initial_backoff_ms(sco_client_options *options,
                                                     uint64_t milliseconds,
                                                     sco_error **error);

/**
 * Sets the maximum time to wait before any later attempt.
 *
 * Default: 30000 ms. The time that the server asks for (Retry-After) is added.
 *
 * @param options The options to change.
 * @param milliseconds The time in milliseconds. Zero means to retry at once.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_max_backoff_ms(sco_client_options *options,
                                                 uint64_t milliseconds,
                                                 sco_error **error);

/**
 * Sets whether responses with status 500 are retried.
 *
 * Default: 0. The server uses 500 also for failures that a retry does not change, such as
 * a job that does not exist.
 *
 * @param options The options to change.
 * @param enabled 0 to fail at once; any other value to retry.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_retry_server_errors(sco_client_options *options,
                                                      int32_t enabled,
                                                      sco_error **error);

/**
 * Sets the proxy for all servers that are not on loopback.
 *
 * Default: the proxy that the environment variables name; see "Environment" at the top of
 * this file.
 *
 * @param options The options to change.
 * @param url An http:// or https:// URL in UTF-8, such as
 * "http://user:password@proxy:3128", with the user name and the password percent-encoded.
 * An empty string means no proxy. It is copied.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options or url is NULL or url is not
 * UTF-8. sco_client_new rejects text that is not the URL of a proxy.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_proxy(sco_client_options *options,
                                        const char *url,
                                        sco_error **error);

/**
 * Adds CA certificates that the client trusts, besides those that the system trusts.
 *
 * Default: none. Each call adds to the certificates of the calls before.
 *
 * @param options The options to change.
 * @param certificates One or more certificates in PEM, or one in DER. They are copied.
 * @param size The number of bytes.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options or certificates is NULL.
 * sco_client_new rejects certificates that cannot be used.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_add_ca_certificates(sco_client_options *options,
                                                  const uint8_t *certificates,
                                                  size_t size,
                                                  sco_error **error);

/**
 * Sets the certificate that the client shows to servers that ask for one.
 *
 * Default: none. If one text has both the chain and the key, pass it for both.
 *
 * @param options The options to change.
 * @param chain The certificate and its intermediate certificates, in PEM. It is copied.
 * @param chain_size The number of bytes of chain.
 * @param key The private key, in PEM. It is copied.
 * @param key_size The number of bytes of key.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options, chain or key is NULL.
 * sco_client_new rejects a certificate that cannot be used.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_client_certificate(sco_client_options *options,
                                                     const uint8_t *chain,
                                                     size_t chain_size,
                                                     const uint8_t *key,
                                                     size_t key_size,
                                                     sco_error **error);

/**
 * Sets text that is appended to the User-Agent header of every request, after a space.
 *
 * Default: none. The header is the library's name and version. The text names the program
 * in the logs of servers and proxies, such as "nightly-export/2.1" or "nightly-export/2.1
 * (warehouse 7)". Logins, team lookups and the CONNECT request to a proxy have it too.
 *
 * @param options The options to change.
 * @param suffix The text: 1 to 128 visible ASCII characters and spaces, with no space at
 * the beginning or the end. It is copied.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options or suffix is NULL or suffix is
 * not UTF-8. sco_client_new rejects any other text.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_user_agent_suffix(sco_client_options *options,
                                                    const char *suffix,
                                                    sco_error **error);

/**
 * Sets a callback that receives a record of each request.
 *
 * Default: no callback.
 *
 * @param options The options to change.
 * @param callback The callback, or NULL for none.
 * @param context A pointer that is passed to the callback. What it points to must stay
 * valid until the options, their clients, and the open downloads and waits of those are
 * freed. May be NULL.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_options_set_on_request(sco_client_options *options,
                                             sco_request_callback callback,
                                             void *context,
                                             sco_error **error);

/**
 * Frees client options. Clients that were created with them are not affected.
 *
 * @param options The options, or NULL.
 */
SCO_API void sco_client_options_free(sco_client_options *options);

/**
 * Creates a client. Nothing is sent until the first call.
 *
 * @param server A server id in UTF-8, such as "tt" for
 * https://tt.api.sellercloud.com/rest, or a base URL. It takes precedence over the team of
 * the options. NULL if the options have a team.
 * @param token The bearer token in UTF-8, without "Bearer". Whitespace around it is
 * ignored. It is copied, and wiped from memory when the client is freed. It takes
 * precedence over the credentials and the token provider of the options. NULL if the
 * options have either.
 * @param options The client's options, or NULL for the defaults. The client copies them.
 * @param[out] client Receives the new client, or NULL on failure. Free it with
 * sco_client_free.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if the server, the token or an option is
 * missing or cannot be used, if client is NULL, or if a string is not UTF-8.
 */
SCO_NODISCARD SCO_API
sco_status sco_client_new(const char *server,
                          const char *token,
                          const sco_client_options *options,
                          sco_client **client,
                          sco_error **error);

/**
 * Frees a client. No call may be using it, so do not free it in a callback of its call.
 *
 * Files, jobs and errors that came from the client stay valid. Open downloads and waits
 * go on. Until they are freed they use the client's secrets and callbacks.
 *
 * @param client The client, or NULL.
 */
SCO_API void sco_client_free(sco_client *client);

/**
 * Reads a job id from text.
 *
 * The text is the id itself, or the QueuedJobLink that the server returned when the job
 * was created, such as "/queued-jobs/queued-job-details.aspx?id=2206923", absolute or
 * relative. Whitespace and quotation marks around it are ignored.
 *
 * @param text The text in UTF-8.
 * @param[out] job_id Receives the id, or 0 on failure.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if text contains no job id, if text or
 * job_id is NULL, or if text is not UTF-8.
 */
SCO_NODISCARD SCO_API
sco_status sco_parse_job_id(const char *text,
                            int64_t *job_id,
                            sco_error **error);

/**
 * Downloads a job's output file into memory.
 *
 * The call blocks until the file is complete or the call has failed.
 *
 * @param client The client.
 * @param job_id The job's id, 1 to 2147483647.
 * @param options The options of this call, or NULL for the defaults.
 * @param[out] file Receives the file, or NULL on failure. Free it with
 * sco_output_file_free.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or any other status except SCO_ERROR_JOB_FAILED.
 * SCO_ERROR_INVALID_ARGUMENT if client or file is NULL, or if job_id is out of range.
 */
SCO_NODISCARD SCO_API
sco_status sco_get_output_file(const sco_client *client,
                               int64_t job_id,
                               const sco_call_options *options,
                               sco_output_file **file,
                               sco_error **error);

/**
 * Downloads a job's output file into a directory, under the server's name for it unless
 * the options have another.
 *
 * The file is decoded as it arrives, into a temporary file in the directory. The temporary
 * file gets its final name when it is complete, so that the file appears whole or not at
 * all. It has the permissions that the process gives new files. The call needs about 1 MiB
 * of memory for a file of any size. sco_call_options_set_file_name,
 * sco_call_options_set_if_exists and sco_call_options_set_flush_to_disk change how the
 * file is saved.
 *
 * @param client The client.
 * @param job_id The job's id, 1 to 2147483647.
 * @param directory The path of an existing directory; "." for the current one. Any bytes
 * that the system accepts on Unix; UTF-8 on Windows.
 * @param options The options of this call, or NULL for the defaults.
 * @param[out] info Receives the file's path and properties, or NULL on failure. Free it
 * with sco_file_info_free. May be NULL.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or any other status except SCO_ERROR_JOB_FAILED. SCO_ERROR_IO if the
 * file cannot be written, or if a file of that name exists and the options have
 * SCO_IF_EXISTS_FAIL, the default. SCO_ERROR_INVALID_ARGUMENT if client or directory is
 * NULL, if directory is empty or, on Windows, not UTF-8, if the file name of the options
 * cannot be used, or if job_id is out of range.
 */
SCO_NODISCARD SCO_API
sco_status sco_save_output_file(const sco_client *client,
                                int64_t job_id,
                                const char *directory,
                                const sco_call_options *options,
                                sco_file_info **info,
                                sco_error **error);

/**
 * Downloads a job's output file and passes it to a callback, chunk by chunk.
 *
 * The file is decoded as it arrives. The call needs about 1 MiB of memory for a file of
 * any size. If the call fails, the callback may have received a part of the file: use the
 * file only if the call succeeds.
 *
 * @param client The client.
 * @param job_id The job's id, 1 to 2147483647.
 * @param callback The callback that receives the file.
 * @param context A pointer that is passed to the callback. May be NULL.
 * @param options The options of this call, or NULL for the defaults.
 * @param[out] info Receives the file's name and properties, or NULL on failure. Free it
 * with sco_file_info_free. May be NULL.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or any other status except SCO_ERROR_JOB_FAILED. SCO_ERROR_IO if the
 * callback returned a value other than 0. SCO_ERROR_INVALID_ARGUMENT if client or callback
 * is NULL, or if job_id is out of range.
 */
SCO_NODISCARD SCO_API
sco_status sco_write_output_file(const sco_client *client,
                                 int64_t job_id,
                                 sco_write_callback callback,
                                 void *context,
                                 const sco_call_options *options,
                                 sco_file_info **info,
                                 sco_error **error);

/**
 * Gets the state of a job.
 *
 * A job that has failed or was cancelled is not an error of this call.
 *
 * @param client The client.
 * @param job_id The job's id, 1 to 2147483647.
 * @param options The options of this call, or NULL for the defaults.
 * @param[out] job Receives the job, or NULL on failure. Free it with sco_job_free.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or any other status except SCO_ERROR_JOB_FAILED.
 * SCO_ERROR_INVALID_ARGUMENT if client or job is NULL, or if job_id is out of range.
 */
SCO_NODISCARD SCO_API
sco_status sco_get_job(const sco_client *client,
                       int64_t job_id,
                       const sco_call_options *options,
                       sco_job **job,
                       sco_error **error);

/**
 * Waits until a job has ended with success.
 *
 * SCO_JOB_STATUS_PARTIAL_SUCCESS counts as success. So does a status that this version
 * does not know if the job has ended and names an output file. A job that the server does
 * not find is polled again for a time, because the server may find a new job only after a
 * moment; see sco_call_options_set_wait_grace_ms. The call times out after 24 hours unless
 * the options set another timeout.
 *
 * @param client The client.
 * @param job_id The job's id, 1 to 2147483647.
 * @param options The options of this call, or NULL for the defaults.
 * @param[out] job Receives the job, or NULL on failure. Free it with sco_job_free.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or any other status. SCO_ERROR_JOB_FAILED if the job ended without
 * success or is on hold; sco_error_job returns it. SCO_ERROR_TIMEOUT if the job did not
 * end in time. SCO_ERROR_INVALID_ARGUMENT if client or job is NULL, or if job_id is out of
 * range.
 */
SCO_NODISCARD SCO_API
sco_status sco_wait_for_job(const sco_client *client,
                            int64_t job_id,
                            const sco_call_options *options,
                            sco_job **job,
                            sco_error **error);

/**
 * Waits for a job as sco_wait_for_job does, and downloads its output file into memory as
 * sco_get_output_file does.
 *
 * @param client The client.
 * @param job_id The job's id, 1 to 2147483647.
 * @param options The options of this call, or NULL for the defaults.
 * @param[out] job Receives the job, or NULL on failure. Free it with sco_job_free. May be
 * NULL.
 * @param[out] file Receives the file, or NULL on failure. Free it with
 * sco_output_file_free.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or any other status, as for these two functions.
 * SCO_ERROR_INVALID_ARGUMENT if client or file is NULL, or if job_id is out of range.
 */
SCO_NODISCARD SCO_API
sco_status sco_wait_for_output_file(const sco_client *client,
                                    int64_t job_id,
                                    const sco_call_options *options,
                                    sco_job **job,
                                    sco_output_file **file,
                                    sco_error **error);

/**
 * Waits for a job as sco_wait_for_job does, and downloads its output file into a directory
 * as sco_save_output_file does.
 *
 * The directory, and the file name if the options have one, are checked before the wait
 * begins.
 *
 * @param client The client.
 * @param job_id The job's id, 1 to 2147483647.
 * @param directory The path of an existing directory; "." for the current one. Any bytes
 * that the system accepts on Unix; UTF-8 on Windows.
 * @param options The options of this call, or NULL for the defaults.
 * @param[out] job Receives the job, or NULL on failure. Free it with sco_job_free. May be
 * NULL.
 * @param[out] info Receives the file's path and properties, or NULL on failure. Free it
 * with sco_file_info_free. May be NULL.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or any other status, as for these two functions.
 * SCO_ERROR_INVALID_ARGUMENT if client or directory is NULL, if directory is empty or, on
 * Windows, not UTF-8, if the file name of the options cannot be used, or if job_id is out
 * of range.
 */
SCO_NODISCARD SCO_API
sco_status sco_wait_and_save_output_file(const sco_client *client,
                                         int64_t job_id,
                                         const char *directory,
                                         const sco_call_options *options,
                                         sco_job **job,
                                         sco_file_info **info,
                                         sco_error **error);

/**
 * Waits for a job as sco_wait_for_job does, and passes its output file to a callback as
 * sco_write_output_file does.
 *
 * @param client The client.
 * @param job_id The job's id, 1 to 2147483647.
 * @param callback The callback that receives the file.
 * @param context A pointer that is passed to the callback. May be NULL.
 * @param options The options of this call, or NULL for the defaults.
 * @param[out] job Receives the job, or NULL on failure. Free it with sco_job_free. May be
 * NULL.
 * @param[out] info Receives the file's name and properties, or NULL on failure. Free it
 * with sco_file_info_free. May be NULL.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or any other status, as for these two functions.
 * SCO_ERROR_INVALID_ARGUMENT if client or callback is NULL, or if job_id is out of range.
 */
SCO_NODISCARD SCO_API
sco_status sco_wait_and_write_output_file(const sco_client *client,
                                          int64_t job_id,
                                          sco_write_callback callback,
                                          void *context,
                                          const sco_call_options *options,
                                          sco_job **job,
                                          sco_file_info **info,
                                          sco_error **error);

/**
 * Opens a download of a job's output file.
 *
 * The call returns when the beginning of the response's body shows that it is a file.
 * Until then it retries as other calls do. The rest is downloaded by
 * sco_output_file_download_read, which never retries. The call's timeout and the stall
 * timeout count only while a call of the library waits for the server.
 *
 * @param client The client.
 * @param job_id The job's id, 1 to 2147483647.
 * @param options The options of this call and of the reads, or NULL for the defaults.
 * @param[out] download Receives the download, or NULL on failure. Free it with
 * sco_output_file_download_free, also before its end; this closes the connection.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or any other status except SCO_ERROR_JOB_FAILED.
 * SCO_ERROR_INVALID_ARGUMENT if client or download is NULL, or if job_id is out of range.
 */
SCO_NODISCARD SCO_API
sco_status sco_open_output_file(const sco_client *client,
                                int64_t job_id,
                                const sco_call_options *options,
                                sco_output_file_download **download,
                                sco_error **error);

/**
 * Waits for a job as sco_wait_for_job does, and opens a download of its output file as
 * sco_open_output_file does.
 *
 * @param client The client.
 * @param job_id The job's id, 1 to 2147483647.
 * @param options The options of this call and of the reads, or NULL for the defaults.
 * @param[out] job Receives the job, or NULL on failure. Free it with sco_job_free. May be
 * NULL.
 * @param[out] download Receives the download, or NULL on failure. Free it with
 * sco_output_file_download_free.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or any other status, as for these two functions.
 * SCO_ERROR_INVALID_ARGUMENT if client or download is NULL, or if job_id is out of range.
 */
SCO_NODISCARD SCO_API
sco_status sco_wait_and_open_output_file(const sco_client *client,
                                         int64_t job_id,
                                         const sco_call_options *options,
                                         sco_job **job,
                                         sco_output_file_download **download,
                                         sco_error **error);

/**
 * Returns the name of a file that is being downloaded, as sco_output_file_name does.
 *
 * The FileName of a JSON response is used only if it stands before the file's content.
 *
 * @param download The download, or NULL.
 * @return A string owned by the download; NULL if download is NULL.
 */
SCO_API
const char *sco_output_file_download_name(const sco_output_file_download *download);

/**
 * Returns whether the name of a file that is being downloaded is a fallback, as
 * sco_output_file_is_fallback_name does.
 *
 * @param download The download, or NULL.
 * @return 1 if the name is a fallback; 0 if the server sent it, or if download is NULL.
 */
SCO_API
int32_t sco_output_file_download_is_fallback_name(const sco_output_file_download *download);

/**
 * Returns the Content-Type of the response, as sco_output_file_content_type does.
 *
 * @param download The download, or NULL.
 * @return A string owned by the download; NULL if the response had no Content-Type, or if
 * download is NULL.
 */
SCO_API
const char *sco_output_file_download_content_type(const sco_output_file_download *download);

/**
 * Returns the size of a file that is being downloaded, if it is known before the end.
 *
 * It is known if the response's body is the file itself (SCO_BODY_RAW), is not compressed,
 * and has a Content-Length.
 *
 * @param download The download, or NULL.
 * @return The size in bytes; -1 if it is not known, or if download is NULL.
 */
SCO_API
int64_t sco_output_file_download_size(const sco_output_file_download *download);

/**
 * Reads the next bytes of a file.
 *
 * The call blocks until at least one byte has arrived, the file is complete, or the read
 * has failed. Only a file that is complete has an end: a body that is cut short or
 * malformed is an error, and every later read returns the same error. The bytes that were
 * read before an error are a part of the file at best.
 *
 * @param download The download.
 * @param buffer The memory to write the bytes to. Buffers of 64 KiB or more avoid a copy.
 * @param capacity The size of the memory in bytes. Zero is rejected.
 * @param[out] size Receives the number of bytes that were read: 0 at the end of the file,
 * and on failure.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or any other status except SCO_ERROR_JOB_FAILED.
 * SCO_ERROR_INVALID_ARGUMENT if download, buffer or size is NULL, if capacity is 0, or if
 * another thread is reading.
 */
SCO_NODISCARD SCO_API
sco_status sco_output_file_download_read(sco_output_file_download *download,
                                         uint8_t *buffer,
                                         size_t capacity,
                                         size_t *size,
                                         sco_error **error);

/**
 * Frees a download. Before the end of the file this closes the connection.
 *
 * No thread may be reading.
 *
 * @param download The download, or NULL.
 */
SCO_API void sco_output_file_download_free(sco_output_file_download *download);

/**
 * Downloads a job's output file into memory of the caller.
 *
 * The file is decoded into the memory as it arrives, without a copy, and there is nothing
 * to free. sco_file_info_size returns the size of the file, which is at most the last
 * capacity that the callback received. If the call fails, the memory may contain a part
 * of the file.
 *
 * @param client The client.
 * @param job_id The job's id, 1 to 2147483647.
 * @param callback The callback that provides the memory.
 * @param context A pointer that is passed to the callback. May be NULL.
 * @param options The options of this call, or NULL for the defaults.
 * @param[out] info Receives the file's name and properties, or NULL on failure. Free it
 * with sco_file_info_free. May be NULL.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or any other status except SCO_ERROR_JOB_FAILED. SCO_ERROR_IO if the
 * callback returned NULL. SCO_ERROR_INVALID_ARGUMENT if client or callback is NULL, or if
 * job_id is out of range.
 */
SCO_NODISCARD SCO_API
sco_status sco_get_output_file_into(const sco_client *client,
                                    int64_t job_id,
                                    sco_reserve_callback callback,
                                    void *context,
                                    const sco_call_options *options,
                                    sco_file_info **info,
                                    sco_error **error);

/**
 * Waits for a job as sco_wait_for_job does, and downloads its output file into memory of
 * the caller as sco_get_output_file_into does.
 *
 * @param client The client.
 * @param job_id The job's id, 1 to 2147483647.
 * @param callback The callback that provides the memory.
 * @param context A pointer that is passed to the callback. May be NULL.
 * @param options The options of this call, or NULL for the defaults.
 * @param[out] job Receives the job, or NULL on failure. Free it with sco_job_free. May be
 * NULL.
 * @param[out] info Receives the file's name and properties, or NULL on failure. Free it
 * with sco_file_info_free. May be NULL.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or any other status, as for these two functions.
 * SCO_ERROR_INVALID_ARGUMENT if client or callback is NULL, or if job_id is out of range.
 */
SCO_NODISCARD SCO_API
sco_status sco_wait_for_output_file_into(const sco_client *client,
                                         int64_t job_id,
                                         sco_reserve_callback callback,
                                         void *context,
                                         const sco_call_options *options,
                                         sco_job **job,
                                         sco_file_info **info,
                                         sco_error **error);

/**
 * Starts a wait for a job, which the caller steps. Nothing is sent.
 *
 * sco_wait_for_job is a loop over the same steps. The timeout of the call begins now and
 * includes the time between the steps.
 *
 * @param client The client.
 * @param job_id The job's id, 1 to 2147483647.
 * @param options The options of the wait, or NULL for the defaults.
 * @param[out] wait Receives the wait, or NULL on failure. Free it with sco_job_wait_free.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if client or wait is NULL, or if job_id is
 * out of range.
 */
SCO_NODISCARD SCO_API
sco_status sco_start_job_wait(const sco_client *client,
                              int64_t job_id,
                              const sco_call_options *options,
                              sco_job_wait **wait,
                              sco_error **error);

/**
 * Makes one attempt to learn whether a job has ended.
 *
 * The attempt includes a login if that is needed. The step never sleeps: the intervals
 * between polls, the backoff after a failure, the time that the server asks for, and a login
 * that another thread is making are times until the next step. A step before that time
 * sends nothing. A step blocks while its requests run, which the timeouts of the client and
 * of the call limit.
 *
 * @param wait The wait.
 * @param[out] again_after_ms Receives the time in milliseconds after which the next step is
 * due, which may be 0; 0 if the job has ended, and on failure.
 * @param[out] job Receives the job if it has ended with success; NULL if it has not ended,
 * and on failure. Free it with sco_job_free.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or any other status, as for sco_wait_for_job. An error ends the wait.
 * SCO_ERROR_INVALID_ARGUMENT if wait, again_after_ms or job is NULL, if another thread is
 * stepping, or if the wait has ended.
 */
SCO_NODISCARD SCO_API
sco_status sco_job_wait_step(sco_job_wait *wait,
                             uint64_t *again_after_ms,
                             sco_job **job,
                             sco_error **error);

/**
 * Frees a wait. No thread may be stepping it.
 *
 * @param wait The wait, or NULL.
 */
SCO_API void sco_job_wait_free(sco_job_wait *wait);

/**
 * Returns the id of a job.
 *
 * @param job The job, or NULL.
 * @return The id; 0 if job is NULL.
 */
SCO_API int64_t sco_job_id(const sco_job *job);

/**
 * Returns the status of a job.
 *
 * @param job The job, or NULL.
 * @return The status; SCO_JOB_STATUS_UNKNOWN if this version does not know the status, or
 * if job is NULL.
 */
SCO_API sco_job_status_code sco_job_status(const sco_job *job);

/**
 * Returns the server's text for the status of a job, such as "PartialSuccess".
 *
 * For a status that this version does not know, it is the name or the number that the
 * server sent.
 *
 * @param job The job, or NULL.
 * @return A string owned by the job; NULL if job is NULL.
 */
SCO_API const char *sco_job_status_name(const sco_job *job);

/**
 * Returns whether a job has ended, with or without success.
 *
 * @param job The job, or NULL.
 * @return 1 if the job has ended; 0 if it has not, if this version does not know the
 * status, or if job is NULL.
 */
SCO_API int32_t sco_job_is_final(const sco_job *job);

/**
 * Returns a text field of a job.
 *
 * @param job The job, or NULL.
 * @param field The field.
 * @return A string owned by the job; NULL if the server did not send the field, if field
 * is not a value of sco_job_text_field, or if job is NULL.
 */
SCO_API const char *sco_job_text(const sco_job *job, sco_job_text_field field);

/**
 * Returns a number field of a job.
 *
 * @param job The job, or NULL.
 * @param field The field.
 * @return The number; -1 if the server did not send the field, if field is not a value of
 * sco_job_number_field, or if job is NULL.
 */
SCO_API int64_t sco_job_number(const sco_job *job, sco_job_number_field field);

/**
 * Frees a job, with its strings. Do not free a job that belongs to an error.
 *
 * @param job The job, or NULL.
 */
SCO_API void sco_job_free(sco_job *job);

/**
 * Returns the bytes of a file. sco_output_file_size returns how many there are.
 *
 * The bytes are not followed by a NUL.
 *
 * @param file The file, or NULL.
 * @return The bytes, owned by the file; not NULL for an empty file. NULL if file is NULL.
 */
SCO_API const uint8_t *sco_output_file_data(const sco_output_file *file);

/**
 * Returns the size of a file.
 *
 * @param file The file, or NULL.
 * @return The size in bytes; 0 if file is NULL.
 */
SCO_API size_t sco_output_file_size(const sco_output_file *file);

/**
 * Returns the name of a file.
 *
 * The name is safe on Windows and Unix: it is never a path, never empty, and has at most
 * 255 bytes.
 *
 * @param file The file, or NULL.
 * @return A string owned by the file; NULL if file is NULL.
 */
SCO_API const char *sco_output_file_name(const sco_output_file *file);

/**
 * Returns whether the name of a file is a fallback.
 *
 * If the server sends no usable name, the name is "output-{job id}" with the extension of
 * the content type, if that is known.
 *
 * @param file The file, or NULL.
 * @return 1 if the name is a fallback; 0 if the server sent it, or if file is NULL.
 */
SCO_API int32_t sco_output_file_is_fallback_name(const sco_output_file *file);

/**
 * Returns the Content-Type of the response, such as "text/csv; charset=utf-8".
 *
 * A server that sends base64 may send the type of that text, such as JSON, instead of the
 * file's type.
 *
 * @param file The file, or NULL.
 * @return A string owned by the file; NULL if the response had no Content-Type, or if file
 * is NULL.
 */
SCO_API
const char *sco_output_file_content_type(const sco_output_file *file);

/**
 * Saves a file in a directory, under the file's name unless the options have another.
 *
 * The file appears whole or not at all, with the permissions that the process gives new
 * files.
 *
 * @param file The file.
 * @param directory The path of an existing directory; "." for the current one. Any bytes
 * that the system accepts on Unix; UTF-8 on Windows.
 * @param options The options, or NULL for the defaults. Only those of
 * sco_call_options_set_file_name, sco_call_options_set_if_exists and
 * sco_call_options_set_flush_to_disk are used.
 * @param[out] info Receives the file's path and properties, or NULL on failure. Free it
 * with sco_file_info_free. May be NULL.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, SCO_ERROR_IO or SCO_ERROR_INVALID_ARGUMENT. SCO_ERROR_IO if the file
 * cannot be written, or if a file of that name exists and the options have
 * SCO_IF_EXISTS_FAIL, the default. SCO_ERROR_INVALID_ARGUMENT if file or directory is
 * NULL, if directory is empty or, on Windows, not UTF-8, or if the file name of the
 * options cannot be used.
 */
SCO_NODISCARD SCO_API
sco_status sco_output_file_save(const sco_output_file *file,
                                const char *directory,
                                const sco_call_options *options,
                                sco_file_info **info,
                                sco_error **error);

/**
 * Frees a file, with its bytes and strings.
 *
 * @param file The file, or NULL.
 */
SCO_API void sco_output_file_free(sco_output_file *file);

/**
 * Returns the server's name for a file, as sco_output_file_name does.
 *
 * The path of a saved file may end in another name, if the options say so.
 *
 * @param info The properties, or NULL.
 * @return A string owned by info; NULL if info is NULL.
 */
SCO_API const char *sco_file_info_name(const sco_file_info *info);

/**
 * Returns whether the name of a file is a fallback, as sco_output_file_is_fallback_name
 * does.
 *
 * @param info The properties, or NULL.
 * @return 1 if the name is a fallback; 0 if the server sent it, or if info is NULL.
 */
SCO_API int32_t sco_file_info_is_fallback_name(const sco_file_info *info);

/**
 * Returns the size of a file.
 *
 * @param info The properties, or NULL.
 * @return The size in bytes; 0 if info is NULL.
 */
SCO_API uint64_t sco_file_info_size(const sco_file_info *info);

/**
 * Returns the Content-Type of the response, as sco_output_file_content_type does.
 *
 * @param info The properties, or NULL.
 * @return A string owned by info; NULL if the response had no Content-Type, or if info is
 * NULL.
 */
SCO_API const char *sco_file_info_content_type(const sco_file_info *info);

/**
 * Returns the path of a saved file.
 *
 * The path starts with the directory that was passed, so that it is relative if the
 * directory was. It is absolute if the process changed its working directory during the
 * call.
 *
 * @param info The properties, or NULL.
 * @return A string owned by info, which is UTF-8 on Windows but may be any bytes on Unix,
 * as open takes them; NULL if the file was written to a callback, or if info is NULL.
 */
SCO_API const char *sco_file_info_path(const sco_file_info *info);

/**
 * Frees the properties of a file, with their strings. The file itself stays.
 *
 * @param info The properties, or NULL.
 */
SCO_API void sco_file_info_free(sco_file_info *info);

/**
 * Creates a cancel token that is not cancelled.
 *
 * @return A new token, never NULL. Free it with sco_cancel_token_free.
 */
SCO_NODISCARD SCO_API sco_cancel_token *sco_cancel_token_new(void);

/**
 * Cancels every call whose options have this token, now and later.
 *
 * The calls return SCO_ERROR_CANCELLED within a quarter of a second, whatever they wait
 * for. A token stays cancelled.
 *
 * @param cancel_token The token. NULL has no effect.
 */
SCO_API void sco_cancel_token_cancel(const sco_cancel_token *cancel_token);

/**
 * Returns whether a token is cancelled.
 *
 * @param cancel_token The token, or NULL.
 * @return 1 if the token is cancelled; 0 if not, or if cancel_token is NULL.
 */
SCO_API int32_t sco_cancel_token_is_cancelled(const sco_cancel_token *cancel_token);

/**
 * Frees a cancel token.
 *
 * Options and calls that use the token keep what they need, but nothing can cancel them
 * any more.
 *
 * @param cancel_token The token, or NULL.
 */
SCO_API void sco_cancel_token_free(sco_cancel_token *cancel_token);

/**
 * Creates call options with their defaults.
 *
 * @return New options, never NULL. Free them with sco_call_options_free.
 */
SCO_NODISCARD SCO_API sco_call_options *sco_call_options_new(void);

/**
 * Sets how long a whole call may take, including the login, all retries and all waits.
 *
 * Default: the value of sco_client_options_set_call_timeout_ms, and 24 hours for calls
 * that wait for a job.
 *
 * @param options The options to change.
 * @param milliseconds The time in milliseconds. Zero is rejected. UINT64_MAX means no
 * limit.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or milliseconds is 0.
 */
SCO_NODISCARD SCO_API
sco_status sco_call_options_set_timeout_ms(sco_call_options *options,
                                           uint64_t milliseconds,
                                           sco_error **error);

/**
 * Sets how long a whole call may take in total. Unlike sco_call_options_set_timeout_ms, it
 * includes the time between the reads of an open download.
 *
 * Default: no limit.
 *
 * @param options The options to change.
 * @param milliseconds The time in milliseconds. Zero is rejected. UINT64_MAX means no
 * limit.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or milliseconds is 0.
 */
SCO_NODISCARD SCO_API
sco_status sco_call_options_set_total_timeout_ms(sco_call_options *options,
                                                 uint64_t milliseconds,
                                                 sco_error **error);

/**
 * Sets a token that cancels calls.
 *
 * Default: no token.
 *
 * @param options The options to change.
 * @param cancel_token The token, or NULL for none. The options keep what they need: the
 * token may be freed at any time.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
 */
SCO_NODISCARD SCO_API
sco_status sco_call_options_set_cancel_token(sco_call_options *options,
                                             const sco_cancel_token *cancel_token,
                                             sco_error **error);

/**
 * Sets a callback that decides whether a call continues.
 *
 * Default: no callback. Use it if the thread that makes the call itself learns that the
 * call should end, from a flag that a signal handler sets or from an interpreter.
 *
 * @param options The options to change.
 * @param callback The callback, or NULL for none.
 * @param context A pointer that is passed to the callback. What it points to must stay
 * valid while calls use the options, and until the open downloads and waits that they
 * return are freed. May be NULL.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
 */
SCO_NODISCARD SCO_API
sco_status sco_call_options_set_interrupt(sco_call_options *options,
                                          sco_interrupt_callback callback,
                                          void *context,
                                          sco_error **error);

/**
 * Sets a callback that receives the progress of downloads.
 *
 * Default: no callback.
 *
 * @param options The options to change.
 * @param callback The callback, or NULL for none.
 * @param context A pointer that is passed to the callback. What it points to must stay
 * valid while calls use the options, and until the open downloads and waits that they
 * return are freed. May be NULL.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
 */
SCO_NODISCARD SCO_API
sco_status sco_call_options_set_on_progress(sco_call_options *options,
                                            sco_progress_callback callback,
                                            void *context,
                                            sco_error **error);

/**
 * Sets the name under which a file is saved.
 *
 * Default: the server's name. The name must be a single name of at most 255 bytes: no
 * path, not "." or "..", and on Windows without the characters and names that Windows
 * rejects. Names that begin with ".sellercloud-output-" and end in ".part" are reserved.
 * Calls that save a file reject any other name before anything is sent.
 *
 * @param options The options to change.
 * @param file_name The name in UTF-8, or NULL for the server's. It is copied.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or file_name is not
 * UTF-8.
 */
SCO_NODISCARD SCO_API
sco_status sco_call_options_set_file_name(sco_call_options *options,
                                          const char *file_name,
                                          sco_error **error);

/**
 * Sets what happens if a file of the same name exists in the directory.
 *
 * Default: SCO_IF_EXISTS_FAIL.
 *
 * @param options The options to change.
 * @param if_exists What happens.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or if_exists is not a
 * value of sco_if_exists.
 */
SCO_NODISCARD SCO_API
sco_status sco_call_options_set_if_exists(sco_call_options *options,
                                          sco_if_exists if_exists,
                                          sco_error **error);

/**
 * Sets whether a call that saves a file waits until the file is on the disk.
 *
 * Default: 1. Once the call has succeeded, not even a power failure loses the file or
 * leaves a part of it. The option has no effect on file systems that do not support it.
 *
 * @param options The options to change.
 * @param enabled 0 to leave the time of writing to the system; any other value to wait.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
 */
SCO_NODISCARD SCO_API
sco_status sco_call_options_set_flush_to_disk(sco_call_options *options,
                                              int32_t enabled,
                                              sco_error **error);

/**
 * Sets the interval between the first and the second poll of a job that a call waits for.
 *
 * Default: 1000 ms. Every later interval is the one before multiplied by 1.5, up to the
 * value of sco_call_options_set_wait_max_interval_ms.
 *
 * @param options The options to change.
 * @param milliseconds The time in milliseconds. Zero is rejected. Values below 100 count
 * as 100.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or milliseconds is 0.
 */
SCO_NODISCARD SCO_API
sco_status sco_call_options_set_wait_initial_interval_ms(sco_call_options *options,
                                                         uint64_t milliseconds,
                                                         sco_error **error);

/**
 * Sets the maximum interval between two polls of a job that a call waits for.
 *
 * Default: 30000 ms. The server allows 10,800 requests an hour.
 *
 * @param options The options to change.
 * @param milliseconds The time in milliseconds. Zero is rejected. Values below 100 count
 * as 100.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or milliseconds is 0.
 */
SCO_NODISCARD SCO_API
sco_status sco_call_options_set_wait_max_interval_ms(sco_call_options *options,
                                                     uint64_t milliseconds,
                                                     sco_error **error);

/**
 * Sets how long failures may last before they end a wait for a job.
 *
 * Default: 120000 ms. These failures are: the server does not find the job; lost
 * connections, stalls, rate limits and transient HTTP statuses (see
 * sco_client_options_set_max_attempts); responses that are not a job or have no status;
 * and, once the job was received, HTTP 500. The time starts over whenever the job is
 * received. The time that the server asks for (Retry-After) does not count, nor does the
 * time by which a call of sco_job_wait_step is late. Calls that download the file after
 * the wait allow the same time for the file to appear.
 *
 * @param options The options to change.
 * @param milliseconds The time in milliseconds. Zero means that the first failure ends the
 * wait. UINT64_MAX means no limit except the call's timeout.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
 */
SCO_NODISCARD SCO_API
sco_status sco_call_options_set_wait_grace_ms(sco_call_options *options,
                                              uint64_t milliseconds,
                                              sco_error **error);

/**
 * Sets whether a job on hold ends a wait with SCO_ERROR_JOB_FAILED.
 *
 * Default: 1, because such a job stays on hold until a user releases it.
 *
 * @param options The options to change.
 * @param enabled 0 to wait until the job is released or the call times out; any other
 * value to fail at once.
 * @param[out] error Receives the details of an error, or NULL. May be NULL.
 * @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
 */
SCO_NODISCARD SCO_API
sco_status sco_call_options_set_fail_on_hold(sco_call_options *options,
                                             int32_t enabled,
                                             sco_error **error);

/**
 * Frees call options. No call may be using them.
 *
 * @param options The options, or NULL.
 */
SCO_API void sco_call_options_free(sco_call_options *options);


#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* SELLERCLOUD_OUTPUT_H */
