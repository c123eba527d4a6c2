#include "remote/http_transfer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "remote/address.h"

/* Of a body that is not wanted; the connection is used again after a short one. */
#define MAX_DRAINED ((uint64_t)64 << 10)

#define USER_AGENT "arecfs/" AREC_VERSION

/* A try may wait for this part of the time in which all of them must end. */
#define FIRST_BYTE_PART 3
#define BODY_PART 6

/* ---- which addresses are allowed ---- */

static bool
has_proxy (void)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                        "ALL_PROXY"};

    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        const char *value = getenv (names[i]);

        if (value && *value) {
            return true;
        }
    }
    return false;
}

static bool
allow (ArecHttpTransfer *transfer, ArecAddressKind kind)
{
    if (kind == AREC_ADDRESS_FORBIDDEN) {
        transfer->refusal = "its address is link-local or that of a metadata server";
    } else if (kind == AREC_ADDRESS_PRIVATE && transfer->is_from_public && !has_proxy()) {
        transfer->refusal = "a public host redirects to a private address";
    }
    return !transfer->refusal;
}

static curl_socket_t
on_open_socket (void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    if (!allow (data, arec_address_kind (&address->addr))) {
        return CURL_SOCKET_BAD;
    }
    return socket (address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void
count_request (const ArecHttpRequest *request)
{
    ArecRemoteCounters *counters = request->counters;

    switch (request->kind) {
    case AREC_HTTP_RANGE: arec_remote_count (&counters->requests_range, 1); break;
    case AREC_HTTP_OPEN: arec_remote_count (&counters->requests_open, 1); break;
    case AREC_HTTP_LIST: arec_remote_count (&counters->requests_list, 1); break;
    case AREC_HTTP_TOKEN: arec_remote_count (&counters->requests_token, 1); break;
    }
}

/* The connection stands; it may be one that was opened for another request. */
static int
on_connected (void *data, char *ip, char *local_ip, int port, int local_port)
{
    ArecHttpTransfer *transfer = data;

    (void)local_ip;
    (void)port;
    (void)local_port;
    if (!allow (transfer, arec_address_kind_of_text (ip))) {
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->sent = g_get_monotonic_time();
    count_request (transfer->request);
    transfer->mark = arec_rate_mark (transfer->rate, transfer->sent);
    return CURL_PREREQFUNC_OK;
}

/* ---- the head ---- */

static ArecRangeRequest
rest_of (const ArecHttpRequest *request)
{
    ArecRangeRequest rest = request->range;

    if (request->has_span) {
        rest.is_suffix = false;
        rest.span.begin = request->result.span.begin + request->received;
        rest.span.end = request->result.span.end;
    }
    return rest;
}

static const ArecObjectVersion *
version_of (const ArecHttpRequest *request)
{
    if (request->is_pinned) {
        return &request->pinned;
    }
    return request->has_span ? &request->result.found : NULL;
}

/* The first answer whose body is taken decides what the rest must be of. */
static void
begin_span (ArecHttpTransfer *transfer, ArecRange span)
{
    ArecHttpRequest *request = transfer->request;
    uint64_t size = transfer->answer.has_range ? transfer->answer.total : span.end;

    if (size == AREC_HTTP_UNKNOWN && request->is_pinned) {
        size = request->pinned.size;
    }
    request->has_span = true;
    request->result.span = span;
    arec_object_version_of (&transfer->answer, size, &request->result.found);
}

/* Returns whether the body is to come: one that is not wanted is dropped with its connection,
 * unless it probably is a short page about an error. */
static bool
judge (ArecHttpTransfer *transfer)
{
    ArecHttpRequest *request = transfer->request;
    const ArecRangeRequest asked = rest_of (request);
    ArecRange span;

    if (request->taken && request->taken != transfer) {
        return false; /* it comes too late */
    }
    transfer->is_judged = true;
    request->result.status = transfer->answer.status;
    request->result.total = transfer->answer.total;
    transfer->verdict =
        arec_object_version_judge (version_of (request), &asked, &transfer->answer, &span);
    if (transfer->verdict == AREC_BODY_TAKE) {
        request->taken = transfer;
        if (!request->has_span) {
            begin_span (transfer, span);
        }
    }
    return transfer->verdict == AREC_BODY_TAKE || transfer->verdict == AREC_BODY_STATUS;
}

static size_t
on_header (char *line, size_t size, size_t n, void *data)
{
    ArecHttpTransfer *transfer = data;
    size_t taken = size * n, length = taken;

    if (transfer->first_byte == 0) {
        transfer->first_byte = g_get_monotonic_time();
        arec_stall_watch_begin (&transfer->watch, transfer->first_byte);
    }
    transfer->head_size += taken;
    if (transfer->head_size > AREC_HTTP_MAX_HEAD) {
        transfer->refusal = "the headers of its answer are longer than 64 KiB";
        return 0;
    }
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) {
        length--;
    }
    if (transfer->is_judged) {
        return taken; /* a trailer */
    }
    if (length > 0) {
        if (!arec_http_answer_begin (&transfer->answer, line, length)) {
            arec_http_answer_add (&transfer->answer, line, length);
        }
        return taken;
    }
    return transfer->answer.status / 100 == 1 || judge (transfer) ? taken : 0;
}

/* ---- the body ---- */

static uint64_t
missing (const ArecHttpRequest *request)
{
    const ArecRange *span = &request->result.span;

    return request->has_span ? span->end - span->begin - request->received : 0;
}

/* Whatever comes after the last byte that is wanted ends the try. */
static size_t
take_body (ArecHttpTransfer *transfer, const char *bytes, size_t n)
{
    ArecHttpRequest *request = transfer->request;
    size_t wanted = (size_t)MIN (n, missing (request));
    bool is_longer;

    memcpy (request->buffer + request->received, bytes, wanted);
    request->received += wanted;
    is_longer = transfer->answer.length != AREC_HTTP_UNKNOWN &&
                transfer->answer.length > transfer->arrived;
    return wanted < n || (missing (request) == 0 && is_longer) ? 0 : n;
}

static size_t
on_body (char *bytes, size_t size, size_t n, void *data)
{
    ArecHttpTransfer *transfer = data;

    n *= size;
    transfer->arrived += n;
    arec_remote_count (&transfer->request->counters->bytes_received, n);
    if (transfer->is_judged && transfer->verdict == AREC_BODY_TAKE) {
        return take_body (transfer, bytes, n);
    }
    return transfer->arrived > MAX_DRAINED ? 0 : n;
}

bool
arec_http_transfer_is_late (ArecHttpTransfer *transfer, int64_t now, int64_t first_byte_limit)
{
    int64_t patience = transfer->request->patience;

    if (transfer->first_byte != 0) {
        transfer->is_stalled = arec_stall_watch_for (
            &transfer->watch, now, transfer->arrived + transfer->head_size,
            MIN (AREC_STALL_BODY_TIME, patience / BODY_PART));
    } else if (transfer->sent != 0) {
        transfer->is_stalled =
            now - transfer->sent >= MIN (first_byte_limit, patience / FIRST_BYTE_PART);
    }
    return transfer->is_stalled;
}

/* ---- setting up ---- */

static bool
add_header (ArecHttpTransfer *transfer, const char *name, const char *value)
{
    g_autofree char *line = g_strconcat (name, ": ", value, NULL);
    struct curl_slist *longer = transfer->curl->slist_append (transfer->headers, line);

    if (longer) {
        transfer->headers = longer;
    }
    return longer != NULL;
}

/* Once another version than the known one has begun to come, the rest of it is wanted. */
static bool
add_known (ArecHttpTransfer *transfer)
{
    const ArecHttpRequest *request = transfer->request;

    if (!request->is_known || request->has_span) {
        return true;
    }
    return request->known.etag
               ? add_header (transfer, "If-None-Match", request->known.etag)
               : add_header (transfer, "If-Modified-Since", request->known.last_modified_text);
}

static bool
add_headers (ArecHttpTransfer *transfer)
{
    const ArecRangeRequest rest = rest_of (transfer->request);
    const ArecObjectVersion *version = version_of (transfer->request);
    char range[AREC_RANGE_TEXT_SIZE];
    bool ok;

    arec_range_plan_text (&rest, range);
    ok = add_header (transfer, "Range", range) &&
         add_header (transfer, "Accept-Encoding", "identity") && add_known (transfer);
    if (ok && version && version->etag) {
        return add_header (transfer, "If-Match", version->etag);
    }
    if (ok && version && version->last_modified_text) {
        return add_header (transfer, "If-Unmodified-Since", version->last_modified_text);
    }
    return ok;
}

/* The host of a URL as libcurl and url.h write it; NULL: there is none, or it has a user. */
static char *
host_of (const char *url)
{
    const char *begin = strstr (url, "://");
    g_autofree char *authority = NULL;

    if (!begin) {
        return NULL;
    }
    begin += 3;
    authority = g_strndup (begin, strcspn (begin, "/?#"));
    if (authority[0] == '\0' || strchr (authority, '@')) {
        return NULL;
    }
    return authority[0] == '[' ? g_strndup (authority + 1, strcspn (authority + 1, "]"))
                               : g_strndup (authority, strcspn (authority, ":"));
}

/* Before anything is resolved, for a proxy may resolve it. */
static bool
allow_url (ArecHttpTransfer *transfer)
{
    g_autofree char *host = host_of (transfer->url);

    if (!host) {
        transfer->refusal = "it redirects to what is no URL, or has a user in it";
        return false;
    }
    return allow (transfer, arec_address_kind_of_text (host));
}

/* Loopback never goes through a proxy. */
static bool
is_loopback (const char *url)
{
    g_autofree char *host = host_of (url);

    return host && (strcmp (host, "localhost") == 0 || g_str_has_suffix (host, ".localhost") ||
                    strcmp (host, "::1") == 0 || g_str_has_prefix (host, "127."));
}

static bool
set_url (ArecHttpTransfer *transfer)
{
    const ArecCurl *curl = transfer->curl;

    if (!allow_url (transfer)) {
        return false;
    }
    return curl->easy_setopt (transfer->easy, CURLOPT_URL, transfer->url) == CURLE_OK &&
           curl->easy_setopt (transfer->easy, CURLOPT_PROXY,
                              is_loopback (transfer->url) ? "" : NULL) == CURLE_OK;
}

static void
set_up (ArecHttpTransfer *transfer, CURLSH *share)
{
    const ArecCurl *curl = transfer->curl;
    CURL *easy = transfer->easy;
    int64_t connect = MIN (AREC_STALL_CONNECT, transfer->request->patience / FIRST_BYTE_PART);
    const char *ca_file = getenv ("CURL_CA_BUNDLE");

    if (!ca_file) {
        ca_file = getenv ("SSL_CERT_FILE");
    }
    curl->easy_setopt (easy, CURLOPT_PRIVATE, transfer);
    curl->easy_setopt (easy, CURLOPT_ERRORBUFFER, transfer->error);
    curl->easy_setopt (easy, CURLOPT_SHARE, share);
    curl->easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl->easy_setopt (easy, CURLOPT_QUICK_EXIT, 1L); /* never waits for a resolver */
#endif
    curl->easy_setopt (easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl->easy_setopt (easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl->easy_setopt (easy, CURLOPT_PATH_AS_IS, 1L);
    curl->easy_setopt (easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl->easy_setopt (easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl->easy_setopt (easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl->easy_setopt (easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl->easy_setopt (easy, CURLOPT_USERAGENT, USER_AGENT);
    curl->easy_setopt (easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (ca_file && *ca_file) {
        curl->easy_setopt (easy, CURLOPT_CAINFO, ca_file);
    }
    curl->easy_setopt (easy, CURLOPT_BUFFERSIZE, 256L << 10);
    curl->easy_setopt (easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl->easy_setopt (easy, CURLOPT_MAXAGE_CONN, 60L);
    curl->easy_setopt (easy, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
    curl->easy_setopt (easy, CURLOPT_CONNECTTIMEOUT_MS, (long)MAX (connect / 1000, 1));
    curl->easy_setopt (easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl->easy_setopt (easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl->easy_setopt (easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl->easy_setopt (easy, CURLOPT_PREREQDATA, transfer);
    curl->easy_setopt (easy, CURLOPT_HEADERFUNCTION, on_header);
    curl->easy_setopt (easy, CURLOPT_HEADERDATA, transfer);
    curl->easy_setopt (easy, CURLOPT_WRITEFUNCTION, on_body);
    curl->easy_setopt (easy, CURLOPT_WRITEDATA, transfer);
    curl->easy_setopt (easy, CURLOPT_HTTPHEADER, transfer->headers);
}

ArecHttpTransfer *
arec_http_transfer_new (const ArecCurl *curl, CURLSH *share, ArecRate *rate,
                        ArecHttpRequest *request)
{
    ArecHttpTransfer *transfer = g_new0 (ArecHttpTransfer, 1);
    const ArecHttpTarget *target = request->target;

    transfer->curl = curl;
    transfer->request = arec_http_request_ref (request);
    transfer->rate = rate;
    transfer->is_redirected = target->redirected != NULL;
    transfer->is_from_public = target->redirected && target->is_from_public;
    transfer->url = g_strdup (target->redirected ? target->redirected : target->url);
    transfer->begun = g_get_monotonic_time();
    transfer->easy = curl->easy_init();
    if (!transfer->easy || !add_headers (transfer)) {
        arec_http_transfer_free (transfer);
        return NULL;
    }
    set_up (transfer, share);
    if (!set_url (transfer) && !transfer->refusal) {
        arec_http_transfer_free (transfer);
        return NULL;
    }
    return transfer;
}

void
arec_http_transfer_free (ArecHttpTransfer *transfer)
{
    if (transfer->easy) {
        transfer->curl->easy_cleanup (transfer->easy);
    }
    transfer->curl->slist_free_all (transfer->headers);
    arec_http_answer_clear (&transfer->answer);
    arec_http_request_unref (transfer->request);
    g_free (transfer->url);
    g_free (transfer);
}

/* ---- redirects ---- */

static bool
is_redirect (unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void
note_where_from (ArecHttpTransfer *transfer)
{
    const char *ip = NULL;

    transfer->curl->easy_getinfo (transfer->easy, CURLINFO_PRIMARY_IP, &ip);
    if (ip && *ip && !has_proxy() && arec_address_kind_of_text (ip) == AREC_ADDRESS_PUBLIC) {
        transfer->is_from_public = true;
    }
}

/* TLS is never given up: only an http URL may lead to another one. */
static bool
may_lead_to (ArecHttpTransfer *transfer, const char *url)
{
    if (transfer->n_redirects == AREC_HTTP_MAX_REDIRECTS) {
        transfer->refusal = "it redirects more than 5 times";
    } else if (g_ascii_strncasecmp (url, "https://", 8) != 0 &&
               (g_ascii_strncasecmp (url, "http://", 7) != 0 ||
                !g_str_has_prefix (transfer->url, "http://"))) {
        transfer->refusal = "it redirects to what is not https";
    }
    return !transfer->refusal;
}

static void
begin_hop (ArecHttpTransfer *transfer)
{
    arec_http_answer_clear (&transfer->answer);
    transfer->answer = (ArecHttpAnswer){0};
    transfer->is_judged = false;
    transfer->arrived = 0;
    transfer->sent = 0;
    transfer->first_byte = 0;
    transfer->error[0] = '\0';
    transfer->is_redirected = true;
    transfer->n_redirects++;
}

bool
arec_http_transfer_follow (ArecHttpTransfer *transfer)
{
    const char *url = NULL;

    if (transfer->refusal || !transfer->is_judged || transfer->verdict != AREC_BODY_STATUS ||
        !is_redirect (transfer->answer.status) ||
        transfer->curl->easy_getinfo (transfer->easy, CURLINFO_REDIRECT_URL, &url) !=
            CURLE_OK ||
        !url || !may_lead_to (transfer, url)) {
        return false;
    }
    note_where_from (transfer);
    g_free (transfer->url);
    transfer->url = g_strdup (url);
    begin_hop (transfer);
    return set_url (transfer);
}

/* ---- the outcome ---- */

static ArecTryEnd
end_of_failure (const ArecHttpTransfer *transfer, CURLcode code)
{
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR: return AREC_TRY_BAD_CERTIFICATE;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR: return AREC_TRY_NOT_CONNECTED;
    default: break;
    }
    return transfer->sent == 0 ? AREC_TRY_NOT_CONNECTED : AREC_TRY_BROKEN;
}

static bool
is_unstarted (const ArecHttpTransfer *transfer)
{
    long n_connections = 1;

    transfer->curl->easy_getinfo (transfer->easy, CURLINFO_NUM_CONNECTS, &n_connections);
    return n_connections == 0 && transfer->first_byte == 0;
}

ArecTry
arec_http_transfer_outcome (const ArecHttpTransfer *transfer, CURLcode code)
{
    ArecTry outcome = {.end = AREC_TRY_ANSWERED, .retry_after = -1};

    if (transfer->is_judged && transfer->verdict == AREC_BODY_STATUS) {
        outcome.status = transfer->answer.status;
        outcome.retry_after = transfer->answer.retry_after;
    } else if (transfer->is_judged && transfer->verdict != AREC_BODY_TAKE) {
        outcome.end = AREC_TRY_WRONG_ANSWER;
    } else if (transfer->is_judged && missing (transfer->request) == 0) {
        outcome.status = transfer->answer.status;
    } else if (transfer->is_stalled) {
        outcome.end = AREC_TRY_STALLED;
    } else if (transfer->is_judged) {
        outcome.end = AREC_TRY_BROKEN;
    } else {
        outcome.end = end_of_failure (transfer, code);
        outcome.is_unstarted = outcome.end == AREC_TRY_BROKEN && is_unstarted (transfer);
    }
    return outcome;
}

static const struct {
    unsigned status;
    const char *text;
} statuses[] = {
    {401, "it wants credentials"},        {403, "access is denied"},
    {404, "there is no such object"},     {410, "the object is gone"},
    {429, "too many requests"},           {503, "the server is busy"},
    {407, "the proxy wants credentials"},
};

static char *
text_of_status (unsigned status)
{
    for (size_t i = 0; i < G_N_ELEMENTS (statuses); i++) {
        if (statuses[i].status == status) {
            return g_strdup_printf ("HTTP %u, %s", status, statuses[i].text);
        }
    }
    return g_strdup_printf ("HTTP %u", status);
}

char *
arec_http_transfer_text (const ArecHttpTransfer *transfer, const ArecTry *outcome,
                         CURLcode code)
{
    const char *error =
        transfer->error[0] ? transfer->error : transfer->curl->easy_strerror (code);

    if (transfer->refusal) {
        return g_strdup (transfer->refusal);
    }
    switch (outcome->end) {
    case AREC_TRY_ANSWERED: return text_of_status (outcome->status);
    case AREC_TRY_WRONG_ANSWER: return g_strdup ("the answer is not the range asked for");
    case AREC_TRY_STALLED:
        return g_strdup (transfer->first_byte == 0 ? "no answer" : "the answer stalls");
    case AREC_TRY_NOT_CONNECTED:
    case AREC_TRY_BAD_CERTIFICATE: return g_strdup_printf ("cannot connect: %s", error);
    case AREC_TRY_BROKEN: break;
    }
    return transfer->is_judged ? g_strdup ("the connection ended within the answer")
                               : g_strdup_printf ("no answer: %s", error);
}
