#include <arec/kind.h>

#include <string.h>

static const char *const kinds[] = {
    [AREC_KIND_AUTO] = "auto",
    [AREC_KIND_ARRAY_RECORD] = "array_record",
    [AREC_KIND_RIEGELI] = "riegeli",
};

static const char *const codecs[] = {
    [AREC_CODEC_NONE] = "none",     [AREC_CODEC_BROTLI] = "brotli", [AREC_CODEC_ZSTD] = "zstd",
    [AREC_CODEC_SNAPPY] = "snappy", [AREC_CODEC_MIXED] = "mixed",
};

const char *
arec_kind_text (ArecKind kind)
{
    g_return_val_if_fail ((size_t)kind < G_N_ELEMENTS (kinds), "");
    return kinds[kind];
}

bool
arec_kind_parse (const char *text, ArecKind *kind)
{
    for (size_t i = AREC_KIND_AUTO + 1; i < G_N_ELEMENTS (kinds); i++) {
        if (strcmp (text, kinds[i]) == 0) {
            *kind = (ArecKind)i;
            return true;
        }
    }
    return false;
}

const char *
arec_codec_text (ArecCodecName codec)
{
    g_return_val_if_fail ((size_t)codec < G_N_ELEMENTS (codecs), "");
    return codecs[codec];
}
