/* What an index keeps of one chunk, however it is stored. */
#pragma once

#include <stdint.h>

typedef struct {
    uint64_t offset;       /* of the chunk, from the start of the file */
    uint64_t decoded_size; /* bytes of its records */
    uint64_t first_record;
} ArecIndexRow;
