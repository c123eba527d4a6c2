#include "arrayrecord/footer.h"

#include "base/wire.h"

bool
arec_postscript_parse (ArecBytes message, ArecPostscript *postscript)
{
    ArecWireField field;
    bool valid;

    *postscript = (ArecPostscript){0};
    while (arec_wire_next (&message, 0, &field, &valid)) {
        if (field.type != AREC_WIRE_VARINT) {
            continue;
        }
        if (field.number == 1) {
            postscript->has_footer_offset = true;
            postscript->footer_offset = field.value;
        } else if (field.number == 2) {
            postscript->has_magic = true;
            postscript->magic = field.value;
        }
    }
    return valid;
}

/* ArrayRecordMetadata; may come in several pieces, which merge. */
static bool
parse_metadata (ArecBytes message, ArecFooterMetadata *metadata)
{
    ArecWireField field;
    bool valid;

    while (arec_wire_next (&message, 1, &field, &valid)) {
        if (field.type == AREC_WIRE_VARINT && field.number == 1) {
            metadata->version = (uint32_t)field.value;
        } else if (field.type == AREC_WIRE_VARINT && field.number == 2) {
            metadata->num_chunks = field.value;
        } else if (field.type == AREC_WIRE_VARINT && field.number == 3) {
            metadata->num_records = field.value;
        } else if (field.type == AREC_WIRE_BYTES && field.number == 4) {
            metadata->options = field.bytes.at;
            metadata->options_size = arec_bytes_left (&field.bytes);
        }
    }
    return valid;
}

bool
arec_footer_metadata_parse (ArecBytes message, ArecFooterMetadata *metadata)
{
    ArecWireField field;
    bool valid;

    *metadata = (ArecFooterMetadata){0};
    while (arec_wire_next (&message, 0, &field, &valid)) {
        if (field.type == AREC_WIRE_BYTES && field.number == 1) {
            metadata->is_array_record = true;
            if (!parse_metadata (field.bytes, metadata)) {
                return false;
            }
        }
    }
    return valid;
}

/* The form that writers make: `08` offset `10` size `18` records, and nothing else. */
static bool
parse_usual_entry (ArecBytes message, ArecFooterEntry *entry)
{
    uint8_t tag;

    entry->has_chunk_offset = true;
    return arec_bytes_take_u8 (&message, &tag) && tag == 0x08 &&
           arec_bytes_take_varint (&message, &entry->chunk_offset) &&
           arec_bytes_take_u8 (&message, &tag) && tag == 0x10 &&
           arec_bytes_take_varint (&message, &entry->decoded_data_size) &&
           arec_bytes_take_u8 (&message, &tag) && tag == 0x18 &&
           arec_bytes_take_varint (&message, &entry->num_records) &&
           arec_bytes_left (&message) == 0;
}

bool
arec_footer_entry_parse (ArecBytes message, ArecFooterEntry *entry)
{
    ArecWireField field;
    bool valid;

    if (parse_usual_entry (message, entry)) {
        return true;
    }
    *entry = (ArecFooterEntry){0};
    while (arec_wire_next (&message, 0, &field, &valid)) {
        if (field.type != AREC_WIRE_VARINT) {
            continue;
        }
        if (field.number == 1) {
            entry->has_chunk_offset = true;
            entry->chunk_offset = field.value;
        } else if (field.number == 2) {
            entry->decoded_data_size = field.value;
        } else if (field.number == 3) {
            entry->num_records = field.value;
        }
    }
    return valid;
}
