#include "remote/http_client.h"

#include "base/error.h"
#include "base/thread.h"
#include "remote/hedge.h"
#include "remote/http_transfer.h"
#include "remote/throttle.h"

#define MS INT64_C (1000)

/* A host that gave no usable answer to a request in all of its time is down for this part of
 * it: a reader waits once, not for each range that it has under way, one after the other. */
#define DOWN_PART 10

/* How often transfers are looked at, should nothing happen. */
#define MAX_POLL_MS 500
#define MIN_POLL_MS 10
#define CANCEL_INTERVAL (100 * MS)
/* A thread that works ends each request by then. */
#define GRACE (5000 * MS)

/* Failures to connect to a host that has never answered: its name is probably wrong. */
#define MAX_UNKNOWN_FAILURES 4

/* What is known of a host, and its requests. Only the client's thread. */
typedef struct ArecHttpHost {
    char *name;
    ArecThrottle throttle;
    ArecRetryBudget budget;
    ArecFirstBytes first_bytes;
    ArecHedges hedges;
    ArecRate rate;
    GQueue ready[AREC_N_URGENCIES]; /* of requests that may begin */
    GQueue later;                   /* of requests whose next try is not due */
    unsigned in_flight;
    int64_t last_success;
    int64_t down_until; /* requests fail at once until then */
    char *down_reason;
} ArecHttpHost;

struct ArecHttpClient {
    ArecHttpOptions options;
    _Atomic int64_t kept;   /* bytes, by sources */
    _Atomic int64_t ahead;  /* bytes, at most options.max_ahead */
    _Atomic int64_t bought; /* of these, at most half of that */
    ArecRemoteCounters counters;
    pthread_mutex_t lock;
    GQueue inbox;     /* of requests that the thread has not seen */
    bool is_stopping; /* both under the lock */
    bool has_thread;
    pthread_t thread;
    CURLM *multi; /* set once, before the thread is */

    /* Of the thread. */
    const ArecCurl *curl;
    CURLSH *share;
    GHashTable *hosts;    /* by name */
    GPtrArray *transfers; /* under way */
    GRand *random;        /* for the delays */
};

/* ---- the end of a request ---------------------------------------------------------------- */

static void
count_end (ArecRemoteCounters *counters, const ArecHttpRequest *request, ArecHttpEnd end)
{
    switch (end) {
    case AREC_HTTP_GOT:
    case AREC_HTTP_SAME:
        arec_remote_count_time (&counters->request,
                                g_get_monotonic_time() - request->deadline + request->patience);
        break;
    case AREC_HTTP_CHANGED: arec_remote_count (&counters->errors_changed, 1); break;
    case AREC_HTTP_NO_RANGES: arec_remote_count (&counters->errors_no_ranges, 1); break;
    case AREC_HTTP_ENCODED: arec_remote_count (&counters->errors_encoded, 1); break;
    case AREC_HTTP_REFUSED: arec_remote_count (&counters->errors_refused, 1); break;
    case AREC_HTTP_FAILED: arec_remote_count (&counters->errors_failed, 1); break;
    case AREC_HTTP_STOPPED: break;
    }
}

/* Takes @reason and the caller's reference. */
static void
finish (ArecHttpClient *client, ArecHttpRequest *request, ArecHttpEnd end, char *reason)
{
    count_end (&client->counters, request, end);
    request->result.end = end;
    request->result.reason = reason;
    request->ended = g_get_monotonic_time();
    pthread_mutex_lock (&client->lock);
    request->is_done = true;
    pthread_cond_broadcast (&request->done);
    pthread_mutex_unlock (&client->lock);
    arec_http_request_unref (request);
}

static void
stop_request (ArecHttpClient *client, ArecHttpRequest *request)
{
    finish (client, request, AREC_HTTP_STOPPED, g_strdup ("the program ends"));
}

/* Nobody waits for @request any more. */
static void
cancel_request (ArecHttpClient *client, ArecHttpRequest *request)
{
    arec_remote_count (&client->counters.cancelled, 1);
    finish (client, request, AREC_HTTP_STOPPED, g_strdup ("cancelled"));
}

static char *
late_text (const ArecHttpRequest *request)
{
    return g_strdup_printf ("%s; gave up after %u tries in %.3g s",
                            request->last ? request->last : "no answer", request->n_tries,
                            (double)request->patience / 1e6);
}

/* No try of @request was answered as it should within its time. */
static void
note_failure (ArecHttpRequest *request, int64_t now)
{
    ArecHttpHost *host = request->at;

    if (host->last_success < request->deadline - request->patience) {
        host->down_until = now + request->patience / DOWN_PART;
        g_free (host->down_reason);
        host->down_reason = late_text (request);
    }
}

/* ---- hosts ------------------------------------------------------------------------------- */

static void
free_host (void *data)
{
    ArecHttpHost *host = data;

    g_free (host->name);
    g_free (host->down_reason);
    g_free (host);
}

static ArecHttpHost *
host_of (ArecHttpClient *client, const ArecHttpRequest *request)
{
    ArecHttpHost *host = g_hash_table_lookup (client->hosts, request->target->host);

    if (!host) {
        host = g_new0 (ArecHttpHost, 1);
        host->name = g_strdup (request->target->host);
        host->budget.tokens = AREC_RETRY_FULL_BUDGET;
        arec_throttle_init (&host->throttle, client->options.max_requests);
        g_hash_table_insert (client->hosts, host->name, host);
    }
    return host;
}

static void
take_inbox (ArecHttpClient *client)
{
    GQueue inbox = G_QUEUE_INIT;
    ArecHttpRequest *request;

    pthread_mutex_lock (&client->lock);
    inbox = client->inbox;
    g_queue_init (&client->inbox);
    pthread_mutex_unlock (&client->lock);
    while ((request = g_queue_pop_head (&inbox))) {
        request->at = host_of (client, request);
        g_queue_push_tail (&request->at->ready[request->range.urgency], request);
    }
}

/* ---- beginning tries --------------------------------------------------------------------- */

/* Hands @transfer, a try of its request, to libcurl. */
static void
begin_transfer (ArecHttpClient *client, ArecHttpTransfer *transfer)
{
    transfer->request->n_under_way++;
    transfer->request->at->in_flight++;
    arec_remote_count (&client->counters.in_flight, 1);
    g_ptr_array_add (client->transfers, transfer);
    client->curl->multi_add_handle (client->multi, transfer->easy);
}

static void
begin_try (ArecHttpClient *client, ArecHttpHost *host, ArecHttpRequest *request)
{
    ArecHttpTransfer *transfer;

    request->n_tries++;
    request->taken = NULL;
    transfer = arec_http_transfer_new (client->curl, client->share, &host->rate, request);
    if (!transfer) {
        finish (client, request, AREC_HTTP_FAILED, g_strdup ("out of memory"));
        return;
    }
    if (transfer->refusal) {
        finish (client, request, AREC_HTTP_REFUSED, g_strdup (transfer->refusal));
        arec_http_transfer_free (transfer);
        return;
    }
    arec_hedges_note_request (&host->hedges, transfer->begun);
    begin_transfer (client, transfer);
}

/* A request that ends before it begins once more; takes it out of @queue. */
static bool
drop_if_over (ArecHttpClient *client, GQueue *queue, GList *link, int64_t now)
{
    ArecHttpRequest *request = link->data;
    bool is_abandoned = atomic_load (&request->is_abandoned);
    bool is_down = now < request->at->down_until;

    if (!is_abandoned && !is_down && now < request->deadline) {
        return false;
    }
    g_queue_delete_link (queue, link);
    if (is_abandoned) {
        cancel_request (client, request);
    } else if (is_down) {
        finish (client, request, AREC_HTTP_FAILED, g_strdup (request->at->down_reason));
    } else {
        note_failure (request, now);
        finish (client, request, AREC_HTTP_FAILED, late_text (request));
    }
    return true;
}

static void
move_due (ArecHttpClient *client, ArecHttpHost *host, int64_t now)
{
    for (GList *link = host->later.head, *next; link; link = next) {
        ArecHttpRequest *request = link->data;

        next = link->next;
        if (!drop_if_over (client, &host->later, link, now) && request->next <= now) {
            g_queue_delete_link (&host->later, link);
            g_queue_push_tail (&host->ready[request->range.urgency], request);
        }
    }
}

static void
begin_ready (ArecHttpClient *client, ArecHttpHost *host, int64_t now)
{
    for (int urgency = 0; urgency < AREC_N_URGENCIES; urgency++) {
        GQueue *queue = &host->ready[urgency];

        for (GList *link = queue->head, *next; link; link = next) {
            next = link->next;
            if (!drop_if_over (client, queue, link, now) &&
                host->in_flight < host->throttle.limit) {
                ArecHttpRequest *request = link->data;

                g_queue_delete_link (queue, link);
                begin_try (client, host, request);
            }
        }
    }
}

static void
begin_tries (ArecHttpClient *client)
{
    GHashTableIter iter;
    void *host;
    int64_t now = g_get_monotonic_time();

    g_hash_table_iter_init (&iter, client->hosts);
    while (g_hash_table_iter_next (&iter, NULL, &host)) {
        move_due (client, host, now);
        begin_ready (client, host, now);
    }
}

/* ---- asking twice ------------------------------------------------------------------------ */

/* Whether @transfer, which a reader waits for, is late. */
static bool
is_late_demand (const ArecHttpTransfer *transfer, int64_t now)
{
    const ArecHttpRequest *request = transfer->request;
    int64_t waited = transfer->sent != 0 ? now - transfer->sent : 0;

    return request->range.urgency == AREC_URGENCY_DEMAND && request->is_pinned &&
           !request->is_hedged && transfer->first_byte == 0 && waited >= AREC_HEDGE_MIN_DELAY &&
           waited >= arec_hedge_delay (&request->at->first_bytes);
}

static void
hedge (ArecHttpClient *client, ArecHttpHost *host, ArecHttpRequest *request)
{
    ArecHttpTransfer *transfer =
        arec_http_transfer_new (client->curl, client->share, &host->rate, request);

    request->is_hedged = true;
    if (transfer && !transfer->refusal) {
        transfer->is_hedge = true;
        arec_remote_count (&client->counters.hedges, 1);
        begin_transfer (client, transfer);
    } else if (transfer) {
        arec_http_transfer_free (transfer);
    }
}

/* The connection of a late request is busy with it, so a hedge gets another one. */
static void
begin_hedges (ArecHttpClient *client)
{
    int64_t now = g_get_monotonic_time();

    for (guint i = client->transfers->len; i-- > 0;) {
        const ArecHttpTransfer *transfer = g_ptr_array_index (client->transfers, i);
        ArecHttpHost *host = transfer->request->at;

        if (is_late_demand (transfer, now) && host->in_flight < host->throttle.limit &&
            arec_hedges_take (&host->hedges, now)) {
            hedge (client, host, transfer->request);
        }
    }
}

/* ---- after a try ------------------------------------------------------------------------- */

/* What the host gives now. */
static void
set_gauges (ArecRemoteCounters *counters, const ArecRate *rate)
{
    arec_remote_set (&counters->window_bytes, arec_rate_target (rate, UINT64_MAX));
    arec_remote_set (&counters->rate_bytes_per_s, arec_rate_bytes_per_second (rate));
    arec_remote_set (&counters->delay_us, arec_rate_delay (rate));
}

static void
note_outcome (const ArecHttpTransfer *transfer, const ArecTry *outcome, int64_t now)
{
    ArecHttpRequest *request = transfer->request;
    ArecRemoteCounters *counters = request->counters;
    ArecHttpHost *host = request->at;

    if (arec_retry_is_throttled (outcome)) {
        arec_remote_count (&counters->throttled, 1);
    }
    if (transfer->first_byte != 0) {
        arec_remote_count_time (&counters->first_byte, transfer->first_byte - transfer->sent);
        arec_stall_note_first_byte (&host->first_bytes, transfer->first_byte - transfer->sent);
        arec_rate_first_byte (&host->rate, transfer->sent, transfer->first_byte);
        arec_rate_deliver (&host->rate, &transfer->mark, transfer->arrived, now);
        request->target->window = arec_rate_target (&host->rate, UINT64_MAX);
        set_gauges (counters, &host->rate);
    }
    if (outcome->end == AREC_TRY_ANSWERED) {
        arec_throttle_note (&host->throttle, arec_retry_is_throttled (outcome), transfer->begun,
                            now, host->in_flight);
    }
}

/* The target of a redirect is used until it fails. */
static void
note_redirect (const ArecHttpTransfer *transfer, bool is_good)
{
    ArecHttpTarget *target = transfer->request->target;

    if (is_good && transfer->n_redirects > 0) {
        g_free (target->redirected);
        target->redirected = g_strdup (transfer->url);
        target->is_from_public = transfer->is_from_public;
    } else if (!is_good) {
        g_clear_pointer (&target->redirected, g_free);
    }
}

/* The target of a redirect says no, perhaps since its URL has expired: once more from the typed
 * one. */
static bool
may_restart (const ArecHttpTransfer *transfer, const ArecTry *outcome)
{
    unsigned status = outcome->status;

    return transfer->is_redirected && !transfer->request->has_restarted &&
           outcome->end == AREC_TRY_ANSWERED &&
           (status == 401 || status == 403 || status == 404 || status == 410);
}

/* No credentials are known, so an answer that wants others is the last word. */
static ArecRetryVerdict
judge_try (ArecHttpClient *client, const ArecHttpTransfer *transfer, const ArecTry *outcome,
           int64_t now)
{
    ArecHttpRequest *request = transfer->request;
    ArecHttpHost *host = request->at;
    ArecRetryVerdict verdict;

    if (may_restart (transfer, outcome)) {
        request->has_restarted = true;
        request->next = now;
        return AREC_RETRY_AGAIN;
    }
    verdict = arec_retry_judge (&request->retry, &host->budget, outcome, now,
                                ((uint64_t)g_rand_int (client->random) << 32) |
                                    g_rand_int (client->random),
                                &request->next);
    if (outcome->end == AREC_TRY_NOT_CONNECTED && !host->throttle.is_answered &&
        request->retry.n_failed >= MAX_UNKNOWN_FAILURES) {
        return AREC_RETRY_REFUSED;
    }
    return verdict == AREC_RETRY_RENEW ? AREC_RETRY_REFUSED : verdict;
}

/* What is left of a whole object cannot be asked for where there are no ranges. */
static bool
must_begin_anew (const ArecHttpTransfer *transfer)
{
    const ArecHttpRequest *request = transfer->request;

    return transfer->is_judged && transfer->verdict == AREC_BODY_WHOLE && request->has_span &&
           request->received > 0 && request->result.span.begin == 0;
}

/* An end that a further try would not change; false: there is none. */
static bool
find_end (const ArecHttpTransfer *transfer, ArecHttpEnd *end)
{
    if (transfer->refusal) {
        *end = AREC_HTTP_REFUSED;
        return true;
    }
    if (!transfer->is_judged || must_begin_anew (transfer)) {
        return false;
    }
    switch (transfer->verdict) {
    case AREC_BODY_WHOLE: *end = AREC_HTTP_NO_RANGES; return true;
    case AREC_BODY_ENCODED: *end = AREC_HTTP_ENCODED; return true;
    case AREC_BODY_CHANGED: *end = AREC_HTTP_CHANGED; return true;
    case AREC_BODY_TAKE:
    case AREC_BODY_STATUS:
    case AREC_BODY_WRONG: break;
    }
    return false;
}

/* The answer says that there is nothing new to send. */
static bool
is_same (const ArecHttpTransfer *transfer)
{
    const ArecHttpRequest *request = transfer->request;

    return request->is_known && !request->has_span && transfer->is_judged &&
           arec_object_version_is_confirmed (&request->known, &transfer->answer);
}

static void
note_success (ArecHttpHost *host, int64_t now)
{
    host->last_success = now;
    host->down_until = 0;
}

/* The object as the answer without a range describes it. */
static void
describe_whole (const ArecHttpTransfer *transfer)
{
    ArecObjectVersion *found = &transfer->request->result.found;

    arec_object_version_clear (found);
    arec_object_version_of (&transfer->answer, transfer->answer.length, found);
}

static char *
change_text (const ArecHttpTransfer *transfer, const ArecTry *outcome)
{
    const ArecHttpAnswer *answer = &transfer->answer;
    const ArecHttpRequest *request = transfer->request;
    const ArecObjectVersion *pinned =
        request->is_pinned ? &request->pinned : &request->result.found;

    if (outcome->end == AREC_TRY_ANSWERED) {
        return g_strdup_printf ("HTTP %u", answer->status);
    }
    if (pinned->etag && answer->etag) {
        return g_strdup_printf ("ETag now %s, then %s", answer->etag, pinned->etag);
    }
    if (pinned->last_modified_text && answer->last_modified_text) {
        return g_strdup_printf ("modified %s, then %s", answer->last_modified_text,
                                pinned->last_modified_text);
    }
    return g_strdup_printf ("its size now is not %" G_GUINT64_FORMAT, pinned->size);
}

static void
give_up (ArecHttpClient *client, const ArecHttpTransfer *transfer, ArecRetryVerdict verdict,
         const ArecTry *outcome)
{
    ArecHttpRequest *request = transfer->request;
    const char *text = request->last;

    switch (verdict) {
    case AREC_RETRY_CHANGED:
        finish (client, request, AREC_HTTP_CHANGED, change_text (transfer, outcome));
        break;
    case AREC_RETRY_LATE:
        note_failure (request, g_get_monotonic_time());
        finish (client, request, AREC_HTTP_FAILED, late_text (request));
        break;
    case AREC_RETRY_SPENT:
        finish (client, request, AREC_HTTP_FAILED,
                g_strdup_printf ("%s; too many requests to this host have failed", text));
        break;
    case AREC_RETRY_REFUSED:
    case AREC_RETRY_DONE: /* with an answer that has no range */
    case AREC_RETRY_AGAIN:
    case AREC_RETRY_RENEW: finish (client, request, AREC_HTTP_REFUSED, g_strdup (text)); break;
    }
}

static void
count_retry (ArecRemoteCounters *counters, ArecTryEnd end)
{
    switch (end) {
    case AREC_TRY_ANSWERED: arec_remote_count (&counters->retries_status, 1); break;
    case AREC_TRY_NOT_CONNECTED:
    case AREC_TRY_BAD_CERTIFICATE: arec_remote_count (&counters->retries_connect, 1); break;
    case AREC_TRY_BROKEN: arec_remote_count (&counters->retries_reset, 1); break;
    case AREC_TRY_STALLED: arec_remote_count (&counters->retries_stall, 1); break;
    case AREC_TRY_WRONG_ANSWER: arec_remote_count (&counters->retries_answer, 1); break;
    }
}

/* Its request is done, or begins again later. Takes a reference to the request. */
static void
settle (ArecHttpClient *client, const ArecHttpTransfer *transfer, CURLcode code)
{
    ArecHttpRequest *request = transfer->request;
    int64_t now = g_get_monotonic_time();
    ArecTry outcome = arec_http_transfer_outcome (transfer, code);
    bool is_good = outcome.end == AREC_TRY_ANSWERED && transfer->is_judged &&
                   transfer->verdict == AREC_BODY_TAKE;
    ArecRetryVerdict verdict;
    ArecHttpEnd end;

    g_free (request->last);
    request->last = arec_http_transfer_text (transfer, &outcome, code);
    note_outcome (transfer, &outcome, now);
    note_redirect (transfer, is_good || is_same (transfer));
    if (is_same (transfer)) {
        note_success (request->at, now);
        finish (client, request, AREC_HTTP_SAME, NULL);
        return;
    }
    if (find_end (transfer, &end)) {
        if (end == AREC_HTTP_NO_RANGES) {
            describe_whole (transfer);
        }
        finish (client, request, end,
                end == AREC_HTTP_CHANGED ? change_text (transfer, &outcome)
                                         : g_strdup (request->last));
        return;
    }
    if (must_begin_anew (transfer)) {
        arec_remote_count (&client->counters.bytes_wasted, request->received);
        request->received = 0;
    }
    verdict = judge_try (client, transfer, &outcome, now);
    if (verdict == AREC_RETRY_DONE && is_good) {
        note_success (request->at, now);
        finish (client, request, AREC_HTTP_GOT, NULL);
    } else if (verdict == AREC_RETRY_AGAIN && request->next < request->deadline) {
        count_retry (&client->counters, outcome.end);
        g_queue_push_tail (&request->at->later, request);
    } else {
        give_up (client, transfer, verdict == AREC_RETRY_AGAIN ? AREC_RETRY_LATE : verdict,
                 &outcome);
    }
}

/* ---- transfers under way ----------------------------------------------------------------- */

static void
count_connections (ArecHttpClient *client, const ArecHttpTransfer *transfer)
{
    long n = 0;

    client->curl->easy_getinfo (transfer->easy, CURLINFO_NUM_CONNECTS, &n);
    arec_remote_count (&client->counters.connections_opened, (uint64_t)MAX (n, 0));
}

/* Forgets @transfer, which the multi handle has no more. */
static void
drop_transfer (ArecHttpClient *client, ArecHttpTransfer *transfer)
{
    g_ptr_array_remove_fast (client->transfers, transfer);
    transfer->request->n_under_way--;
    transfer->request->at->in_flight--;
    atomic_fetch_sub_explicit (&client->counters.in_flight, 1, memory_order_relaxed);
    arec_http_transfer_free (transfer);
}

/* Another transfer of @request was taken. */
static void
drop_others (ArecHttpClient *client, const ArecHttpRequest *request)
{
    for (guint i = client->transfers->len; i-- > 0 && request->n_under_way > 1;) {
        ArecHttpTransfer *transfer = g_ptr_array_index (client->transfers, i);

        if (transfer->request == request && transfer != request->taken) {
            client->curl->multi_remove_handle (client->multi, transfer->easy);
            drop_transfer (client, transfer);
        }
    }
}

/* The transfer has been removed from the multi handle. */
static void
end_transfer (ArecHttpClient *client, ArecHttpTransfer *transfer, CURLcode code)
{
    ArecHttpRequest *request = transfer->request;

    count_connections (client, transfer);
    if (arec_http_transfer_follow (transfer)) {
        client->curl->multi_add_handle (client->multi, transfer->easy);
        return;
    }
    if (request->taken == transfer) {
        arec_remote_count (&client->counters.hedges_won, transfer->is_hedge);
        drop_others (client, request);
    }
    /* Of two, the one that is taken decides, or the last one. */
    if (request->n_under_way == 1 && atomic_load (&request->is_abandoned)) {
        cancel_request (client, request);
    } else if (request->n_under_way == 1) {
        settle (client, transfer, code);
    }
    drop_transfer (client, transfer);
}

/* Returns whether one has ended. */
static bool
end_transfers (ArecHttpClient *client)
{
    CURLMsg *message;
    bool has_ended = false;
    int n_left;

    while ((message = client->curl->multi_info_read (client->multi, &n_left))) {
        CURLcode code = message->data.result;
        CURL *easy = message->easy_handle;
        char *transfer = NULL;

        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        client->curl->easy_getinfo (easy, CURLINFO_PRIVATE, &transfer);
        client->curl->multi_remove_handle (client->multi, easy);
        end_transfer (client, (ArecHttpTransfer *)(void *)transfer, code);
        has_ended = true;
    }
    return has_ended;
}

/* A server that has become slow must not be asked again and again too impatiently: each failed
 * try of a request doubles the time of the next. */
static int64_t
first_byte_limit (const ArecHttpRequest *request)
{
    int64_t limit = arec_stall_first_byte_limit (&request->at->first_bytes);

    return MIN (limit << MIN (request->retry.n_failed, 4), AREC_STALL_MAX_FIRST_BYTE);
}

/* Ends those that stall, that are over, and that nobody waits for. Returns whether one has
 * ended. */
static bool
end_late (ArecHttpClient *client)
{
    int64_t now = g_get_monotonic_time();
    bool has_ended = false;

    for (guint i = client->transfers->len; i-- > 0;) {
        ArecHttpTransfer *transfer;
        const ArecHttpRequest *request;
        bool is_over;

        if (i >= client->transfers->len) {
            continue; /* one that ended took another one with it */
        }
        transfer = g_ptr_array_index (client->transfers, i);
        request = transfer->request;
        is_over = now >= request->deadline || atomic_load (&request->is_abandoned);
        if (is_over || arec_http_transfer_is_late (transfer, now, first_byte_limit (request))) {
            transfer->is_stalled = true;
            client->curl->multi_remove_handle (client->multi, transfer->easy);
            end_transfer (client, transfer, CURLE_OPERATION_TIMEDOUT);
            has_ended = true;
        }
    }
    return has_ended;
}

/* ---- the thread -------------------------------------------------------------------------- */

static bool
is_stopping (ArecHttpClient *client)
{
    bool is;

    pthread_mutex_lock (&client->lock);
    is = client->is_stopping;
    pthread_mutex_unlock (&client->lock);
    return is;
}

/* The next time at which something is due without an event. */
static int
poll_ms (ArecHttpClient *client)
{
    int64_t now = g_get_monotonic_time(), due = now + MAX_POLL_MS * MS;
    GHashTableIter iter;
    void *host;

    if (client->transfers->len > 0) {
        due = now + 5 * MIN_POLL_MS * MS;
    }
    g_hash_table_iter_init (&iter, client->hosts);
    while (g_hash_table_iter_next (&iter, NULL, &host)) {
        for (GList *link = ((ArecHttpHost *)host)->later.head; link; link = link->next) {
            due = MIN (due, ((ArecHttpRequest *)link->data)->next);
        }
    }
    return (int)CLAMP ((due - now) / MS + 1, 0, MAX_POLL_MS);
}

static void
end_all (ArecHttpClient *client)
{
    GHashTableIter iter;
    void *data;
    ArecHttpRequest *request;

    while (client->transfers->len > 0) {
        ArecHttpTransfer *transfer = g_ptr_array_index (client->transfers, 0);

        client->curl->multi_remove_handle (client->multi, transfer->easy);
        if (transfer->request->n_under_way == 1) {
            stop_request (client, transfer->request);
        }
        drop_transfer (client, transfer);
    }
    take_inbox (client);
    g_hash_table_iter_init (&iter, client->hosts);
    while (g_hash_table_iter_next (&iter, NULL, &data)) {
        ArecHttpHost *host = data;

        for (int urgency = 0; urgency < AREC_N_URGENCIES; urgency++) {
            while ((request = g_queue_pop_head (&host->ready[urgency]))) {
                stop_request (client, request);
            }
        }
        while ((request = g_queue_pop_head (&host->later))) {
            stop_request (client, request);
        }
    }
}

static void *
run (void *data)
{
    ArecHttpClient *client = data;

    pthread_setname_np (pthread_self(), "arec-http");
    while (!is_stopping (client)) {
        bool any_ended, any_late;
        int n_running;

        take_inbox (client);
        begin_tries (client);
        begin_hedges (client);
        client->curl->multi_perform (client->multi, &n_running);
        any_ended = end_transfers (client);
        any_late = end_late (client);
        if (any_ended || any_late) {
            continue;
        }
        client->curl->multi_poll (client->multi, NULL, 0, poll_ms (client), NULL);
    }
    end_all (client);
    return NULL;
}

/* ---- for readers ------------------------------------------------------------------------- */

ArecHttpClient *
arec_http_client_new (const ArecHttpOptions *options)
{
    ArecHttpClient *client = g_new0 (ArecHttpClient, 1);

    client->options = *options;
    if (client->options.deadline == 0) {
        client->options.deadline = AREC_HTTP_DEFAULT_DEADLINE;
    }
    if (client->options.max_requests == 0) {
        client->options.max_requests = AREC_HTTP_DEFAULT_REQUESTS;
    }
    pthread_mutex_init (&client->lock, NULL);
    g_queue_init (&client->inbox);
    return client;
}

void
arec_http_client_stop (ArecHttpClient *client)
{
    bool has_thread;

    pthread_mutex_lock (&client->lock);
    client->is_stopping = true;
    has_thread = client->has_thread;
    pthread_mutex_unlock (&client->lock);
    if (has_thread) {
        client->curl->multi_wakeup (client->multi);
    }
}

void
arec_http_client_free (ArecHttpClient *client)
{
    if (!client) {
        return;
    }
    arec_http_client_stop (client);
    if (client->has_thread) {
        pthread_join (client->thread, NULL);
        client->curl->multi_cleanup (client->multi);
        client->curl->share_cleanup (client->share);
        g_hash_table_unref (client->hosts);
        g_ptr_array_unref (client->transfers);
        g_rand_free (client->random);
    }
    pthread_mutex_destroy (&client->lock);
    g_free (client);
}

int64_t
arec_http_client_charge (ArecHttpClient *client, int64_t change)
{
    return atomic_fetch_add (&client->kept, change) + change;
}

bool
arec_http_client_take_ahead (ArecHttpClient *client, int64_t change)
{
    int64_t now = atomic_fetch_add (&client->ahead, change) + change;

    if (change > 0 && now > (int64_t)MAX (client->options.max_ahead, AREC_HTTP_MIN_AHEAD)) {
        atomic_fetch_sub (&client->ahead, change);
        return false;
    }
    return true;
}

ArecRemoteCounters *
arec_http_client_counters (ArecHttpClient *client)
{
    return &client->counters;
}

void
arec_http_client_get_stats (ArecHttpClient *client, ArecRemoteStats *stats)
{
    int64_t ahead = client->ahead;

    arec_remote_counters_get (&client->counters, stats);
    stats->landed_bytes = (uint64_t)MAX (ahead, 0);
}

bool
arec_http_client_take_bought (ArecHttpClient *client, int64_t change)
{
    int64_t now = atomic_fetch_add (&client->bought, change) + change;

    if (change > 0 && now > (int64_t)arec_http_client_max_bought (client)) {
        atomic_fetch_sub (&client->bought, change);
        return false;
    }
    return true;
}

uint64_t
arec_http_client_max_bought (const ArecHttpClient *client)
{
    return client->options.max_ahead / 2;
}

uint64_t
arec_http_client_max_ahead (const ArecHttpClient *client)
{
    return client->options.max_ahead;
}

int64_t
arec_http_client_deadline (const ArecHttpClient *client)
{
    return client->options.deadline;
}

/* What the thread needs; made with no lock held. */
typedef struct {
    CURLM *multi;
    CURLSH *share;
} Handles;

static bool
make_handles (const ArecCurl *curl, Handles *handles, GError **error)
{
    handles->multi = curl->multi_init();
    handles->share = curl->share_init();
    if (!handles->multi || !handles->share) {
        return arec_fail (error, AREC_ERROR_NOMEM, "libcurl: out of memory");
    }
    curl->share_setopt (handles->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    return true;
}

static void
free_handles (const ArecCurl *curl, const Handles *handles)
{
    if (handles->multi) {
        curl->multi_cleanup (handles->multi);
    }
    if (handles->share) {
        curl->share_cleanup (handles->share);
    }
}

/* Several readers may be the first; one of them starts the thread. */
static bool
start_locked (ArecHttpClient *client, const ArecCurl *curl, Handles *handles, GError **error)
{
    int number;

    if (client->has_thread) {
        return true;
    }
    client->curl = curl;
    client->multi = handles->multi;
    client->share = handles->share;
    client->hosts = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, free_host);
    client->transfers = g_ptr_array_new();
    client->random = g_rand_new();
    number = arec_thread_start (&client->thread, run, client);
    if (number != 0) {
        g_clear_pointer (&client->hosts, g_hash_table_unref);
        g_clear_pointer (&client->transfers, g_ptr_array_unref);
        g_clear_pointer (&client->random, g_rand_free);
        return arec_fail_errno (error, number, "cannot start a thread for requests");
    }
    client->has_thread = true;
    *handles = (Handles){0};
    return true;
}

static bool
has_thread (ArecHttpClient *client)
{
    bool has;

    pthread_mutex_lock (&client->lock);
    has = client->has_thread;
    pthread_mutex_unlock (&client->lock);
    return has;
}

static bool
start (ArecHttpClient *client, GError **error)
{
    const ArecCurl *curl;
    Handles handles = {0};
    bool ok;

    if (has_thread (client)) {
        return true;
    }
    curl = arec_curl_library_get (error);
    if (!curl) {
        return false;
    }
    ok = make_handles (curl, &handles, error);
    if (ok) {
        pthread_mutex_lock (&client->lock);
        ok = start_locked (client, curl, &handles, error);
        pthread_mutex_unlock (&client->lock);
    }
    free_handles (curl, &handles);
    return ok;
}

bool
arec_http_client_submit (ArecHttpClient *client, ArecHttpRequest *request, GError **error)
{
    bool is_over;

    if (!start (client, error)) {
        return false;
    }
    arec_http_request_ref (request);
    request->counters = &client->counters;
    pthread_mutex_lock (&client->lock);
    is_over = client->is_stopping;
    if (!is_over) {
        g_queue_push_tail (&client->inbox, request);
    }
    pthread_mutex_unlock (&client->lock);
    if (is_over) {
        stop_request (client, request);
    } else {
        client->curl->multi_wakeup (client->multi);
    }
    return true;
}

/* Until when one wait may last. */
static struct timespec
wait_end (const ArecHttpRequest *request, const ArecCancel *cancel, int64_t now)
{
    int64_t until = request->deadline + GRACE;

    if (cancel) {
        until = MIN (until, now + CANCEL_INTERVAL);
    }
    return (struct timespec){.tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000};
}

bool
arec_http_client_wait (ArecHttpClient *client, ArecHttpRequest *request,
                       const ArecCancel *cancel)
{
    int64_t now = g_get_monotonic_time();
    bool is_done;

    pthread_mutex_lock (&client->lock);
    while (!request->is_done && !arec_cancel_is_set (cancel) &&
           now < request->deadline + GRACE) {
        struct timespec until = wait_end (request, cancel, now);

        pthread_cond_timedwait (&request->done, &client->lock, &until);
        now = g_get_monotonic_time();
    }
    is_done = request->is_done;
    pthread_mutex_unlock (&client->lock);
    return is_done;
}

void
arec_http_client_abandon (ArecHttpClient *client, ArecHttpRequest *request)
{
    atomic_store (&request->is_abandoned, true);
    if (has_thread (client)) {
        client->curl->multi_wakeup (client->multi);
    }
}
