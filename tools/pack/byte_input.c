#include "pack/byte_input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arec/phases.h>

#include "pack/decompressor.h"
#include "pack/input_path.h"
#include "pack/window.h"

struct ToolByteInput {
    const char *name; /* for messages; owned by the caller of open, or static */
    int fd;
    uint64_t read_size; /* bytes read */
    ToolWindow raw;
    ToolDecompressor *decompressor; /* NULL: plain */
    ToolWindow decompressed;        /* used if there is one */
};

/* Waits until @fd, which another process may have made non-blocking, has more. */
static bool
wait_readable (int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};

    return poll (&wanted, 1, -1) >= 0 || errno == EINTR;
}

static bool
read_some (ToolByteInput *input, uint8_t *data, size_t most, size_t *n, GError **error)
{
    for (;;) {
        ssize_t got = read (input->fd, data, most);

        if (got >= 0) {
            *n = (size_t)got;
            input->read_size += *n;
            return true;
        }
        if (errno != EINTR && !(errno == EAGAIN && wait_readable (input->fd))) {
            return arec_fail (error, AREC_ERROR_IO, "%s: at %" PRIu64 ": cannot read: %s",
                              input->name, input->read_size, g_strerror (errno));
        }
    }
}

/* A ToolFillFunc. */
static bool
read_file (void *source, uint8_t *data, size_t most, size_t *n, GError **error)
{
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_READING);
    bool done = read_some (source, data, most, n, error);

    arec_phases_leave (mark);
    return done;
}

static bool
choose_form (ToolByteInput *input, const ToolByteForms *forms, GError **error)
{
    const uint8_t *front;
    ToolForm form;
    size_t size;

    if (forms->forms == 0) {
        return true;
    }
    if (!tool_window_peek (&input->raw, 1, &front, &size, error)) {
        return false;
    }
    if (size == 0 || !tool_form_may_begin (forms->forms, front[0])) {
        return true;
    }
    if (!tool_window_peek (&input->raw, MAX (TOOL_FORM_FRONT, forms->plain_front), &front,
                           &size, error)) {
        return false;
    }
    form = forms->is_plain && forms->is_plain (front, size)
               ? TOOL_FORM_PLAIN
               : tool_form_detect (forms->forms, front, size);
    if (form == TOOL_FORM_PLAIN) {
        return true;
    }
    input->decompressor = tool_decompressor_new (form, input->name, &input->raw, error);
    input->decompressed.fill = tool_decompressor_read;
    input->decompressed.source = input->decompressor;
    input->decompressed.name = input->name;
    return input->decompressor != NULL;
}

ToolByteInput *
tool_byte_input_open (const char *path, const ToolByteForms *forms, GError **error)
{
    g_autoptr (ToolByteInput) input = g_new0 (ToolByteInput, 1);

    input->name = tool_input_path_name (path);
    input->fd = tool_input_path_open (path, error);
    input->raw.fill = read_file;
    input->raw.source = input;
    input->raw.name = input->name;
    if (input->fd < 0 || !choose_form (input, forms, error)) {
        return NULL;
    }
    return g_steal_pointer (&input);
}

void
tool_byte_input_free (ToolByteInput *input)
{
    if (!input) {
        return;
    }
    tool_decompressor_free (input->decompressor);
    tool_window_clear (&input->decompressed);
    tool_window_clear (&input->raw);
    if (input->fd > STDIN_FILENO) {
        close (input->fd);
    }
    g_free (input);
}

static ToolWindow *
window_of (ToolByteInput *input)
{
    return input->decompressor ? &input->decompressed : &input->raw;
}

bool
tool_byte_input_peek (ToolByteInput *input, size_t least, const uint8_t **data, size_t *size,
                      GError **error)
{
    return tool_window_peek (window_of (input), least, data, size, error);
}

void
tool_byte_input_skip (ToolByteInput *input, size_t n)
{
    tool_window_skip (window_of (input), n);
}

uint64_t
tool_byte_input_offset (const ToolByteInput *input)
{
    return input->decompressor ? input->decompressed.offset : input->raw.offset;
}

uint64_t
tool_byte_input_raw_offset (const ToolByteInput *input)
{
    return input->read_size;
}

const char *
tool_byte_input_name (const ToolByteInput *input)
{
    return input->name;
}

char *
tool_byte_input_place (const ToolByteInput *input, uint64_t offset)
{
    return g_strdup_printf ("%s: at %" PRIu64 "%s", input->name, offset,
                            input->decompressor ? " of the decompressed bytes" : "");
}

bool
tool_byte_input_fail (const ToolByteInput *input, uint64_t offset, GError **error,
                      ArecError code, const char *format, ...)
{
    g_autofree char *place = tool_byte_input_place (input, offset);
    g_autofree char *what = NULL;
    va_list args;

    va_start (args, format);
    what = g_strdup_vprintf (format, args);
    va_end (args);
    return arec_fail (error, code, "%s: %s", place, what);
}
