#include "pack/decompressor.h"

#include <inttypes.h>

#include <zlib.h>

#include <arec/arec.h>

typedef struct {
    ToolDecompressor base;
    z_stream zlib;
    bool in_member; /* between the first byte of a gzip member, or of all, and its end */
    bool is_done;
} Zlib;

static bool
fail (const Zlib *self, const char *reason, GError **error)
{
    return arec_fail (error, AREC_ERROR_CORRUPT, "%s: at %" PRIu64 ": %s data: %s",
                      self->base.name, self->base.raw->offset, tool_form_name (self->base.form),
                      reason);
}

/* After the end of a member another one may follow, or zeros, which tapes and disk images pad
 * with. */
static bool
begin_member (Zlib *self, GError **error)
{
    const uint8_t *data;
    size_t size;

    if (!tool_window_peek (self->base.raw, TOOL_FORM_FRONT, &data, &size, error)) {
        return false;
    }
    if (self->base.form == TOOL_FORM_GZIP &&
        tool_form_detect (TOOL_FORM_GZIP, data, size) == TOOL_FORM_GZIP) {
        self->in_member = inflateReset (&self->zlib) == Z_OK;
        return self->in_member || fail (self, "cannot begin anew", error);
    }
    while (size > 0) {
        size_t n = 0;

        while (n < size && data[n] == 0) {
            n++;
        }
        tool_window_skip (self->base.raw, n);
        if (n < size) {
            return fail (self, "other bytes after its end", error);
        }
        if (!tool_window_peek (self->base.raw, 1, &data, &size, error)) {
            return false;
        }
    }
    self->is_done = true;
    return true;
}

/* One step: some bytes of a member, of which *n may be 0. */
static bool
step (Zlib *self, uint8_t *data, size_t most, size_t *n, GError **error)
{
    const uint8_t *raw;
    size_t raw_size;
    int result;

    if (!tool_window_peek (self->base.raw, 1, &raw, &raw_size, error)) {
        return false;
    }
    self->zlib.next_in = (Bytef *)raw;
    self->zlib.avail_in = (uInt)MIN (raw_size, UINT_MAX);
    self->zlib.next_out = data;
    self->zlib.avail_out = (uInt)MIN (most, UINT_MAX);
    result = inflate (&self->zlib, Z_NO_FLUSH);
    tool_window_skip (self->base.raw, (size_t)(self->zlib.next_in - raw));
    *n = (size_t)(self->zlib.next_out - data);
    switch (result) {
    case Z_OK: return true;
    case Z_STREAM_END: self->in_member = false; return true;
    case Z_MEM_ERROR:
        return arec_fail (error, AREC_ERROR_NOMEM, "%s: no memory to decompress",
                          self->base.name);
    case Z_BUF_ERROR:
        /* No progress: only the end of the input can be the reason. */
        return raw_size > 0 || fail (self, "it ends too early", error);
    default: return fail (self, self->zlib.msg ? self->zlib.msg : "it is damaged", error);
    }
}

static bool
read_zlib (ToolDecompressor *base, uint8_t *data, size_t most, size_t *n, GError **error)
{
    Zlib *self = (Zlib *)base;

    *n = 0;
    while (*n == 0 && !self->is_done) {
        if (!(self->in_member ? step (self, data, most, n, error)
                              : begin_member (self, error))) {
            return false;
        }
    }
    return true;
}

static void
free_zlib (ToolDecompressor *base)
{
    inflateEnd (&((Zlib *)base)->zlib);
    g_free (base);
}

ToolDecompressor *
tool_decompressor_zlib_new (ToolForm form, const char *name, ToolWindow *raw, GError **error)
{
    static const ToolDecompressorOps ops = {read_zlib, free_zlib};
    Zlib *self = g_new0 (Zlib, 1);

    self->base = (ToolDecompressor){&ops, form, name, raw};
    self->in_member = true;
    if (inflateInit2 (&self->zlib, form == TOOL_FORM_GZIP ? 16 + MAX_WBITS : MAX_WBITS) !=
        Z_OK) {
        arec_fail (error, AREC_ERROR_NOMEM, "%s: no memory to decompress", name);
        g_free (self);
        return NULL;
    }
    return &self->base;
}
