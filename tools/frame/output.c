#include "frame/output.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <arec/arec.h>

#include "frame/interrupt.h"
#include "frame/progress.h"

enum {
    BUFFER_SIZE = 256 * 1024,
    U64_DIGITS = 20,
};

struct ToolOutput {
    int fd; /* -1 once closed */
    const char *name;
    int failure;      /* errno of the first failure, 0 before */
    bool is_terminal; /* which may show a progress line */
    size_t used;
    char buffer[BUFFER_SIZE];
};

ToolOutput *
tool_output_new (int fd, const char *name)
{
    ToolOutput *out = g_malloc (sizeof *out);

    out->fd = fd;
    out->name = name;
    out->failure = 0;
    out->is_terminal = isatty (fd);
    out->used = 0;
    return out;
}

void
tool_output_free (ToolOutput *out)
{
    if (!out) {
        return;
    }
    if (out->fd >= 0) {
        close (out->fd);
    }
    g_free (out);
}

/* Waits until @fd, which another process may have made non-blocking, takes more. */
static bool
wait_writable (int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLOUT};

    return poll (&wanted, 1, -1) >= 0 || errno == EINTR;
}

/* The buffer and then @data, in as few calls as the kernel allows. */
static void
write_parts (ToolOutput *out, const void *data, size_t size)
{
    struct iovec parts[2] = {{out->buffer, out->used}, {(void *)data, size}};
    struct iovec *part = parts;

    if (out->is_terminal && out->used + size > 0) {
        tool_progress_clear();
    }
    out->used = 0;
    while (!out->failure && part < parts + G_N_ELEMENTS (parts)) {
        ssize_t n;

        if (part->iov_len == 0) {
            part++;
            continue;
        }
        n = writev (out->fd, part, (int)(parts + G_N_ELEMENTS (parts) - part));
        if (n < 0) {
            bool retry = errno == EINTR || (errno == EAGAIN && wait_writable (out->fd));

            out->failure = retry ? 0 : errno;
            continue;
        }
        for (size_t left = (size_t)n; left > 0;) {
            size_t step = MIN (left, part->iov_len);

            part->iov_base = (char *)part->iov_base + step;
            part->iov_len -= step;
            left -= step;
            part += part->iov_len == 0;
        }
    }
}

static void
write_out (ToolOutput *out, const void *data, size_t size)
{
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_WRITING);

    write_parts (out, data, size);
    arec_phases_leave (mark);
}

void
tool_output_bytes (ToolOutput *out, const void *data, size_t size)
{
    if (out->failure || size == 0) {
        return;
    }
    if (size > BUFFER_SIZE - out->used) {
        if (size >= BUFFER_SIZE) {
            write_out (out, data, size);
            return;
        }
        write_out (out, NULL, 0);
    }
    memcpy (out->buffer + out->used, data, size);
    out->used += size;
}

void
tool_output_text (ToolOutput *out, const char *text)
{
    tool_output_bytes (out, text, strlen (text));
}

void
tool_output_byte (ToolOutput *out, char byte)
{
    tool_output_bytes (out, &byte, 1);
}

void
tool_output_u64 (ToolOutput *out, uint64_t number)
{
    char digits[U64_DIGITS];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    tool_output_bytes (out, digits + at, sizeof digits - at);
}

void
tool_output_format (ToolOutput *out, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    tool_output_text (out, text);
}

void
tool_output_json_string (ToolOutput *out, const char *text)
{
    g_autofree char *json = arec_text_json (text);

    tool_output_text (out, json);
}

void
tool_output_json_member (ToolOutput *out, const char *key, const char *text)
{
    tool_output_format (out, "\"%s\": ", key);
    if (text) {
        tool_output_json_string (out, text);
    } else {
        tool_output_text (out, "null");
    }
}

void
tool_output_flush (ToolOutput *out)
{
    write_out (out, NULL, 0);
}

void
tool_output_last_bytes (ToolOutput *out, const void *data, size_t size, void (*done) (void))
{
    sigset_t before;

    tool_output_flush (out);
    wait_writable (out->fd); /* what is wrong is what the write finds */
    tool_interrupt_hold (&before);
    write_out (out, data, size);
    if (!out->failure) {
        done();
    }
    tool_interrupt_release (&before);
}

void
tool_output_end_line (ToolOutput *out)
{
    tool_output_byte (out, '\n');
    if (out->is_terminal) {
        tool_output_flush (out);
    }
}

bool
tool_output_check (const ToolOutput *out, GError **error)
{
    if (out->failure) {
        g_set_error (error, AREC_ERROR, AREC_ERROR_IO, "%s: %s", out->name,
                     g_strerror (out->failure));
        return false;
    }
    return true;
}

bool
tool_output_close (ToolOutput *out, GError **error)
{
    tool_output_flush (out);
    if (close (out->fd) != 0 && !out->failure) {
        out->failure = errno;
    }
    out->fd = -1;
    return tool_output_check (out, error);
}
