/* The writer to a descriptor: everything arrives, in order, or there is an error. */
#include "source/fd_writer.h"

#include <fcntl.h>
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
    arec_fd_writer_flush (&writer, &error);
    g_assert_no_error (error);
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

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/fd-writer/blocking", test_blocking);
    g_test_add_func ("/fd-writer/non-blocking", test_non_blocking);
    g_test_add_func ("/fd-writer/short-writes", test_short_writes);
    g_test_add_func ("/fd-writer/empty-write", test_empty_write);
    return g_test_run();
}
