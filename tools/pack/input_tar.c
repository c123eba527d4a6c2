#include "pack/input_tar.h"

#include "pack/input_stream.h"
#include "pack/tar_archive.h"

/* What is kept of an archive. */
typedef struct {
    ToolTarArchive *archive;
    ToolRecordBuffer buffer; /* the bytes of the member */
} Cutter;

static void
free_cutter (void *data)
{
    Cutter *self = data;

    tool_tar_archive_free (self->archive);
    tool_record_buffer_clear (&self->buffer);
    g_free (self);
}

static void *
begin_archive (ToolInput *input, ToolByteInput *bytes, GError **error)
{
    ToolTarArchive *archive = tool_tar_archive_new (input, bytes, error);
    Cutter *self;

    if (!archive) {
        return NULL;
    }
    self = g_new0 (Cutter, 1);
    self->archive = archive;
    return self;
}

static ToolInputStep
cut_member (void *cutter, ToolInputRecord *record, GError **error)
{
    Cutter *self = cutter;
    ToolTarEntry entry;
    ToolInputStep step = tool_tar_archive_next (self->archive, &entry, error);

    if (step != TOOL_INPUT_RECORD) {
        return step;
    }
    tool_record_buffer_empty (&self->buffer);
    if (!tool_tar_archive_check_size (self->archive, entry.size, error) ||
        !tool_tar_archive_read (self->archive, &self->buffer, error)) {
        return TOOL_INPUT_FAILED;
    }
    *record = (ToolInputRecord){.data = self->buffer.data ? self->buffer.data : (uint8_t *)"",
                                .size = self->buffer.size,
                                .name = entry.name};
    return TOOL_INPUT_RECORD;
}

static char *
place_of_member (const void *cutter)
{
    return tool_tar_archive_place (((const Cutter *)cutter)->archive);
}

ToolInput *
tool_input_tar_new (const ToolInputOptions *options, GError **error)
{
    static const ToolCutterOps ops = {begin_archive, cut_member, place_of_member, free_cutter};

    return tool_input_stream_new_cutter (options, &tool_tar_archive_forms, &ops, error);
}
