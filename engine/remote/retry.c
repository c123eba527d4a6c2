#include "remote/retry.h"

#include <string.h>

#include <glib.h>

/* ---- what an answer means ---- */

typedef struct {
    ArecRetryVerdict verdict;
    bool is_throttled;
} Meaning;

/* Statuses whose meaning is not that of their class. */
static const struct {
    unsigned status;
    Meaning meaning;
} statuses[] = {
    {304, {AREC_RETRY_DONE, false}},    {401, {AREC_RETRY_RENEW, false}},
    {404, {AREC_RETRY_CHANGED, false}}, {408, {AREC_RETRY_AGAIN, false}},
    {410, {AREC_RETRY_CHANGED, false}}, {412, {AREC_RETRY_CHANGED, false}},
    {416, {AREC_RETRY_CHANGED, false}}, {425, {AREC_RETRY_AGAIN, false}},
    {429, {AREC_RETRY_AGAIN, true}},    {500, {AREC_RETRY_AGAIN, false}},
    {502, {AREC_RETRY_AGAIN, false}},   {503, {AREC_RETRY_AGAIN, true}},
    {504, {AREC_RETRY_AGAIN, false}},
};

/* Codes of S3 that say more than the status beside them, which may be 400 or 200. */
static const struct {
    const char *code;
    Meaning meaning;
} codes[] = {
    {"ExpiredToken", {AREC_RETRY_RENEW, false}},
    {"InternalError", {AREC_RETRY_AGAIN, false}},
    {"InvalidToken", {AREC_RETRY_RENEW, false}},
    {"RequestTimeout", {AREC_RETRY_AGAIN, false}},
    {"SlowDown", {AREC_RETRY_AGAIN, true}},
    {"TokenRefreshRequired", {AREC_RETRY_RENEW, false}},
};

static Meaning
meaning_of_status (unsigned status)
{
    bool is_success = status >= 200 && status < 300;

    for (size_t i = 0; i < G_N_ELEMENTS (statuses); i++) {
        if (statuses[i].status == status) {
            return statuses[i].meaning;
        }
    }
    return (Meaning){is_success ? AREC_RETRY_DONE : AREC_RETRY_REFUSED, false};
}

static Meaning
meaning_of_answer (const ArecTry *outcome)
{
    Meaning of_status = meaning_of_status (outcome->status);

    for (size_t i = 0; outcome->s3_code && i < G_N_ELEMENTS (codes); i++) {
        if (strcmp (codes[i].code, outcome->s3_code) == 0) {
            return (Meaning){codes[i].meaning.verdict,
                             codes[i].meaning.is_throttled || of_status.is_throttled};
        }
    }
    /* Any other code in a body that came with success is an error all the same. */
    if (outcome->s3_code && of_status.verdict == AREC_RETRY_DONE) {
        return (Meaning){AREC_RETRY_REFUSED, false};
    }
    return of_status;
}

/* What a try means, if it was the first. */
static Meaning
meaning_of (const ArecTry *outcome)
{
    switch (outcome->end) {
    case AREC_TRY_ANSWERED: return meaning_of_answer (outcome);
    case AREC_TRY_BAD_CERTIFICATE: return (Meaning){AREC_RETRY_REFUSED, false};
    case AREC_TRY_NOT_CONNECTED:
    case AREC_TRY_BROKEN:
    case AREC_TRY_STALLED:
    case AREC_TRY_WRONG_ANSWER: break;
    }
    return (Meaning){AREC_RETRY_AGAIN, false};
}

bool
arec_retry_is_throttled (const ArecTry *outcome)
{
    return meaning_of (outcome).is_throttled;
}

/* ---- delay and budget ---- */

int64_t
arec_retry_delay (unsigned n_failed, int64_t retry_after, uint64_t random)
{
    int64_t most = AREC_RETRY_MAX_DELAY;
    unsigned n = MIN (n_failed, 20); /* the most is reached long before */

    most = MIN (most, AREC_RETRY_FIRST_DELAY << n);
    return (int64_t)(random % (uint64_t)(most + 1)) +
           CLAMP (retry_after, 0, AREC_RETRY_MAX_AFTER);
}

static bool
pay (ArecRetryBudget *budget)
{
    if (budget->tokens < AREC_RETRY_PRICE) {
        return false;
    }
    budget->tokens -= AREC_RETRY_PRICE;
    return true;
}

/* ---- the verdict ---- */

/* A server closes idle connections when it likes. That is no failure, and the next connection
 * is probably good. */
static bool
is_idle_reset (const ArecRetry *retry, const ArecTry *outcome)
{
    return outcome->end == AREC_TRY_BROKEN && outcome->is_unstarted &&
           retry->n_at_once < AREC_RETRY_MAX_AT_ONCE;
}

/* AGAIN at @next, if that is before the deadline and the host may get the request. */
static ArecRetryVerdict
judge_again (ArecRetry *retry, ArecRetryBudget *budget, int64_t next, int64_t *at)
{
    retry->n_failed++;
    if (next >= retry->deadline) {
        return AREC_RETRY_LATE;
    }
    if (!pay (budget)) {
        return AREC_RETRY_SPENT;
    }
    *at = next;
    return AREC_RETRY_AGAIN;
}

/* Credentials that end early are renewed once for a request, then the answer is believed. */
static ArecRetryVerdict
judge_renewal (ArecRetry *retry, int64_t now, int64_t *at)
{
    if (retry->has_renewed) {
        return AREC_RETRY_REFUSED;
    }
    if (now >= retry->deadline) {
        return AREC_RETRY_LATE;
    }
    retry->has_renewed = true;
    *at = now;
    return AREC_RETRY_RENEW;
}

ArecRetryVerdict
arec_retry_judge (ArecRetry *retry, ArecRetryBudget *budget, const ArecTry *outcome,
                  int64_t now, uint64_t random, int64_t *at)
{
    ArecRetryVerdict verdict = meaning_of (outcome).verdict;

    if (verdict == AREC_RETRY_DONE) {
        budget->tokens = MIN (budget->tokens + 1, AREC_RETRY_FULL_BUDGET);
        return verdict;
    }
    if (verdict == AREC_RETRY_CHANGED) {
        return retry->is_open ? verdict : AREC_RETRY_REFUSED;
    }
    if (verdict == AREC_RETRY_RENEW) {
        return judge_renewal (retry, now, at);
    }
    if (verdict != AREC_RETRY_AGAIN) {
        return verdict;
    }
    if (is_idle_reset (retry, outcome) && now < retry->deadline) {
        retry->n_at_once++;
        *at = now;
        return AREC_RETRY_AGAIN;
    }
    return judge_again (retry, budget,
                        now + arec_retry_delay (retry->n_failed, outcome->retry_after, random),
                        at);
}
