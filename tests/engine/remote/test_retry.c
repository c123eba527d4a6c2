#include "remote/retry.h"

#include <string.h>

#include <glib.h>

#define MS INT64_C (1000)
#define S INT64_C (1000000)

#define BEGIN (INT64_C (7) * S)

static ArecRetry
new_retry (bool is_open)
{
    return (ArecRetry){.deadline = BEGIN + 60 * S, .is_open = is_open};
}

static ArecTry
answered (unsigned status, const char *code)
{
    return (ArecTry){
        .end = AREC_TRY_ANSWERED, .status = status, .s3_code = code, .retry_after = -1};
}

/* ---- what is made again ---- */

static const struct {
    ArecTry outcome;
    ArecRetryVerdict opening, open; /* before and after the object was opened */
    bool is_throttled;
} verdicts[] = {
    {{.status = 200}, AREC_RETRY_DONE, AREC_RETRY_DONE, false},
    {{.status = 206}, AREC_RETRY_DONE, AREC_RETRY_DONE, false},
    {{.status = 304}, AREC_RETRY_DONE, AREC_RETRY_DONE, false},
    {{.status = 400}, AREC_RETRY_REFUSED, AREC_RETRY_REFUSED, false},
    {{.status = 401}, AREC_RETRY_RENEW, AREC_RETRY_RENEW, false},
    {{.status = 403}, AREC_RETRY_REFUSED, AREC_RETRY_REFUSED, false},
    {{.status = 404}, AREC_RETRY_REFUSED, AREC_RETRY_CHANGED, false},
    {{.status = 410}, AREC_RETRY_REFUSED, AREC_RETRY_CHANGED, false},
    {{.status = 412}, AREC_RETRY_REFUSED, AREC_RETRY_CHANGED, false},
    {{.status = 416}, AREC_RETRY_REFUSED, AREC_RETRY_CHANGED, false},
    {{.status = 408}, AREC_RETRY_AGAIN, AREC_RETRY_AGAIN, false},
    {{.status = 425}, AREC_RETRY_AGAIN, AREC_RETRY_AGAIN, false},
    {{.status = 429}, AREC_RETRY_AGAIN, AREC_RETRY_AGAIN, true},
    {{.status = 500}, AREC_RETRY_AGAIN, AREC_RETRY_AGAIN, false},
    {{.status = 501}, AREC_RETRY_REFUSED, AREC_RETRY_REFUSED, false},
    {{.status = 502}, AREC_RETRY_AGAIN, AREC_RETRY_AGAIN, false},
    {{.status = 503}, AREC_RETRY_AGAIN, AREC_RETRY_AGAIN, true},
    {{.status = 504}, AREC_RETRY_AGAIN, AREC_RETRY_AGAIN, false},
    {{.status = 505}, AREC_RETRY_REFUSED, AREC_RETRY_REFUSED, false},
    {{.status = 301}, AREC_RETRY_REFUSED, AREC_RETRY_REFUSED, false},
    {{.status = 100}, AREC_RETRY_REFUSED, AREC_RETRY_REFUSED, false},
    {{.status = 0}, AREC_RETRY_REFUSED, AREC_RETRY_REFUSED, false},

    /* codes of S3 */
    {{.status = 400, .s3_code = "RequestTimeout"}, AREC_RETRY_AGAIN, AREC_RETRY_AGAIN, false},
    {{.status = 400, .s3_code = "ExpiredToken"}, AREC_RETRY_RENEW, AREC_RETRY_RENEW, false},
    {{.status = 400, .s3_code = "InvalidToken"}, AREC_RETRY_RENEW, AREC_RETRY_RENEW, false},
    {{.status = 400, .s3_code = "TokenRefreshRequired"},
     AREC_RETRY_RENEW,
     AREC_RETRY_RENEW,
     false},
    {{.status = 400, .s3_code = "InvalidArgument"},
     AREC_RETRY_REFUSED,
     AREC_RETRY_REFUSED,
     false},
    {{.status = 403, .s3_code = "AccessDenied"}, AREC_RETRY_REFUSED, AREC_RETRY_REFUSED, false},
    {{.status = 404, .s3_code = "NoSuchKey"}, AREC_RETRY_REFUSED, AREC_RETRY_CHANGED, false},
    {{.status = 503, .s3_code = "SlowDown"}, AREC_RETRY_AGAIN, AREC_RETRY_AGAIN, true},
    {{.status = 200, .s3_code = "SlowDown"}, AREC_RETRY_AGAIN, AREC_RETRY_AGAIN, true},
    {{.status = 200, .s3_code = "InternalError"}, AREC_RETRY_AGAIN, AREC_RETRY_AGAIN, false},
    {{.status = 503, .s3_code = "InternalError"}, AREC_RETRY_AGAIN, AREC_RETRY_AGAIN, true},
    {{.status = 200, .s3_code = "NoSuchKey"}, AREC_RETRY_REFUSED, AREC_RETRY_REFUSED, false},

    /* without an answer */
    {{.end = AREC_TRY_NOT_CONNECTED}, AREC_RETRY_AGAIN, AREC_RETRY_AGAIN, false},
    {{.end = AREC_TRY_BAD_CERTIFICATE}, AREC_RETRY_REFUSED, AREC_RETRY_REFUSED, false},
    {{.end = AREC_TRY_BROKEN}, AREC_RETRY_AGAIN, AREC_RETRY_AGAIN, false},
    {{.end = AREC_TRY_STALLED}, AREC_RETRY_AGAIN, AREC_RETRY_AGAIN, false},
    {{.end = AREC_TRY_WRONG_ANSWER}, AREC_RETRY_AGAIN, AREC_RETRY_AGAIN, false},
};

static void
test_verdicts (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (verdicts); i++) {
        for (int is_open = 0; is_open <= 1; is_open++) {
            ArecRetry retry = new_retry (is_open);
            ArecRetryBudget budget = {100};
            ArecTry outcome = verdicts[i].outcome;
            ArecRetryVerdict expected = is_open ? verdicts[i].open : verdicts[i].opening;
            bool is_again = expected == AREC_RETRY_AGAIN;
            int64_t at = -1;

            outcome.retry_after = -1;
            g_test_message ("end %d, status %u, %s", (int)outcome.end, outcome.status,
                            outcome.s3_code);
            g_assert_cmpint (arec_retry_judge (&retry, &budget, &outcome, BEGIN, 5 * MS, &at),
                             ==, expected);
            g_assert_cmpint (arec_retry_is_throttled (&outcome), ==, verdicts[i].is_throttled);
            g_assert_cmpint (at, ==,
                             is_again                       ? BEGIN + 5 * MS
                             : expected == AREC_RETRY_RENEW ? BEGIN
                                                            : -1);
            g_assert_cmpuint (budget.tokens, ==,
                              is_again                      ? 95
                              : expected == AREC_RETRY_DONE ? 101
                                                            : 100);
            g_assert_cmpuint (retry.n_failed, ==, is_again);
        }
    }
}

/* Credentials are renewed once: a server that refuses good ones is believed. */
static void
test_renewal (void)
{
    ArecRetry retry = new_retry (true);
    ArecRetryBudget budget = {0}; /* it costs nothing */
    ArecTry denied = answered (401, NULL), expired = answered (400, "ExpiredToken");
    int64_t at = -1;

    g_assert_cmpint (arec_retry_judge (&retry, &budget, &expired, BEGIN, 1, &at), ==,
                     AREC_RETRY_RENEW);
    g_assert_cmpint (at, ==, BEGIN);
    g_assert_cmpint (arec_retry_judge (&retry, &budget, &denied, BEGIN, 1, &at), ==,
                     AREC_RETRY_REFUSED);

    retry = new_retry (true);
    g_assert_cmpint (arec_retry_judge (&retry, &budget, &denied, retry.deadline, 1, &at), ==,
                     AREC_RETRY_LATE);
}

/* Resets of idle connections are neither counted nor delayed, but a server that resets every
 * one is a failing server. */
static void
test_idle_resets (void)
{
    ArecRetry retry = new_retry (true);
    ArecRetryBudget budget = {100};
    ArecTry reset = {.end = AREC_TRY_BROKEN, .retry_after = -1, .is_unstarted = true};
    int64_t at = -1;

    for (unsigned i = 0; i < AREC_RETRY_MAX_AT_ONCE; i++) {
        g_assert_cmpint (arec_retry_judge (&retry, &budget, &reset, BEGIN + i, 99, &at), ==,
                         AREC_RETRY_AGAIN);
        g_assert_cmpint (at, ==, BEGIN + i);
        g_assert_cmpuint (retry.n_failed, ==, 0);
        g_assert_cmpuint (budget.tokens, ==, 100);
    }
    g_assert_cmpint (arec_retry_judge (&retry, &budget, &reset, BEGIN, 99, &at), ==,
                     AREC_RETRY_AGAIN);
    g_assert_cmpint (at, ==, BEGIN + 99);
    g_assert_cmpuint (retry.n_failed, ==, 1);
    g_assert_cmpuint (budget.tokens, ==, 95);

    retry = new_retry (true);
    g_assert_cmpint (arec_retry_judge (&retry, &budget, &reset, retry.deadline, 0, &at), ==,
                     AREC_RETRY_LATE);
}

/* ---- delay ---- */

static void
test_delays (void)
{
    static const struct {
        unsigned n_failed;
        int64_t retry_after, least, most;
    } rows[] = {
        {0, -1, 0, 100 * MS},
        {1, -1, 0, 200 * MS},
        {2, 0, 0, 400 * MS},
        {6, -1, 0, 6400 * MS},
        {7, -1, 0, 10 * S},
        {63, -1, 0, 10 * S},
        {UINT_MAX, -1, 0, 10 * S},
        {0, 3 * S, 3 * S, 3100 * MS},
        {9, 30 * S, 30 * S, 40 * S},
        {0, 31 * S, 30 * S, 30100 * MS},
        {0, INT64_MAX, 30 * S, 30100 * MS},
        {0, INT64_MIN, 0, 100 * MS},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        uint64_t span = (uint64_t)(rows[i].most - rows[i].least);

        g_assert_cmpint (arec_retry_delay (rows[i].n_failed, rows[i].retry_after, 0), ==,
                         rows[i].least);
        g_assert_cmpint (arec_retry_delay (rows[i].n_failed, rows[i].retry_after, span), ==,
                         rows[i].most);
        g_assert_cmpint (arec_retry_delay (rows[i].n_failed, rows[i].retry_after, span + 1), ==,
                         rows[i].least);
    }
}

/* The whole span is used: readers that failed together spread over it. */
static void
test_jitter (void)
{
    unsigned tenths[10] = {0};

    for (unsigned i = 0; i < 1000; i++) {
        int64_t delay = arec_retry_delay (7, -1, g_test_rand_int());

        g_assert_true (delay >= 0 && delay <= AREC_RETRY_MAX_DELAY);
        tenths[MIN (delay / (AREC_RETRY_MAX_DELAY / 10), 9)]++;
    }
    /* 100 each on average; 40 would be 6 standard deviations off. */
    for (size_t i = 0; i < G_N_ELEMENTS (tenths); i++) {
        g_assert_cmpuint (tenths[i], >, 40);
    }
}

/* ---- deadline ---- */

/* Tries until the verdict is another one than AGAIN; returns the tries. */
static unsigned
run (ArecRetry *retry, ArecRetryBudget *budget, const ArecTry *outcome, uint64_t random,
     int64_t *now, ArecRetryVerdict *verdict)
{
    unsigned n = 0;

    do {
        n++;
        g_assert_cmpint (*now, <, retry->deadline);
        *verdict = arec_retry_judge (retry, budget, outcome, *now, random, now);
    } while (*verdict == AREC_RETRY_AGAIN);
    return n;
}

static void
test_deadline (void)
{
    ArecTry down = answered (503, NULL);
    ArecRetry retry = new_retry (true);
    ArecRetryBudget budget = {AREC_RETRY_FULL_BUDGET};
    ArecRetryVerdict verdict;
    int64_t now = BEGIN;

    /* The longest delays: 100 ms, 200 ms .. 6.4 s, then 10 s each. */
    for (unsigned i = 0; i < 7; i++) {
        uint64_t most = (uint64_t)AREC_RETRY_FIRST_DELAY << i;

        verdict = arec_retry_judge (&retry, &budget, &down, now, most, &now);
        g_assert_cmpint (verdict, ==, AREC_RETRY_AGAIN);
    }
    g_assert_cmpint (now, ==, BEGIN + 12700 * MS);
    g_assert_cmpuint (run (&retry, &budget, &down, AREC_RETRY_MAX_DELAY, &now, &verdict), ==,
                      5);
    g_assert_cmpint (verdict, ==, AREC_RETRY_LATE);
    g_assert_cmpint (now, ==, BEGIN + 52700 * MS);
    g_assert_cmpuint (retry.n_failed, ==, 12);
    g_assert_cmpuint (budget.tokens, ==, AREC_RETRY_FULL_BUDGET - 11 * AREC_RETRY_PRICE);
}

/* At the deadline exactly is late; a microsecond before is not. */
static void
test_deadline_exactly (void)
{
    ArecTry down = answered (500, NULL);
    ArecRetryBudget budget = {AREC_RETRY_FULL_BUDGET};

    for (int64_t early = 0; early <= 1; early++) {
        ArecRetry retry = new_retry (true);
        int64_t at = -1, now = retry.deadline - 50 * MS - early;

        g_assert_cmpint (arec_retry_judge (&retry, &budget, &down, now, 50 * MS, &at), ==,
                         early > 0 ? AREC_RETRY_AGAIN : AREC_RETRY_LATE);
        g_assert_cmpint (at, ==, early > 0 ? retry.deadline - 1 : -1);
    }
}

/* Retry-After that leads beyond the deadline ends the request now, not then. */
static void
test_retry_after_late (void)
{
    ArecTry busy = {.end = AREC_TRY_ANSWERED, .status = 503, .retry_after = 20 * S};
    ArecRetryBudget budget = {AREC_RETRY_FULL_BUDGET};
    ArecRetry retry = new_retry (true);
    ArecRetryVerdict verdict;
    int64_t now = BEGIN;

    g_assert_cmpuint (run (&retry, &budget, &busy, 0, &now, &verdict), ==, 3);
    g_assert_cmpint (verdict, ==, AREC_RETRY_LATE);
    g_assert_cmpint (now, ==, BEGIN + 40 * S);
}

/* ---- budget ---- */

static void
test_budget (void)
{
    ArecTry down = answered (503, NULL), good = answered (206, NULL);
    ArecRetryBudget budget = {AREC_RETRY_FULL_BUDGET};
    ArecRetry retry = new_retry (true);
    ArecRetryVerdict verdict;
    int64_t now = BEGIN;

    /* No delays, so that only the budget ends it. */
    g_assert_cmpuint (run (&retry, &budget, &down, 0, &now, &verdict), ==,
                      AREC_RETRY_FULL_BUDGET / AREC_RETRY_PRICE + 1);
    g_assert_cmpint (verdict, ==, AREC_RETRY_SPENT);
    g_assert_cmpuint (budget.tokens, ==, 0);

    for (unsigned i = 1; i < AREC_RETRY_PRICE; i++) {
        arec_retry_judge (&retry, &budget, &good, now, 0, &now);
    }
    g_assert_cmpint (arec_retry_judge (&retry, &budget, &down, now, 0, &now), ==,
                     AREC_RETRY_SPENT);
    arec_retry_judge (&retry, &budget, &good, now, 0, &now);
    g_assert_cmpint (arec_retry_judge (&retry, &budget, &down, now, 0, &now), ==,
                     AREC_RETRY_AGAIN);
    g_assert_cmpuint (budget.tokens, ==, 0);
    for (unsigned i = 0; i < 2 * AREC_RETRY_FULL_BUDGET; i++) {
        g_assert_cmpint (arec_retry_judge (&retry, &budget, &good, now, 0, &now), ==,
                         AREC_RETRY_DONE);
    }
    g_assert_cmpuint (budget.tokens, ==, AREC_RETRY_FULL_BUDGET);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/retry/verdicts", test_verdicts);
    g_test_add_func ("/retry/renewal", test_renewal);
    g_test_add_func ("/retry/idle_resets", test_idle_resets);
    g_test_add_func ("/retry/delays", test_delays);
    g_test_add_func ("/retry/jitter", test_jitter);
    g_test_add_func ("/retry/deadline", test_deadline);
    g_test_add_func ("/retry/deadline_exactly", test_deadline_exactly);
    g_test_add_func ("/retry/retry_after_late", test_retry_after_late);
    g_test_add_func ("/retry/budget", test_budget);
    return g_test_run();
}
