/*
 * sellercloud-output: fetches the output file of a Sellercloud queued job.
 *
 * The least program, errors left out:
 *
 *     sco_client *client;
 *     sco_output_file *file;
 *     sco_client_new("tt", "the bearer token", NULL, &client, NULL);
 *     sco_get_output_file(client, 28142, NULL, &file, NULL);
 *     fwrite(sco_output_file_data(file), 1, sco_output_file_len(file), out);
 *     sco_output_file_free(file);
 *     sco_client_free(client);
 *
 * Rules that hold for every function:
 *
 * - A function that can fail returns a status: SCO_OK (0), or the kind of the
 *   error. Its last parameter is where to put the details: the address of a
 *   pointer, or NULL for none. That pointer is set on every call: to NULL on
 *   success, else to an error that the caller frees with sco_error_free.
 * - A result goes to the address given for it. It is set to NULL (or 0) first,
 *   and to the result on success only.
 * - Handles (sco_client, sco_config, sco_options, sco_cancel, sco_output_file,
 *   sco_file_info, sco_job, sco_error) are made by this library and freed with its own
 *   sco_..._free, once. Those take NULL.
 * - Strings are UTF-8 and end with NUL. Strings given are copied; strings got
 *   belong to the handle they came from, and are there until it is freed.
 * - NULL where something is needed is an error, not a crash.
 * - A limit is greater than zero: zero is rejected with SCO_INVALID_ARGUMENT. The
 *   largest value of its type (UINT64_MAX, UINT32_MAX) means no limit.
 * - There is no global and no thread-local state. Which threads may use a handle
 *   is said at its type.
 * - Where Rust code panics, which is a defect, the call returns SCO_INTERNAL.
 *
 * This file is generated: edit src/ffi, not this.
 */

#ifndef SELLERCLOUD_OUTPUT_H
#define SELLERCLOUD_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

/**
 * The body is base64 text, that as a JSON string, or a JSON object that holds
 * it as Content; told apart by the first byte. This is the default.
 */
#define SCO_BODY_BASE64 0

/**
 * The body is the file, byte for byte. Nothing is checked.
 */
#define SCO_BODY_RAW 1

/**
 * SCO_BODY_BASE64 if the body's first 64 KiB can be that, else SCO_BODY_RAW. A
 * guess: a raw file of nothing but letters and digits may be taken for base64.
 */
#define SCO_BODY_AUTO 2

/**
 * It waits for its turn.
 */
#define SCO_JOB_SUBMITTED 0

/**
 * It is at work.
 */
#define SCO_JOB_PROCESSING 1

/**
 * It ended with success.
 */
#define SCO_JOB_COMPLETED 3

/**
 * It ended without.
 */
#define SCO_JOB_ENDED_AS_FAILED 4

/**
 * It ended with success for some of its records; there is an output file.
 */
#define SCO_JOB_PARTIAL_SUCCESS 5

/**
 * Somebody has to let it go on.
 */
#define SCO_JOB_ON_HOLD 6

/**
 * Somebody cancelled it.
 */
#define SCO_JOB_CANCELLED 7

/**
 * It was cancelled as the server restarted.
 */
#define SCO_JOB_CANCELLED_SERVICE_RESTARTED 8

/**
 * It took too long and was aborted.
 */
#define SCO_JOB_ABORTED_TOO_MUCH_TIME_CONSUMED 9

/**
 * Somebody cancelled it at work.
 */
#define SCO_JOB_CANCELLED_WHILE_RUNNING 10

/**
 * What kind of job it is, in the server's words.
 */
#define SCO_JOB_TYPE 0

/**
 * The name of the company that it is for.
 */
#define SCO_JOB_COMPANY_NAME 1

/**
 * Why it failed, in the server's words.
 */
#define SCO_JOB_ERROR_MESSAGE 2

/**
 * When it was submitted: the server's own text, which may lack a time zone.
 */
#define SCO_JOB_SUBMITTED_ON 3

/**
 * When it was begun, likewise.
 */
#define SCO_JOB_STARTED_ON 4

/**
 * When it ended, likewise.
 */
#define SCO_JOB_COMPLETED_ON 5

/**
 * The name of its output file, once there is one.
 */
#define SCO_JOB_OUTPUT_FILE 6

/**
 * The name of its input file.
 */
#define SCO_JOB_INPUT_FILE 7

/**
 * The number of the company that it is for.
 */
#define SCO_JOB_COMPANY_ID 0

/**
 * Its priority, 0 to 3.
 */
#define SCO_JOB_PRIORITY 1

/**
 * How many records it has to process.
 */
#define SCO_JOB_TOTAL_RECORDS 2

/**
 * How many of them it has processed.
 */
#define SCO_JOB_TOTAL_PROCESSED 3

/**
 * How many with success.
 */
#define SCO_JOB_TOTAL_SUCCEEDED 4

/**
 * How many without.
 */
#define SCO_JOB_TOTAL_FAILED 5

/**
 * How many phases it has.
 */
#define SCO_JOB_TOTAL_PHASES 6

/**
 * In which phase it is.
 */
#define SCO_JOB_CURRENT_PHASE 7

/**
 * How many items the phase has.
 */
#define SCO_JOB_TOTAL_ITEMS_IN_PHASE 8

/**
 * How many of them are processed.
 */
#define SCO_JOB_TOTAL_PROCESSED_IN_PHASE 9

/**
 * Where a file of the same name is there already: fail with SCO_IO, and leave
 * it alone. The default.
 */
#define SCO_IF_EXISTS_FAIL 0

/**
 * Replace it. Who has it open goes on reading the old one.
 */
#define SCO_IF_EXISTS_REPLACE 1

/**
 * Save as the first that is free of "report (1).csv", "report (2).csv"...
 */
#define SCO_IF_EXISTS_NUMBER 2

/**
 * Cancels calls. Made by sco_cancel_new, freed with sco_cancel_free. Any number
 * of threads may use it at once; also in a signal handler's thread, but not in
 * the handler.
 */
typedef struct sco_cancel sco_cancel;

/**
 * A client of one server, for one user. Made by sco_client_new, freed with
 * sco_client_free. Any number of threads may use it at once; it keeps its
 * connections for the next call.
 */
typedef struct sco_client sco_client;

/**
 * Options for a client. Made by sco_config_new, freed with sco_config_free;
 * clients made with it keep their own copy. One thread at a time may use it.
 */
typedef struct sco_config sco_config;

/**
 * What went wrong, in detail. Made by a call that failed and was given a place
 * for it; owned by the caller; freed with sco_error_free. Any number of threads
 * may read it at once.
 */
typedef struct sco_error sco_error;

/**
 * What is known of an output file that was saved or written. Made by
 * sco_save_output_file, sco_write_output_file and sco_output_file_save, freed
 * with sco_file_info_free. Any number of threads may read it at once.
 */
typedef struct sco_file_info sco_file_info;

/**
 * A queued job as the server told of it. Made by sco_get_job and the waiting
 * calls, freed with sco_job_free, unless it belongs to an error. Any number of
 * threads may read it at once.
 */
typedef struct sco_job sco_job;

/**
 * Options for calls. Made by sco_options_new, freed with sco_options_free. One
 * thread at a time may change it; any number of calls may use it meanwhile
 * that nobody does.
 */
typedef struct sco_options sco_options;

/**
 * A job's output file, in memory. Made by sco_get_output_file, freed with
 * sco_output_file_free. Any number of threads may read it at once. What its
 * functions point to belongs to it and is there until it is freed.
 */
typedef struct sco_output_file sco_output_file;

/**
 * Where a token callback puts the token. It lives as long as that call.
 */
typedef struct sco_token sco_token;

/**
 * The outcome of a call: SCO_OK, or the kind of the error. The numbers only
 * grow; a number keeps its meaning for good. Treat one that you do not know
 * as an error.
 */
typedef int32_t sco_status;

/**
 * Gives the token for one request, by sco_token_set, and returns 0; any other
 * number ends the call with SCO_AUTHENTICATION. renew is 1 if the server has
 * just refused the token that was given last, else 0; to give the same again
 * ends the call as well.
 *
 * Called on the threads that make calls, by several at once. It must return,
 * not throw or jump out; it may call the library, but make no call with the
 * client that asks.
 */
typedef int32_t (*sco_token_fn)(void *context, int32_t renew, sco_token *token);

/**
 * One request and what came of it, for a log. It holds no token, password or
 * body, and lives as long as the callback's call. Later versions may add members
 * at the end: size says which are there.
 */
typedef struct {
  /**
   * The size of this structure, in bytes.
   */
  size_t size;
  /**
   * "GET" or "POST".
   */
  const char *method;
  /**
   * The URL that was asked for.
   */
  const char *url;
  /**
   * Why there was no answer, or not all of it; else NULL.
   */
  const char *error;
  /**
   * How many bytes of the answer's body were read, as they were sent.
   */
  uint64_t bytes;
  /**
   * From the request's beginning to the end of the answer's body.
   */
  double seconds;
  /**
   * The HTTP status code; 0 where there was no answer.
   */
  int32_t status;
  /**
   * Which attempt of the call this was; the first is 1.
   */
  uint32_t attempt;
} sco_request;

/**
 * Is called with the record of a request that has ended. It has no result: a log
 * never decides a call's outcome. Called on the threads that make calls, by several
 * at once; the record of a login comes when the login is over. It must return, not
 * throw or jump out; it may make calls, also with the same client.
 */
typedef void (*sco_log_fn)(void *context, const sco_request *request);

/**
 * Takes the next length bytes of a file, which is never 0; data is there until
 * the callback returns. Returns 0 to go on; any other number ends the call with
 * SCO_IO.
 *
 * Called on the thread that makes the call. It must return, not throw or jump
 * out; it may call the library.
 */
typedef int32_t (*sco_write_fn)(void *context, const uint8_t *data, size_t length);

/**
 * Tells whether the call is to be cancelled: 0 to go on, any other number to cancel.
 *
 * Called on the thread that makes the call. It must return, not throw or jump
 * out; it may call the library, but not with the options that it is in.
 */
typedef int32_t (*sco_interrupt_fn)(void *context);

/**
 * How far a file's transfer has come. Lives as long as the callback's call.
 * Later versions may add members at the end: size says which are there.
 */
typedef struct {
  /**
   * The size of this structure, in bytes.
   */
  size_t size;
  /**
   * Bytes of the answer's body received in this attempt, as they are sent:
   * encoded, and compressed if the server does so.
   */
  uint64_t received;
  /**
   * How many there will be, if total_is_known.
   */
  uint64_t total;
  /**
   * 1 if the server said how many bytes there will be, else 0.
   */
  int32_t total_is_known;
  /**
   * Which attempt this is; the first is 1. With a new one received starts over.
   */
  uint32_t attempt;
} sco_progress;

/**
 * Is told how a transfer goes: at the beginning of each attempt and after every
 * piece that came. Returns 0 to go on, and any other number to cancel the call.
 *
 * Called on the thread that makes the call. It must return, not throw or jump
 * out; it may call the library.
 */
typedef int32_t (*sco_progress_fn)(void *context, const sco_progress *progress);

/**
 * Success.
 */
#define SCO_OK 0

/**
 * An argument cannot be used; nothing was sent.
 */
#define SCO_INVALID_ARGUMENT 1

/**
 * HTTP 401: the token, or the user name and password, are not accepted.
 */
#define SCO_AUTHENTICATION 2

/**
 * HTTP 403: the user may not do this.
 */
#define SCO_FORBIDDEN 3

/**
 * HTTP 404: the server does not know this.
 */
#define SCO_NOT_FOUND 4

/**
 * HTTP 429, or "Too many requests": too many calls from this IP address.
 */
#define SCO_RATE_LIMITED 5

/**
 * HTTP 500 to 599: the server failed, or does not know the job (yet).
 */
#define SCO_SERVER 6

/**
 * Any other HTTP status but 200.
 */
#define SCO_UNEXPECTED_STATUS 7

/**
 * No connection, or it broke before the answer was complete.
 */
#define SCO_CONNECTION 8

/**
 * TLS: the certificate, or the handshake.
 */
#define SCO_TLS 9

/**
 * A time limit was met.
 */
#define SCO_TIMEOUT 10

/**
 * The caller cancelled.
 */
#define SCO_CANCELLED 11

/**
 * The answer is not a file in the expected form.
 */
#define SCO_MALFORMED_BODY 12

/**
 * The file is larger than the limit.
 */
#define SCO_TOO_LARGE 13

/**
 * The file could not be kept: disk, memory, permissions.
 */
#define SCO_IO 14

/**
 * A defect of this library; please report it. The client can be used on.
 */
#define SCO_INTERNAL 15

/**
 * The job ended without success: failed, cancelled or aborted on the server.
 */
#define SCO_JOB_FAILED 16

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library that is running, such as "0.1.0".
 *
 * The string is static. Any thread may call this at any time.
 */
const char *sco_version(void);

/**
 * A few words that name a status, such as "rate limited"; "ok" for SCO_OK,
 * "unknown status" for a number that this version does not know. The string is
 * static.
 */
const char *sco_status_string(sco_status status);

/**
 * The status that the failed call returned; SCO_OK if error is NULL.
 */
sco_status sco_error_kind(const sco_error *error);

/**
 * What happened, where, and what to do, for people: one line of UTF-8. It never
 * holds a token or a password. Owned by the error. NULL if error is NULL.
 */
const char *sco_error_message(const sco_error *error);

/**
 * The HTTP status code where the server's answer is the error, such as 500;
 * else 0.
 */
int32_t sco_error_http_status(const sco_error *error);

/**
 * 1 if the same call may succeed later without any change (lost connections,
 * time limits, rate limits, a busy server), else 0.
 */
int32_t sco_error_retry_may_help(const sco_error *error);

/**
 * How many times the request was tried; 0 if it was not, or if error is NULL.
 */
uint32_t sco_error_attempts(const sco_error *error);

/**
 * How many milliseconds to wait before the next call, where the server says
 * so; else -1.
 */
int64_t sco_error_retry_after_ms(const sco_error *error);

/**
 * Returns the operating system's code for an SCO_IO error: an errno value, or on
 * Windows what GetLastError returns. EEXIST (on Windows ERROR_FILE_EXISTS), for
 * example, says that the name is taken. 0 if there is none, or if error is NULL.
 */
int32_t sco_error_os_error(const sco_error *error);

/**
 * Returns the path of the file or directory that an SCO_IO error concerns, in
 * UTF-8. NULL if there is none, or if error is NULL. Owned by the error.
 */
const char *sco_error_path(const sco_error *error);

/**
 * The job as it ended, for SCO_JOB_FAILED; else NULL. It belongs to the error:
 * do not free it.
 */
const sco_job *sco_error_job(const sco_error *error);

/**
 * The first error lines of the log of a job that ended without success, where
 * they could be had, from index 0 on; NULL past the last. They are in the
 * message as well. Owned by the error.
 */
const char *sco_error_log_line(const sco_error *error, size_t index);

/**
 * Frees an error, its message and its job. NULL is allowed.
 */
void sco_error_free(sco_error *error);

/**
 * Options with their defaults. Never NULL. Free it with sco_config_free.
 */
sco_config *sco_config_new(void);

/**
 * How the server writes files into its answers: one of SCO_BODY_BASE64,
 * SCO_BODY_RAW and SCO_BODY_AUTO. SCO_INVALID_ARGUMENT for any other number,
 * or if config is NULL.
 */
sco_status sco_config_set_body_encoding(sco_config *config,
                                        int32_t encoding,
                                        sco_error **error);

/**
 * Sets the size of the largest file to accept, in bytes after decoding. The
 * default is 2 GiB (2147483648) for files in memory, and no limit for files that
 * are saved or written. Zero is rejected; UINT64_MAX means no limit.
 * SCO_INVALID_ARGUMENT if config is NULL or bytes is 0.
 */
sco_status sco_config_set_max_size(sco_config *config, uint64_t bytes, sco_error **error);

/**
 * Whether to allow http:// to hosts other than this machine: 0 (the default)
 * or not 0. The token and the files then travel in the clear.
 * SCO_INVALID_ARGUMENT if config is NULL.
 */
sco_status sco_config_set_allow_plain_http(sco_config *config,
                                           int32_t allow,
                                           sco_error **error);

/**
 * A user name and a password to log in with, in place of a token. The client
 * logs in with the first call that needs it, once however many threads call,
 * and again when the token expires or is refused. Both are copied; the password
 * is wiped from memory when config and its clients are freed.
 * SCO_INVALID_ARGUMENT if a pointer is NULL or a string is not UTF-8.
 */
sco_status sco_config_set_credentials(sco_config *config,
                                      const char *user,
                                      const char *password,
                                      sco_error **error);

/**
 * Gives a token callback's token, which is copied. SCO_INVALID_ARGUMENT if a
 * pointer is NULL or the text is not UTF-8.
 */
sco_status sco_token_set(sco_token *token, const char *token_text, sco_error **error);

/**
 * Asks a callback for the token of every request, for callers who keep tokens
 * elsewhere. context is handed to it, and must be there as long as config and
 * its clients are. SCO_INVALID_ARGUMENT if config or token is NULL.
 */
sco_status sco_config_set_token_callback(sco_config *config,
                                         sco_token_fn token,
                                         void *context,
                                         sco_error **error);

/**
 * The team whose server is meant, in place of a server: it is looked up by the
 * team's name with the first call. SCO_INVALID_ARGUMENT if a pointer is NULL or
 * the name is not UTF-8.
 */
sco_status sco_config_set_team(sco_config *config, const char *team, sco_error **error);

/**
 * Where teams are looked up. The default is "https://api.sellercloud.com".
 * SCO_INVALID_ARGUMENT if a pointer is NULL or the URL is not UTF-8.
 */
sco_status sco_config_set_team_directory(sco_config *config,
                                         const char *url,
                                         sco_error **error);

/**
 * Sets the time limits, in milliseconds. connect: for a connection, with name
 * lookup, proxy and TLS together; the default is 30000. stall: how long the
 * server may be silent; the default is 60000. whole: for a whole call, with
 * login, retries and waits; the default is 3600000, and 24 hours for calls that
 * wait for a job, whatever is set here. sco_options_set_timeout, for one call,
 * takes precedence over whole. Zero is rejected; UINT64_MAX means no limit.
 * SCO_INVALID_ARGUMENT if config is NULL or a limit is 0.
 */
sco_status sco_config_set_timeouts(sco_config *config,
                                   uint64_t connect,
                                   uint64_t stall,
                                   uint64_t whole,
                                   sco_error **error);

/**
 * Sets when a request is retried. attempts: how many times to try, the first one
 * included; the default is 5, and 1 means no retry. Zero is rejected; UINT32_MAX
 * means no limit but the time of the call. base_ms: the longest wait before the
 * second attempt, doubled for each later one; the default is 1000. longest_ms: the
 * longest wait; the default is 30000. The wait is chosen at random up to that, and
 * what the server asks for is added. These two are not limits: zero means to retry
 * at once. SCO_INVALID_ARGUMENT if config is NULL or attempts is 0.
 */
sco_status sco_config_set_retry(sco_config *config,
                                uint32_t attempts,
                                uint64_t base_ms,
                                uint64_t longest_ms,
                                sco_error **error);

/**
 * Sets whether a response with status 500 is retried as well: 0 (the default) or
 * not 0. The server uses 500 also for errors that a retry does not help, such as a
 * job that does not exist. Independent of sco_config_set_retry.
 * SCO_INVALID_ARGUMENT if config is NULL.
 */
sco_status sco_config_set_retry_server_errors(sco_config *config,
                                              int32_t enabled,
                                              sco_error **error);

/**
 * The proxy for every server, such as "http://user:password@proxy:3128" (user
 * name and password percent-encoded); "" for none. Unless set, the environment
 * says it: https_proxy or http_proxy by the server's scheme, else all_proxy, in
 * lowercase or uppercase; no_proxy lists the hosts that are reached without. A
 * server on loopback is never reached through a proxy. SCO_INVALID_ARGUMENT if a pointer is NULL or the URL is not UTF-8; a URL that
 * is no proxy's is refused by sco_client_new.
 */
sco_status sco_config_set_proxy(sco_config *config,
                                const char *url,
                                sco_error **error);

/**
 * Trusts CA certificates besides those that the system trusts. pem: one or
 * more of them in PEM, or one in DER, length bytes; they are copied.
 * SCO_INVALID_ARGUMENT if a pointer is NULL; certificates that cannot be used are refused by
 * sco_client_new.
 */
sco_status sco_config_add_ca_certificates(sco_config *config,
                                          const uint8_t *pem,
                                          size_t length,
                                          sco_error **error);

/**
 * Shows a certificate to servers that ask for one. chain: the certificate with
 * its chain, and key: its private key, both in PEM with their lengths in bytes;
 * they may be in one text. They are copied. SCO_INVALID_ARGUMENT if a pointer is
 * NULL; a certificate that cannot be used is refused by sco_client_new.
 */
sco_status sco_config_set_client_certificate(sco_config *config,
                                             const uint8_t *chain,
                                             size_t chain_length,
                                             const uint8_t *key,
                                             size_t key_length,
                                             sco_error **error);

/**
 * Tells a callback of every request; NULL for none, which is the default.
 * context is handed to it, and must be there as long as config and its clients
 * are. SCO_INVALID_ARGUMENT if config is NULL.
 */
sco_status sco_config_set_log(sco_config *config,
                              sco_log_fn log,
                              void *context,
                              sco_error **error);

/**
 * Frees options. NULL is allowed. Clients made with them are not affected.
 */
void sco_config_free(sco_config *config);

/**
 * Makes a client. Nothing is sent yet.
 *
 * server: a server id ("tt" means https://tt.api.sellercloud.com/rest) or a
 * base URL; NULL where config names a team. token: the bearer token, alone; it
 * is copied, and wiped from memory when the client is freed; NULL where config
 * has a user name and password or a token callback. config: options, or NULL
 * for the defaults; it may be freed or changed afterwards.
 *
 * On success *client is a new client, which the caller frees with
 * sco_client_free; else it is NULL. SCO_INVALID_ARGUMENT if the server, the
 * token or an option cannot be used, is missing, or is not UTF-8.
 */
sco_status sco_client_new(const char *server,
                          const char *token,
                          const sco_config *config,
                          sco_client **client,
                          sco_error **error);

/**
 * Frees a client. NULL is allowed. No call may be using it. Files and errors
 * that it gave stay.
 */
void sco_client_free(sco_client *client);

/**
 * Reads a job's id from text: the id itself, or the QueuedJobLink that the
 * server answered when the job was created, such as
 * "/queued-jobs/queued-job-details.aspx?id=2206923", absolute or relative.
 *
 * On success *job is the id; else 0. SCO_INVALID_ARGUMENT if the text names no
 * job, is NULL, or is not UTF-8.
 */
sco_status sco_job_id_from_text(const char *job_text, int64_t *job, sco_error **error);

/**
 * Fetches a job's output file into memory. Blocks until the file is complete
 * or the call has failed; any number of threads may do so with one client.
 *
 * job: the job's id, 1 to 2147483647. options: for this call, or NULL.
 *
 * On success *file is the file, which the caller frees with
 * sco_output_file_free; else it is NULL. Any status is possible;
 * SCO_INVALID_ARGUMENT if client or file is NULL or the id is out of range.
 */
sco_status sco_get_output_file(const sco_client *client,
                               int64_t job,
                               const sco_options *options,
                               sco_output_file **file,
                               sco_error **error);

/**
 * Saves a job's output file under its name in a folder, which must exist. It is
 * decoded as it arrives, into a temporary file there that gets the name when it
 * is complete: the file appears whole or not at all, with the permissions that
 * the process gives new files. Needs about 1 MiB of memory, whatever the
 * file's size.
 *
 * job: the job's id. folder: the directory's path in UTF-8; "." for the current
 * one, while an empty path is rejected. options: for this call (sco_options_set_save has those for saving), or NULL.
 * info: where to put what was saved, with its path, for the caller to free with
 * sco_file_info_free; NULL where it does not matter.
 *
 * Any status is possible. SCO_IO if the file cannot be written, also where one
 * of that name is there already, which is left alone unless the options say
 * otherwise; the error's message has the path. SCO_INVALID_ARGUMENT if client or
 * folder is NULL, or folder is empty or not UTF-8.
 */
sco_status sco_save_output_file(const sco_client *client,
                                int64_t job,
                                const char *folder,
                                const sco_options *options,
                                sco_file_info **info,
                                sco_error **error);

/**
 * Hands a job's output file to a callback as it arrives, decoded. Needs about
 * 1 MiB of memory, whatever the file's size.
 *
 * On an error the callback may have been given a part: only SCO_OK means that
 * the file is complete. The call is tried again only while nothing was handed
 * out.
 *
 * job: the job's id. write: the callback; context is handed to it. options: for
 * this call, or NULL. info: where to put what is known of the file, for the
 * caller to free with sco_file_info_free; NULL where it does not matter.
 *
 * Any status is possible. SCO_IO if the callback returned another number than
 * 0, SCO_INVALID_ARGUMENT if client or write is NULL.
 */
sco_status sco_write_output_file(const sco_client *client,
                                 int64_t job,
                                 sco_write_fn write,
                                 void *context,
                                 const sco_options *options,
                                 sco_file_info **info,
                                 sco_error **error);

/**
 * Asks how far a job is. However it ended, it is told: that is no error.
 *
 * job: the job's id. options: for this call, or NULL.
 *
 * On success *queued_job is the job, which the caller frees with sco_job_free;
 * else it is NULL. Any status but SCO_JOB_FAILED is possible.
 */
sco_status sco_get_job(const sco_client *client,
                       int64_t job,
                       const sco_options *options,
                       sco_job **queued_job,
                       sco_error **error);

/**
 * Waits until a job has ended with success, at least for some of its records
 * (SCO_JOB_PARTIAL_SUCCESS). "Could not find" is taken as "not yet" at first.
 *
 * job: the job's id. options: for this call, or NULL; the limit is 24 hours
 * unless they say otherwise.
 *
 * On success *queued_job is the job, which the caller frees with sco_job_free;
 * else it is NULL. SCO_JOB_FAILED if it ended otherwise: sco_error_job tells
 * the job. SCO_TIMEOUT if it did not end in time.
 */
sco_status sco_wait_for_job(const sco_client *client,
                            int64_t job,
                            const sco_options *options,
                            sco_job **queued_job,
                            sco_error **error);

/**
 * Waits for a job as sco_wait_for_job does, and fetches its output file.
 *
 * queued_job: where to put the job as it ended, for the caller to free with
 * sco_job_free; NULL where it does not matter.
 *
 * On success *file is the file, which the caller frees with
 * sco_output_file_free; else both are NULL. Any status is possible.
 */
sco_status sco_wait_for_output_file(const sco_client *client,
                                    int64_t job,
                                    const sco_options *options,
                                    sco_job **queued_job,
                                    sco_output_file **file,
                                    sco_error **error);

/**
 * Waits for a job as sco_wait_for_job does, and saves its output file as
 * sco_save_output_file does. The folder, and the name if the options have one, are
 * checked before the wait begins.
 *
 * job: the job's id. folder: the directory's path in UTF-8; "." for the current
 * one, while an empty path is rejected. options: for this call, or NULL; the limit
 * is 24 hours unless they set another. queued_job: where to put the job as it
 * ended, for the caller to free with sco_job_free; NULL where it does not matter.
 * info: where to put what was saved, with its path, for the caller to free with
 * sco_file_info_free; NULL where it does not matter.
 *
 * Both are set on success only. Any status is possible. SCO_INVALID_ARGUMENT if
 * client or folder is NULL, or folder is empty or not UTF-8.
 */
sco_status sco_wait_and_save_output_file(const sco_client *client,
                                         int64_t job,
                                         const char *folder,
                                         const sco_options *options,
                                         sco_job **queued_job,
                                         sco_file_info **info,
                                         sco_error **error);

/**
 * Waits for a job as sco_wait_for_job does, and passes its output file to a
 * callback as sco_write_output_file does.
 *
 * job: the job's id. write: the callback; context is passed to it. options: for
 * this call, or NULL; the limit is 24 hours unless they set another. queued_job:
 * where to put the job as it ended, for the caller to free with sco_job_free; NULL
 * where it does not matter. info: where to put what is known of the file, for the
 * caller to free with sco_file_info_free; NULL where it does not matter.
 *
 * Both are set on success only. Any status is possible. SCO_IO if the callback
 * returned another number than 0, SCO_INVALID_ARGUMENT if client or write is NULL.
 */
sco_status sco_wait_and_write_output_file(const sco_client *client,
                                          int64_t job,
                                          sco_write_fn write,
                                          void *context,
                                          const sco_options *options,
                                          sco_job **queued_job,
                                          sco_file_info **info,
                                          sco_error **error);

/**
 * The file's bytes, as many as sco_output_file_len says, without a NUL at the
 * end. Never NULL for a file, also where it is empty. NULL if file is NULL.
 */
const uint8_t *sco_output_file_data(const sco_output_file *file);

/**
 * How many bytes the file has. 0 if file is NULL.
 */
size_t sco_output_file_len(const sco_output_file *file);

/**
 * The file's name in UTF-8, safe on Windows and Unix: never a path, never
 * empty, at most 255 bytes. NULL if file is NULL.
 */
const char *sco_output_file_name(const sco_output_file *file);

/**
 * 1 if the server gave no name that could be used, so that the name is
 * "output-{job}" with the extension of the content type, if that is known;
 * else 0.
 */
int32_t sco_output_file_name_is_made_up(const sco_output_file *file);

/**
 * The answer's Content-Type, such as "text/csv; charset=utf-8"; NULL if it had
 * none, or if file is NULL. Servers that send base64 may name the type of the
 * text (JSON, say) and not that of the file.
 */
const char *sco_output_file_content_type(const sco_output_file *file);

/**
 * Saves the file under its name in a folder, which must exist. It appears
 * there whole or not at all, with the permissions that the process gives new
 * files.
 *
 * folder: the directory's path in UTF-8; "." for the current one, while an empty
 * path is rejected. options: for their part that sco_options_set_save sets, or NULL. info: where to put what was saved,
 * with its path, for the caller to free with sco_file_info_free; NULL where it
 * does not matter.
 *
 * SCO_IO if it cannot be saved, also where a file of that name is there
 * already, which is left alone unless the options say otherwise; the error's
 * message has the path. SCO_INVALID_ARGUMENT if file or folder is NULL, or
 * folder is empty or not UTF-8.
 */
sco_status sco_output_file_save(const sco_output_file *file,
                                const char *folder,
                                const sco_options *options,
                                sco_file_info **info,
                                sco_error **error);

/**
 * Frees a file with all that its functions pointed to. NULL is allowed.
 *
 * On Linux the memory of large files, at most 128 MiB in all, stays with the
 * client that fetched them, while there is one, for the next files; it counts as
 * resident until the system takes it for something else, which it may.
 */
void sco_output_file_free(sco_output_file *file);

/**
 * The server's name for the file, as sco_output_file_name. NULL if info is NULL.
 */
const char *sco_file_info_name(const sco_file_info *info);

/**
 * As sco_output_file_name_is_made_up.
 */
int32_t sco_file_info_name_is_made_up(const sco_file_info *info);

/**
 * How many bytes the file has. 0 if info is NULL.
 */
uint64_t sco_file_info_len(const sco_file_info *info);

/**
 * As sco_output_file_content_type.
 */
const char *sco_file_info_content_type(const sco_file_info *info);

/**
 * Where the file is: in the folder that was given, which may be a relative
 * path. NULL if it was not saved, or if info is NULL.
 */
const char *sco_file_info_path(const sco_file_info *info);

/**
 * Frees what is known of a file, with all that its functions pointed to; the
 * file itself stays. NULL is allowed.
 */
void sco_file_info_free(sco_file_info *info);

/**
 * The job's id; 0 if job is NULL.
 */
int64_t sco_job_id(const sco_job *job);

/**
 * How far the job is, or how it ended: one of SCO_JOB_SUBMITTED to
 * SCO_JOB_CANCELLED_WHILE_RUNNING, or a number that this version does not know;
 * -1 if the server gave a name that it does not know, or if job is NULL.
 */
int32_t sco_job_status(const sco_job *job);

/**
 * The status in the server's words, such as "PartialSuccess". Owned by the job.
 * NULL if job is NULL.
 */
const char *sco_job_status_name(const sco_job *job);

/**
 * 1 if the job is over, in whatever way, else 0.
 */
int32_t sco_job_is_final(const sco_job *job);

/**
 * A text of the job: field is one of SCO_JOB_TYPE to SCO_JOB_INPUT_FILE. Owned
 * by the job. NULL where the server gave none, for any other field, or if job
 * is NULL.
 */
const char *sco_job_text(const sco_job *job, int32_t field);

/**
 * A number of the job: field is one of SCO_JOB_COMPANY_ID to
 * SCO_JOB_TOTAL_PROCESSED_IN_PHASE. -1 where the server gave none, for any other
 * field, or if job is NULL.
 */
int64_t sco_job_number(const sco_job *job, int32_t field);

/**
 * Frees a job. NULL is allowed. Do not free one that belongs to an error.
 */
void sco_job_free(sco_job *job);

/**
 * A cancel token that is not pulled. Never NULL. Free it with sco_cancel_free.
 */
sco_cancel *sco_cancel_new(void);

/**
 * Cancels every call whose options have this token, now and later: they return
 * SCO_CANCELLED within a quarter of a second, whatever they wait for. NULL is
 * allowed, and cancels nothing.
 */
void sco_cancel_pull(const sco_cancel *cancel);

/**
 * 1 if the token was pulled, else 0.
 */
int32_t sco_cancel_is_pulled(const sco_cancel *cancel);

/**
 * Frees a cancel token. NULL is allowed. Options that have it keep what they need.
 */
void sco_cancel_free(sco_cancel *cancel);

/**
 * Options with their defaults. Never NULL. Free it with sco_options_free.
 */
sco_options *sco_options_new(void);

/**
 * Sets the longest time that a call may take, with login, retries and waits, in
 * milliseconds. The default is what sco_config_set_timeouts sets, and 24 hours for
 * calls that wait for a job. Zero is rejected; UINT64_MAX means no limit.
 * SCO_INVALID_ARGUMENT if options is NULL or milliseconds is 0.
 */
sco_status sco_options_set_timeout(sco_options *options,
                                   uint64_t milliseconds,
                                   sco_error **error);

/**
 * What cancels a call; NULL for nothing. The token may be freed afterwards: the
 * options keep what they need. SCO_INVALID_ARGUMENT if options is NULL.
 */
sco_status sco_options_set_cancel(sco_options *options,
                                  const sco_cancel *cancel,
                                  sco_error **error);

/**
 * Who is asked whether the call is to be cancelled, several times a second
 * whatever the call waits for and while bytes come; NULL for nobody. context is
 * handed to it. For programs that learn on the call's own thread that it is to
 * end: from a flag that a signal handler sets, or from an interpreter.
 * SCO_INVALID_ARGUMENT if options is NULL.
 */
sco_status sco_options_set_interrupt(sco_options *options,
                                     sco_interrupt_fn interrupt,
                                     void *context,
                                     sco_error **error);

/**
 * Who is told how a file's transfer goes; NULL for nobody. context is handed to
 * it. SCO_INVALID_ARGUMENT if options is NULL.
 */
sco_status sco_options_set_progress(sco_options *options,
                                    sco_progress_fn progress,
                                    void *context,
                                    sco_error **error);

/**
 * Sets how to wait for a job, in milliseconds. first: the interval before the
 * second request for the job's status; the default is 1000, and every later
 * interval is the one before multiplied by 1.5. longest: the longest of these
 * intervals; the default is 30000. grace: for how long "could not find" is taken as
 * "not yet", and a server that cannot be reached as one that will come back; the
 * default is 120000. An interval of zero is rejected, and one below 100 counts as
 * 100; a grace of zero means no grace, and UINT64_MAX means that it does not end before the call.
 * SCO_INVALID_ARGUMENT if options is NULL, or first or longest is 0.
 */
sco_status sco_options_set_wait(sco_options *options,
                                uint64_t first,
                                uint64_t longest,
                                uint64_t grace,
                                sco_error **error);

/**
 * Sets whether a job on hold ends the wait at once with SCO_JOB_FAILED: not 0 (the
 * default) or 0. With 0 the wait goes on until a user releases the job or the time
 * is over. Independent of sco_options_set_wait. SCO_INVALID_ARGUMENT if options is
 * NULL.
 */
sco_status sco_options_set_fail_on_hold(sco_options *options,
                                        int32_t enabled,
                                        sco_error **error);

/**
 * How to save files. name: the file's name; NULL, the default, for the
 * server's. if_exists: one of SCO_IF_EXISTS_FAIL, SCO_IF_EXISTS_REPLACE and
 * SCO_IF_EXISTS_NUMBER; each is free of races among threads and processes.
 * sync: whether to wait until the file is on the disk, so that not even a power
 * failure can lose it or leave half of it; not 0 (the default) or 0.
 * SCO_INVALID_ARGUMENT if options is NULL, if_exists is none of these, or name
 * is not UTF-8.
 */
sco_status sco_options_set_save(sco_options *options,
                                const char *name,
                                int32_t if_exists,
                                int32_t sync,
                                sco_error **error);

/**
 * Frees options. NULL is allowed. No call may be using them.
 */
void sco_options_free(sco_options *options);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SELLERCLOUD_OUTPUT_H */
