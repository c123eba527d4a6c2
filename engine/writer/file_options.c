#include <arec/file_info.h>
#include <arec/file_options.h>

#include "writer/writer_options.h"

/* Compresses by @codec as a string does that names it alone. */
static void
set_codec (ArecWriterOptions *options, ArecCodecName codec)
{
    ArecCodecOptions chosen;

    options->codec = codec;
    chosen = arec_codec_options_default (arec_writer_options_codec (options).compression);
    arec_writer_options_set_codec (options, &chosen);
}

/* By what the chunks themselves show. */
static bool
find_options (ArecReader *reader, size_t file, const ArecFileInfo *info,
              ArecWriterOptions *options, GError **error)
{
    ArecCodecName codec;
    bool transposed;

    if (info->n_chunks == 0) {
        return true;
    }
    if (!arec_reader_file_coding (reader, file, &codec, &transposed, error)) {
        return false;
    }
    options->group_size = (uint32_t)CLAMP (info->group_size, 1, INT32_MAX);
    options->transpose = transposed;
    if (codec != AREC_CODEC_MIXED) {
        set_codec (options, codec);
    }
    return true;
}

bool
arec_file_options_of (ArecReader *reader, size_t file, ArecWriterOptions *out, GError **error)
{
    ArecWriterOptions options;
    ArecFileInfo info;

    arec_reader_file_info (reader, file, &info);
    arec_writer_options_init (&options);
    /* Strings of other writers mean other things. */
    if (info.kind == AREC_KIND_ARRAY_RECORD && info.options &&
        arec_writer_options_parse (info.options, &options, NULL)) {
        options.max_parallelism = 0;
    } else if (!find_options (reader, file, &info, &options, error)) {
        return false;
    }
    *out = options;
    return true;
}
