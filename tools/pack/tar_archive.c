#include "pack/tar_archive.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include <arec/arec.h>

#include "pack/excludes.h"

enum {
    BLOCK = 512,
    MAGIC_AT = 257, /* in a header, of all but the oldest writers */
    /* Bytes of a name in messages. */
    MAX_SHOWN = 200,
};

/* Bytes of all headers of a member, maps of sparse files among them, of which libarchive makes
 * lists that take some twenty times as many. It bounds each header by 1 MiB. */
#define MAX_HEADER ((uint64_t)2 << 20)

/* Members that are left out. */
typedef enum {
    LEFT_DIRECTORY,
    LEFT_SYMLINK,
    LEFT_HARDLINK,
    LEFT_DEVICE,
    LEFT_FIFO,
    LEFT_OTHER,
    N_LEFT,
} Left;

static const struct {
    const char *one;
    const char *several;
} left_texts[N_LEFT] = {
    [LEFT_DIRECTORY] = {"a directory", "directories"},
    [LEFT_SYMLINK] = {"a symbolic link", "symbolic links"},
    [LEFT_HARDLINK] = {"a hard link", "hard links"},
    [LEFT_DEVICE] = {"a device", "devices"},
    [LEFT_FIFO] = {"a FIFO", "FIFOs"},
    [LEFT_OTHER] = {"no regular file", "no regular files"},
};

/* The name of the first member may look like the front of a compressed archive. */
static bool
begins_with_header (const uint8_t *front, size_t size)
{
    return size >= BLOCK && memcmp (front + MAGIC_AT, "ustar", 5) == 0;
}

const ToolByteForms tool_tar_archive_forms = {
    .forms = TOOL_FORM_GZIP | TOOL_FORM_BZIP2 | TOOL_FORM_XZ | TOOL_FORM_ZSTD | TOOL_FORM_LZ4,
    .is_plain = begins_with_header,
    .plain_front = BLOCK,
};

struct ToolTarArchive {
    ToolInput *input;
    ToolByteInput *bytes;
    struct archive *archive; /* NULL: there are no bytes at all */
    const uint8_t *block;    /* bytes that libarchive has, and that are not skipped yet */
    size_t block_size;
    bool at_end;           /* it knows that there are no more */
    uint64_t header_at;    /* offset of the headers that it reads, or has read last */
    bool in_header;        /* libarchive reads headers now, */
    uint64_t header_bytes; /* and got so many for them */
    GError *cause;         /* why the bytes failed; NULL: they did not */
    char *name;            /* of the member; NULL: before the first one */
    uint64_t size;         /* of it */
    struct {
        uint64_t n;
        char *first;
    } left[N_LEFT];
};

/* ---- what libarchive reads ---- */

/* There are no more bytes, because of `cause`. */
static la_ssize_t
stop_archive (struct archive *archive)
{
    archive_set_error (archive, EIO, "cannot be read");
    return -1;
}

/* Gives libarchive the bytes that are there. */
static la_ssize_t
read_bytes (struct archive *archive, void *data, const void **block)
{
    ToolTarArchive *self = data;

    tool_byte_input_skip (self->bytes, self->block_size);
    self->block_size = 0;
    if (!tool_byte_input_peek (self->bytes, 1, &self->block, &self->block_size, &self->cause)) {
        return stop_archive (archive);
    }
    if (self->in_header) {
        self->header_bytes += self->block_size;
        if (self->header_bytes > MAX_HEADER + self->block_size) {
            tool_byte_input_fail (
                self->bytes, self->header_at, &self->cause, AREC_ERROR_CORRUPT,
                "the headers of a member take more than %" PRIu64 " bytes", MAX_HEADER);
            return stop_archive (archive);
        }
    }
    self->at_end = self->block_size == 0;
    *block = self->block;
    return (la_ssize_t)self->block_size;
}

/* ---- failures ---- */

/* `member NAME`, cut off if it is long. Returns (transfer full). */
static char *
member_text (const ToolTarArchive *self)
{
    size_t length = strlen (self->name);

    return g_strdup_printf ("member %.*s%s", (int)MIN (length, MAX_SHOWN), self->name,
                            length > MAX_SHOWN ? "..." : "");
}

char *
tool_tar_archive_place (const ToolTarArchive *self)
{
    g_autofree char *place = tool_byte_input_place (self->bytes, self->header_at);
    g_autofree char *member = self->name ? member_text (self) : NULL;

    return member ? g_strdup_printf ("%s: %s", place, member) : g_steal_pointer (&place);
}

/* The bytes failed: their message lacks the member. */
static bool
fail_bytes (ToolTarArchive *self, GError **error)
{
    if (self->name && g_error_matches (self->cause, AREC_ERROR, AREC_ERROR_CORRUPT)) {
        g_autofree char *member = member_text (self);
        g_autofree char *old = self->cause->message;

        self->cause->message =
            g_strdup_printf ("%s, %s %s", old, self->in_header ? "after" : "in", member);
    }
    g_propagate_error (error, g_steal_pointer (&self->cause));
    return false;
}

/* @reason  NULL: what libarchive says. */
static bool
fail (ToolTarArchive *self, const char *reason, GError **error)
{
    g_autofree char *place = NULL;

    if (self->cause) {
        return fail_bytes (self, error);
    }
    if (archive_errno (self->archive) == ENOMEM) {
        return arec_fail (error, AREC_ERROR_NOMEM, "%s: no memory to read the archive",
                          tool_byte_input_name (self->bytes));
    }
    if (!reason) {
        reason = archive_error_string (self->archive);
    }
    if (!self->in_header) {
        place = tool_tar_archive_place (self);
    } else {
        g_autofree char *member = self->name ? member_text (self) : NULL;
        g_autofree char *at = tool_byte_input_place (self->bytes, self->header_at);

        place = member ? g_strdup_printf ("%s: after %s", at, member) : g_steal_pointer (&at);
    }
    return arec_fail (error, AREC_ERROR_CORRUPT, "%s: %s", place,
                      reason ? reason : "the archive is damaged");
}

bool
tool_tar_archive_check_size (const ToolTarArchive *self, uint64_t size, GError **error)
{
    uint64_t most = MIN (self->input->options.max_record, SIZE_MAX / 2);
    g_autofree char *place = NULL;

    if (size <= most) {
        return true;
    }
    place = tool_tar_archive_place (self);
    return arec_fail (error, AREC_ERROR_LIMIT,
                      "%s: %" PRIu64 " bytes, a record may have %" PRIu64, place, size, most);
}

/* Fails as the call of libarchive that gave @result did. */
static bool
fail_result (ToolTarArchive *self, int result, GError **error)
{
    return fail (
        self, self->at_end && result == ARCHIVE_FATAL ? "the archive is cut off" : NULL, error);
}

/* ---- what is left out ---- */

static Left
left_of_type (unsigned type)
{
    switch (type) {
    case AE_IFDIR: return LEFT_DIRECTORY;
    case AE_IFLNK: return LEFT_SYMLINK;
    case AE_IFCHR:
    case AE_IFBLK: return LEFT_DEVICE;
    case AE_IFIFO: return LEFT_FIFO;
    default: return LEFT_OTHER;
    }
}

/* Whether @entry is a record. What is none, but for what was asked to be left out, is counted.
 */
static bool
is_taken (ToolTarArchive *self, struct archive_entry *entry)
{
    unsigned type = archive_entry_filetype (entry);
    Left left;

    if (archive_entry_hardlink (entry) || archive_entry_hardlink_utf8 (entry)) {
        left = LEFT_HARDLINK;
    } else if (type != AE_IFREG) {
        left = left_of_type (type);
    } else if (g_str_has_suffix (self->name, "/")) {
        left = LEFT_DIRECTORY; /* as old writers marked it */
    } else {
        return !tool_excludes_match_any (self->input->options.excludes, self->name);
    }
    if (self->left[left].n++ == 0) {
        g_autofree char *member = member_text (self);

        self->left[left].first = g_strdup (member + strlen ("member "));
    }
    return false;
}

static void
note_left (ToolTarArchive *self)
{
    const char *file = tool_byte_input_name (self->bytes);

    for (size_t i = 0; i < N_LEFT; i++) {
        uint64_t n = self->left[i].n;
        const char *first = self->left[i].first;

        if (n == 1) {
            tool_input_note (self->input, n, "%s: %s: %s, skipped", file, first,
                             left_texts[i].one);
        } else if (n > 1) {
            tool_input_note (self->input, n, "%s: %s and %" PRIu64 " more: %s, skipped", file,
                             first, n - 1, left_texts[i].several);
        }
    }
}

/* ---- the end ---- */

static bool
is_zero (const uint8_t *data, size_t size)
{
    return size == 0 || (data[0] == 0 && memcmp (data, data + 1, size - 1) == 0);
}

/* Reads what follows the first block of the end: so checksums of a compressed archive
 * are compared, and who writes into a pipe is not stopped. */
static bool
read_rest (ToolTarArchive *self, bool *is_more, GError **error)
{
    uint64_t start = tool_byte_input_offset (self->bytes);
    uint64_t end = self->header_at + BLOCK;
    uint64_t seen = MIN (end > start ? end - start : 0, self->block_size);

    *is_more = false;
    do {
        *is_more = *is_more || !is_zero (self->block + seen, self->block_size - seen);
        seen = 0;
        tool_byte_input_skip (self->bytes, self->block_size);
        self->block_size = 0;
        if (!tool_byte_input_peek (self->bytes, 1, &self->block, &self->block_size,
                                   &self->cause)) {
            return fail (self, NULL, error);
        }
    } while (self->block_size > 0);
    return true;
}

static ToolInputStep
finish (ToolTarArchive *self, GError **error)
{
    bool is_more;

    if (self->archive) {
        /* libarchive takes an end without a mark as one: half of an archive would do. */
        if (tool_byte_input_offset (self->bytes) + self->block_size <= self->header_at) {
            fail (self, "the archive is cut off: its end has no mark", error);
            return TOOL_INPUT_FAILED;
        }
        if (!read_rest (self, &is_more, error)) {
            return TOOL_INPUT_FAILED;
        }
        if (is_more) {
            tool_input_note (self->input, 1, "%s: what follows the end of the archive, skipped",
                             tool_byte_input_name (self->bytes));
        }
    }
    note_left (self);
    return TOOL_INPUT_END;
}

/* ---- members ---- */

/* Whether a warning is about what no record has. All others are about sizes, names and headers
 * that are cut off, and what follows would be wrong. */
static bool
is_harmless (const char *warning)
{
    return warning && (strstr (warning, "converted") || strstr (warning, "ACL") ||
                       strstr (warning, "acl"));
}

/* Reads the headers of the next member, whatever it is. */
static ToolInputStep
next_entry (ToolTarArchive *self, struct archive_entry **entry, GError **error)
{
    int result = ARCHIVE_OK;

    /* What is left of the member before is not to be counted as headers. */
    if (self->name) {
        result = archive_read_data_skip (self->archive);
        if (result != ARCHIVE_OK && result != ARCHIVE_EOF) {
            fail_result (self, result, error);
            return TOOL_INPUT_FAILED;
        }
    }
    self->in_header = true;
    self->header_at = (uint64_t)archive_filter_bytes (self->archive, 0);
    self->header_bytes = 0;
    result = archive_read_next_header (self->archive, entry);
    if (result == ARCHIVE_EOF) {
        return finish (self, error);
    }
    if (result != ARCHIVE_OK &&
        !(result == ARCHIVE_WARN && is_harmless (archive_error_string (self->archive)))) {
        fail_result (self, result, error);
        return TOOL_INPUT_FAILED;
    }
    self->in_header = false;
    return TOOL_INPUT_RECORD;
}

/* Names in pax headers are UTF-8, others any bytes. */
static void
take_name (ToolTarArchive *self, struct archive_entry *entry)
{
    const char *name = archive_entry_pathname (entry);

    if (!name) {
        name = archive_entry_pathname_utf8 (entry);
    }
    g_free (self->name);
    self->name = g_strdup (name ? name : "");
}

ToolInputStep
tool_tar_archive_next (ToolTarArchive *self, ToolTarEntry *entry, GError **error)
{
    struct archive_entry *found;
    ToolInputStep step;

    if (!self->archive) {
        return finish (self, error);
    }
    while ((step = next_entry (self, &found, error)) == TOOL_INPUT_RECORD) {
        take_name (self, found);
        self->size = (uint64_t)MAX (archive_entry_size (found), 0);
        if (is_taken (self, found)) {
            *entry = (ToolTarEntry){self->name, self->size};
            break;
        }
    }
    return step;
}

/* Adds a block that stands at @offset of the member, of which @done bytes are there. */
static bool
add_block (ToolTarArchive *self, ToolRecordBuffer *buffer, const void *block, size_t size,
           uint64_t offset, uint64_t done, GError **error)
{
    if (offset < done || offset > self->size || size > self->size - offset) {
        return fail (self, "its map of holes is wrong", error);
    }
    return tool_record_buffer_add_zeros (buffer, (size_t)(offset - done), error) &&
           tool_record_buffer_add (buffer, block, size, error);
}

bool
tool_tar_archive_read (ToolTarArchive *self, ToolRecordBuffer *buffer, GError **error)
{
    uint64_t done = 0;

    for (;;) {
        const void *block = NULL;
        size_t size = 0;
        la_int64_t offset = 0;
        int result = archive_read_data_block (self->archive, &block, &size, &offset);

        if (result == ARCHIVE_EOF) {
            break;
        }
        if (result != ARCHIVE_OK) {
            return fail_result (self, result, error);
        }
        if (size > 0) {
            if (!add_block (self, buffer, block, size, (uint64_t)offset, done, error)) {
                return false;
            }
            done = (uint64_t)offset + size;
        }
    }
    return tool_record_buffer_add_zeros (buffer, (size_t)(self->size - done), error);
}

/* ---- making ---- */

static bool
open_archive (ToolTarArchive *self, GError **error)
{
    self->archive = archive_read_new();
    if (!self->archive || archive_read_support_format_tar (self->archive) != ARCHIVE_OK) {
        return arec_fail (error, AREC_ERROR_NOMEM, "%s: no memory to read the archive",
                          tool_byte_input_name (self->bytes));
    }
    if (archive_read_open2 (self->archive, self, NULL, read_bytes, NULL, NULL) == ARCHIVE_OK) {
        return true;
    }
    return self->cause || archive_errno (self->archive) == ENOMEM
               ? fail (self, NULL, error)
               : arec_fail (error, AREC_ERROR_FORMAT, "%s: is no tar archive",
                            tool_byte_input_name (self->bytes));
}

ToolTarArchive *
tool_tar_archive_new (ToolInput *input, ToolByteInput *bytes, GError **error)
{
    g_autoptr (ToolTarArchive) self = g_new0 (ToolTarArchive, 1);
    const uint8_t *front;
    size_t size;

    self->input = input;
    self->bytes = bytes;
    self->in_header = true;
    if (!tool_byte_input_peek (bytes, 1, &front, &size, error) ||
        (size > 0 && !open_archive (self, error))) {
        return NULL;
    }
    return g_steal_pointer (&self);
}

void
tool_tar_archive_free (ToolTarArchive *self)
{
    if (!self) {
        return;
    }
    archive_read_free (self->archive);
    g_clear_error (&self->cause);
    g_free (self->name);
    for (size_t i = 0; i < N_LEFT; i++) {
        g_free (self->left[i].first);
    }
    g_free (self);
}
