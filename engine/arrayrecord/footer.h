/* The messages that ArrayRecord keeps at the end of a file (engine/FORMAT.md 8): where the
 * footer is, how many records there are, and where each chunk lies.
 *
 * Pure parsers over record bytes; false means that the bytes are not such a message.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define AREC_POSTSCRIPT_MAGIC UINT64_C (0x71930e704fdae05e)
#define AREC_FOOTER_VERSION 1

typedef struct {
    bool has_footer_offset;
    uint64_t footer_offset;
    bool has_magic;
    uint64_t magic;
} ArecPostscript;

typedef struct {
    bool is_array_record; /* the message has ArrayRecord's part */
    uint32_t version;
    uint64_t num_chunks;
    uint64_t num_records;
    const uint8_t *options; /* within the parsed bytes; NULL when absent */
    size_t options_size;
} ArecFooterMetadata;

typedef struct {
    bool has_chunk_offset;
    uint64_t chunk_offset;
    uint64_t decoded_data_size;
    uint64_t num_records;
} ArecFooterEntry;

bool arec_postscript_parse (ArecBytes message, ArecPostscript *postscript);
bool arec_footer_metadata_parse (ArecBytes message, ArecFooterMetadata *metadata);
bool arec_footer_entry_parse (ArecBytes message, ArecFooterEntry *entry);
