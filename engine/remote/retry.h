/* Whether and when a request is made again. Pure: clock and random number are arguments. One
 * thread at a time, the one that makes requests.
 *
 *     outcome of a try -> judge -> done | again, after a delay | renew credentials | give up
 *
 * What has arrived of a range stays good under the same validator, so a request that is made
 * again asks for the rest only. Times are microseconds of a clock that never goes back.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The delay before try n + 1 is a random part of 100 ms x 2^n, at most of 10 s: full jitter, so
 * that readers that failed together do not come back together. */
#define AREC_RETRY_FIRST_DELAY INT64_C (100000)
#define AREC_RETRY_MAX_DELAY INT64_C (10000000)
/* What a server may ask for by Retry-After. */
#define AREC_RETRY_MAX_AFTER INT64_C (30000000)

/* Resets of connections that a server had closed while they were idle, for each request. Above
 * them a reset is a failure like others. */
#define AREC_RETRY_MAX_AT_ONCE 4

/* ---- what came of a try ---- */

typedef enum {
    AREC_TRY_ANSWERED,        /* status and headers came, and all of the body */
    AREC_TRY_NOT_CONNECTED,   /* name not resolved, refused, unreachable, TLS failed, or late */
    AREC_TRY_BAD_CERTIFICATE, /* TLS works, but the server is not the one that was meant */
    AREC_TRY_BROKEN,          /* the connection ended before the answer, or within its body */
    AREC_TRY_STALLED,         /* a limit of stall.h was reached */
    AREC_TRY_WRONG_ANSWER,    /* not the range that was asked for; its body was not taken */
} ArecTryEnd;

typedef struct {
    ArecTryEnd end;
    unsigned status;     /* of HTTP; ANSWERED only */
    const char *s3_code; /* `Code` of a body of S3, which may come with status 200; or NULL */
    int64_t retry_after; /* Retry-After; negative: absent */
    bool is_unstarted;   /* BROKEN: before the first byte, on a connection used before */
} ArecTry;

/* Whether the server says that it gets too many requests. */
bool arec_retry_is_throttled (const ArecTry *outcome);

/* ---- the budget of a host: a server that fails everything gets few requests twice ---- */

#define AREC_RETRY_FULL_BUDGET 500
#define AREC_RETRY_PRICE 5 /* of making a request again; a success gives 1 back */

typedef struct {
    unsigned tokens; /* at most AREC_RETRY_FULL_BUDGET, which it starts with */
} ArecRetryBudget;

/* ---- one request ---- */

typedef struct {
    int64_t deadline;   /* no try begins at or after it */
    bool is_open;       /* the object was there before: its absence is a change */
    bool has_renewed;   /* credentials were renewed for it */
    unsigned n_failed;  /* tries that count */
    unsigned n_at_once; /* tries that do not */
} ArecRetry;

typedef enum {
    AREC_RETRY_DONE,
    AREC_RETRY_AGAIN,   /* at *at, which is now for a reset of an idle connection */
    AREC_RETRY_RENEW,   /* renew credentials, then at once; only the first time */
    AREC_RETRY_CHANGED, /* the object is no longer what was opened */
    AREC_RETRY_REFUSED, /* the answer will stay the same */
    AREC_RETRY_LATE,    /* another try would begin after the deadline */
    AREC_RETRY_SPENT,   /* the budget of the host is empty */
} ArecRetryVerdict;

/* Judges a try of @retry that ended at @now, and counts it.
 * @random  any number, evenly distributed.
 * @at      (out) with AGAIN and RENEW: when the next try begins; else untouched. */
ArecRetryVerdict arec_retry_judge (ArecRetry *retry, ArecRetryBudget *budget,
                                   const ArecTry *outcome, int64_t now, uint64_t random,
                                   int64_t *at);

/* The delay after the failure number @n_failed, from 0 on: the random part, after what the
 * server asked for. In [0, AREC_RETRY_MAX_DELAY + AREC_RETRY_MAX_AFTER].
 * @retry_after  negative: nothing. */
int64_t arec_retry_delay (unsigned n_failed, int64_t retry_after, uint64_t random);
