#include "pack/input_lines.h"

#include "pack/input_stream.h"
#include "pack/line.h"

static ToolInputStep
cut_line (ToolInput *input, ToolByteInput *bytes, ToolInputRecord *record, GError **error)
{
    const ToolInputOptions *options = &input->options;
    ToolLine line;

    if (!tool_line_peek (bytes, options->split_at_nul ? '\0' : '\n', options->max_record,
                         "a record may have", &line, error)) {
        return TOOL_INPUT_FAILED;
    }
    if (tool_line_is_none (&line)) {
        return TOOL_INPUT_END;
    }
    *record = (ToolInputRecord){.data = line.data,
                                .size = line.size + (line.is_ended && options->keep_newline)};
    tool_line_skip (bytes, &line);
    return TOOL_INPUT_RECORD;
}

ToolInput *
tool_input_lines_new (const ToolInputOptions *options, GError **error)
{
    static const ToolByteForms forms = {
        .forms = TOOL_FORM_GZIP | TOOL_FORM_ZSTD | TOOL_FORM_XZ,
    };

    return tool_input_stream_new (options, &forms, cut_line, error);
}
