#include "pack/pack_options.h"

#include <string.h>

#include "frame/command_line.h"

void
tool_pack_options_clear (ToolPackText *text)
{
    g_free (text->profile);
    g_free (text->options);
    g_free (text->group_size);
    g_free (text->codec);
    g_free (text->threads);
    g_free (text->limit_memory);
}

static void
append_part (GString *string, const char *part)
{
    g_string_append_printf (string, "%s%s", string->len > 0 ? "," : "", part);
}

/* `zstd`, `brotli:6`: a codec, and no other key of an option string. */
static bool
check_codec (const char *text, GError **error)
{
    static const char *const codecs[] = {"uncompressed", "brotli", "zstd", "snappy"};
    size_t length = strcspn (text, ":");

    for (size_t i = 0; i < G_N_ELEMENTS (codecs); i++) {
        if (strlen (codecs[i]) == length && strncmp (text, codecs[i], length) == 0 &&
            !strchr (text, ',')) {
            return true;
        }
    }
    return arec_fail (error, AREC_ERROR_INVALID,
                      "--codec: invalid value: %s, expected uncompressed, brotli[:LEVEL], "
                      "zstd[:LEVEL] or snappy",
                      text);
}

/* One string, so that a short form beside the same key is the error that two of the key are. */
static bool
join (const ToolPackText *text, GString *string, GError **error)
{
    guint64 group_size;

    if (text->options) {
        append_part (string, text->options);
    }
    if (text->group_size) {
        g_autofree char *part = g_strconcat ("group_size:", text->group_size, NULL);

        if (!g_ascii_string_to_unsigned (text->group_size, 10, 1, G_MAXINT32, &group_size,
                                         NULL)) {
            return arec_fail (error, AREC_ERROR_INVALID,
                              "--group-size: invalid value: %s, expected a number in [1..%d]",
                              text->group_size, G_MAXINT32);
        }
        append_part (string, part);
    }
    if (text->codec) {
        if (!check_codec (text->codec, error)) {
            return false;
        }
        append_part (string, text->codec);
    }
    if (text->transpose) {
        append_part (string, "transpose");
    }
    return true;
}

/* Sets all of @options: to the profile that is named, else to the defaults. */
static bool
take_profile (const char *name, ArecWriterOptions *options, GError **error)
{
    const ArecProfile *profile;
    g_autofree char *names = NULL;

    arec_writer_options_init (options);
    if (!name) {
        return true;
    }
    profile = arec_profile_find (name, AREC_PROFILE_WRITER);
    if (profile) {
        return arec_writer_options_update (profile->writer, options, error);
    }
    names = arec_profile_names (AREC_PROFILE_WRITER);
    return arec_fail (error, AREC_ERROR_INVALID,
                      "--profile: invalid value: %s, expected one of %s", name, names);
}

bool
tool_pack_options_parse (const ToolPackText *text, ArecWriterOptions *options, GError **error)
{
    g_autoptr (GString) string = g_string_new (NULL);
    unsigned threads = TOOL_THREADS_AUTO;

    if (!take_profile (text->profile, options, error) || !join (text, string, error)) {
        return false;
    }
    if (!arec_writer_options_update (string->str, options, error)) {
        g_prefix_error (error, "--options: ");
        return false;
    }
    if (text->threads && !tool_command_line_parse_threads (text->threads, &threads, error)) {
        return false;
    }
    if (threads != TOOL_THREADS_AUTO) {
        options->max_parallelism = MAX (threads, 1);
    }
    options->max_memory = arec_writer_auto_max_memory();
    if (text->limit_memory && strcmp (text->limit_memory, "auto") != 0 &&
        !arec_size_parse (text->limit_memory, &options->max_memory, error)) {
        g_prefix_error (error, "--limit-memory: ");
        return false;
    }
    /* To the writer 0 means any. With 1 it keeps only what is in work. */
    options->max_memory = MAX (options->max_memory, 1);
    options->max_chunk_size = arec_engine_auto_max_chunk_size();
    return true;
}

/* The codec with all that belongs to it. */
static void
copy_codec (ArecWriterOptions *to, const ArecWriterOptions *from)
{
    to->codec = from->codec;
    to->level = from->level;
    to->window_log = from->window_log;
}

bool
tool_pack_options_are_whole (const ToolPackText *text)
{
    return text->options || text->profile;
}

void
tool_pack_options_inherit (const ToolPackText *text, const ArecWriterOptions *old,
                           ArecWriterOptions *options)
{
    if (tool_pack_options_are_whole (text)) {
        return;
    }
    if (!text->group_size) {
        options->group_size = old->group_size;
    }
    if (!text->codec) {
        copy_codec (options, old);
    }
    options->transpose = text->transpose || old->transpose;
    options->transpose_bucket_size = old->transpose_bucket_size;
    options->pad_to_block_boundary = old->pad_to_block_boundary;
}
