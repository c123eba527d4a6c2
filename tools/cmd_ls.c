/* arec ls FILE [RANGE]...: numbers and sizes of records, without decoding them where the format
 * allows it. */
#include <glib.h>

#include <arec/arec.h>

#include "command.h"
#include "progress.h"
#include "selection.h"

typedef enum {
    FORM_SHORT,
    FORM_LONG,
    FORM_JSON,
} Form;

typedef struct {
    ArecOutput *out;
    ArecReader *reader;
    Form form;
    size_t file;  /* number of the file whose path is below; SIZE_MAX at first */
    char *source; /* its path, printable, or as JSON */
} Listing;

static void
listing_clear (Listing *listing)
{
    g_free (listing->source);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Listing, listing_clear)

/* The path of file @file, made printable, or JSON, once for all records of the file. */
static const char *
source_of (Listing *listing, size_t file)
{
    if (listing->file != file) {
        ArecFileInfo info;

        arec_reader_file_info (listing->reader, file, &info);
        g_free (listing->source);
        listing->source = listing->form == FORM_JSON ? arec_text_json (info.path)
                                                     : arec_text_printable (info.path);
        listing->file = file;
    }
    return listing->source;
}

static void
put_json (Listing *listing, uint64_t record, uint64_t size, const ArecPlace *place)
{
    arec_output_text (listing->out, "{\"record\": ");
    arec_output_u64 (listing->out, record);
    arec_output_text (listing->out, ", \"size\": ");
    arec_output_u64 (listing->out, size);
    arec_output_text (listing->out, ", \"chunk\": ");
    arec_output_u64 (listing->out, place->chunk);
    arec_output_text (listing->out, ", \"offset\": ");
    arec_output_u64 (listing->out, place->chunk_offset);
    if (arec_reader_n_files (listing->reader) > 1) {
        arec_output_text (listing->out, ", \"source\": ");
        arec_output_text (listing->out, source_of (listing, place->file));
    }
    arec_output_text (listing->out, "}\n");
}

static void
put_columns (Listing *listing, uint64_t record, uint64_t size, const ArecPlace *place)
{
    arec_output_u64 (listing->out, record);
    arec_output_byte (listing->out, ' ');
    arec_output_u64 (listing->out, size);
    if (listing->form == FORM_LONG) {
        arec_output_byte (listing->out, ' ');
        arec_output_u64 (listing->out, place->chunk);
        arec_output_byte (listing->out, ' ');
        arec_output_u64 (listing->out, place->chunk_offset);
        arec_output_byte (listing->out, ' ');
        arec_output_text (listing->out, source_of (listing, place->file));
    }
    arec_output_byte (listing->out, '\n');
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
        !arec_reader_locate (listing->reader, record, &place, error)) {
        return false;
    }
    if (listing->form == FORM_JSON) {
        put_json (listing, record, size, &place);
    } else {
        put_columns (listing, record, size, &place);
    }
    return arec_output_check (listing->out, error);
}

static bool
put_selection (Listing *listing, const ArecSelection *selection, ArecProgress *progress,
               GError **error)
{
    for (size_t i = 0; i < selection->n_spans; i++) {
        const ArecSpan *span = &selection->spans[i];

        for (uint64_t record = span->first; record < span->end; record++) {
            if (!put_record (listing, record, error)) {
                return false;
            }
            arec_progress_record (progress, 0);
        }
    }
    return true;
}

int
arec_cmd_ls (const ArecCommand *command, int argc, char **argv)
{
    gboolean is_long = FALSE;
    const GOptionEntry entries[] = {
        {"long", 'l', 0, G_OPTION_ARG_NONE, &is_long,
         "NUMBER SIZE CHUNK OFFSET SOURCE, not only NUMBER SIZE", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_auto (ArecCommandLine) line = {0};
    g_auto (ArecSelection) selection = {0};
    g_auto (Listing) listing = {.file = SIZE_MAX};
    g_autoptr (ArecOutput) out = NULL;
    g_autoptr (GError) error = NULL;
    g_autoptr (GError) gap = NULL;
    ArecProgress progress;
    int exit_code;

    if (!arec_command_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    out = arec_command_stdout();
    if (arec_selection_open (&selection, &line, &error)) {
        listing.out = out;
        listing.reader = selection.reader;
        listing.form = line.json ? FORM_JSON : is_long ? FORM_LONG : FORM_SHORT;
        arec_progress_start (&progress, line.quiet || arec_progress_meets_output(),
                             AREC_PROGRESS_RECORDS, selection.n_records);
        arec_selection_stop_at_gap (&selection, &line, &gap);
        if (put_selection (&listing, &selection, &progress, &error)) {
            error = g_steal_pointer (&gap);
            arec_command_tell_stats (&line, selection.engine);
        }
    }
    return arec_command_finish (out, error);
}
