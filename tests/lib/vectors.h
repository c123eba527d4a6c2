/* The bodies of transposed chunks in tests/golden/vectors, and their entries in its manifest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef struct {
    char *file;
    uint8_t *body; /* of exactly body_size bytes, so that a sanitizer sees a read past it */
    size_t body_size;
    uint64_t num_records;  /* to decode it with */
    uint64_t decoded_size; /* the same */
    bool is_metadata;      /* of a chunk of type `m` */
    bool is_by_reference;  /* the reference implementation wrote it */
    uint64_t bucket_size;  /* with these parameters; 0: its own default */
    uint64_t max_transition;
    uint64_t min_count;
    GByteArray *records; /* one after the other; NULL if the body is not valid */
    GArray *ends;        /* of uint64_t: of each record */
} TestVector;

/* All valid vectors, or all others, of TestVector. g_ptr_array_unref (). */
GPtrArray *test_vectors_load (bool valid);

/* The valid vector of this file name; aborts the test if there is none. */
TestVector *test_vector_get (const char *file);
void test_vector_free (TestVector *vector);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestVector, test_vector_free)
