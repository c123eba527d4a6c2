/* The writer to a descriptor: everything arrives, in order, or there is an error. */
#include "source/fd_writer.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "failing_calls.h"

#include "base/error.h"

enum { SIZE = 1000000 };

static uint8_t
byte_at (size_t at)
{
    return (uint8_t)(at * 31 + at / 251);
}

/* What a reader has found at the other end of a pipe. */
typedef struct {
    int fd;
    size_t n_right;
    bool is_wrong;
} Reading;

static void *
read_slowly (void *data)
{
    Reading *reading = data;
    uint8_t bytes[4096];
    ssize_t n;

    while ((n = read (reading->fd, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            reading->is_wrong |= bytes[i] != byte_at (reading->n_right++);
        }
    }
    return NULL;
}

static unsigned n_ends;

static void
count_end (void)
{
    n_ends++;
}

/* Pieces of all sizes into a pipe that is full most of the time. @flags  of its end. */
static void
check_pipe (int flags)
{
    static const size_t sizes[] = {1, 100, 70000, 300000};
    g_autofree uint8_t *data = g_malloc (SIZE);
    g_autoptr (GError) error = NULL;
    ArecFdWriter writer;
    Reading reading = {0};
    pthread_t thread;
    int ends[2];
    size_t at = 0;

    for (size_t i = 0; i < SIZE; i++) {
        data[i] = byte_at (i);
    }
    g_assert_cmpint (pipe (ends), ==, 0);
    g_assert_cmpint (fcntl (ends[1], F_SETFL, flags), ==, 0);
    reading.fd = ends[0];
    g_assert_cmpint (pthread_create (&thread, NULL, read_slowly, &reading), ==, 0);
    arec_fd_writer_init (&writer, ends[1], "pipe", &error);
    g_assert_no_error (error);
    for (unsigned i = 0; at < SIZE; i++) {
        size_t size = MIN (sizes[i % G_N_ELEMENTS (sizes)], SIZE - at);

        arec_fd_writer_add (&writer, data + at, size, &error);
        g_assert_no_error (error);
        at += size;
    }
    n_ends = 0;
    arec_fd_writer_flush_last (&writer, count_end, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (n_ends, ==, 1);
    g_assert_cmpuint (writer.flushed, ==, SIZE);
    arec_fd_writer_clear (&writer);
    close (ends[1]);
    pthread_join (thread, NULL);
    close (ends[0]);
    g_assert_cmpuint (reading.n_right, ==, SIZE);
    g_assert_false (reading.is_wrong);
}

static void
test_blocking (void)
{
    check_pipe (0);
}

static void
test_non_blocking (void)
{
    check_pipe (O_NONBLOCK);
}

static void
test_short_writes (void)
{
    test_calls.short_writes = true;
    check_pipe (0);
    test_calls.short_writes = false;
}

/* Tried again it would take nothing again, for ever. */
static void
test_empty_write (void)
{
    g_autoptr (GError) error = NULL;
    ArecFdWriter writer;
    int fd = open ("/dev/null", O_WRONLY | O_CLOEXEC);

    arec_fd_writer_init (&writer, fd, "out", &error);
    arec_fd_writer_add (&writer, "abc", 3, &error);
    g_assert_no_error (error);
    test_calls.empty_writes = true;
    g_assert_false (arec_fd_writer_flush (&writer, &error));
    test_calls.empty_writes = false;
    g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    g_assert_cmpstr (error->message, ==, "out: at 0: write: no byte was taken");
    arec_fd_writer_clear (&writer);
    close (fd);
}

static unsigned n_ends_at_signal;

static void
on_signal (int number)
{
    (void)number;
    n_ends_at_signal = n_ends;
}

static void
raise_signal (void)
{
    raise (SIGTERM);
}

/* A signal after the last write finds the end counted, one before does not. @size  of what is
 * buffered. @n_writes  that it takes. */
static void
check_signal (size_t size, int64_t n_writes)
{
    g_autofree uint8_t *data = g_malloc0 (size);

    for (int64_t at = 0; at < n_writes; at++) {
        g_autoptr (GError) error = NULL;
        ArecFdWriter writer;
        int fd = open ("/dev/null", O_WRONLY | O_CLOEXEC);

        arec_fd_writer_init (&writer, fd, "out", &error);
        arec_fd_writer_add (&writer, data, size, &error);
        n_ends = 0;
        n_ends_at_signal = UINT_MAX;
        test_calls_begin();
        test_calls.stop_at = at;
        test_calls.stop = raise_signal;
        g_assert_true (arec_fd_writer_flush_last (&writer, count_end, &error));
        test_calls_end();
        g_assert_cmpuint (n_ends_at_signal, ==, at == n_writes - 1 ? 1 : 0);
        arec_fd_writer_clear (&writer);
        close (fd);
    }
}

static void
test_signal_at_the_end (void)
{
    signal (SIGTERM, on_signal);
    check_signal (1, 1);
    check_signal (PIPE_BUF, 1);
    check_signal (PIPE_BUF + 1, 2);
    check_signal (100000, 2);
    signal (SIGTERM, SIG_DFL);
}

/* What fails has no end. */
static void
test_failing_end (void)
{
    g_autoptr (GError) error = NULL;
    ArecFdWriter writer;
    int fd = open ("/dev/full", O_WRONLY | O_CLOEXEC);

    arec_fd_writer_init (&writer, fd, "out", &error);
    arec_fd_writer_add (&writer, "abc", 3, &error);
    n_ends = 0;
    g_assert_false (arec_fd_writer_flush_last (&writer, count_end, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    g_assert_cmpuint (n_ends, ==, 0);
    arec_fd_writer_clear (&writer);
    close (fd);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/fd-writer/blocking", test_blocking);
    g_test_add_func ("/fd-writer/non-blocking", test_non_blocking);
    g_test_add_func ("/fd-writer/short-writes", test_short_writes);
    g_test_add_func ("/fd-writer/empty-write", test_empty_write);
    g_test_add_func ("/fd-writer/signal-at-the-end", test_signal_at_the_end);
    g_test_add_func ("/fd-writer/failing-end", test_failing_end);
    return g_test_run();
}
