/* A request for a range of an object: what is asked, how far it has come, and what came of it.
 *
 *     new -> arec_http_client_submit () -> its thread works on it -> is done -> read the result
 *
 * Counted references: a reader that stops waiting leaves while the client still writes into the
 * buffer, which belongs to the request. What is asked does not change; the result is read by
 * those who saw it done; all else belongs to the thread of the client.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "remote/object_version.h"
#include "remote/range_plan.h"
#include "remote/remote_counters.h"
#include "remote/retry.h"
#include "remote/url.h"

/* ---- where to ---- */

/* The URL of an object and where its redirects led. Counted references. */
typedef struct {
    _Atomic unsigned refs;
    char *url;  /* with its query: a secret */
    char *host; /* scheme and authority: whose requests are counted together */
    /* Bytes that should be on their way, by what the line gave so far. */
    _Atomic uint64_t window;
    /* Of the client's thread: where the last redirect led, a secret; NULL: nowhere. */
    char *redirected;
    bool is_from_public; /* a host at a public address redirected there */
} ArecHttpTarget;

/* @url  of http or https. */
ArecHttpTarget *arec_http_target_new (const ArecUrl *url);
ArecHttpTarget *arec_http_target_ref (ArecHttpTarget *target);
void arec_http_target_unref (ArecHttpTarget *target); /* takes NULL */

/* ---- what came of it ---- */

typedef enum {
    AREC_HTTP_GOT,       /* the buffer holds the span */
    AREC_HTTP_SAME,      /* the object still is the known version; no bytes came */
    AREC_HTTP_CHANGED,   /* the object is another one, or gone */
    AREC_HTTP_NO_RANGES, /* the server would send the whole object */
    AREC_HTTP_ENCODED,   /* the server would send it compressed */
    AREC_HTTP_REFUSED,   /* the server, or a rule of ours, says no: it stays so */
    AREC_HTTP_FAILED,    /* no usable answer within the deadline or the budget */
    AREC_HTTP_STOPPED,   /* the client ends */
} ArecHttpEnd;

typedef struct {
    ArecHttpEnd end;
    ArecRange span;          /* GOT: of the object, from the first byte of the buffer on */
    ArecObjectVersion found; /* GOT: what the answer was about. NO_RANGES: its size may be
                                AREC_HTTP_UNKNOWN */
    unsigned status;         /* of the last answer; 0: none */
    uint64_t total;          /* of its Content-Range; or AREC_HTTP_UNKNOWN */
    char *reason;            /* what happened, for a message; NULL with GOT */
} ArecHttpResult;

/* ---- the request ---- */

/* What it is for: how it is counted. */
typedef enum {
    AREC_HTTP_RANGE,
    AREC_HTTP_OPEN,
    AREC_HTTP_LIST,
    AREC_HTTP_TOKEN,
} ArecHttpKind;

typedef struct {
    _Atomic unsigned refs;
    ArecHttpTarget *target;
    ArecHttpKind kind;            /* RANGE, unless it is set before it is submitted */
    ArecRemoteCounters *counters; /* of the client, which outlives it; NULL: not submitted */
    ArecRangeRequest range;
    bool is_pinned;
    ArecObjectVersion pinned; /* with is_pinned: the version that is wanted */
    bool is_known;            /* and not is_pinned: bytes only if it is another one than */
    ArecObjectVersion known;
    int64_t deadline; /* by g_get_monotonic_time () */
    int64_t patience; /* from the beginning to the deadline */
    uint8_t *buffer;
    size_t capacity;

    ArecHttpResult result;
    _Atomic int64_t ended; /* when that was; 0: not yet */
    bool is_done;          /* under the client's lock */
    pthread_cond_t done;
    atomic_bool is_abandoned; /* nobody waits any more */
    _Atomic uint64_t n_read;  /* bytes that readers took; too many do no harm */

    /* Of the client's thread. */
    struct ArecHttpHost *at;
    ArecRetry retry;
    unsigned n_tries;
    char *last;         /* what came of the last one; NULL: none has ended */
    int64_t next;       /* when the next try begins */
    uint64_t received;  /* bytes of the span that the buffer holds */
    bool has_span;      /* an answer was taken, in part at least: result.span, result.found */
    bool has_restarted; /* from the typed URL, since the target of a redirect refused */
    /* A demand may have two tries under way. The one whose answer begins first is taken. */
    unsigned n_under_way;
    const struct ArecHttpTransfer *taken; /* of them; NULL: no answer is being taken */
    bool is_hedged;                       /* was asked for twice */
} ArecHttpRequest;

/* @pinned    NULL: any version; its first answer decides.
 * @patience  microseconds from now to the deadline.
 * NULL: out of memory for the buffer. */
ArecHttpRequest *arec_http_request_new (ArecHttpTarget *target, const ArecRangeRequest *range,
                                        const ArecObjectVersion *pinned, int64_t patience);
/* Before it is submitted: no bytes are wanted of @known, which has a validator; then it may end
 * SAME. */
void arec_http_request_spare (ArecHttpRequest *request, const ArecObjectVersion *known);
ArecHttpRequest *arec_http_request_ref (ArecHttpRequest *request);
void arec_http_request_unref (ArecHttpRequest *request); /* takes NULL */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecHttpTarget, arec_http_target_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecHttpRequest, arec_http_request_unref)
