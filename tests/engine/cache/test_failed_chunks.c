/* Failures: reported again in the same words, from the record at which the chunk failed;
 * bounded; forgotten by owner; used by several threads. */
#include "cache/failed_chunks.h"

#include <pthread.h>

#include "base/error.h"

enum { PLENTY = 1 << 26 };

static const ArecFailedFrom whole = {0, 0};

static int64_t
add (ArecFailedChunks *failed, uint64_t owner, uint64_t number, ArecFailedFrom from,
     ArecError code, const char *reason)
{
    g_autoptr (GError) error = NULL;

    arec_fail_place (&error, code, "a.rec", number, "%s", reason);
    return arec_failed_chunks_add (failed, (ArecCacheKey){owner, number}, from, error);
}

static bool
has (ArecFailedChunks *failed, uint64_t owner, uint64_t number)
{
    return arec_failed_chunks_has (failed, (ArecCacheKey){owner, number});
}

/* Whether [0, @end) of record @record is lost. */
static bool
is_lost (ArecFailedChunks *failed, uint64_t number, uint64_t record, uint64_t end)
{
    ArecCacheKey key = {1, number};
    g_autoptr (GError) error = NULL;
    bool lost = arec_failed_chunks_find (failed, key, record, end, &error);

    g_assert_true (lost == (error != NULL));
    g_assert_true (lost == arec_failed_chunks_find (failed, key, record, end, NULL));
    return lost;
}

static void
test_same_message (void)
{
    ArecFailedChunks *failed = arec_failed_chunks_new (PLENTY);
    g_autoptr (GError) error = NULL;
    const char *reason;
    uint64_t offset;

    g_assert_false (has (failed, 1, 64));
    add (failed, 1, 64, whole, AREC_ERROR_UNSUPPORTED, "strange");
    g_assert_true (has (failed, 1, 64));
    g_assert_false (has (failed, 2, 64));
    g_assert_false (has (failed, 1, 65));
    g_assert_true (
        arec_failed_chunks_find (failed, (ArecCacheKey){1, 64}, 7, UINT64_MAX, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_UNSUPPORTED);
    g_assert_cmpstr (error->message, ==, "a.rec: at 64: strange");
    g_assert_true (arec_error_place (error, &offset, &reason));
    g_assert_cmpuint (offset, ==, 64);
    g_assert_cmpstr (reason, ==, "strange");
    g_assert_cmpuint (arec_failed_chunks_n (failed), ==, 1);
    arec_failed_chunks_free (failed);
    arec_failed_chunks_free (NULL);
}

static void
test_from_a_record_on (void)
{
    ArecFailedChunks *failed = arec_failed_chunks_new (PLENTY);

    add (failed, 1, 5, (ArecFailedFrom){3, 100}, AREC_ERROR_CORRUPT, "broken values");
    g_assert_false (is_lost (failed, 5, 2, UINT64_MAX));
    g_assert_false (is_lost (failed, 5, 3, 100));
    g_assert_true (is_lost (failed, 5, 3, 101));
    g_assert_true (is_lost (failed, 5, 4, 0));
    /* A later failure that loses fewer records changes nothing, one that loses more does. */
    add (failed, 1, 5, (ArecFailedFrom){3, 200}, AREC_ERROR_CORRUPT, "less");
    g_assert_true (is_lost (failed, 5, 3, 101));
    add (failed, 1, 5, (ArecFailedFrom){2, 0}, AREC_ERROR_CORRUPT, "more");
    g_assert_true (is_lost (failed, 5, 2, 1));
    g_assert_false (is_lost (failed, 5, 1, UINT64_MAX));
    add (failed, 1, 5, whole, AREC_ERROR_CORRUPT, "all");
    g_assert_true (is_lost (failed, 5, 0, 0));
    g_assert_cmpuint (arec_failed_chunks_n (failed), ==, 1);
    arec_failed_chunks_free (failed);
}

/* The oldest failures are forgotten. The returned costs add up to the memory in use. */
static void
test_bound (void)
{
    enum { BOUND = 100000, ROUNDS = 150000 };
    ArecFailedChunks *failed = arec_failed_chunks_new (BOUND);
    int64_t bytes = 0;
    uint64_t n;

    for (uint64_t i = 0; i < ROUNDS; i++) {
        bytes += add (failed, 1, i, whole, AREC_ERROR_CORRUPT, "data hash mismatch");
        g_assert_cmpint (bytes, >, 0);
        g_assert_cmpint (bytes, <=, BOUND);
        g_assert_true (has (failed, 1, i));
    }
    n = arec_failed_chunks_n (failed);
    g_assert_cmpuint (n, >, 100);
    g_assert_true (has (failed, 1, ROUNDS - n));
    g_assert_false (has (failed, 1, ROUNDS - n - 1));
    g_assert_false (has (failed, 1, 0));
    bytes += arec_failed_chunks_forget (failed, 1);
    g_assert_cmpint (bytes, ==, 0);
    arec_failed_chunks_free (failed);
}

/* One failure is remembered whatever the bound is; with much room, at most 65,536 are. */
static void
test_number (void)
{
    ArecFailedChunks *none = arec_failed_chunks_new (0);
    ArecFailedChunks *many = arec_failed_chunks_new (UINT64_MAX);

    for (uint64_t i = 0; i < 70000; i++) {
        add (none, 1, i, whole, AREC_ERROR_LIMIT, "large");
        add (many, 1, i, whole, AREC_ERROR_LIMIT, "large");
    }
    g_assert_cmpuint (arec_failed_chunks_n (none), ==, 1);
    g_assert_true (has (none, 1, 69999));
    g_assert_cmpuint (arec_failed_chunks_n (many), ==, 65536);
    arec_failed_chunks_free (none);
    arec_failed_chunks_free (many);
}

static void
test_forget (void)
{
    ArecFailedChunks *failed = arec_failed_chunks_new (PLENTY);

    for (uint64_t i = 0; i < 100; i++) {
        add (failed, 1 + i % 2, i, whole, AREC_ERROR_CORRUPT, "x");
    }
    g_assert_cmpint (arec_failed_chunks_forget (failed, 2), <, 0);
    g_assert_cmpint (arec_failed_chunks_forget (failed, 2), ==, 0);
    for (uint64_t i = 0; i < 100; i++) {
        g_assert_true (has (failed, 1 + i % 2, i) == (i % 2 == 0));
    }
    g_assert_cmpuint (arec_failed_chunks_n (failed), ==, 50);
    arec_failed_chunks_free (failed);
}

enum { THREADS = 4, EACH = 3000 };

static void *
add_and_find (void *data)
{
    ArecFailedChunks *failed = data;

    for (uint64_t i = 0; i < EACH; i++) {
        add (failed, 1, i, whole, AREC_ERROR_CORRUPT, "x");
        g_assert_true (is_lost (failed, i, 0, 1));
        g_assert_false (has (failed, 2, i));
    }
    return NULL;
}

static void
test_threads (void)
{
    ArecFailedChunks *failed = arec_failed_chunks_new (PLENTY);
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, add_and_find, failed), ==, 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join (threads[i], NULL);
    }
    g_assert_cmpuint (arec_failed_chunks_n (failed), ==, EACH);
    arec_failed_chunks_free (failed);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/failed-chunks/same-message", test_same_message);
    g_test_add_func ("/failed-chunks/from-a-record-on", test_from_a_record_on);
    g_test_add_func ("/failed-chunks/bound", test_bound);
    g_test_add_func ("/failed-chunks/number", test_number);
    g_test_add_func ("/failed-chunks/forget", test_forget);
    g_test_add_func ("/failed-chunks/threads", test_threads);
    return g_test_run();
}
