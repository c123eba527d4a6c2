/* arec cat FILE [RANGE]...: the bytes of records, to standard output. */
#include <endian.h>
#include <string.h>

#include <glib.h>

#include <arec/arec.h>

#include "command.h"
#include "crc32c.h"
#include "progress.h"
#include "selection.h"

/* What stands around the bytes of a record. */
typedef enum {
    FRAME_NONE,
    FRAME_NEWLINE,
    FRAME_NUL,
    FRAME_TFRECORD,
} Frame;

/* The options as typed. */
typedef struct {
    gboolean newline;
    gboolean nul;
    char *frame;
} CatText;

static void
cat_text_clear (CatText *text)
{
    g_free (text->frame);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CatText, cat_text_clear)

static bool
choose_frame (const CatText *text, Frame *frame, GError **error)
{
    if ((text->newline ? 1 : 0) + (text->nul ? 1 : 0) + (text->frame ? 1 : 0) > 1) {
        g_set_error (error, AREC_ERROR, AREC_ERROR_INVALID,
                     "-n, -0 and --frame exclude each other");
        return false;
    }
    if (text->frame && strcmp (text->frame, "tfrecord") != 0) {
        g_set_error (error, AREC_ERROR, AREC_ERROR_INVALID,
                     "--frame: invalid value: %s, expected tfrecord", text->frame);
        return false;
    }
    *frame = text->newline ? FRAME_NEWLINE
             : text->nul   ? FRAME_NUL
             : text->frame ? FRAME_TFRECORD
                           : FRAME_NONE;
    return true;
}

static void
put_masked_crc (ArecOutput *out, const void *data, size_t size)
{
    uint32_t crc = htole32 (arec_crc32c_mask (arec_crc32c (data, size)));

    arec_output_bytes (out, &crc, sizeof crc);
}

/* u64 length, its checksum, data, its checksum; all little-endian. */
static void
put_tfrecord (ArecOutput *out, const uint8_t *data, size_t size)
{
    uint64_t length = htole64 (size);

    arec_output_bytes (out, &length, sizeof length);
    put_masked_crc (out, &length, sizeof length);
    arec_output_bytes (out, data, size);
    put_masked_crc (out, data, size);
}

static void
put_record (ArecOutput *out, Frame frame, const uint8_t *data, size_t size)
{
    if (frame == FRAME_TFRECORD) {
        put_tfrecord (out, data, size);
        return;
    }
    arec_output_bytes (out, data, size);
    if (frame != FRAME_NONE) {
        arec_output_byte (out, frame == FRAME_NEWLINE ? '\n' : '\0');
    }
}

static bool
put_span (ArecOutput *out, Frame frame, ArecReader *reader, const ArecSpan *span,
          ArecProgress *progress, GError **error)
{
    g_autoptr (ArecScan) scan = arec_scan_new (reader, span->first, span->end);

    for (;;) {
        const uint8_t *data;
        size_t size;

        if (!arec_scan_next (scan, NULL, &data, &size, error)) {
            return false;
        }
        if (!data) {
            return true;
        }
        put_record (out, frame, data, size);
        arec_progress_record (progress, size);
        if (!arec_output_check (out, error)) {
            return false;
        }
    }
}

static bool
put_selection (ArecOutput *out, Frame frame, const ArecSelection *selection,
               ArecProgress *progress, GError **error)
{
    for (size_t i = 0; i < selection->n_spans; i++) {
        if (!put_span (out, frame, selection->reader, &selection->spans[i], progress, error)) {
            return false;
        }
    }
    return true;
}

int
arec_cmd_cat (const ArecCommand *command, int argc, char **argv)
{
    g_auto (CatText) text = {0};
    const GOptionEntry entries[] = {
        {"newline", 'n', 0, G_OPTION_ARG_NONE, &text.newline, "A newline after each record",
         NULL},
        {"null", '0', 0, G_OPTION_ARG_NONE, &text.nul, "A NUL byte after each record", NULL},
        {"frame", 0, 0, G_OPTION_ARG_FILENAME, &text.frame,
         "tfrecord: length and checksums around each record", "FORM"},
        G_OPTION_ENTRY_NULL,
    };
    g_auto (ArecCommandLine) line = {0};
    g_auto (ArecSelection) selection = {0};
    g_autoptr (ArecOutput) out = NULL;
    g_autoptr (GError) error = NULL;
    g_autoptr (GError) gap = NULL;
    ArecProgress progress;
    Frame frame;
    int exit_code;

    if (!arec_command_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    if (line.json) {
        return arec_command_tell_usage (command,
                                        "--json: records are bytes, see 'arec ls --json'");
    }
    if (!choose_frame (&text, &frame, &error)) {
        return arec_command_tell_usage (command, "%s", error->message);
    }
    out = arec_command_stdout();
    if (arec_selection_open (&selection, &line, &error)) {
        arec_progress_start (&progress, line.quiet || arec_progress_meets_output(),
                             AREC_PROGRESS_RECORDS, selection.n_records);
        arec_selection_stop_at_gap (&selection, &line, &gap);
        if (put_selection (out, frame, &selection, &progress, &error)) {
            error = g_steal_pointer (&gap);
            arec_command_tell_stats (&line, selection.engine);
        }
    }
    return arec_command_finish (out, error);
}
