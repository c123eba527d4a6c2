#include "pack/input.h"

#include <stdarg.h>

ToolInputStep
tool_input_next (ToolInput *input, ToolInputRecord *record, GError **error)
{
    return input->ops->next (input, record, error);
}

char *
tool_input_place (const ToolInput *input)
{
    return input->ops->place (input);
}

void
tool_input_free (ToolInput *input)
{
    if (input) {
        input->ops->free (input);
    }
}

void
tool_input_note (ToolInput *input, uint64_t n, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    input->progress.n_skipped += n;
    if (input->options.note) {
        va_start (args, format);
        text = g_strdup_vprintf (format, args);
        va_end (args);
        input->options.note (input->options.data, text);
    }
}

void
tool_input_report_damage (ToolInput *input, const char *name, uint64_t offset,
                          const char *format, ...)
{
    g_autofree char *reason = NULL;
    va_list args;

    input->progress.n_damages++;
    input->progress.n_lost++;
    if (input->options.damage) {
        va_start (args, format);
        reason = g_strdup_vprintf (format, args);
        va_end (args);
        input->options.damage (input->options.data, name, offset, reason);
    }
}
