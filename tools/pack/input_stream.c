#include "pack/input_stream.h"

#include "pack/input_path.h"

typedef struct {
    ToolInput base;
    const ToolByteForms *forms;
    ToolCutFunc cut;          /* NULL: a cutter does it */
    const ToolCutterOps *ops; /* NULL: there is none */
    size_t next_name;         /* position in the list of names */
    ToolByteInput *bytes;     /* of the input in work; NULL: none is */
    void *cutter;             /* of it */
    uint64_t done_before;     /* bytes of the inputs before it */
    uint64_t record_at;       /* offset of the last record */
} Stream;

/* Adds up the sizes of all inputs; total stays 0 where one has none. */
static bool
check_names (Stream *self, GError **error)
{
    ToolInputProgress *progress = &self->base.progress;
    const char *name;
    bool known = true;

    for (size_t at = 0; (name = tool_name_list_next (self->base.options.names, &at));) {
        uint64_t size;

        if (!tool_input_path_check (name, &size, error) ||
            !tool_input_path_check_out (name, self->base.options.out, error)) {
            return false;
        }
        known = known && size != UINT64_MAX;
        progress->total += known ? size : 0;
    }
    if (!known) {
        progress->total = 0;
    }
    return true;
}

/* Opens the next input, or leaves `bytes` NULL after the last one. */
static bool
open_next (Stream *self, GError **error)
{
    const char *name = tool_name_list_next (self->base.options.names, &self->next_name);

    if (!name) {
        return true;
    }
    self->bytes = tool_byte_input_open (name, self->forms, error);
    if (self->bytes && self->ops) {
        self->cutter = self->ops->begin (&self->base, self->bytes, error);
    }
    return self->bytes && (!self->ops || self->cutter);
}

static void
close_input (Stream *self)
{
    if (self->cutter) {
        self->ops->free (self->cutter);
        self->cutter = NULL;
    }
    g_clear_pointer (&self->bytes, tool_byte_input_free);
}

static ToolInputStep
next_of_stream (ToolInput *base, ToolInputRecord *record, GError **error)
{
    Stream *self = (Stream *)base;

    for (;;) {
        ToolInputStep step;

        if (!self->bytes && !open_next (self, error)) {
            return TOOL_INPUT_FAILED;
        }
        if (!self->bytes) {
            return TOOL_INPUT_END;
        }
        self->record_at = tool_byte_input_offset (self->bytes);
        step = self->ops ? self->ops->cut (self->cutter, record, error)
                         : self->cut (base, self->bytes, record, error);
        base->progress.done = self->done_before + tool_byte_input_raw_offset (self->bytes);
        if (step != TOOL_INPUT_END) {
            return step;
        }
        self->done_before = base->progress.done;
        close_input (self);
    }
}

static char *
place_in_stream (const ToolInput *base)
{
    const Stream *self = (const Stream *)base;

    return self->cutter  ? self->ops->place (self->cutter)
           : self->bytes ? tool_byte_input_place (self->bytes, self->record_at)
                         : g_strdup ("the inputs");
}

static void
free_stream (ToolInput *base)
{
    Stream *self = (Stream *)base;

    close_input (self);
    g_free (self);
}

static ToolInput *
new_stream (const ToolInputOptions *options, const ToolByteForms *forms, ToolCutFunc cut,
            const ToolCutterOps *cutter, GError **error)
{
    static const ToolInputOps ops = {next_of_stream, place_in_stream, free_stream};
    Stream *self = g_new0 (Stream, 1);

    self->base.ops = &ops;
    self->base.options = *options;
    self->base.n_records = UINT64_MAX;
    self->forms = forms;
    self->cut = cut;
    self->ops = cutter;
    if (!check_names (self, error)) {
        free_stream (&self->base);
        return NULL;
    }
    return &self->base;
}

ToolInput *
tool_input_stream_new (const ToolInputOptions *options, const ToolByteForms *forms,
                       ToolCutFunc cut, GError **error)
{
    return new_stream (options, forms, cut, NULL, error);
}

ToolInput *
tool_input_stream_new_cutter (const ToolInputOptions *options, const ToolByteForms *forms,
                              const ToolCutterOps *ops, GError **error)
{
    return new_stream (options, forms, NULL, ops, error);
}
