#include "pack/decompressor.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include <arec/arec.h>

typedef struct {
    ToolDecompressor base;
    struct archive *archive;
    size_t given;         /* raw bytes that libarchive has and that are not skipped yet */
    GError *cause;        /* why the raw bytes failed; NULL: they did not */
    bool is_opened;       /* the front has been read */
    const uint8_t *block; /* what libarchive has given and was not taken yet */
    size_t block_size;
} Archive;

/* Gives libarchive the raw bytes that are there. */
static la_ssize_t
read_raw (struct archive *archive, void *data, const void **block)
{
    Archive *self = data;
    const uint8_t *raw;
    size_t size;

    tool_window_skip (self->base.raw, self->given);
    self->given = 0;
    if (!tool_window_peek (self->base.raw, 1, &raw, &size, &self->cause)) {
        archive_set_error (archive, EIO, "cannot be read");
        return -1;
    }
    self->given = size;
    *block = raw;
    return (la_ssize_t)size;
}

static bool
fail (Archive *self, GError **error)
{
    const char *reason = archive_error_string (self->archive);

    if (self->cause) {
        g_propagate_error (error, g_steal_pointer (&self->cause));
        return false;
    }
    if (archive_errno (self->archive) == ENOMEM) {
        return arec_fail (error, AREC_ERROR_NOMEM, "%s: no memory to decompress",
                          self->base.name);
    }
    return arec_fail (error, AREC_ERROR_CORRUPT, "%s: at %" PRIu64 ": %s data: %s",
                      self->base.name, self->base.raw->offset + self->given,
                      tool_form_name (self->base.form), reason ? reason : "it is damaged");
}

/* Reads the front; *is_empty: there is nothing inside. */
static bool
open_archive (Archive *self, bool *is_empty, GError **error)
{
    struct archive_entry *entry;
    int result;

    self->is_opened = true;
    if (archive_read_open2 (self->archive, self, NULL, read_raw, NULL, NULL) != ARCHIVE_OK) {
        return fail (self, error);
    }
    /* It wants more of the front than the form's mark, and else takes the bytes as they are. */
    if (archive_filter_code (self->archive, 0) == ARCHIVE_FILTER_NONE) {
        return arec_fail (error, AREC_ERROR_CORRUPT, "%s: at 0: %s data: its front is damaged",
                          self->base.name, tool_form_name (self->base.form));
    }
    result = archive_read_next_header (self->archive, &entry);
    *is_empty = result == ARCHIVE_EOF;
    return result == ARCHIVE_OK || *is_empty || fail (self, error);
}

/* Asks libarchive for the next bytes; *at_end: there are none. */
static bool
take_block (Archive *self, bool *at_end, GError **error)
{
    const void *block;
    la_int64_t offset;
    int result;

    *at_end = false;
    if (!self->is_opened) {
        return open_archive (self, at_end, error);
    }
    result = archive_read_data_block (self->archive, &block, &self->block_size, &offset);
    self->block = block;
    *at_end = result == ARCHIVE_EOF;
    if (result != ARCHIVE_OK) {
        self->block_size = 0;
    }
    return result == ARCHIVE_OK || *at_end || fail (self, error);
}

static bool
read_archive (ToolDecompressor *base, uint8_t *data, size_t most, size_t *n, GError **error)
{
    Archive *self = (Archive *)base;
    bool at_end = false;

    while (self->block_size == 0 && !at_end) {
        if (!take_block (self, &at_end, error)) {
            return false;
        }
    }
    *n = MIN (most, self->block_size);
    if (*n > 0) {
        memcpy (data, self->block, *n);
        self->block += *n;
        self->block_size -= *n;
    }
    return true;
}

static void
free_archive (ToolDecompressor *base)
{
    Archive *self = (Archive *)base;

    archive_read_free (self->archive);
    g_clear_error (&self->cause);
    g_free (self);
}

/* Whether @archive reads @form from now on, by libarchive itself: it also could by another
 * program, which it answers with a warning. */
static bool
support_form (struct archive *archive, ToolForm form)
{
    switch (form) {
    case TOOL_FORM_ZSTD: return archive_read_support_filter_zstd (archive) == ARCHIVE_OK;
    case TOOL_FORM_BZIP2: return archive_read_support_filter_bzip2 (archive) == ARCHIVE_OK;
    case TOOL_FORM_LZ4: return archive_read_support_filter_lz4 (archive) == ARCHIVE_OK;
    default: return false;
    }
}

ToolDecompressor *
tool_decompressor_archive_new (ToolForm form, const char *name, ToolWindow *raw, GError **error)
{
    static const ToolDecompressorOps ops = {read_archive, free_archive};
    Archive *self = g_new0 (Archive, 1);

    self->base = (ToolDecompressor){&ops, form, name, raw};
    self->archive = archive_read_new();
    /* A raw entry needs a byte; without one the format `empty` matches. */
    if (self->archive && archive_read_support_format_raw (self->archive) == ARCHIVE_OK &&
        archive_read_support_format_empty (self->archive) == ARCHIVE_OK &&
        support_form (self->archive, form)) {
        return &self->base;
    }
    arec_fail (error, AREC_ERROR_UNSUPPORTED, "%s: %s data: libarchive does not read it here",
               name, tool_form_name (form));
    free_archive (&self->base);
    return NULL;
}
