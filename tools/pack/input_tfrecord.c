#include "pack/input_tfrecord.h"

#include <inttypes.h>

#include "frame/tfrecord.h"
#include "pack/input_stream.h"
#include "pack/tfrecord_count.h"

enum { FRAME_SIZE = TOOL_TFRECORD_HEADER_SIZE + TOOL_TFRECORD_TRAILER_SIZE };

/* What is at the front of the bytes. */
typedef struct {
    const uint8_t *at;
    size_t size;     /* bytes that are there */
    uint64_t length; /* of the data; known after the header */
    char *damage;    /* why the record cannot be used; NULL: it can */
} Frame;

static void
frame_clear (Frame *frame)
{
    g_free (frame->damage);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Frame, frame_clear)

static bool
begins_with_header (const uint8_t *front, size_t size)
{
    ToolTfrecordCrc crc;
    uint64_t length;

    return size >= TOOL_TFRECORD_HEADER_SIZE &&
           tool_tfrecord_parse_header (front, &length, &crc);
}

/* Errors are what --recover does not pass. */
static bool
read_header (ToolInput *input, ToolByteInput *bytes, Frame *frame, GError **error)
{
    uint64_t at = tool_byte_input_offset (bytes);
    ToolTfrecordCrc crc;

    if (!tool_byte_input_peek (bytes, TOOL_TFRECORD_HEADER_SIZE, &frame->at, &frame->size,
                               error)) {
        return false;
    }
    if (frame->size < TOOL_TFRECORD_HEADER_SIZE) {
        if (frame->size > 0) {
            frame->damage = g_strdup_printf ("the file ends after %zu of %d bytes of a header",
                                             frame->size, TOOL_TFRECORD_HEADER_SIZE);
        }
        return true;
    }
    if (!tool_tfrecord_parse_header (frame->at, &frame->length, &crc)) {
        return tool_byte_input_fail (bytes, at, error, AREC_ERROR_CORRUPT,
                                     "length CRC is %08" PRIx32 ", should be %08" PRIx32,
                                     crc.found, crc.expected);
    }
    if (frame->length > MIN (input->options.max_record, SIZE_MAX / 2)) {
        return tool_byte_input_fail (bytes, at, error, AREC_ERROR_LIMIT,
                                     "a record of %" PRIu64 " bytes, it may have %" PRIu64,
                                     frame->length, input->options.max_record);
    }
    return true;
}

static bool
read_data (ToolByteInput *bytes, Frame *frame, GError **error)
{
    ToolTfrecordCrc crc;

    if (!tool_byte_input_peek (bytes, (size_t)frame->length + FRAME_SIZE, &frame->at,
                               &frame->size, error)) {
        return false;
    }
    if (frame->size < frame->length + FRAME_SIZE) {
        frame->damage =
            g_strdup_printf ("the file ends after %zu of the %" PRIu64 " bytes of a record",
                             frame->size, frame->length + FRAME_SIZE);
        return true;
    }
    frame->size = (size_t)frame->length + FRAME_SIZE;
    if (!tool_tfrecord_check_data (frame->at + TOOL_TFRECORD_HEADER_SIZE, (size_t)frame->length,
                                   &crc)) {
        frame->damage = g_strdup_printf ("data CRC is %08" PRIx32 ", should be %08" PRIx32
                                         ", of %" PRIu64 " bytes",
                                         crc.found, crc.expected, frame->length);
    }
    return true;
}

static ToolInputStep
cut_record (ToolInput *input, ToolByteInput *bytes, ToolInputRecord *record, GError **error)
{
    for (;;) {
        uint64_t at = tool_byte_input_offset (bytes);
        g_auto (Frame) frame = {0};

        if (!read_header (input, bytes, &frame, error)) {
            return TOOL_INPUT_FAILED;
        }
        if (frame.size == 0) {
            return TOOL_INPUT_END;
        }
        if (!frame.damage && !read_data (bytes, &frame, error)) {
            return TOOL_INPUT_FAILED;
        }
        if (frame.damage && !input->options.recover) {
            tool_byte_input_fail (bytes, at, error, AREC_ERROR_CORRUPT, "%s", frame.damage);
            return TOOL_INPUT_FAILED;
        }
        tool_byte_input_skip (bytes, frame.size);
        if (!frame.damage) {
            *record = (ToolInputRecord){.data = frame.at + TOOL_TFRECORD_HEADER_SIZE,
                                        .size = (size_t)frame.length};
            return TOOL_INPUT_RECORD;
        }
        tool_input_report_damage (input, tool_byte_input_name (bytes), at, "%s", frame.damage);
    }
}

/* Leaves it UINT64_MAX if one input does not tell. */
static bool
count_records (ToolInput *input, GError **error)
{
    uint64_t sum = 0;
    const char *name;

    for (size_t at = 0; (name = tool_name_list_next (input->options.names, &at));) {
        uint64_t n;

        if (!tool_tfrecord_count (name, &n, error)) {
            return false;
        }
        if (n == UINT64_MAX) {
            return true;
        }
        sum += n;
    }
    input->n_records = sum;
    return true;
}

ToolInput *
tool_input_tfrecord_new (const ToolInputOptions *options, GError **error)
{
    static const ToolByteForms forms = {
        .forms = TOOL_FORM_GZIP | TOOL_FORM_ZLIB,
        .is_plain = begins_with_header,
    };

    g_autoptr (ToolInput) input = tool_input_stream_new (options, &forms, cut_record, error);

    if (!input || (options->counts_records && !count_records (input, error))) {
        return NULL;
    }
    return g_steal_pointer (&input);
}
