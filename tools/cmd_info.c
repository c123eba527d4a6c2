/* arec info FILE...: what each file is, from its index and the first bytes of some chunks. */
#include <inttypes.h>

#include <glib.h>

#include <arec/arec.h>

#include "command.h"

static const char *
kind_name (ArecKind kind)
{
    switch (kind) {
    case AREC_KIND_ARRAY_RECORD: return "array_record";
    case AREC_KIND_RIEGELI: return "riegeli";
    }
    g_return_val_if_reached (NULL);
}

static const char *
codec_name (ArecCodecName codec)
{
    switch (codec) {
    case AREC_CODEC_NONE: return "none";
    case AREC_CODEC_BROTLI: return "brotli";
    case AREC_CODEC_ZSTD: return "zstd";
    case AREC_CODEC_SNAPPY: return "snappy";
    case AREC_CODEC_MIXED: return "mixed";
    }
    g_return_val_if_reached (NULL);
}

static void
put_key (ArecOutput *out, const char *key)
{
    arec_output_format (out, "%-14s", key);
}

static void
put_number (ArecOutput *out, const char *key, uint64_t number)
{
    put_key (out, key);
    arec_output_format (out, "%" PRIu64 "\n", number);
}

/* `393216 (384.0 KiB)`; below 1 KiB the bytes say it all. */
static void
put_size (ArecOutput *out, const char *key, uint64_t bytes)
{
    g_autofree char *human = arec_text_size (bytes);

    put_key (out, key);
    if (bytes < 1024) {
        arec_output_format (out, "%" PRIu64 "\n", bytes);
    } else {
        arec_output_format (out, "%" PRIu64 " (%s)\n", bytes, human);
    }
}

static void
put_text (ArecOutput *out, const char *key, const char *text)
{
    g_autofree char *printable = arec_text_printable (text);

    put_key (out, key);
    arec_output_format (out, "%s\n", printable);
}

/* What is told of one file. */
typedef struct {
    ArecFileInfo info;
    ArecCodecName codec;
    bool transposed;
    ArecMetadata metadata;
} Told;

static void
told_clear (Told *told)
{
    arec_metadata_clear (&told->metadata);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Told, told_clear)

/* What the writer says about the records, a line for each thing it says. */
static void
put_metadata_text (ArecOutput *out, const ArecMetadata *metadata)
{
    if (metadata->file_comment) {
        put_text (out, "comment:", metadata->file_comment);
    }
    if (metadata->record_type_name) {
        put_text (out, "record_type:", metadata->record_type_name);
    }
    if (metadata->n_file_descriptors > 0) {
        put_number (out, "descriptors:", metadata->n_file_descriptors);
    }
}

static void
put_json_text (ArecOutput *out, const char *key, const char *text)
{
    arec_output_format (out, "\"%s\": ", key);
    if (text) {
        arec_output_json_string (out, text);
    } else {
        arec_output_text (out, "null");
    }
}

static void
put_metadata_json (ArecOutput *out, const ArecMetadata *metadata)
{
    if (!metadata->is_there) {
        arec_output_text (out, "null");
        return;
    }
    arec_output_byte (out, '{');
    put_json_text (out, "file_comment", metadata->file_comment);
    arec_output_text (out, ", ");
    put_json_text (out, "record_type_name", metadata->record_type_name);
    arec_output_text (out, ", ");
    put_json_text (out, "record_writer_options", metadata->record_writer_options);
    arec_output_format (out, ", \"file_descriptors\": %" PRIu64 ", \"num_records\": ",
                        metadata->n_file_descriptors);
    if (metadata->has_num_records) {
        arec_output_format (out, "%" PRId64 "}", metadata->num_records);
    } else {
        arec_output_text (out, "null}");
    }
}

static void
put_file_text (ArecOutput *out, const Told *told, bool verbose)
{
    const ArecFileInfo *info = &told->info;

    put_text (out, "path:", info->path);
    put_size (out, "file_size:", info->file_size);
    put_text (out, "kind:", kind_name (info->kind));
    put_number (out, "records:", info->n_records);
    if (info->first_record != 0 || info->end_record != info->n_records) {
        put_key (out, "selected:");
        arec_output_format (out, "%" PRIu64 ":%" PRIu64 "\n", info->first_record,
                            info->end_record);
    }
    put_number (out, "chunks:", info->n_chunks);
    put_number (out, "group_size:", info->group_size);
    put_text (out, "codec:", codec_name (told->codec));
    put_text (out, "transposed:", told->transposed ? "yes" : "no");
    put_size (out, "decoded_size:", info->decoded_size);
    put_key (out, "ratio:");
    arec_output_format (out, "%.2f (decoded / stored)\n",
                        (double)info->decoded_size / (double)MAX (info->file_size, 1));
    put_text (out, "options:", info->options ? info->options : "not recorded");
    put_metadata_text (out, &told->metadata);
    if (info->is_recovered) {
        put_text (out, "recovered:", "the index was damaged or lost");
    }
    if (info->n_gaps > 0) {
        put_key (out, "gaps:");
        arec_output_format (out, "%" PRIu64 " (%" PRIu64 " bytes without a sound chunk)\n",
                            info->n_gaps, info->gap_bytes);
    }
    if (verbose) {
        put_size (out, "index_memory:", info->index_size);
        put_size (out, "index_file:", info->index_offloaded_size);
    }
}

static void
put_file_json (ArecOutput *out, const Told *told)
{
    const ArecFileInfo *info = &told->info;

    arec_output_text (out, "{\"path\": ");
    arec_output_json_string (out, info->path);
    arec_output_format (out,
                        ", \"file_size\": %" PRIu64 ", \"kind\": \"%s\", \"records\": %" PRIu64
                        ", \"chunks\": %" PRIu64 ", \"group_size\": %" PRIu64
                        ", \"codec\": \"%s\", \"transposed\": %s, \"decoded_size\": %" PRIu64
                        ", ",
                        info->file_size, kind_name (info->kind), info->n_records,
                        info->n_chunks, info->group_size, codec_name (told->codec),
                        told->transposed ? "true" : "false", info->decoded_size);
    put_json_text (out, "options", info->options);
    arec_output_text (out, ", \"metadata\": ");
    put_metadata_json (out, &told->metadata);
    arec_output_format (out, ", \"recovered\": %s, \"gaps\": %" PRIu64 "}",
                        info->is_recovered ? "true" : "false", info->n_gaps);
}

/* File @file of @reader. @n_told  files told so far. */
static bool
put_file (ArecOutput *out, ArecReader *reader, size_t file, const ArecCommandLine *line,
          size_t *n_told, GError **error)
{
    g_auto (Told) told = {0};

    if (!arec_reader_file_coding (reader, file, &told.codec, &told.transposed, error) ||
        !arec_reader_file_metadata (reader, file, &told.metadata, error)) {
        return false;
    }
    arec_reader_file_info (reader, file, &told.info);
    if (line->json) {
        arec_output_text (out, *n_told > 0 ? ",\n  " : "\n  ");
        put_file_json (out, &told);
    } else {
        arec_output_text (out, *n_told > 0 ? "\n" : "");
        put_file_text (out, &told, line->verbose);
    }
    (*n_told)++;
    return true;
}

/* Each file that the operand @path means. */
static bool
put_path (ArecOutput *out, ArecEngine *engine, const ArecCommandLine *line, const char *path,
          size_t *n_told, GError **error)
{
    g_autoptr (ArecReader) reader =
        arec_reader_open (engine, path, &line->reader_options, error);

    for (size_t file = 0; reader && file < arec_reader_n_files (reader); file++) {
        if (!put_file (out, reader, file, line, n_told, error)) {
            return false;
        }
    }
    return reader != NULL;
}

int
arec_cmd_info (const ArecCommand *command, int argc, char **argv)
{
    static const GOptionEntry entries[] = {G_OPTION_ENTRY_NULL};
    g_auto (ArecCommandLine) line = {0};
    g_autoptr (ArecEngine) engine = NULL;
    g_autoptr (ArecOutput) out = NULL;
    size_t n_told = 0;
    int first_failure = AREC_EXIT_DONE;
    int exit_code;

    if (!arec_command_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    engine = arec_engine_new (&line.engine_options);
    out = arec_command_stdout();
    arec_output_text (out, line.json ? "[" : "");
    for (size_t i = 0; i < line.n_operands && arec_output_check (out, NULL); i++) {
        g_autoptr (GError) error = NULL;

        if (put_path (out, engine, &line, line.operands[i], &n_told, &error)) {
            continue;
        }
        arec_command_note (out, error, &first_failure);
    }
    if (line.json) {
        arec_output_text (out, n_told > 0 ? "\n]\n" : "]\n");
    }
    arec_command_tell_stats (&line, engine);
    exit_code = arec_command_finish (out, NULL);
    return first_failure != AREC_EXIT_DONE ? first_failure : exit_code;
}
