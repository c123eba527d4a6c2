#include "base/error.h"

#include <errno.h>
#include <pthread.h>

enum { N_THREADS = 4 };

typedef struct {
    pthread_barrier_t *start;
    int number;
    GError *error;
} Failing;

static void *
fail_with_the_others (void *data)
{
    Failing *failing = data;

    pthread_barrier_wait (failing->start);
    arec_fail (&failing->error, AREC_ERROR_IO, "%d", failing->number);
    return NULL;
}

/* Must be the first test: GLib makes the lock of its error domains at the first error of a
 * process. */
static void
test_first_errors_of_threads (void)
{
    pthread_barrier_t start;
    pthread_t threads[N_THREADS];
    Failing failing[N_THREADS];

    g_assert_cmpint (pthread_barrier_init (&start, NULL, N_THREADS), ==, 0);
    for (int i = 0; i < N_THREADS; i++) {
        failing[i] = (Failing){&start, i, NULL};
        g_assert_cmpint (pthread_create (&threads[i], NULL, fail_with_the_others, &failing[i]),
                         ==, 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        g_autofree char *expected = g_strdup_printf ("%d", i);

        g_assert_cmpint (pthread_join (threads[i], NULL), ==, 0);
        g_assert_error (failing[i].error, AREC_ERROR, AREC_ERROR_IO);
        g_assert_cmpstr (failing[i].error->message, ==, expected);
        g_error_free (failing[i].error);
    }
    pthread_barrier_destroy (&start);
}

static void
test_fail (void)
{
    g_autoptr (GError) error = NULL;

    g_assert_false (arec_fail (&error, AREC_ERROR_CORRUPT, "found %d, expected %s", 3, "four"));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
    g_assert_cmpstr (error->message, ==, "found 3, expected four");
}

static void
test_null_error (void)
{
    g_assert_false (arec_fail (NULL, AREC_ERROR_IO, "%s", "lost"));
    g_assert_false (arec_fail_errno (NULL, ENOENT, "%s", "lost"));
    g_assert_false (arec_fail_at (NULL, "lost", 1));
}

static void
test_fail_errno (void)
{
    static const struct {
        int saved_errno;
        ArecError code;
    } rows[] = {
        {ENOENT, AREC_ERROR_NOT_FOUND},
        {ENOTDIR, AREC_ERROR_NOT_FOUND},
        {EACCES, AREC_ERROR_NOT_FOUND},
        {EPERM, AREC_ERROR_NOT_FOUND},
        {ELOOP, AREC_ERROR_NOT_FOUND},
        {EISDIR, AREC_ERROR_NOT_FOUND},
        {ENAMETOOLONG, AREC_ERROR_NOT_FOUND},
        {ENOMEM, AREC_ERROR_NOMEM},
        {ESTALE, AREC_ERROR_CHANGED},
        {EIO, AREC_ERROR_IO},
        {EMFILE, AREC_ERROR_IO},
        {ENOSPC, AREC_ERROR_IO},
        {ETIMEDOUT, AREC_ERROR_IO},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;
        g_autofree char *expected =
            g_strdup_printf ("data/a b: %s", g_strerror (rows[i].saved_errno));

        errno = 0;
        g_assert_false (arec_fail_errno (&error, rows[i].saved_errno, "data/%s", "a b"));
        g_assert_error (error, AREC_ERROR, (int)rows[i].code);
        g_assert_cmpstr (error->message, ==, expected);
    }
}

static void
test_fail_at (void)
{
    g_autoptr (GError) error = NULL;

    arec_fail (&error, AREC_ERROR_CORRUPT, "header hash 1, expected 2");
    g_assert_false (arec_fail_at (&error, "x.array_record", UINT64_MAX));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
    g_assert_cmpstr (error->message, ==,
                     "x.array_record: at 18446744073709551615: header hash 1, expected 2");
}

static void
check_place (const GError *error, uint64_t offset, const char *reason, const char *message)
{
    uint64_t found;
    const char *text;

    g_assert_true (arec_error_place (error, &found, &text));
    g_assert_cmpuint (found, ==, offset);
    g_assert_cmpstr (text, ==, reason);
    g_assert_cmpstr (error->message, ==, message);
}

/* A place is a field of the error, whatever the name of the file, and copies have it. */
static void
test_place (void)
{
    g_autoptr (GError) error = NULL, copy = NULL, again = NULL, plain = NULL, foreign = NULL;
    g_autofree char *here = NULL, *elsewhere = NULL, *unknown = NULL;
    uint64_t offset = 4711;
    const char *reason = NULL;

    g_assert_false (arec_fail_place (NULL, AREC_ERROR_CORRUPT, "x", 5, "%s", "lost"));
    g_assert_false (
        arec_fail_place (&error, AREC_ERROR_LIMIT, "x: at 9: y", 64, "%d bytes", 7));
    g_assert_true (arec_error_is_of_bytes (error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    check_place (error, 64, "7 bytes", "x: at 9: y: at 64: 7 bytes");
    copy = g_error_copy (error);
    check_place (copy, 64, "7 bytes", "x: at 9: y: at 64: 7 bytes");
    arec_error_blame_process (copy);
    g_assert_false (arec_error_is_of_bytes (copy));
    again = g_error_copy (copy);
    g_assert_false (arec_error_is_of_bytes (again));
    check_place (again, 64, "7 bytes", "x: at 9: y: at 64: 7 bytes");
    g_assert_true (arec_error_is_of_bytes (error));
    here = arec_error_reason_at (error, 64);
    g_assert_cmpstr (here, ==, "7 bytes");
    elsewhere = arec_error_reason_at (error, 65);
    g_assert_cmpstr (elsewhere, ==, "at 64: 7 bytes");

    arec_fail (&plain, AREC_ERROR_IO, "x: at 9: read");
    g_assert_false (arec_error_place (plain, &offset, &reason));
    unknown = arec_error_reason_at (plain, 9);
    g_assert_cmpstr (unknown, ==, "x: at 9: read");
    foreign = g_error_new_literal (G_FILE_ERROR, 0, "x");
    g_assert_false (arec_error_place (foreign, &offset, &reason));
    g_assert_cmpuint (offset, ==, 4711);
    arec_fail_at (&plain, "y", 3);
    check_place (plain, 3, "x: at 9: read", "y: at 3: x: at 9: read");
}

static void
test_exit_code (void)
{
    static const struct {
        ArecError code;
        int exit_code;
    } rows[] = {
        {AREC_ERROR_IO, 1},        {AREC_ERROR_LIMIT, 1},   {AREC_ERROR_NOMEM, 1},
        {AREC_ERROR_CHANGED, 1},   {AREC_ERROR_INVALID, 2}, {AREC_ERROR_NOT_FOUND, 3},
        {AREC_ERROR_FORMAT, 4},    {AREC_ERROR_CORRUPT, 5}, {AREC_ERROR_UNSUPPORTED, 6},
        {AREC_ERROR_CANCELLED, 1},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;

        arec_fail (&error, rows[i].code, "x");
        g_assert_cmpint (arec_error_exit_code (error), ==, rows[i].exit_code);
    }
}

static void
test_foreign_domain_exits_1 (void)
{
    g_autoptr (GError) error = g_error_new_literal (G_FILE_ERROR, (int)AREC_ERROR_CORRUPT, "x");

    g_assert_cmpint (arec_error_exit_code (error), ==, 1);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/error/first-errors-of-threads", test_first_errors_of_threads);
    g_test_add_func ("/error/fail", test_fail);
    g_test_add_func ("/error/null-error", test_null_error);
    g_test_add_func ("/error/fail-errno", test_fail_errno);
    g_test_add_func ("/error/fail-at", test_fail_at);
    g_test_add_func ("/error/place", test_place);
    g_test_add_func ("/error/exit-code", test_exit_code);
    g_test_add_func ("/error/foreign-domain-exits-1", test_foreign_domain_exits_1);
    return g_test_run();
}
