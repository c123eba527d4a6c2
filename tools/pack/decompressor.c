#include "pack/decompressor.h"

#include <arec/arec.h>

typedef struct {
    unsigned forms;
    const char *library;
    /* NULL: not in this build. */
    ToolDecompressor *(*new) (ToolForm form, const char *name, ToolWindow *raw, GError **error);
} Implementation;

static const Implementation implementations[] = {
    {TOOL_FORM_GZIP | TOOL_FORM_ZLIB, "zlib",
#ifdef TOOL_HAVE_ZLIB
     tool_decompressor_zlib_new},
#else
     NULL},
#endif
    {TOOL_FORM_XZ, "liblzma",
#ifdef TOOL_HAVE_LZMA
     tool_decompressor_lzma_new},
#else
     NULL},
#endif
    {TOOL_FORM_ZSTD | TOOL_FORM_BZIP2 | TOOL_FORM_LZ4, "libarchive",
#ifdef TOOL_HAVE_LIBARCHIVE
     tool_decompressor_archive_new},
#else
     NULL},
#endif
};

ToolDecompressor *
tool_decompressor_new (ToolForm form, const char *name, ToolWindow *raw, GError **error)
{
    const Implementation *implementation = implementations;

    while (!(implementation->forms & form)) {
        implementation++;
    }
    if (!implementation->new) {
        arec_fail (error, AREC_ERROR_UNSUPPORTED, "%s: %s data: this build is without %s", name,
                   tool_form_name (form), implementation->library);
        return NULL;
    }
    return implementation->new (form, name, raw, error);
}

void
tool_decompressor_free (ToolDecompressor *decompressor)
{
    if (decompressor) {
        decompressor->ops->free (decompressor);
    }
}

bool
tool_decompressor_read (void *decompressor, uint8_t *data, size_t most, size_t *n,
                        GError **error)
{
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_DECODING);
    ToolDecompressor *self = decompressor;
    bool done = self->ops->read (self, data, most, n, error);

    arec_phases_leave (mark);
    return done;
}
