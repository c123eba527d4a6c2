#include "pack/tfrecord_count.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arec/arec.h>

#include "frame/tfrecord.h"
#include "pack/form.h"
#include "pack/input_path.h"

enum { WINDOW_SIZE = 64 * 1024 };

/* A part of the file, read when it is looked at. */
typedef struct {
    const char *name; /* for messages */
    int fd;
    off_t base; /* where the input begins in the file */
    uint64_t size;
    uint64_t offset; /* of the first byte that is in memory */
    size_t n;        /* bytes that are */
    uint8_t bytes[WINDOW_SIZE];
} View;

/* The @size bytes at @offset, which are in the file; NULL: the file has become shorter, or with
 * @error set. */
static const uint8_t *
look (View *view, uint64_t offset, size_t size, GError **error)
{
    ssize_t n;

    if (offset >= view->offset && offset - view->offset <= view->n &&
        size <= view->n - (offset - view->offset)) {
        return view->bytes + (offset - view->offset);
    }
    do {
        n = pread (view->fd, view->bytes, WINDOW_SIZE, view->base + (off_t)offset);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        arec_fail (error, AREC_ERROR_IO, "%s: at %" PRIu64 ": cannot read: %s", view->name,
                   offset, g_strerror (errno));
        return NULL;
    }
    view->offset = offset;
    view->n = (size_t)n;
    return view->n >= size ? view->bytes : NULL;
}

/* Whether the bytes are compressed. What begins with a sound header is not. */
static bool
is_compressed (View *view, GError **error)
{
    size_t size = MIN (view->size, TOOL_FORM_FRONT);
    const uint8_t *front = look (view, 0, size, error);
    ToolTfrecordCrc crc;
    uint64_t length;

    return front &&
           !(size >= TOOL_TFRECORD_HEADER_SIZE &&
             tool_tfrecord_parse_header (front, &length, &crc)) &&
           tool_form_detect (TOOL_FORM_GZIP | TOOL_FORM_ZLIB, front, size) != TOOL_FORM_PLAIN;
}

static bool
count_headers (View *view, uint64_t *n, GError **error)
{
    const uint64_t frame = TOOL_TFRECORD_HEADER_SIZE + TOOL_TFRECORD_TRAILER_SIZE;
    GError *failure = NULL;
    uint64_t at = 0;

    for (*n = 0; view->size - at >= frame; (*n)++) {
        const uint8_t *header = look (view, at, TOOL_TFRECORD_HEADER_SIZE, &failure);
        ToolTfrecordCrc crc;
        uint64_t length;

        if (!header) {
            break;
        }
        if (!tool_tfrecord_parse_header (header, &length, &crc)) {
            return arec_fail (error, AREC_ERROR_CORRUPT,
                              "%s: at %" PRIu64 ": length CRC is %08" PRIx32
                              ", should be %08" PRIx32,
                              view->name, at, crc.found, crc.expected);
        }
        if (length > view->size - at - frame) {
            break;
        }
        at += frame + length;
    }
    if (failure) {
        g_propagate_error (error, failure);
    }
    return !failure;
}

static bool
count (View *view, bool is_stdin, uint64_t *n, GError **error)
{
    GError *failure = NULL;
    struct stat st;

    *n = UINT64_MAX;
    if (fstat (view->fd, &st) != 0) {
        return tool_input_path_fail (view->name, errno, error);
    }
    if (!S_ISREG (st.st_mode)) {
        return true;
    }
    view->base = is_stdin ? lseek (view->fd, 0, SEEK_CUR) : 0;
    view->size = st.st_size > view->base ? (uint64_t)(st.st_size - view->base) : 0;
    if (is_compressed (view, &failure)) {
        return true;
    }
    if (failure) {
        g_propagate_error (error, failure);
        return false;
    }
    return count_headers (view, n, error);
}

bool
tool_tfrecord_count (const char *path, uint64_t *n, GError **error)
{
    bool is_stdin = tool_input_path_is_stdin (path);
    g_autofree View *view = g_new0 (View, 1);
    uint64_t size;
    bool done;

    *n = UINT64_MAX;
    /* To open a FIFO would be to wait, and to take what comes through it. */
    if (!tool_input_path_check (path, &size, error)) {
        return false;
    }
    if (size == UINT64_MAX) {
        return true;
    }
    view->name = tool_input_path_name (path);
    view->fd = tool_input_path_open (path, error);
    if (view->fd < 0) {
        return false;
    }
    done = count (view, is_stdin, n, error);
    if (!is_stdin) {
        close (view->fd);
    }
    return done;
}
