/* arec cat FILE [RANGE]...: the bytes of records, to standard output. */
#include <string.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/command_line.h"
#include "frame/progress.h"
#include "frame/selection.h"
#include "frame/tfrecord.h"
#include "look/look.h"

/* What is written around the bytes of a record. */
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
put_tfrecord (ToolOutput *out, const uint8_t *data, size_t size)
{
    uint8_t header[TOOL_TFRECORD_HEADER_SIZE], trailer[TOOL_TFRECORD_TRAILER_SIZE];

    tool_tfrecord_make (data, size, header, trailer);
    tool_output_bytes (out, header, sizeof header);
    tool_output_bytes (out, data, size);
    tool_output_bytes (out, trailer, sizeof trailer);
}

static void
put_record (ToolOutput *out, Frame frame, const uint8_t *data, size_t size)
{
    if (frame == FRAME_TFRECORD) {
        put_tfrecord (out, data, size);
        return;
    }
    tool_output_bytes (out, data, size);
    if (frame != FRAME_NONE) {
        tool_output_byte (out, frame == FRAME_NEWLINE ? '\n' : '\0');
    }
}

static bool
put_span (ToolOutput *out, Frame frame, ArecReader *reader, const ToolSpan *span,
          ToolProgress *progress, GError **error)
{
    g_autoptr (ArecCursor) cursor = arec_cursor_new (reader, span->first, span->end);

    for (;;) {
        const uint8_t *data;
        size_t size;

        if (!arec_cursor_next (cursor, NULL, &data, &size, error)) {
            return false;
        }
        if (!data) {
            return true;
        }
        put_record (out, frame, data, size);
        tool_progress_record (progress, size);
        if (!tool_output_check (out, error)) {
            return false;
        }
    }
}

/* Gathering records is a part of writing them. */
static bool
put_selection (ToolOutput *out, Frame frame, const ToolSelection *selection,
               ToolProgress *progress, GError **error)
{
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_WRITING);
    bool done = true;

    for (size_t i = 0; i < selection->n_spans && done; i++) {
        done = put_span (out, frame, selection->reader, &selection->spans[i], progress, error);
    }
    arec_phases_leave (mark);
    return done;
}

int
tool_cmd_cat (const ToolCommand *command, int argc, char **argv)
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
    g_auto (ToolCommandLine) line = {0};
    g_auto (ToolSelection) selection = {0};
    g_autoptr (ToolOutput) out = NULL;
    g_autoptr (GError) error = NULL;
    g_autoptr (GError) gap = NULL;
    ToolProgress progress;
    Frame frame;
    int exit_code;

    if (!tool_command_line_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    if (line.json) {
        return tool_command_tell_usage (command,
                                        "--json: records are bytes, see 'arec ls --json'");
    }
    if (!choose_frame (&text, &frame, &error)) {
        return tool_command_tell_usage (command, "%s", error->message);
    }
    out = tool_command_stdout();
    if (tool_selection_open (&selection, &line, &error)) {
        tool_progress_start (&progress, line.quiet || tool_progress_meets_output(),
                             TOOL_PROGRESS_RECORDS, selection.n_records);
        tool_selection_stop_at_gap (&selection, &line, &gap);
        if (put_selection (out, frame, &selection, &progress, &error)) {
            error = g_steal_pointer (&gap);
            tool_command_line_tell_stats (&line, selection.engine);
        }
    }
    exit_code = tool_command_finish (out, error);
    if (exit_code == TOOL_EXIT_DONE) {
        tool_command_line_tell_timing (&line);
    }
    return exit_code;
}
