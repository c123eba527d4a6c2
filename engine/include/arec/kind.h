/* What a file is, how its chunks are stored, and the words for both. Pure functions, any
 * thread.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

/* What a file is taken for. AUTO: a file with a valid postscript is ArrayRecord. Without one it
 * is a damaged ArrayRecord file if its name counts as one or a footer is found in it, else a
 * plain Riegeli/records file if it begins as one. */
typedef enum {
    AREC_KIND_AUTO, /* of no open file */
    AREC_KIND_ARRAY_RECORD,
    AREC_KIND_RIEGELI, /* a plain Riegeli/records file: any index it has is not used */
} ArecKind;

typedef enum {
    AREC_CODEC_NONE,
    AREC_CODEC_BROTLI,
    AREC_CODEC_ZSTD,
    AREC_CODEC_SNAPPY,
    AREC_CODEC_MIXED,
} ArecCodecName;

/* `array_record`, `riegeli`. Static string. */
AREC_PUBLIC const char *arec_kind_text (ArecKind kind);

/* The kind of that name, which is not AUTO. false: there is none. */
AREC_PUBLIC bool arec_kind_parse (const char *text, ArecKind *kind);

/* `none`, `zstd`, ... Static string. */
AREC_PUBLIC const char *arec_codec_text (ArecCodecName codec);

G_END_DECLS
