#include "pack/decompressor.h"

#include <inttypes.h>

#include <lzma.h>

#include <arec/arec.h>

/* Memory that a stream may ask for by the size of its dictionary; `xz -9` needs 65 MiB. As much
 * as windows of zstd may have. */
#define MAX_MEMORY ((uint64_t)128 << 20)

typedef struct {
    ToolDecompressor base;
    lzma_stream lzma;
    bool is_done;
} Lzma;

static bool
fail (const Lzma *self, lzma_ret result, GError **error)
{
    const char *reason = "it is damaged";

    switch (result) {
    case LZMA_MEM_ERROR:
        return arec_fail (error, AREC_ERROR_NOMEM, "%s: no memory to decompress",
                          self->base.name);
    case LZMA_MEMLIMIT_ERROR:
        return arec_fail (error, AREC_ERROR_LIMIT,
                          "%s: at %" PRIu64 ": xz data: decompressing takes %" PRIu64
                          " bytes of memory, it may take %" PRIu64,
                          self->base.name, self->base.raw->offset, lzma_memusage (&self->lzma),
                          MAX_MEMORY);
    case LZMA_OPTIONS_ERROR: reason = "it needs a newer library"; break;
    case LZMA_BUF_ERROR: reason = "it ends too early"; break;
    case LZMA_FORMAT_ERROR: reason = "other bytes after its end"; break;
    default: break;
    }
    return arec_fail (error, AREC_ERROR_CORRUPT, "%s: at %" PRIu64 ": xz data: %s",
                      self->base.name, self->base.raw->offset, reason);
}

/* One step: some bytes, of which *n may be 0. */
static bool
step (Lzma *self, uint8_t *data, size_t most, size_t *n, GError **error)
{
    const uint8_t *raw;
    size_t raw_size;
    lzma_ret result;

    if (!tool_window_peek (self->base.raw, 1, &raw, &raw_size, error)) {
        return false;
    }
    self->lzma.next_in = raw;
    self->lzma.avail_in = raw_size;
    self->lzma.next_out = data;
    self->lzma.avail_out = most;
    result = lzma_code (&self->lzma, raw_size > 0 ? LZMA_RUN : LZMA_FINISH);
    tool_window_skip (self->base.raw, raw_size - self->lzma.avail_in);
    *n = most - self->lzma.avail_out;
    self->is_done = result == LZMA_STREAM_END;
    return result == LZMA_OK || self->is_done || fail (self, result, error);
}

static bool
read_lzma (ToolDecompressor *base, uint8_t *data, size_t most, size_t *n, GError **error)
{
    Lzma *self = (Lzma *)base;

    *n = 0;
    while (*n == 0 && !self->is_done) {
        if (!step (self, data, most, n, error)) {
            return false;
        }
    }
    return true;
}

static void
free_lzma (ToolDecompressor *base)
{
    lzma_end (&((Lzma *)base)->lzma);
    g_free (base);
}

ToolDecompressor *
tool_decompressor_lzma_new (ToolForm form, const char *name, ToolWindow *raw, GError **error)
{
    static const ToolDecompressorOps ops = {read_lzma, free_lzma};
    Lzma *self = g_new0 (Lzma, 1);

    self->base = (ToolDecompressor){&ops, form, name, raw};
    if (lzma_stream_decoder (&self->lzma, MAX_MEMORY, LZMA_CONCATENATED) != LZMA_OK) {
        arec_fail (error, AREC_ERROR_NOMEM, "%s: no memory to decompress", name);
        g_free (self);
        return NULL;
    }
    return &self->base;
}
