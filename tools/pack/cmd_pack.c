/* arec pack -o OUT [--from KIND] INPUT...: an ArrayRecord file of what people have. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/command_line.h"
#include "frame/interrupt.h"
#include "pack/input_kinds.h"
#include "pack/input_names.h"
#include "pack/input_path.h"
#include "pack/names_file.h"
#include "pack/pack.h"
#include "pack/pack_each.h"
#include "pack/pack_job.h"
#include "pack/pack_many.h"
#include "pack/pack_notes.h"
#include "pack/pack_options.h"
#include "pack/pack_report.h"
#include "pack/shard_options.h"

/* The options as typed. */
typedef struct {
    char *out;
    gboolean force;
    gboolean no_sync;
    gboolean each;
    char *from;
    char *lines_file;
    char *nul_file;
    char **excludes;
    gboolean recover;
    gboolean nul;
    gboolean keep_newline;
    gboolean example;
    gboolean dereference;
    gboolean one_file_system;
    gboolean store_names;
    char *names_file;
    ToolPackText writing;
    ToolShardText sharding;
} PackText;

/* The work. */
typedef struct {
    const ToolCommandLine *line;
    const PackText *text;
    ToolNameList names; /* of the inputs */
    ToolNamesFile names_file;
    ToolNameList record_names; /* for it */
    ToolPackJob job;
    GArray *damages; /* of ToolPackDamage: reported so far */
    ToolPackNotes notes;
    GArray *reports; /* of ToolPackReport: the files that are done */
    ToolPackShards shards;
    ToolPackEach each;
    int64_t start; /* microseconds */
} Pack;

static void
pack_text_clear (PackText *text)
{
    g_free (text->out);
    g_free (text->from);
    g_free (text->lines_file);
    g_free (text->nul_file);
    g_strfreev (text->excludes);
    g_free (text->names_file);
    tool_pack_options_clear (&text->writing);
    tool_shard_options_clear (&text->sharding);
}

static void
pack_clear (Pack *pack)
{
    tool_name_list_clear (&pack->names);
    tool_name_list_clear (&pack->record_names);
    g_clear_pointer (&pack->damages, g_array_unref);
    g_clear_pointer (&pack->reports, g_array_unref);
    tool_pack_each_clear (&pack->each);
    tool_pack_shards_clear (&pack->shards);
}

static void
pack_begin (Pack *pack)
{
    pack->start = g_get_monotonic_time();
    pack->damages = tool_pack_damages_new();
    pack->reports = g_array_new (FALSE, TRUE, sizeof (ToolPackReport));
    tool_pack_shards_begin (&pack->shards);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PackText, pack_text_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pack, pack_clear)

static void
on_text (void *data, const char *text)
{
    (void)data;
    tool_command_tell (text);
}

/* ---- the kind ---- */

/* Refuses options that the kind would not heed. */
static bool
check_takes (const Pack *pack, GError **error)
{
    const PackText *text = pack->text;
    const struct {
        bool is_given;
        ToolInputTakes takes;
        const char *name;
    } options[] = {
        {text->recover, TOOL_INPUT_TAKES_RECOVER, "--recover"},
        {text->nul, TOOL_INPUT_TAKES_LINES, "-0"},
        {text->keep_newline, TOOL_INPUT_TAKES_LINES, "--keep-newline"},
        {text->example, TOOL_INPUT_TAKES_EXAMPLE, "--example"},
        {text->dereference, TOOL_INPUT_TAKES_FILES, "-L"},
        {text->one_file_system, TOOL_INPUT_TAKES_FILES, "--one-file-system"},
        {text->excludes != NULL, TOOL_INPUT_TAKES_EXCLUDES, "--exclude"},
        {text->store_names, TOOL_INPUT_GIVES_NAMES, "--store-names"},
        {text->names_file != NULL, TOOL_INPUT_GIVES_NAMES, "--write-names"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (options); i++) {
        if (options[i].is_given && !(pack->job.kind->takes & options[i].takes)) {
            return arec_fail (error, AREC_ERROR_INVALID, "%s: has no meaning with --from=%s",
                              options[i].name, pack->job.kind->name);
        }
    }
    return true;
}

/* Finds what a record of the inputs is, and reports it where it was not typed. */
static bool
choose_kind (Pack *pack, GError **error)
{
    const char *from = pack->text->from;

    pack->job.kind =
        from ? tool_input_kinds_find (from) : tool_input_kinds_guess (&pack->names);
    if (!pack->job.kind) {
        g_autofree char *kinds = tool_input_kinds_text();

        return arec_fail (error, AREC_ERROR_INVALID, "--from: invalid value: %s, expected %s",
                          from, kinds);
    }
    if (!pack->job.kind->new) {
        return arec_fail (error, AREC_ERROR_UNSUPPORTED, "--from=%s: not in this build",
                          pack->job.kind->name);
    }
    if (!from && strcmp (pack->job.kind->name, "files") != 0 && !pack->line->quiet) {
        g_autofree char *text = g_strdup_printf (
            "--from=%s is taken, as the names of the inputs end so", pack->job.kind->name);

        tool_command_tell (text);
    }
    return check_takes (pack, error);
}

/* ---- the outputs ---- */

/* Names a file in the folder OUT for each input. */
static bool
name_each (Pack *pack, GError **error)
{
    const char *name;

    tool_pack_each_begin (&pack->each, pack->text->out);
    for (size_t at = 0; (name = tool_name_list_next (&pack->names, &at));) {
        if (tool_input_path_is_stdin (name)) {
            return arec_fail (error, AREC_ERROR_INVALID,
                              "-: with --each an input needs a name");
        }
        if (!tool_pack_each_add (&pack->each, name, error)) {
            return false;
        }
    }
    return true;
}

/* ---- the work ---- */

static bool
is_sharded (const Pack *pack)
{
    return pack->job.sharding.rule != AREC_SHARDING_NONE;
}

static bool
make_each (Pack *pack, GError **error)
{
    const ToolPackMany many = {
        .job = &pack->job,
        .inputs = &pack->names,
        .each = &pack->each,
        .quiet = pack->line->quiet,
        .tells_damages = !pack->line->json,
        .damages = pack->damages,
        .reports = pack->reports,
    };

    if (arec_output_is_stdout (pack->text->out)) {
        return arec_fail (error, AREC_ERROR_INVALID, "-o -: with --each OUT is a folder");
    }
    return name_each (pack, error) && tool_pack_many_run (&many, error);
}

/* Makes OUT, or its shards, of all inputs. */
static bool
make_one (Pack *pack, GError **error)
{
    ToolPackReport report = {.damages = pack->damages};

    tool_interrupt_expect (1, NULL, NULL);
    pack->job.input.names = &pack->names;
    pack->job.input.out = pack->text->out;
    if (!tool_pack_job_run (&pack->job, pack->text->out, &report,
                            is_sharded (pack) ? &pack->shards : NULL, error)) {
        return false;
    }
    g_array_append_val (pack->reports, report);
    return true;
}

/* Everything that the command line alone can be wrong in. */
static bool
prepare (Pack *pack, GError **error)
{
    const PackText *text = pack->text;
    const ToolInputNames names = {
        .operands = pack->line->operands,
        .n_operands = pack->line->n_operands,
        .lines_file = text->lines_file,
        .nul_file = text->nul_file,
    };

    pack->names_file = (ToolNamesFile){.path = text->names_file, .replaces = text->force};
    if (text->each && tool_shard_options_typed (&text->sharding)) {
        return arec_fail (error, AREC_ERROR_INVALID, "%s: has no meaning with --each",
                          tool_shard_options_typed (&text->sharding));
    }
    if (!tool_pack_options_parse (&text->writing, &pack->job.writer, error) ||
        !tool_shard_options_parse (&text->sharding, &pack->job.sharding, error) ||
        !tool_input_names_collect (&names, &pack->names, error) || !choose_kind (pack, error) ||
        !tool_names_file_check (&pack->names_file, text->out, &pack->job.sharding, error)) {
        return false;
    }
    pack->job.stores_names = text->store_names;
    pack->job.names = text->names_file ? &pack->record_names : NULL;
    pack->job.writer.output =
        (ArecOutputOptions){.replace = text->force, .no_sync = text->no_sync};
    pack->job.hides_progress = pack->line->quiet;
    pack->job.input = (ToolInputOptions){
        .max_record = pack->job.writer.max_chunk_size,
        .max_memory = pack->job.writer.max_memory,
        .recover = text->recover,
        .keep_newline = text->keep_newline,
        .split_at_nul = text->nul,
        .example = text->example,
        .dereference = text->dereference,
        .one_file_system = text->one_file_system,
        .excludes = (const char *const *)text->excludes,
    };
    pack->notes = (ToolPackNotes){
        .quiet = pack->line->quiet,
        .damages = pack->line->json ? pack->damages : NULL,
        .tell = on_text,
    };
    tool_pack_notes_take (&pack->notes, &pack->job.input);
    return true;
}

static void
print_text (const ToolPackReport *report, guint n_shards)
{
    g_autofree char *text = tool_pack_report_text (report, n_shards);

    tool_command_tell (text);
}

static void
print_reports (const Pack *pack, ToolOutput *out)
{
    ToolPackReport sum = tool_pack_report_sum (pack->text->out, pack->reports);
    const GArray *files = pack->text->each    ? pack->reports
                          : is_sharded (pack) ? pack->shards.reports
                                              : NULL;

    sum.options = &pack->job.writer;
    sum.damages = pack->damages;
    sum.duration = g_get_monotonic_time() - pack->start; /* of files made at the same time */
    if (pack->shards.note && !pack->line->quiet) {
        tool_command_tell (pack->shards.note);
    }
    if (pack->line->json) {
        tool_pack_report_put_json (out, &sum, files,
                                   tool_command_line_puts_timing (pack->line));
        return;
    }
    for (guint i = 0; files && pack->line->verbose && i < files->len; i++) {
        print_text (&g_array_index (files, ToolPackReport, i), 0);
    }
    if (!pack->line->quiet) {
        print_text (&sum, is_sharded (pack) ? files->len : 0);
    }
}

int
tool_cmd_pack (const ToolCommand *command, int argc, char **argv)
{
    g_auto (PackText) text = {0};
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &text.out, "The file to write", "OUT"},
        {"force", 'f', 0, G_OPTION_ARG_NONE, &text.force, "Replace an existing OUT", NULL},
        {"no-sync", 0, 0, G_OPTION_ARG_NONE, &text.no_sync,
         "Do not wait until OUT is on the disk", NULL},
        {"each", 0, 0, G_OPTION_ARG_NONE, &text.each,
         "OUT is a folder, in which each INPUT becomes a file", NULL},
        {"from", 0, 0, G_OPTION_ARG_FILENAME, &text.from,
         "What a record is: a file (files), a line (lines), a line of JSON (jsonl), one of "
         "TFRecord (tfrecord), a member of a tar archive (tar), a sample in one (webdataset), "
         "one of such a file (array_record, riegeli)",
         "KIND"},
        {"profile", 0, 0, G_OPTION_ARG_FILENAME, &text.writing.profile,
         "Writer options of a profile: random, balanced, archive, ... (see arec-pack(1))",
         "NAME"},
        TOOL_SHARD_ENTRIES (text.sharding),
        {"options", 0, 0, G_OPTION_ARG_FILENAME, &text.writing.options,
         "Writer options, as the reference writes them", "STRING"},
        {"group-size", 0, 0, G_OPTION_ARG_FILENAME, &text.writing.group_size,
         "Records of a chunk (default: 1)", "N"},
        {"codec", 0, 0, G_OPTION_ARG_FILENAME, &text.writing.codec,
         "zstd, brotli, snappy or uncompressed (default: zstd:3)", "NAME[:LEVEL]"},
        {"transpose", 0, 0, G_OPTION_ARG_NONE, &text.writing.transpose,
         "Records are protocol buffers, whose fields lie together", NULL},
        {"threads", 0, 0, G_OPTION_ARG_FILENAME, &text.writing.threads,
         "Chunks encoded, or files made, at the same time (default: auto)", "N"},
        {"jobs", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &text.writing.threads, NULL,
         NULL},
        {"limit-memory", 0, 0, G_OPTION_ARG_FILENAME, &text.writing.limit_memory,
         "Memory for records in work (default: auto)", "SIZE"},
        {"files-from", 0, 0, G_OPTION_ARG_FILENAME, &text.lines_file,
         "More INPUTs, one a line of FILE", "FILE"},
        {"files-from0", 0, 0, G_OPTION_ARG_FILENAME, &text.nul_file,
         "The same, each followed by NUL", "FILE"},
        {"exclude", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &text.excludes,
         "Leave out files, members and directories of this name or path", "GLOB"},
        {"dereference", 'L', 0, G_OPTION_ARG_NONE, &text.dereference,
         "Follow symbolic links in directories", NULL},
        {"one-file-system", 0, 0, G_OPTION_ARG_NONE, &text.one_file_system,
         "Leave out directories of other file systems", NULL},
        {"store-names", 0, 0, G_OPTION_ARG_NONE, &text.store_names,
         "Keep the path of each file below its INPUT as the name of its record", NULL},
        {"write-names", 0, 0, G_OPTION_ARG_FILENAME, &text.names_file,
         "Write these names to FILE, each followed by NUL", "FILE"},
        {"null", '0', 0, G_OPTION_ARG_NONE, &text.nul, "Lines end with NUL", NULL},
        {"keep-newline", 0, 0, G_OPTION_ARG_NONE, &text.keep_newline,
         "A line keeps its newline", NULL},
        {"example", 0, 0, G_OPTION_ARG_NONE, &text.example,
         "Make a tf.train.Example of each JSON object", NULL},
        {"recover", 0, 0, G_OPTION_ARG_NONE, &text.recover, "Skip damaged records", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_auto (ToolCommandLine) line = {0};
    g_autoptr (ToolOutput) out = NULL;
    g_autoptr (GError) error = NULL;
    g_auto (Pack) pack = {.line = &line, .text = &text};
    int exit_code;

    if (!tool_command_line_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    if (!text.out) {
        return tool_command_tell_usage (command, "-o OUT is missing");
    }
    if (line.n_operands == 0 && !text.lines_file && !text.nul_file) {
        return tool_command_tell_usage (command, "INPUT is missing");
    }
    pack_begin (&pack);
    out = tool_command_output_beside (text.out);
    if (!prepare (&pack, &error) ||
        !(text.each ? make_each (&pack, &error) : make_one (&pack, &error)) ||
        !tool_names_file_write (&pack.names_file, &pack.record_names, text.no_sync, &error)) {
        return tool_command_finish (out, error);
    }
    tool_command_line_tell_timing (&line);
    print_reports (&pack, out);
    exit_code = tool_command_finish (out, NULL);
    return exit_code == TOOL_EXIT_DONE &&
                   tool_pack_report_sum (text.out, pack.reports).n_damages > 0
               ? TOOL_EXIT_DAMAGED
               : exit_code;
}
