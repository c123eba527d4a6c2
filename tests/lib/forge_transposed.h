/* Bodies of transposed chunks made by hand: right ones and ones that lie. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "codec/codec.h"

/* A state as the header has it. */
typedef struct {
    uint32_t tag;
    uint32_t base;
    bool is_implicit;
    int subtype; /* -1: none */
    int buffer;  /* -1: none */
} TestState;

#define TEST_NO_VALUE -1, -1

/* How blocks are written. */
typedef struct {
    ArecCompression compression;
    bool lies; /* the size before a stream is @lie */
    uint64_t lie;
    bool unsized; /* Zstd: a frame without its content size */
} TestBlocks;

/* The parts of a body, before compression. */
typedef struct {
    GPtrArray *buckets; /* of GByteArray */
    GByteArray *rest;   /* of the header, after the stored lengths of the buckets */
    uint32_t n_buffers;
    GByteArray *transitions;
} TestBody;

/* A body with one bucket for each of @n_buffers buffers, and @first as first state. */
TestBody *test_body_new (const TestState *states, uint32_t n_states, uint32_t first,
                         GByteArray *const *buffers, uint32_t n_buffers,
                         const void *transitions, size_t n_transitions);

/* The parts of an uncompressed body, which must be valid. */
TestBody *test_body_parse (const uint8_t *data, size_t size);
void test_body_free (TestBody *body); /* takes NULL */

/* The body as it is stored. g_byte_array_unref (). */
GByteArray *test_body_write (const TestBody *body, const TestBlocks *blocks);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestBody, test_body_free)
