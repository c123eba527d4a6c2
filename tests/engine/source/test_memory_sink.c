/* The memory sink, and the behaviour of all sinks: they count, and refuse everything after a
 * failure. */
#include "source/memory_sink.h"

#include "faulty_sink.h"

#include "base/error.h"

static void
test_write_and_commit (void)
{
    g_autoptr (ArecSink) sink = arec_memory_sink_new ("out");
    g_autoptr (GError) error = NULL;
    ArecBytes bytes = arec_memory_sink_bytes (sink);

    g_assert_cmpuint (arec_bytes_left (&bytes), ==, 0);
    g_assert_true (arec_sink_write (sink, "abc", 3, &error));
    g_assert_true (arec_sink_write (sink, NULL, 0, &error));
    g_assert_true (arec_sink_write (sink, "de", 2, &error));
    g_assert_cmpuint (sink->position, ==, 5);
    g_assert_false (arec_memory_sink_is_committed (sink));
    g_assert_true (arec_sink_commit (sink, &error));
    g_assert_no_error (error);
    g_assert_true (arec_memory_sink_is_committed (sink));
    bytes = arec_memory_sink_bytes (sink);
    g_assert_cmpmem (bytes.at, arec_bytes_left (&bytes), "abcde", 5);
}

static void
test_no_memory (void)
{
    g_autoptr (ArecSink) sink = arec_memory_sink_new ("out");
    g_autoptr (GError) error = NULL;

    g_assert_true (arec_sink_write (sink, "abc", 3, &error));
    g_assert_false (arec_sink_write (sink, "x", SIZE_MAX, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_NOMEM);
    g_assert_true (g_str_has_prefix (error->message, "out: at 3: "));
}

/* After a failure, whichever call it was, nothing else happens, and the inner sink sees none.
 */
static void
test_failure_is_final (void)
{
    for (int64_t at = 0; at < 3; at++) {
        TestSinkFaults faults = {.fail_at_call = at};
        ArecSink *inner = arec_memory_sink_new ("out");
        g_autoptr (ArecSink) sink = test_faulty_sink_new (inner, &faults);
        g_autoptr (GError) error = NULL;
        bool ok = arec_sink_write (sink, "abc", 3, &error) &&
                  arec_sink_write (sink, "de", 2, &error) && arec_sink_commit (sink, &error);

        g_assert_false (ok);
        g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
        g_clear_error (&error);
        faults.fail_at_call = -1;
        g_assert_false (arec_sink_write (sink, "x", 1, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
        g_clear_error (&error);
        g_assert_false (arec_sink_commit (sink, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
        g_assert_cmpuint (faults.calls, ==, at + 1);
        g_assert_false (arec_memory_sink_is_committed (inner));
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/memory-sink/commit", test_write_and_commit);
    g_test_add_func ("/memory-sink/no-memory", test_no_memory);
    g_test_add_func ("/memory-sink/failure-is-final", test_failure_is_final);
    return g_test_run();
}
