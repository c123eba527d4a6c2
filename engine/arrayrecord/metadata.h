/* RecordsMetadata, which a Riegeli/records file may hold in a chunk after its signature: what
 * the writer wanted to say about the records (engine/FORMAT.md 4).
 *
 * A pure parser over the message's bytes, which the result points into.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* A string of the message; at is NULL when the field is absent. Hostile: any bytes. */
typedef struct {
    const uint8_t *at;
    size_t size;
} ArecMetadataText;

typedef struct {
    ArecMetadataText file_comment;
    ArecMetadataText record_type_name;
    ArecMetadataText record_writer_options;
    uint64_t n_file_descriptors; /* protobuf files that describe the record type */
    bool has_num_records;
    int64_t num_records; /* as announced; not checked */
} ArecMetadataMessage;

/* false: the bytes are not such a message. */
bool arec_records_metadata_parse (ArecBytes message, ArecMetadataMessage *metadata);
