#include "remote/http_exchange.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/error.h"
#include "remote/address.h"
#include "remote/http_handle.h"

/* Of the memory for a body at first. */
#define FIRST_ROOM ((size_t)8 << 10)

/* The delay before a second try is a random part of this, then of twice as much. */
#define FIRST_DELAY INT64_C (200000)

static const struct {
    unsigned n_tries;
    long connect_ms;
} reaches[] = {
    [AREC_HTTP_REACH_SERVERS] = {3, 5000},
    [AREC_HTTP_REACH_METADATA] = {2, 1000},
};

/* One try. */
typedef struct {
    const ArecHttpExchange *exchange;
    const ArecCurl *curl;
    CURL *easy;
    CURLM *multi;
    struct curl_slist *headers;
    ArecHttpReply reply; /* as far as it has come */
    size_t head_size;
    bool has_proof;
    const char *refusal; /* why there is no answer; NULL: nothing went wrong yet */
    ArecError code;      /* with a refusal */
    bool is_passing;     /* what failed may succeed the next time */
    char error[CURL_ERROR_SIZE];
} Try;

void
arec_http_reply_clear (ArecHttpReply *reply)
{
    arec_secrets_clear (&reply->memory);
    *reply = (ArecHttpReply){0};
}

static bool
refuse (Try *try, ArecError code, const char *what)
{
    try->code = code;
    try->refusal = what;
    return false;
}

/* ---- what libcurl calls ---- */

static bool
allow (Try *try, ArecAddressKind kind)
{
    return try->exchange->reach == AREC_HTTP_REACH_METADATA || kind != AREC_ADDRESS_FORBIDDEN ||
           refuse (try, AREC_ERROR_NOT_FOUND,
                   "its address is link-local or that of a metadata server");
}

static curl_socket_t
on_open_socket (void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    Try *try = data;

    (void)purpose;
    if (!allow (try, arec_address_kind (&address->addr))) {
        return CURL_SOCKET_BAD;
    }
    return socket (address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Whether a line of the head is the header @wanted. */
static bool
is_header (const char *line, size_t size, const char *wanted)
{
    g_autofree char *copy = g_strndup (line, size);

    return strcasecmp (g_strstrip (copy), wanted) == 0;
}

static size_t
on_header (char *line, size_t size, size_t n, void *data)
{
    Try *try = data;

    n *= size;
    try->head_size += n;
    if (try->head_size > AREC_HTTP_EXCHANGE_MAX_HEAD) {
        refuse (try, AREC_ERROR_LIMIT, "the headers of its answer are longer than 64 KiB");
        return 0;
    }
    if (try->exchange->proof && is_header (line, n, try->exchange->proof)) {
        try->has_proof = true;
    }
    return n;
}

/* Room for @more bytes and a NUL; what was there moves. */
static bool
reserve (ArecHttpReply *reply, size_t more)
{
    const size_t wanted = reply->size + more + 1;
    ArecSecrets larger;

    if (wanted <= reply->memory.size) {
        return true;
    }
    if (!arec_secrets_init (&larger, MAX (2 * wanted, FIRST_ROOM))) {
        return false;
    }
    if (reply->size > 0) {
        memcpy (larger.memory, reply->memory.memory, reply->size);
    }
    arec_secrets_clear (&reply->memory);
    reply->memory = larger;
    return true;
}

static size_t
on_body (char *bytes, size_t size, size_t n, void *data)
{
    Try *try = data;
    ArecHttpReply *reply = &try->reply;

    n *= size;
    if (n > AREC_HTTP_EXCHANGE_MAX_BODY - reply->size) {
        refuse (try, AREC_ERROR_LIMIT, "its answer is longer than 1 MiB");
        return 0;
    }
    if (!reserve (reply, n)) {
        refuse (try, AREC_ERROR_NOMEM, "no memory for its answer");
        return 0;
    }
    memcpy (reply->memory.memory + reply->size, bytes, n);
    reply->size += n;
    return n;
}

/* ---- one try ---- */

static bool
add_header (Try *try, const char *line)
{
    struct curl_slist *longer = try->curl->slist_append (try->headers, line);

    if (longer) {
        try->headers = longer;
    }
    return longer != NULL;
}

/* No `Expect: 100-continue`, for which old servers let wait. */
static bool
add_headers (Try *try)
{
    bool ok = add_header (try, "Expect:");

    for (const char *const *line = try->exchange->headers; ok && line && *line; line++) {
        ok = add_header (try, *line);
    }
    return ok;
}

/* What libcurl copied of the headers may be a secret. */
static void
free_headers (Try *try)
{
    for (struct curl_slist *line = try->headers; line; line = line->next) {
        explicit_bzero (line->data, strlen (line->data));
    }
    try->curl->slist_free_all (try->headers);
}

static void
clear_try (Try *try)
{
    if (try->multi && try->easy) {
        try->curl->multi_remove_handle (try->multi, try->easy);
    }
    if (try->easy) {
        try->curl->easy_cleanup (try->easy);
    }
    if (try->multi) {
        try->curl->multi_cleanup (try->multi);
    }
    free_headers (try);
    arec_http_reply_clear (&try->reply);
}

static void
set_method (Try *try)
{
    const ArecHttpExchange *exchange = try->exchange;
    const ArecCurl *curl = try->curl;

    if (exchange->body) {
        curl->easy_setopt (try->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                           (curl_off_t)strlen (exchange->body));
        curl->easy_setopt (try->easy, CURLOPT_POSTFIELDS, exchange->body);
    }
    curl->easy_setopt (try->easy, CURLOPT_CUSTOMREQUEST, exchange->method);
}

static bool
goes_through_proxy (const ArecHttpExchange *exchange)
{
    return exchange->reach == AREC_HTTP_REACH_SERVERS &&
           !arec_http_handle_is_loopback (exchange->url);
}

static bool
set_up (Try *try, int64_t limit)
{
    const ArecHttpExchange *exchange = try->exchange;
    const ArecCurl *curl = try->curl;

    try->easy = curl->easy_init();
    try->multi = curl->multi_init();
    if (!try->easy || !try->multi || !add_headers (try)) {
        return refuse (try, AREC_ERROR_NOMEM, "out of memory");
    }
    arec_http_handle_set_up (curl, try->easy, exchange->ca_file);
    set_method (try);
    curl->easy_setopt (try->easy, CURLOPT_ERRORBUFFER, try->error);
    curl->easy_setopt (try->easy, CURLOPT_PROXY, goes_through_proxy (exchange) ? NULL : "");
    curl->easy_setopt (try->easy, CURLOPT_CONNECTTIMEOUT_MS,
                       reaches[exchange->reach].connect_ms);
    curl->easy_setopt (try->easy, CURLOPT_TIMEOUT_MS, (long)MAX (limit / 1000, 1));
    curl->easy_setopt (try->easy, CURLOPT_FORBID_REUSE, 1L);
    curl->easy_setopt (try->easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl->easy_setopt (try->easy, CURLOPT_OPENSOCKETDATA, try);
    curl->easy_setopt (try->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl->easy_setopt (try->easy, CURLOPT_HEADERDATA, try);
    curl->easy_setopt (try->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl->easy_setopt (try->easy, CURLOPT_WRITEDATA, try);
    curl->easy_setopt (try->easy, CURLOPT_HTTPHEADER, try->headers);
    if (curl->easy_setopt (try->easy, CURLOPT_URL, exchange->url) != CURLE_OK ||
        curl->multi_add_handle (try->multi, try->easy) != CURLM_OK) {
        return refuse (try, AREC_ERROR_NOMEM, "out of memory");
    }
    return true;
}

/* Until libcurl is done with it, or nobody waits any more. */
static bool
perform (Try *try, const ArecPatience *patience, CURLcode *code)
{
    const CURLMsg *message;
    int n_running = 1, n_left;

    while (n_running > 0) {
        if (arec_patience_is_cancelled (patience)) {
            return refuse (try, AREC_ERROR_CANCELLED, "cancelled");
        }
        if (try->curl->multi_perform (try->multi, &n_running) != CURLM_OK ||
            (n_running > 0 &&
             try->curl->multi_poll (try->multi, NULL, 0, (int)(AREC_PATIENCE_STEP / 1000),
                                    NULL) != CURLM_OK)) {
            return refuse (try, AREC_ERROR_NOMEM, "out of memory");
        }
    }
    message = try->curl->multi_info_read (try->multi, &n_left);
    *code = message ? message->data.result : CURLE_FAILED_INIT;
    return true;
}

static bool
finish_reply (Try *try)
{
    long status = 0;

    try->curl->easy_getinfo (try->easy, CURLINFO_RESPONSE_CODE, &status);
    try->reply.status = (unsigned)status;
    if (try->exchange->proof && !try->has_proof) {
        return refuse (try, AREC_ERROR_NOT_FOUND, "the answer is not from such a server");
    }
    if (!reserve (&try->reply, 0)) {
        return refuse (try, AREC_ERROR_NOMEM, "no memory for its answer");
    }
    try->reply.memory.memory[try->reply.size] = '\0';
    try->reply.text = try->reply.memory.memory;
    return true;
}

/* Before anything is resolved, for a proxy may resolve it. */
static bool
allow_url (Try *try)
{
    g_autofree char *host = arec_http_handle_host (try->exchange->url);

    return host ? allow (try, arec_address_kind_of_text (host))
                : refuse (try, AREC_ERROR_NOT_FOUND, "its URL names no host, or a user");
}

static bool
run (Try *try, const ArecPatience *patience)
{
    CURLcode code = CURLE_OK;

    if (!allow_url (try) ||
        !set_up (try, arec_patience_left (patience, try->exchange->limit)) ||
        !perform (try, patience, &code) || try->refusal) {
        return false;
    }
    if (code != CURLE_OK) {
        try->is_passing = code != CURLE_PEER_FAILED_VERIFICATION;
        return refuse (try, AREC_ERROR_NOT_FOUND,
                       try->error[0] ? try->error : try->curl->easy_strerror (code));
    }
    return finish_reply (try);
}

/* ---- all tries ---- */

static bool
may_pass (const Try *try, bool ok)
{
    return ok ? try->reply.status == 429 || try->reply.status >= 500 : try->is_passing;
}

/* false: no time is left for another try. */
static bool
pause_before (unsigned n_tries, const ArecPatience *patience)
{
    const int64_t delay = g_random_int_range (0, (int)(FIRST_DELAY << (n_tries - 1)));
    const int64_t until = g_get_monotonic_time() + delay;

    while (g_get_monotonic_time() < until && !arec_patience_is_cancelled (patience)) {
        g_usleep ((gulong)MIN (delay, AREC_PATIENCE_STEP));
    }
    return arec_patience_left (patience, 1) > 0;
}

bool
arec_http_exchange (const ArecHttpExchange *exchange, const ArecPatience *patience,
                    ArecHttpReply *reply, GError **error)
{
    const ArecCurl *curl = arec_curl_library_get (error);

    if (!curl) {
        return false;
    }
    for (unsigned n_tries = 1;; n_tries++) {
        Try try = {.exchange = exchange, .curl = curl};
        bool ok = run (&try, patience), is_last;

        is_last = n_tries == reaches[exchange->reach].n_tries || !may_pass (&try, ok) ||
                  !pause_before (n_tries, patience);
        if (is_last && ok) {
            *reply = try.reply;
            try.reply = (ArecHttpReply){0};
        } else if (is_last) {
            arec_fail (error, try.code, "%s", try.refusal);
        }
        clear_try (&try);
        if (is_last) {
            return ok;
        }
    }
}
