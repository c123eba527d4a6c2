/* arec info FILE...: what each file is, from its index and the first bytes of some chunks. */
#include <inttypes.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/command_line.h"
#include "look/file_facts.h"
#include "look/look.h"

static void
put_key (ToolOutput *out, const char *key)
{
    tool_output_format (out, "%-14s", key);
}

static void
put_number (ToolOutput *out, const char *key, uint64_t number)
{
    put_key (out, key);
    tool_output_format (out, "%" PRIu64 "\n", number);
}

/* `393216 (384.0 KiB)`; below 1 KiB only the bytes. */
static void
put_size (ToolOutput *out, const char *key, uint64_t bytes)
{
    g_autofree char *human = arec_text_size (bytes);

    put_key (out, key);
    if (bytes < 1024) {
        tool_output_format (out, "%" PRIu64 "\n", bytes);
    } else {
        tool_output_format (out, "%" PRIu64 " (%s)\n", bytes, human);
    }
}

static void
put_text (ToolOutput *out, const char *key, const char *text)
{
    g_autofree char *printable = arec_text_printable (text);

    put_key (out, key);
    tool_output_format (out, "%s\n", printable);
}

/* The writer's metadata about the records, a line for each field. */
static void
put_metadata_text (ToolOutput *out, const ArecMetadata *metadata)
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
put_file_text (ToolOutput *out, const ToolFileFacts *facts, bool verbose)
{
    const ArecFileInfo *info = &facts->info;

    put_text (out, "path:", info->path);
    put_size (out, "file_size:", info->file_size);
    put_text (out, "kind:", arec_kind_text (info->kind));
    put_number (out, "records:", info->n_records);
    if (tool_file_facts_select (facts)) {
        put_key (out, "selected:");
        tool_output_format (out, "%" PRIu64 ":%" PRIu64 "\n", info->first_record,
                            info->end_record);
    }
    put_number (out, "chunks:", info->n_chunks);
    put_number (out, "group_size:", info->group_size);
    put_text (out, "codec:", arec_codec_text (facts->codec));
    put_text (out, "transposed:", facts->transposed ? "yes" : "no");
    put_size (out, "decoded_size:", info->decoded_size);
    put_key (out, "ratio:");
    tool_output_format (out, "%.2f (decoded / stored)\n",
                        (double)info->decoded_size / (double)MAX (info->file_size, 1));
    put_text (out, "options:", info->options ? info->options : "not recorded");
    put_metadata_text (out, &facts->metadata);
    if (info->is_recovered) {
        put_text (out, "recovered:", "the index was damaged or lost");
    }
    if (info->n_gaps > 0) {
        put_key (out, "gaps:");
        tool_output_format (out, "%" PRIu64 " (%" PRIu64 " bytes without a sound chunk)\n",
                            info->n_gaps, info->gap_bytes);
    }
    if (verbose) {
        put_size (out, "index_memory:", info->index_size);
        put_size (out, "index_file:", info->index_offloaded_size);
    }
}

/* `1797 records in 29 chunks, 4.1 MiB, zstd: PATH` */
static void
put_file_line (ToolOutput *out, const ToolFileFacts *facts)
{
    const ArecFileInfo *info = &facts->info;
    g_autofree char *size = arec_text_size (info->file_size);
    g_autofree char *path = arec_text_printable (info->path);

    tool_output_format (out, "%" PRIu64 " records in %" PRIu64 " chunks, %s, %s%s: %s\n",
                        info->n_records, info->n_chunks, size, arec_codec_text (facts->codec),
                        facts->transposed ? ", transposed" : "", path);
}

/* All operands. */
typedef struct {
    ToolOutput *out;
    ToolCommandLine *line;
    bool is_short;
    size_t n_told;                                         /* files */
    uint64_t n_records, n_chunks, file_size, decoded_size; /* of these */
    int first_failure;
} Listing;

static void
put_facts (Listing *listing, const ToolFileFacts *facts)
{
    ToolOutput *out = listing->out;
    bool is_first = listing->n_told == 0;

    if (listing->line->json) {
        tool_output_text (out, is_first ? "\n  " : ",\n  ");
        tool_file_facts_put_json (out, facts);
    } else if (listing->is_short) {
        put_file_line (out, facts);
    } else {
        tool_output_text (out, is_first ? "" : "\n");
        put_file_text (out, facts, listing->line->verbose);
    }
    listing->n_told++;
    listing->n_records += facts->info.n_records;
    listing->n_chunks += facts->info.n_chunks;
    listing->file_size += facts->info.file_size;
    listing->decoded_size += facts->info.decoded_size;
}

/* The total of several files. JSON has an object for each and no total. */
static void
put_total (const Listing *listing)
{
    ToolOutput *out = listing->out;
    g_autofree char *size = arec_text_size (listing->file_size);

    if (listing->line->json || listing->n_told < 2) {
        return;
    }
    if (listing->is_short) {
        tool_output_format (
            out, "%" PRIu64 " records in %" PRIu64 " chunks, %s: total of %zu files\n",
            listing->n_records, listing->n_chunks, size, listing->n_told);
        return;
    }
    tool_output_text (out, "\n");
    put_key (out, "total:");
    tool_output_format (out, "%zu files\n", listing->n_told);
    put_size (out, "file_size:", listing->file_size);
    put_number (out, "records:", listing->n_records);
    put_number (out, "chunks:", listing->n_chunks);
    put_size (out, "decoded_size:", listing->decoded_size);
}

/* File @i of @list. */
static bool
put_file (Listing *listing, ArecEngine *engine, ArecSourceList *list, size_t i, GError **error)
{
    g_autoptr (ArecReader) reader =
        arec_reader_open_list (engine, list, i, 1, &listing->line->reader_options, error);
    g_auto (ToolFileFacts) facts = {0};

    if (!reader || !tool_file_facts_get (&facts, reader, error)) {
        return false;
    }
    put_facts (listing, &facts);
    return true;
}

/* An invalid operand is reported in its turn: each operand is opened before the next is
 * examined. */
static void
put_operands (Listing *listing, ArecEngine *engine, ArecSourceList *list)
{
    const ToolCommandLine *line = listing->line;
    size_t file = 0;

    for (size_t i = 0; i < line->n_operands; i++) {
        g_autoptr (GError) error = NULL;

        if (!tool_file_facts_add_file (list, line, i, &error)) {
            tool_command_note (listing->out, error, &listing->first_failure);
        }
        for (; file < arec_source_list_length (list) && tool_output_check (listing->out, NULL);
             file++) {
            g_autoptr (GError) failure = NULL;

            if (!put_file (listing, engine, list, file, &failure)) {
                tool_command_note (listing->out, failure, &listing->first_failure);
            }
        }
    }
}

int
tool_cmd_info (const ToolCommand *command, int argc, char **argv)
{
    gboolean is_short = FALSE;
    const GOptionEntry entries[] = {
        {"short", 's', 0, G_OPTION_ARG_NONE, &is_short, "One line for each file", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_auto (ToolCommandLine) line = {0};
    g_autoptr (ArecSourceList) list = arec_source_list_new();
    g_autoptr (ArecSourceList) all = arec_source_list_new();
    g_autoptr (ArecEngine) engine = NULL;
    g_autoptr (ToolOutput) out = NULL;
    Listing listing = {.line = &line};
    int exit_code;

    if (!tool_command_line_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    engine = arec_engine_new (&line.engine_options);
    arec_engine_list_buckets (engine, list, NULL);
    listing.out = out = tool_command_stdout();
    listing.is_short = is_short;
    tool_file_facts_count_scans (&line, all);
    tool_output_text (out, line.json ? "[" : "");
    put_operands (&listing, engine, list);
    if (line.json) {
        tool_output_text (out, listing.n_told > 0 ? "\n]\n" : "]\n");
    }
    put_total (&listing);
    tool_command_line_tell_stats (&line, engine);
    exit_code = tool_command_finish (out, NULL);
    return listing.first_failure != TOOL_EXIT_DONE ? listing.first_failure : exit_code;
}
