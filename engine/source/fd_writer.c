#include "source/fd_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/phases.h"

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

/* Whether a write that failed with @saved_errno is to be tried again, after a wait if
 * necessary. */
static bool
may_go_on (const ArecFdWriter *writer, int saved_errno)
{
    struct pollfd wanted = {.fd = writer->fd, .events = POLLOUT};

    return saved_errno == EINTR ||
           (saved_errno == EAGAIN && (poll (&wanted, 1, -1) >= 0 || errno == EINTR));
}

static bool
write_all (ArecFdWriter *writer, const uint8_t *data, size_t size, GError **error)
{
    while (size > 0) {
        ssize_t n = write (writer->fd, data, size);

        if (n < 0 && may_go_on (writer, errno)) {
            continue;
        }
        if (n <= 0) {
            return arec_fail (error, AREC_ERROR_IO, "%s: at %" PRIu64 ": write: %s",
                              writer->name, writer->flushed,
                              n < 0 ? g_strerror (errno) : "no byte was taken");
        }
        data += n;
        size -= (size_t)n;
        writer->flushed += (uint64_t)n;
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

bool
arec_fd_writer_flush (ArecFdWriter *writer, GError **error)
{
    size_t size = writer->n_buffered;

    writer->n_buffered = 0;
    return write_fully (writer, writer->buffer, size, error);
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
