#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/output.h"

/* ---- a pipe whose other end a thread reads to the end ---- */

typedef struct {
    int fd;
    GByteArray *got;
    pthread_t thread;
} Sink;

static void *
drain (void *data)
{
    Sink *sink = data;
    uint8_t buffer[4093];
    ssize_t n;

    while ((n = read (sink->fd, buffer, sizeof buffer)) > 0) {
        g_byte_array_append (sink->got, buffer, (guint)n);
    }
    g_assert_cmpint (n, ==, 0);
    close (sink->fd);
    return NULL;
}

/* @flags  of the writing end. */
static ToolOutput *
open_pipe (Sink *sink, int flags)
{
    int ends[2];

    g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
    g_assert_cmpint (fcntl (ends[1], F_SETFL, flags), ==, 0);
    sink->fd = ends[0];
    sink->got = g_byte_array_new();
    g_assert_cmpint (pthread_create (&sink->thread, NULL, drain, sink), ==, 0);
    return tool_output_new (ends[1], "the pipe");
}

/* Closes @out and returns what came through, with a NUL after it. */
static GByteArray *
close_pipe (Sink *sink, ToolOutput *out)
{
    g_autoptr (GError) error = NULL;

    g_assert_true (tool_output_close (out, &error));
    g_assert_no_error (error);
    tool_output_free (out);
    pthread_join (sink->thread, NULL);
    g_byte_array_append (sink->got, (const guint8 *)"", 1);
    return sink->got;
}

/* ---- tests ---- */

static void
test_numbers_and_text (void)
{
    Sink sink;
    ToolOutput *out = open_pipe (&sink, 0);
    g_autoptr (GByteArray) got = NULL;

    tool_output_u64 (out, 0);
    tool_output_byte (out, ' ');
    tool_output_u64 (out, 10);
    tool_output_byte (out, ' ');
    tool_output_u64 (out, UINT64_MAX);
    tool_output_text (out, " end");
    tool_output_format (out, " %d%s", 5, "x");
    got = close_pipe (&sink, out);
    g_assert_cmpstr ((const char *)got->data, ==, "0 10 18446744073709551615 end 5x");
}

/* Pieces of all sizes around those of the buffer and of the pipe arrive in order, also through
 * a descriptor that does not block and takes parts. */
static void
test_sizes (gconstpointer flags)
{
    static const size_t sizes[] = {1,      65535,  65536,  262143, 262144, 262145, 0,
                                   600000, 262143, 100000, 200000, 3,      1000000};
    g_autoptr (GByteArray) expected = g_byte_array_new();
    g_autoptr (GByteArray) got = NULL;
    Sink sink;
    ToolOutput *out = open_pipe (&sink, GPOINTER_TO_INT (flags));
    uint8_t value = 0;

    for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++) {
        g_autofree uint8_t *piece = g_malloc (sizes[i] + 1);

        for (size_t k = 0; k < sizes[i]; k++) {
            piece[k] = (uint8_t)(value++ % 251);
        }
        tool_output_bytes (out, piece, sizes[i]);
        g_byte_array_append (expected, piece, (guint)sizes[i]);
    }
    got = close_pipe (&sink, out);
    g_assert_cmpmem (got->data, got->len - 1, expected->data, expected->len);
}

static void
test_json_string (void)
{
    static const struct {
        const char *text;
        const char *json;
    } cases[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"q\"b\\s/", "\"q\\\"b\\\\s/\""},
        {"\x01\n\x1f\x7f", "\"\\u0001\\u000a\\u001f\\u007f\""},
        {"\xc2\x9b", "\"\\u009b\""},
        {"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\""},
        {"a\xff\xfe"
         "b",
         "\"a\xef\xbf\xbd\xef\xbf\xbd"
         "b\""},
        {"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 /* cut off */
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* a surrogate */
        {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 /* overlong */
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        Sink sink;
        ToolOutput *out = open_pipe (&sink, 0);
        g_autoptr (GByteArray) got = NULL;

        tool_output_json_string (out, cases[i].text);
        got = close_pipe (&sink, out);
        g_assert_cmpstr ((const char *)got->data, ==, cases[i].json);
    }
}

static void
assert_fails (ToolOutput *out, const char *message)
{
    for (int i = 0; i < 2; i++) {
        g_autoptr (GError) error = NULL;

        g_assert_false (tool_output_check (out, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
        g_assert_cmpstr (error->message, ==, message);
    }
}

static void
test_full_disk (void)
{
    g_autofree uint8_t *piece = g_malloc0 (300000);
    g_autoptr (ToolOutput) out =
        tool_output_new (open ("/dev/full", O_WRONLY | O_CLOEXEC), "the disk");
    g_autoptr (GError) error = NULL;

    tool_output_bytes (out, piece, 100000);
    g_assert_true (tool_output_check (out, NULL));
    tool_output_bytes (out, piece, 200000);
    assert_fails (out, "the disk: No space left on device");
    tool_output_bytes (out, piece, 300000);
    tool_output_text (out, "more");
    tool_output_flush (out);
    g_assert_false (tool_output_close (out, &error));
    g_assert_cmpstr (error->message, ==, "the disk: No space left on device");
}

/* Output that fits into the buffer fails at the close. */
static void
test_full_disk_at_the_end (void)
{
    g_autoptr (ToolOutput) out =
        tool_output_new (open ("/dev/full", O_WRONLY | O_CLOEXEC), "the disk");
    g_autoptr (GError) error = NULL;

    tool_output_text (out, "a little");
    g_assert_true (tool_output_check (out, NULL));
    g_assert_false (tool_output_close (out, &error));
    g_assert_cmpstr (error->message, ==, "the disk: No space left on device");
}

static void
test_closed_descriptor (void)
{
    int fd = open ("/dev/null", O_WRONLY | O_CLOEXEC);
    g_autoptr (ToolOutput) out = tool_output_new (fd, "gone");
    g_autoptr (GError) error = NULL;

    close (fd);
    g_assert_false (tool_output_close (out, &error));
    g_assert_cmpstr (error->message, ==, "gone: Bad file descriptor");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/output/numbers_and_text", test_numbers_and_text);
    g_test_add_data_func ("/output/sizes", GINT_TO_POINTER (0), test_sizes);
    g_test_add_data_func ("/output/sizes_non_blocking", GINT_TO_POINTER (O_NONBLOCK),
                          test_sizes);
    g_test_add_func ("/output/json_string", test_json_string);
    g_test_add_func ("/output/full_disk", test_full_disk);
    g_test_add_func ("/output/full_disk_at_the_end", test_full_disk_at_the_end);
    g_test_add_func ("/output/closed_descriptor", test_closed_descriptor);
    return g_test_run();
}
