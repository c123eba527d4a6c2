#include "pack/input_jsonl.h"

#include <inttypes.h>

#include "pack/input_stream.h"
#include "pack/line.h"

/* So much is held, however little --limit-memory is: other parts of the program take more. */
#define MIN_MEMORY (UINT64_C (32) << 20)

typedef struct {
    ToolByteInput *bytes;
    uint64_t record_at;       /* offset of the last record */
    uint64_t n_lines;         /* up to the one in work */
    bool has_values;          /* a line was JSON */
    ArecExampleJson *example; /* NULL: lines stay as they are */
    uint64_t max_line;        /* bytes of a line, and of what is made of it */
    const char *limit;        /* what max_line is, for messages */
} Jsonl;

static void
free_jsonl (void *cutter)
{
    Jsonl *self = cutter;

    arec_example_json_free (self->example);
    g_free (self);
}

/* White space of JSON alone. */
static bool
is_blank (const ToolLine *line)
{
    size_t i = 0;

    while (i < line->size &&
           (line->data[i] == ' ' || line->data[i] == '\t' || line->data[i] == '\r')) {
        i++;
    }
    return i == line->size;
}

/* Makes the record of @line; *at is the place in it that is wrong. */
static bool
make_record (Jsonl *self, const ToolLine *line, ToolInputRecord *record, size_t *at,
             GError **error)
{
    const char *text = (const char *)line->data;

    *record = (ToolInputRecord){.data = line->data, .size = line->size};
    return self->example ? arec_example_json_encode (self->example, text, line->size,
                                                     &record->data, &record->size, at, error)
                         : arec_json_check (text, line->size, at, error);
}

/* Says of which line it is. @cause is taken over. */
static ToolInputStep
fail_line (const Jsonl *self, uint64_t at, GError *cause, GError **error)
{
    ArecError code = (ArecError)cause->code;

    if (code == AREC_ERROR_FORMAT && self->has_values) {
        code = AREC_ERROR_CORRUPT;
    }
    tool_byte_input_fail (self->bytes, at, error, code, "line %" PRIu64 ": %s", self->n_lines,
                          cause->message);
    g_error_free (cause);
    return TOOL_INPUT_FAILED;
}

static ToolInputStep
cut_value (void *cutter, ToolInputRecord *record, GError **error)
{
    Jsonl *self = cutter;
    GError *cause = NULL;
    ToolLine line;
    size_t at;

    do {
        self->record_at = tool_byte_input_offset (self->bytes);
        if (!tool_line_peek (self->bytes, '\n', self->max_line, self->limit, &line, error)) {
            return TOOL_INPUT_FAILED;
        }
        if (tool_line_is_none (&line)) {
            return TOOL_INPUT_END;
        }
        self->n_lines++;
        tool_line_skip (self->bytes, &line);
    } while (is_blank (&line));
    if (!make_record (self, &line, record, &at, &cause)) {
        return fail_line (self, self->record_at + at, cause, error);
    }
    self->has_values = true;
    return TOOL_INPUT_RECORD;
}

static char *
place_of_value (const void *cutter)
{
    const Jsonl *self = cutter;

    return tool_byte_input_place (self->bytes, self->record_at);
}

/* A line is looked at as a whole, and no record before; with its message it is held twice. */
static uint64_t
max_line_of (const ToolInputOptions *options)
{
    uint64_t most = MAX (options->max_memory, MIN_MEMORY);

    if (options->max_memory == 0) {
        return options->max_record;
    }
    return MIN (options->example ? most / 2 : most, options->max_record);
}

static void *
begin_jsonl (ToolInput *input, ToolByteInput *bytes, GError **error)
{
    Jsonl *self = g_new0 (Jsonl, 1);

    (void)error;
    self->bytes = bytes;
    self->max_line = max_line_of (&input->options);
    self->limit = self->max_line < input->options.max_record ? "fits --limit-memory"
                                                             : "a record may have";
    self->example = input->options.example ? arec_example_json_new (self->max_line) : NULL;
    return self;
}

ToolInput *
tool_input_jsonl_new (const ToolInputOptions *options, GError **error)
{
    static const ToolByteForms forms = {
        .forms = TOOL_FORM_GZIP | TOOL_FORM_ZSTD | TOOL_FORM_XZ,
    };
    static const ToolCutterOps ops = {begin_jsonl, cut_value, place_of_value, free_jsonl};

    return tool_input_stream_new_cutter (options, &forms, &ops, error);
}
