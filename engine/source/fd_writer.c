#include "source/fd_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/phases.h"
#include "base/thread.h"

/* Small pieces are gathered up to this many bytes. */
#define BUFFER_SIZE ((size_t)256 * 1024)

bool
arec_fd_writer_init (ArecFdWriter *writer, int fd, const char *name, GError **error)
{
    *writer = (ArecFdWriter){.fd = fd, .name = name, .buffer = g_try_malloc (BUFFER_SIZE)};
    return writer->buffer || arec_fail (error, AREC_ERROR_NOMEM, "%s: no memory for %zu bytes",
                                        name, BUFFER_SIZE);
}

void
arec_fd_writer_clear (ArecFdWriter *writer)
{
    g_clear_pointer (&writer->buffer, g_free);
}

static bool
wait_writable (const ArecFdWriter *writer)
{
    struct pollfd wanted = {.fd = writer->fd, .events = POLLOUT};

    return poll (&wanted, 1, -1) >= 0 || errno == EINTR;
}

/* Takes in what a write gave. @n  (inout) -1 with errno set; 0 on return: it is to be tried
 * again. Waits before if necessary. */
static bool
check_write (ArecFdWriter *writer, ssize_t *n, GError **error)
{
    if (*n < 0 && (errno == EINTR || (errno == EAGAIN && wait_writable (writer)))) {
        *n = 0;
        return true;
    }
    if (*n <= 0) {
        return arec_fail (error, AREC_ERROR_IO, "%s: at %" PRIu64 ": write: %s", writer->name,
                          writer->flushed, *n < 0 ? g_strerror (errno) : "no byte was taken");
    }
    writer->flushed += (uint64_t)*n;
    return true;
}

static bool
write_all (ArecFdWriter *writer, const uint8_t *data, size_t size, GError **error)
{
    while (size > 0) {
        ssize_t n = write (writer->fd, data, size);

        if (!check_write (writer, &n, error)) {
            return false;
        }
        data += n;
        size -= (size_t)n;
    }
    return true;
}

static bool
write_fully (ArecFdWriter *writer, const uint8_t *data, size_t size, GError **error)
{
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_WRITING);
    bool done = write_all (writer, data, size, error);

    arec_phases_leave (mark);
    return done;
}

/* As write (), with @done right after it if it takes everything. */
static ssize_t
write_and_call (const ArecFdWriter *writer, const uint8_t *data, size_t size,
                void (*done) (void))
{
    sigset_t before;
    int saved_errno;
    ssize_t n;

    arec_thread_hold_signals (&before);
    n = write (writer->fd, data, size);
    saved_errno = errno;
    if (n >= 0 && (size_t)n == size) {
        done();
    }
    arec_thread_release_signals (&before);
    errno = saved_errno;
    return n;
}

bool
arec_fd_writer_flush (ArecFdWriter *writer, GError **error)
{
    size_t size = writer->n_buffered;

    writer->n_buffered = 0;
    return write_fully (writer, writer->buffer, size, error);
}

/* As many bytes a pipe takes without a wait once it takes any. */
bool
arec_fd_writer_flush_last (ArecFdWriter *writer, void (*done) (void), GError **error)
{
    size_t last = MIN (writer->n_buffered, PIPE_BUF), size = writer->n_buffered - last;
    const uint8_t *data = writer->buffer + size;

    writer->n_buffered = 0;
    if (!write_fully (writer, writer->buffer, size, error)) {
        return false;
    }
    if (last == 0) {
        done();
    }
    while (last > 0) {
        ssize_t n;

        wait_writable (writer); /* what is wrong is what the write finds */
        n = write_and_call (writer, data, last, done);
        if (!check_write (writer, &n, error)) {
            return false;
        }
        data += n;
        last -= (size_t)n;
    }
    return true;
}

bool
arec_fd_writer_add (ArecFdWriter *writer, const void *data, size_t size, GError **error)
{
    if (size > BUFFER_SIZE - writer->n_buffered && !arec_fd_writer_flush (writer, error)) {
        return false;
    }
    if (size >= BUFFER_SIZE) {
        return write_fully (writer, data, size, error);
    }
    memcpy (writer->buffer + writer->n_buffered, data, size);
    writer->n_buffered += size;
    return true;
}
