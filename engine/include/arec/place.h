/* Where a record lies, and what the index of its file says there. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Where a record lies. */
typedef struct {
    size_t file;           /* number of the file */
    uint64_t file_record;  /* number of the record in its file */
    uint64_t chunk;        /* number of the chunk in its file */
    uint64_t chunk_offset; /* bytes from the start of the file */
    uint64_t chunk_record; /* number of the record in its chunk */
} ArecPlace;

/* What an index says about a chunk. */
typedef struct {
    uint64_t chunk;  /* its number */
    uint64_t offset; /* of the chunk, from the start of the file */
    uint64_t limit;  /* the chunk has ended there: offset of the next one, or the footer */
    uint64_t decoded_size; /* bytes of its records */
    uint64_t first_record;
    uint64_t n_records; /* at least 1 */
} ArecIndexEntry;

/* Where a record lies, and the entry of its chunk. */
typedef struct {
    ArecPlace place;
    ArecIndexEntry entry;
} ArecSpot;
