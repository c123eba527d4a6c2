/* arec convert -o OUT FILE..., arec convert --in-place FILE...: records of files into a file
 * that is written in another way, or holds others of them, or has them in another order. */
#include <inttypes.h>
#include <string.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/command_line.h"
#include "frame/interrupt.h"
#include "frame/selection.h"
#include "pack/convert_job.h"
#include "pack/convert_many.h"
#include "pack/convert_options.h"
#include "pack/input_path.h"
#include "pack/pack.h"
#include "pack/pack_each.h"
#include "pack/pack_options.h"
#include "pack/pack_report.h"
#include "pack/shard_options.h"

/* The options as typed. */
typedef struct {
    char *out;
    gboolean force;
    gboolean no_sync;
    gboolean in_place;
    gboolean each;
    gboolean no_copy;
    char *records;
    char *shuffle; /* empty: any seed */
    ToolPackText writing;
    ToolShardText sharding;
} ConvertText;

/* The work. */
typedef struct {
    ToolCommandLine *line;
    const ConvertText *text;
    ToolOutput *out;
    GArray *ranges;          /* of ArecRangeText; NULL without --records */
    ArecWriterOptions typed; /* what the command line alone says */
    ToolSelection selection;
    ToolConvertJob job;
    GArray *damages; /* of ToolPackDamage: reported so far */
    GArray *reports; /* of ToolPackReport: the files that are done */
    GPtrArray *kept; /* what the reports point to */
    ToolPackEach each;
    ToolPackShards shards;
    bool shares_readahead; /* files that are read at the same time have it together */
    int64_t start;         /* microseconds */
} Convert;

static void
convert_text_clear (ConvertText *text)
{
    g_free (text->out);
    g_free (text->records);
    g_free (text->shuffle);
    tool_pack_options_clear (&text->writing);
    tool_shard_options_clear (&text->sharding);
}

static void
convert_begin (Convert *convert)
{
    convert->start = g_get_monotonic_time();
    convert->damages = tool_pack_damages_new();
    convert->reports = g_array_new (FALSE, TRUE, sizeof (ToolPackReport));
    convert->kept = g_ptr_array_new_with_free_func (g_free);
    tool_pack_shards_begin (&convert->shards);
}

static void
convert_clear (Convert *convert)
{
    tool_selection_clear (&convert->selection);
    g_clear_pointer (&convert->ranges, g_array_unref);
    g_clear_pointer (&convert->damages, g_array_unref);
    g_clear_pointer (&convert->reports, g_array_unref);
    g_clear_pointer (&convert->kept, g_ptr_array_unref);
    tool_pack_each_clear (&convert->each);
    tool_pack_shards_clear (&convert->shards);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ConvertText, convert_text_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Convert, convert_clear)

/* ---- what is reported ---- */

static void
on_damage (void *data, const char *path, uint64_t offset, const char *reason, const char *text)
{
    Convert *convert = data;

    if (convert->line->json) {
        tool_pack_damages_add (convert->damages, path, offset, reason);
    } else {
        tool_command_tell (text);
    }
}

/* With -v a line of details. */
static void G_GNUC_PRINTF (2, 3) tell_detail (const Convert *convert, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    if (!convert->line->verbose || convert->line->quiet) {
        return;
    }
    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    tool_command_tell (text);
}

static bool
makes_several (const Convert *convert)
{
    return convert->text->in_place || convert->text->each;
}

static bool
is_sharded (const Convert *convert)
{
    return convert->job.sharding.rule != AREC_SHARDING_NONE;
}

static void
tell_sets_of_shards (const Convert *convert)
{
    ArecSourceList *list = convert->selection.list;

    arec_source_list_check_shards (list);
    for (size_t i = 0; i < arec_source_list_n_notes (list) && !convert->line->quiet; i++) {
        const ArecSourceNote *note = arec_source_list_note (list, i);
        g_autofree char *text = g_strdup_printf ("%s: %s", note->path, note->reason);

        tool_command_tell (text);
    }
}

/* ---- the command line ---- */

static bool
parse_seed (const char *text, uint64_t *seed, GError **error)
{
    guint64 number = (guint64)g_random_int() << 32 | g_random_int();

    if (*text && !g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &number, NULL)) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "--shuffle: invalid value: %s, expected a number in [0..%" PRIu64 "]",
                          text, UINT64_MAX);
    }
    *seed = number;
    return true;
}

static bool
parse_records (Convert *convert, GError **error)
{
    if (!convert->text->records) {
        return true;
    }
    convert->ranges = g_array_new (FALSE, FALSE, sizeof (ArecRangeText));
    if (!tool_selection_parse_ranges (convert->text->records, convert->ranges, error)) {
        g_prefix_error (error, "--records: ");
        return false;
    }
    return true;
}

static bool
check_places (const ConvertText *text, GError **error)
{
    if (!text->in_place && !text->out) {
        return arec_fail (error, AREC_ERROR_INVALID, "-o OUT is missing");
    }
    if (text->in_place && (text->out || text->each)) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "--in-place: each FILE is its own output, there is no other");
    }
    if (text->in_place && text->records) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "--in-place: the records that --records does not name would be lost");
    }
    if ((text->in_place || text->each) && tool_shard_options_typed (&text->sharding)) {
        return arec_fail (error, AREC_ERROR_INVALID, "%s: has no meaning with %s",
                          tool_shard_options_typed (&text->sharding),
                          text->each ? "--each" : "--in-place");
    }
    if (text->each && text->records) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "--records: has no meaning with --each; FILE[a:b] selects");
    }
    return !text->each || !arec_output_is_stdout (text->out) ||
           arec_fail (error, AREC_ERROR_INVALID, "-o -: with --each OUT is a folder");
}

/* Shares the memory that may be used among what takes it: half for groups that are encoded, or
 * for records that are shuffled, the rest for reading. */
static void
share_memory (Convert *convert)
{
    ArecEngineOptions *engine = &convert->line->engine_options;
    ArecReaderOptions *reader = &convert->line->reader_options;
    uint64_t all = convert->typed.max_memory;
    uint64_t quarter = MAX (all / 4, 1);

    convert->typed.max_memory = convert->job.is_shuffled ? quarter : MAX (all / 2, 1);
    convert->job.max_memory = MAX (all / 2, 1);
    if (engine->cache_size == 0) {
        engine->cache_size = MIN (quarter, arec_engine_auto_cache_size());
    }
    if (!reader->has_readahead_buffer_size) {
        reader->has_readahead_buffer_size = true;
        reader->readahead_buffer_size = quarter;
        convert->shares_readahead = true;
    }
}

/* Everything that the command line alone can be wrong in. */
static bool
parse (Convert *convert, GError **error)
{
    const ConvertText *text = convert->text;
    const ArecEngineOptions *engine = &convert->line->engine_options;

    if (!tool_pack_options_parse (&text->writing, &convert->typed, error) ||
        !tool_shard_options_parse (&text->sharding, &convert->job.sharding, error) ||
        !parse_records (convert, error) ||
        (text->shuffle && !parse_seed (text->shuffle, &convert->job.seed, error))) {
        return false;
    }
    if (engine->max_parallelism > 0) { /* of --threads */
        convert->typed.max_parallelism = engine->max_parallelism;
    }
    convert->typed.output =
        (ArecOutputOptions){.replace = text->force || text->in_place, .no_sync = text->no_sync};
    convert->job.selection = &convert->selection;
    convert->job.recover = convert->line->reader_options.recover;
    convert->job.never_copies = text->no_copy;
    convert->job.is_shuffled = text->shuffle != NULL;
    convert->job.keeps_times = text->in_place;
    convert->job.is_quiet = convert->line->quiet;
    convert->job.hides_progress = convert->line->quiet;
    convert->job.damage = on_damage;
    convert->job.data = convert;
    share_memory (convert);
    return true;
}

/* ---- the work ---- */

/* How the files that are open are to be written. */
static bool
choose_options (Convert *convert, GError **error)
{
    g_autofree char *note = NULL;

    if (!tool_convert_options_choose (&convert->text->writing, &convert->typed,
                                      convert->selection.reader, &convert->job.writer, &note,
                                      error)) {
        return false;
    }
    if (note) {
        tell_detail (convert, "%s", note);
    }
    return true;
}

/* Makes @out of the files that are open. */
static bool
make_file (Convert *convert, const char *out, GError **error)
{
    ToolPackReport report = {.damages = convert->damages,
                             .first_damage = convert->damages->len};
    ToolConvertResult result;
    ArecWriterOptions *options;

    if (!tool_selection_stop_at_gap (&convert->selection, convert->line, error) ||
        !choose_options (convert, error) ||
        !tool_convert_job_run (&convert->job, out, &report,
                               is_sharded (convert) ? &convert->shards : NULL, &result,
                               error)) {
        return false;
    }
    options = g_memdup2 (&convert->job.writer, sizeof convert->job.writer);
    g_ptr_array_add (convert->kept, options);
    report.options = options;
    g_array_append_val (convert->reports, report);
    tell_detail (convert, "%s: %" PRIu64 " of %" PRIu64 " chunks copied as they are", out,
                 result.n_copied, report.totals.n_chunks);
    return true;
}

/* A file that OUT is open on already, as by `>>`, would be read while it is written. */
static bool
check_out_is_no_input (const Convert *convert, GError **error)
{
    const ArecSourceList *list = convert->selection.list;

    for (size_t i = 0; i < arec_source_list_length (list); i++) {
        if (!tool_input_path_check_out (arec_source_list_get (list, i)->path,
                                        convert->text->out, error)) {
            return false;
        }
    }
    return true;
}

static bool
make_one (Convert *convert, GError **error)
{
    ToolSelection *selection = &convert->selection;

    tool_interrupt_expect (1, NULL, NULL);
    /* What is in the way of the output comes up before any file is opened. */
    if (!arec_sharding_check_names (&convert->job.sharding, convert->text->out,
                                    &convert->typed.output, error) ||
        !tool_selection_list (selection, convert->line, error) ||
        !check_out_is_no_input (convert, error)) {
        return false;
    }
    tell_sets_of_shards (convert);
    return tool_selection_open_listed (selection, convert->line, 0,
                                       arec_source_list_length (selection->list),
                                       convert->ranges, error) &&
           make_file (convert, convert->text->out, error);
}

/* ---- several outputs ---- */

static bool
check_wholes (const ArecSourceList *list, GError **error)
{
    for (size_t i = 0; i < arec_source_list_length (list); i++) {
        const ArecSourceFile *file = arec_source_list_get (list, i);

        if (file->has_range) {
            return arec_fail (error, AREC_ERROR_INVALID,
                              "%s: --in-place: the records outside of the range would be lost",
                              file->path);
        }
    }
    return true;
}

static void
tell_report (const ToolPackReport *report, guint n_shards)
{
    g_autofree char *text = tool_pack_report_text (report, n_shards);

    tool_command_tell (text);
}

/* Finds the names of all outputs; with --each there is a folder for them then. */
static bool
name_outs (Convert *convert, GError **error)
{
    const ArecSourceList *list = convert->selection.list;

    if (convert->text->in_place) {
        return check_wholes (list, error);
    }
    tool_pack_each_begin (&convert->each, convert->text->out);
    for (size_t i = 0; i < arec_source_list_length (list); i++) {
        if (!tool_pack_each_add (&convert->each, arec_source_list_get (list, i)->path, error)) {
            return false;
        }
    }
    return tool_pack_each_check (&convert->each, convert->text->force, error) &&
           tool_pack_each_make_folder (&convert->each, error);
}

static bool
make_several (Convert *convert, GError **error)
{
    const ToolConvertMany many = {
        .line = convert->line,
        .job = &convert->job,
        .writing = &convert->text->writing,
        .typed = &convert->typed,
        .selection = &convert->selection,
        .each = convert->text->each ? &convert->each : NULL,
        .shares_readahead = convert->shares_readahead,
        .damages = convert->damages,
        .reports = convert->reports,
        .kept = convert->kept,
    };

    return tool_selection_list (&convert->selection, convert->line, error) &&
           name_outs (convert, error) && tool_convert_many_run (&many, error);
}

/* ---- the whole ---- */

static void
print_json (const Convert *convert)
{
    bool is_one = convert->reports->len == 1 && !convert->text->each;
    const GArray *files = is_sharded (convert) ? convert->shards.reports
                          : is_one             ? NULL
                                               : convert->reports;
    ToolPackReport sum = tool_pack_report_sum (convert->text->out, convert->reports);

    sum.damages = convert->damages;
    sum.duration = g_get_monotonic_time() - convert->start; /* of files made at the same time */
    tool_pack_report_put_json (
        convert->out, is_one ? &g_array_index (convert->reports, ToolPackReport, 0) : &sum,
        files, tool_command_line_puts_timing (convert->line));
}

/* Of several outputs each was reported when it was there. */
static void
print_text (const Convert *convert)
{
    const GArray *shards = convert->shards.reports;

    for (guint i = 0; convert->line->verbose && i < shards->len; i++) {
        tell_report (&g_array_index (shards, ToolPackReport, i), 0);
    }
    if (!makes_several (convert)) {
        tell_report (&g_array_index (convert->reports, ToolPackReport, 0), shards->len);
    }
}

static void
print_reports (const Convert *convert)
{
    if (convert->shards.note && !convert->line->quiet) {
        tool_command_tell (convert->shards.note);
    }
    if (convert->line->json) {
        print_json (convert);
    } else if (!convert->line->quiet) {
        print_text (convert);
    }
}

static bool
make (Convert *convert, GError **error)
{
    if (!parse (convert, error)) {
        return false;
    }
    if (convert->text->shuffle) {
        tell_detail (convert, "--shuffle=%" PRIu64, convert->job.seed);
    }
    return makes_several (convert) ? make_several (convert, error) : make_one (convert, error);
}

/* Returns the exit code. */
static int
run (Convert *convert)
{
    g_autoptr (GError) error = NULL;
    int exit_code;

    if (!make (convert, &error)) {
        return tool_command_finish (convert->out, error);
    }
    tool_command_line_tell_timing (convert->line);
    print_reports (convert);
    tool_command_line_tell_stats (convert->line, convert->selection.engine);
    exit_code = tool_command_finish (convert->out, NULL);
    return exit_code == TOOL_EXIT_DONE &&
                   tool_pack_report_sum (NULL, convert->reports).n_damages > 0
               ? TOOL_EXIT_DAMAGED
               : exit_code;
}

int
tool_cmd_convert (const ToolCommand *command, int argc, char **argv)
{
    g_auto (ConvertText) text = {0};
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &text.out,
         "The file to write; - is standard output", "OUT"},
        {"force", 'f', 0, G_OPTION_ARG_NONE, &text.force,
         "Replace an existing OUT, which may be a FILE; write to a terminal", NULL},
        {"no-sync", 0, 0, G_OPTION_ARG_NONE, &text.no_sync,
         "Do not wait until OUT is on the disk", NULL},
        {"in-place", 0, 0, G_OPTION_ARG_NONE, &text.in_place,
         "Each FILE becomes its conversion", NULL},
        {"each", 0, 0, G_OPTION_ARG_NONE, &text.each,
         "OUT is a folder, in which each FILE becomes a file", NULL},
        TOOL_SHARD_ENTRIES (text.sharding),
        {"records", 0, 0, G_OPTION_ARG_FILENAME, &text.records,
         "Only these records of all FILEs together", "RANGE[,RANGE]..."},
        {"shuffle", 0, 0, G_OPTION_ARG_FILENAME, &text.shuffle,
         "In an order at random, the same for the same SEED", "[SEED]"},
        {"profile", 0, 0, G_OPTION_ARG_FILENAME, &text.writing.profile,
         "Writer options of a profile: random, balanced, archive, ... (see arec-convert(1))",
         "NAME"},
        {"options", 0, 0, G_OPTION_ARG_FILENAME, &text.writing.options,
         "Writer options, as the reference writes them (default: those of the first FILE)",
         "STRING"},
        {"group-size", 0, 0, G_OPTION_ARG_FILENAME, &text.writing.group_size,
         "Records of a chunk", "N"},
        {"codec", 0, 0, G_OPTION_ARG_FILENAME, &text.writing.codec,
         "zstd, brotli, snappy or uncompressed", "NAME[:LEVEL]"},
        {"transpose", 0, 0, G_OPTION_ARG_NONE, &text.writing.transpose,
         "Records are protocol buffers, whose fields lie together", NULL},
        {"no-copy", 0, 0, G_OPTION_ARG_NONE, &text.no_copy,
         "Encode every chunk anew, also those that could be copied", NULL},
        {"limit-memory", 0, 0, G_OPTION_ARG_FILENAME, &text.writing.limit_memory,
         "Memory for records in work (default: auto)", "SIZE"},
        G_OPTION_ENTRY_NULL,
    };
    g_auto (ToolCommandLine) line = {0};
    g_auto (Convert) convert = {.line = &line, .text = &text};
    g_autoptr (ToolOutput) out = NULL;
    g_autoptr (GError) error = NULL;
    int exit_code;

    if (!tool_command_line_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    if (!check_places (&text, &error)) {
        return tool_command_tell_usage (command, "%s", error->message);
    }
    convert_begin (&convert);
    out = text.out ? tool_command_output_beside (text.out) : tool_command_stdout();
    convert.out = out;
    return run (&convert);
}
