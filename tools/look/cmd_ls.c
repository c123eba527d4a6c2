/* arec ls FILE [RANGE]...: numbers and sizes of records, without decoding them where the format
 * allows it. */
#include <glib.h>

#include <arec/arec.h>

#include "frame/command_line.h"
#include "frame/progress.h"
#include "frame/selection.h"
#include "frame/stored_names.h"
#include "look/look.h"

typedef enum {
    FORM_SHORT,
    FORM_LONG,
    FORM_JSON,
} Form;

typedef struct {
    ToolOutput *out;
    ArecReader *reader;
    Form form;
    size_t file;            /* number of the file whose path is below; SIZE_MAX at first */
    char *source;           /* its path, printable, or as JSON */
    ArecStoredNames *names; /* of its records; NULL: it keeps none */
    bool is_quiet;
} Listing;

static void
listing_clear (Listing *listing)
{
    g_free (listing->source);
    arec_stored_names_free (listing->names);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Listing, listing_clear)

/* Prepares what all records of file @file show: its path, made printable, or JSON, and their
 * names. */
static bool
enter_file (Listing *listing, size_t file, GError **error)
{
    ArecFileInfo info;

    if (listing->file == file) {
        return true;
    }
    g_clear_pointer (&listing->names, arec_stored_names_free);
    if (!tool_stored_names_load (listing->reader, file, listing->is_quiet, &listing->names,
                                 NULL, error)) {
        return false;
    }
    arec_reader_file_info (listing->reader, file, &info);
    g_free (listing->source);
    listing->source = listing->form == FORM_JSON ? arec_text_json (info.path)
                                                 : arec_text_printable (info.path);
    listing->file = file;
    return true;
}

static void
put_name (const Listing *listing, const ArecPlace *place)
{
    const char *name = arec_stored_names_get (listing->names, place->file_record);
    g_autofree char *shown = NULL;

    if (listing->form == FORM_JSON) {
        tool_output_text (listing->out, ", \"name\": ");
        tool_output_json_string (listing->out, name);
    } else {
        shown = arec_text_printable (name);
        tool_output_byte (listing->out, ' ');
        tool_output_text (listing->out, shown);
    }
}

static void
put_json (Listing *listing, uint64_t record, uint64_t size, const ArecPlace *place)
{
    tool_output_text (listing->out, "{\"record\": ");
    tool_output_u64 (listing->out, record);
    tool_output_text (listing->out, ", \"size\": ");
    tool_output_u64 (listing->out, size);
    tool_output_text (listing->out, ", \"chunk\": ");
    tool_output_u64 (listing->out, place->chunk);
    tool_output_text (listing->out, ", \"offset\": ");
    tool_output_u64 (listing->out, place->chunk_offset);
    if (arec_reader_n_files (listing->reader) > 1) {
        tool_output_text (listing->out, ", \"source\": ");
        tool_output_text (listing->out, listing->source);
    }
    if (listing->names) {
        put_name (listing, place);
    }
    tool_output_text (listing->out, "}\n");
}

static void
put_columns (Listing *listing, uint64_t record, uint64_t size, const ArecPlace *place)
{
    tool_output_u64 (listing->out, record);
    tool_output_byte (listing->out, ' ');
    tool_output_u64 (listing->out, size);
    if (listing->form == FORM_LONG) {
        tool_output_byte (listing->out, ' ');
        tool_output_u64 (listing->out, place->chunk);
        tool_output_byte (listing->out, ' ');
        tool_output_u64 (listing->out, place->chunk_offset);
        tool_output_byte (listing->out, ' ');
        tool_output_text (listing->out, listing->source);
    }
    if (listing->names) {
        put_name (listing, place);
    }
    tool_output_byte (listing->out, '\n');
}

static bool
put_record (Listing *listing, uint64_t record, GError **error)
{
    ArecPlace place = {0};
    uint64_t size;

    if (!arec_reader_record_size (listing->reader, record, &size, error)) {
        return false;
    }
    if (listing->form != FORM_SHORT &&
        (!arec_reader_locate (listing->reader, record, &place, error) ||
         !enter_file (listing, place.file, error))) {
        return false;
    }
    if (listing->form == FORM_JSON) {
        put_json (listing, record, size, &place);
    } else {
        put_columns (listing, record, size, &place);
    }
    return tool_output_check (listing->out, error);
}

static bool
put_selection (Listing *listing, const ToolSelection *selection, ToolProgress *progress,
               GError **error)
{
    for (size_t i = 0; i < selection->n_spans; i++) {
        const ToolSpan *span = &selection->spans[i];

        for (uint64_t record = span->first; record < span->end; record++) {
            if (!put_record (listing, record, error)) {
                return false;
            }
            tool_progress_record (progress, 0);
        }
    }
    return true;
}

int
tool_cmd_ls (const ToolCommand *command, int argc, char **argv)
{
    gboolean is_long = FALSE;
    const GOptionEntry entries[] = {
        {"long", 'l', 0, G_OPTION_ARG_NONE, &is_long,
         "NUMBER SIZE CHUNK OFFSET SOURCE, and NAME where names are stored", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_auto (ToolCommandLine) line = {0};
    g_auto (ToolSelection) selection = {0};
    g_auto (Listing) listing = {.file = SIZE_MAX};
    g_autoptr (ToolOutput) out = NULL;
    g_autoptr (GError) error = NULL;
    g_autoptr (GError) gap = NULL;
    ToolProgress progress;
    int exit_code;

    if (!tool_command_line_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    out = tool_command_stdout();
    if (tool_selection_open (&selection, &line, &error)) {
        listing.out = out;
        listing.reader = selection.reader;
        listing.is_quiet = line.quiet;
        listing.form = line.json ? FORM_JSON : is_long ? FORM_LONG : FORM_SHORT;
        tool_progress_start (&progress, line.quiet || tool_progress_meets_output(),
                             TOOL_PROGRESS_RECORDS, selection.n_records);
        tool_selection_stop_at_gap (&selection, &line, &gap);
        if (put_selection (&listing, &selection, &progress, &error)) {
            error = g_steal_pointer (&gap);
            tool_command_line_tell_stats (&line, selection.engine);
        }
    }
    return tool_command_finish (out, error);
}
