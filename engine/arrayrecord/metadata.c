#include "arrayrecord/metadata.h"

#include "base/wire.h"

enum {
    FILE_COMMENT = 1,
    RECORD_TYPE_NAME = 2,
    FILE_DESCRIPTOR = 3,
    RECORD_WRITER_OPTIONS = 4,
    NUM_RECORDS = 5,
};

static void
take_text (const ArecWireField *field, ArecMetadataMessage *metadata)
{
    ArecMetadataText text = {field->bytes.at, arec_bytes_left (&field->bytes)};

    switch (field->number) {
    case FILE_COMMENT: metadata->file_comment = text; break;
    case RECORD_TYPE_NAME: metadata->record_type_name = text; break;
    case FILE_DESCRIPTOR: metadata->n_file_descriptors++; break;
    case RECORD_WRITER_OPTIONS: metadata->record_writer_options = text; break;
    default: break;
    }
}

bool
arec_records_metadata_parse (ArecBytes message, ArecMetadataMessage *metadata)
{
    ArecWireField field;
    bool valid;

    *metadata = (ArecMetadataMessage){0};
    while (arec_wire_next (&message, 0, &field, &valid)) {
        if (field.type == AREC_WIRE_BYTES) {
            take_text (&field, metadata);
        } else if (field.type == AREC_WIRE_VARINT && field.number == NUM_RECORDS) {
            metadata->has_num_records = true;
            metadata->num_records = (int64_t)field.value;
        }
    }
    return valid;
}
