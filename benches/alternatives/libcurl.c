/*
 * libcurl, and the decoder of the base64 library that pybase64 carries, measured.
 *
 *     libcurl discard|decode URL JOB CALLS THREADS [CA]
 *
 * Each thread has a handle of its own, which keeps its connection. The text is
 * received into memory of the length that the server states.
 */

#include <curl/curl.h>
#include "libbase64.h"
#include "measure.h"

static char url[4096];
static const char *ca;
static int decodes;

struct text {
    CURL *handle;
    char *data;
    size_t length, room;
};

static size_t receive(char *data, size_t one, size_t length, void *context)
{
    struct text *text = context;
    (void)one;
    if (!decodes)
        return length;
    if (text->data == NULL) {
        curl_off_t whole = 0;
        curl_easy_getinfo(text->handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &whole);
        text->room = (size_t)whole;
        text->data = malloc(text->room);
    }
    if (text->data == NULL || length > text->room - text->length)
        return 0;
    memcpy(text->data + text->length, data, length);
    text->length += length;
    return length;
}

static void *begin(void)
{
    CURL *handle = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Authorization: Bearer token");
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, 128L * 1024);
    if (ca != NULL)
        curl_easy_setopt(handle, CURLOPT_CAINFO, ca);
    return handle;
}

static void call(void *mine)
{
    struct text text = {mine, NULL, 0, 0};
    curl_easy_setopt(mine, CURLOPT_WRITEDATA, &text);
    CURLcode code = curl_easy_perform(mine);
    if (code != CURLE_OK) {
        fprintf(stderr, "%s\n", curl_easy_strerror(code));
        exit(1);
    }
    if (!decodes)
        return;
    size_t length = 0;
    char *bytes = malloc(text.length / 4 * 3 + 3);
    if (bytes == NULL || base64_decode(text.data, text.length, bytes, &length, 0) != 1) {
        fprintf(stderr, "not base64\n");
        exit(1);
    }
    free(text.data);
    free(bytes);
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "libcurl discard|decode URL JOB CALLS THREADS [CA]\n");
        return 2;
    }
    decodes = strcmp(argv[1], "decode") == 0;
    snprintf(url, sizeof url, "%s/api/QueuedJobs/OutputFile/%s", argv[2], argv[3]);
    ca = argc > 6 ? argv[6] : NULL;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct measured all = {atoi(argv[4]), atoi(argv[5]), begin, call, {{0}}};
    measure(&all);
    return 0;
}
