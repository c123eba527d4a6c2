/* A tiny writer of ArrayRecord files in memory, for tests: right files, and files that lie.
 *
 * A test can change every number of a file before it is written; hashes always match, as a
 * hostile writer would make them. One thread at a time. A programmer's error aborts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "codec/codec.h"

/* A chunk as its header describes it, and the bytes that are really there. */
typedef struct {
    uint8_t type;
    uint64_t num_records;
    uint64_t decoded_data_size;
    const void *data;
    size_t data_size;
    bool lies_data_size; /* the header says announced_data_size instead */
    uint64_t announced_data_size;
    uint64_t slack; /* bytes of 0xee between the data and the next chunk, besides slack */
} TestForgeChunk;

typedef struct {
    const void *data;
    size_t size;
} TestForgeRecord;

typedef struct {
    GByteArray *file;     /* what is written so far */
    GPtrArray *entries;   /* of GByteArray: the footer's records after the first */
    uint64_t num_chunks;  /* what the footer will announce */
    uint64_t num_records; /* the same */
    uint64_t version;
    uint64_t magic;
    const void *options; /* the writer's option string; NULL: none */
    size_t options_size;
    ArecCompression footer_compression;
    bool lies_footer_offset; /* the postscript says footer_offset instead */
    uint64_t footer_offset;
    uint64_t footer_at;     /* where the footer was put; after test_forge_finish () */
    uint64_t footer_end;    /* after its data */
    uint64_t postscript_at; /* the same of the postscript */
    uint64_t postscript_end;
} TestForge;

/* A file with a signature and nothing else. */
TestForge *test_forge_new (void);
void test_forge_free (TestForge *forge); /* takes NULL */

/* Appends a chunk and returns its position. The footer does not list it. */
uint64_t test_forge_chunk (TestForge *forge, const TestForgeChunk *chunk);

/* Appends padding up to the next block. */
void test_forge_pad (TestForge *forge);

/* Appends a padding chunk that ends at @end, further than 64 bytes from here in the same block.
 */
void test_forge_pad_to (TestForge *forge, uint64_t end);

/* Appends a simple chunk of @records, with its footer entry; returns its position. */
uint64_t test_forge_records (TestForge *forge, ArecCompression compression,
                             const TestForgeRecord *records, size_t n);

/* Appends a footer entry, true or not, and counts it. */
void test_forge_entry (TestForge *forge, uint64_t chunk_offset, uint64_t decoded_size,
                       uint64_t num_records);

/* Appends any bytes as a footer entry and counts it as one chunk. */
void test_forge_raw_entry (TestForge *forge, const void *data, size_t size);

/* Footer, padding, postscript, padding. */
void test_forge_finish (TestForge *forge);

/* ---- parts ---- */

void test_forge_varint (GByteArray *out, uint64_t value);

/* A codec's stream of @data, without a size before it. g_byte_array_unref (). */
GByteArray *test_forge_compress (ArecCompression compression, const void *data, size_t size);

/* The data of a simple chunk of @records. g_byte_array_unref (). */
GByteArray *test_forge_simple_data (ArecCompression compression, const TestForgeRecord *records,
                                    size_t n);

/* The data of a simple chunk with these bytes as size list and values, compressed each.
 * g_byte_array_unref (). */
GByteArray *test_forge_simple_parts (ArecCompression compression, const void *sizes,
                                     size_t sizes_size, const void *values, size_t values_size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestForge, test_forge_free)
