/*
 * sellercloud-output: fetches the output file of a Sellercloud queued job.
 *
 * The least program, errors left out:
 *
 *     sco_client *client;
 *     sco_output_file *file;
 *     sco_client_new("tt", "the bearer token", NULL, &client, NULL);
 *     sco_get_output_file(client, 28142, &file, NULL);
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
 * - Handles (sco_client, sco_config, sco_output_file, sco_error) are made by
 *   this library and freed with its own sco_..._free, once. Those take NULL.
 * - Strings are UTF-8 and end with NUL. Strings given are copied; strings got
 *   belong to the handle they came from, and are there until it is freed.
 * - NULL where something is needed is an error, not a crash.
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
 * A job's output file, in memory. Made by sco_get_output_file, freed with
 * sco_output_file_free. Any number of threads may read it at once. What its
 * functions point to belongs to it and is there until it is freed.
 */
typedef struct sco_output_file sco_output_file;

/**
 * The outcome of a call: SCO_OK, or the kind of the error. The numbers only
 * grow; a number keeps its meaning for good. Treat one that you do not know
 * as an error.
 */
typedef int32_t sco_status;

/**
 * Success.
 */
#define SCO_OK 0

/**
 * An argument cannot be used; nothing was sent.
 */
#define SCO_INVALID_ARGUMENT 1

/**
 * HTTP 401: the token is wrong or has expired.
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
 * A defect of this library; please report it.
 */
#define SCO_INTERNAL 15

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
 * Frees an error and its message. NULL is allowed.
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
 * The largest file to accept, in bytes after decoding. The default is 2 GiB
 * (2147483648). SCO_INVALID_ARGUMENT if config is NULL.
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
 * Frees options. NULL is allowed. Clients made with them are not affected.
 */
void sco_config_free(sco_config *config);

/**
 * Makes a client. Nothing is sent yet.
 *
 * server: a server id ("tt" means https://tt.api.sellercloud.com/rest) or a
 * base URL. token: the bearer token, alone; it is copied, and wiped from memory
 * when the client is freed. config: options, or NULL for the defaults; it may
 * be freed or changed afterwards.
 *
 * On success *client is a new client, which the caller frees with
 * sco_client_free; else it is NULL. SCO_INVALID_ARGUMENT if the server or the
 * token cannot be used, is NULL, or is not UTF-8.
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
 * job: the job's id, 1 to 2147483647.
 *
 * On success *file is the file, which the caller frees with
 * sco_output_file_free; else it is NULL. Any status is possible;
 * SCO_INVALID_ARGUMENT if client or file is NULL or the id is out of range.
 */
sco_status sco_get_output_file(const sco_client *client,
                               int64_t job,
                               sco_output_file **file,
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
 * Saves the file under its name in a folder, which must exist: as folder, a
 * slash, and sco_output_file_name. It appears there whole or not at all, with
 * the permissions that the process gives new files.
 *
 * folder: a path in UTF-8; "." for the current folder.
 *
 * SCO_IO if it cannot be saved, also where a file of that name is there
 * already, which is left alone; the error's message has the path.
 * SCO_INVALID_ARGUMENT if file or folder is NULL or folder is not UTF-8.
 */
sco_status sco_output_file_save(const sco_output_file *file,
                                const char *folder,
                                sco_error **error);

/**
 * Frees a file with all that its functions pointed to. NULL is allowed.
 */
void sco_output_file_free(sco_output_file *file);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SELLERCLOUD_OUTPUT_H */
