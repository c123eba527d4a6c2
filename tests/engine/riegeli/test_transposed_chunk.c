/* Transposed chunks: the vectors, the guards against hostile ones, and what must hold for
 * any bytes: no crash, records that add up, and sizes alone that agree with the records. */
#include "riegeli/transposed_chunk.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "forge.h"
#include "forge_transposed.h"
#include "vectors.h"
#include "sanitized.h"

#include "base/error.h"
#include "riegeli/chunk.h"
#include "riegeli/transposed_header.h"
#include "source/memory_source.h"

static const ArecDecodeLimits limits = {.max_size = UINT64_C (1) << 30};

static const ArecCompression all[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                      AREC_COMPRESSION_ZSTD, AREC_COMPRESSION_SNAPPY};

/* ---- memory that fails when it should ---- */

#ifndef SANITIZED
extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *memory, size_t size);

/* The allocation number @fail_at, from 1, of those of at least @least bytes fails; 0: none. */
static unsigned fail_at;
static size_t least;
static unsigned counted;

static bool
fails (size_t size)
{
    return least > 0 && size >= least && ++counted == fail_at;
}

void *
malloc (size_t size)
{
    return fails (size) ? NULL : __libc_malloc (size);
}

void *
calloc (size_t n, size_t size)
{
    return fails (n * size) ? NULL : __libc_calloc (n, size);
}

void *
realloc (void *memory, size_t size)
{
    return fails (size) ? NULL : __libc_realloc (memory, size);
}
#endif

/* ---- decoding ---- */

typedef struct {
    const uint8_t *data;
    size_t size;
    uint64_t num_records;
    uint64_t decoded_size;
    bool is_metadata;
} Body;

static Body
body_of (const TestVector *vector)
{
    return (Body){vector->body, vector->body_size, vector->num_records, vector->decoded_size,
                  vector->is_metadata};
}

static ArecChunk *
decode (const Body *body, const ArecDecodeLimits *within, GError **error)
{
    g_autoptr (ArecSource) source = arec_memory_source_new ("some.riegeli", "", 0);
    ArecChunkPlace place = {.source = source, .begin = 64};
    ArecChunkHeader header = {.data_size = body->size,
                              .type = body->is_metadata ? 'm' : 't',
                              .num_records = body->is_metadata ? 0 : body->num_records,
                              .decoded_data_size = body->decoded_size};
    uint8_t *memory = g_malloc (MAX (body->size, 1)); /* of exactly that size */
    ArecChunk *chunk = NULL;
    bool ok;

    if (body->size > 0) {
        memcpy (memory, body->data, body->size);
    }
    ok = (body->is_metadata ? arec_chunk_decode_metadata : arec_chunk_decode) (
        &(ArecStoredChunk){&place, &header, memory, memory}, within, &chunk, error);
    g_assert_cmpint (ok, ==, chunk != NULL);
    return chunk;
}

/* The ends alone. @reason (out) NULL if they could be found. */
static ArecDecodeResult
decode_ends (const Body *body, const ArecDecodeLimits *within, ArecRecordEnds *ends,
             const char **reason)
{
    ArecDecodeLimits resolved = arec_decode_limits_resolve (within);
    ArecTransposedSize size = {body->num_records, body->decoded_size};
    g_autofree uint8_t *memory = g_malloc (MAX (body->size, 1));
    ArecDecodeResult result;

    if (body->size > 0) {
        memcpy (memory, body->data, body->size);
    }
    *reason = NULL;
    result = arec_transposed_decode_ends (arec_bytes (memory, body->size), &size, &resolved,
                                          ends, reason);
    g_assert_cmpint (result == AREC_DECODE_OK, ==, *reason == NULL);
    return result;
}

/* Decodes @body, which may be anything. Checks that the records add up and that the ends
 * alone are the same. Returns the chunk, or NULL with @error set. */
static ArecChunk *
check_anything (const Body *body, GError **error)
{
    ArecChunk *chunk = decode (body, &limits, error);
    ArecRecordEnds ends = {0};
    const char *reason;
    bool has_ends = decode_ends (body, &limits, &ends, &reason) == AREC_DECODE_OK;

    if (has_ends) {
        uint64_t before = 0;

        for (uint64_t i = 0; i < ends.n; i++) {
            g_assert_cmpuint (arec_record_ends_end (&ends, i), >=, before);
            before = arec_record_ends_end (&ends, i);
        }
        g_assert_cmpuint (before, ==, body->decoded_size);
    }
    if (chunk) {
        g_assert_true (has_ends);
        g_assert_cmpuint (chunk->ends.n, ==, body->num_records);
        for (uint64_t i = 0; i < ends.n; i++) {
            g_assert_cmpuint (arec_record_ends_end (&ends, i), ==,
                              arec_record_ends_end (&chunk->ends, i));
        }
    }
    arec_record_ends_clear (&ends);
    return chunk;
}

static void
check_records (const ArecChunk *chunk, const TestVector *vector)
{
    g_assert_cmpuint (chunk->ends.n, ==, vector->ends->len);
    for (guint i = 0; i < vector->ends->len; i++) {
        g_assert_cmpuint (arec_record_ends_end (&chunk->ends, i), ==,
                          g_array_index (vector->ends, uint64_t, i));
    }
    g_assert_cmpmem (chunk->values, vector->decoded_size, vector->records->data,
                     vector->records->len);
}

static void
check_refused (const Body *body, const ArecDecodeLimits *within, ArecError code,
               const char *what)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecChunk) chunk = decode (body, within, &error);

    g_assert_null (chunk);
    g_assert_error (error, AREC_ERROR, (gint)code);
    g_assert_true (
        g_str_has_prefix (error->message, "some.riegeli: at 64: cannot decode the chunk: "));
    g_assert_nonnull (strstr (error->message, what));
}

static void
check_accepted (const Body *body, const ArecDecodeLimits *within)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecChunk) chunk = decode (body, within, &error);

    g_assert_no_error (error);
    g_assert_nonnull (chunk);
}

/* ---- vectors ---- */

/* They include worked examples, written by hand: example_*, empty_chunk, one_empty,
 * three_empty. */
static void
test_valid (void)
{
    g_autoptr (GPtrArray) vectors = test_vectors_load (true);

    g_assert_cmpuint (vectors->len, ==, 188);
    for (guint i = 0; i < vectors->len; i++) {
        const TestVector *vector = g_ptr_array_index (vectors, i);
        Body body = body_of (vector);
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecChunk) chunk = NULL;

        g_test_message ("%s", vector->file);
        chunk = check_anything (&body, &error);
        g_assert_no_error (error);
        check_records (chunk, vector);
        g_assert_nonnull (chunk->values);
        g_assert_cmpuint (chunk->cost, >=, vector->decoded_size);
    }
}

static void
test_invalid (void)
{
    g_autoptr (GPtrArray) vectors = test_vectors_load (false);

    g_assert_cmpuint (vectors->len, ==, 58);
    for (guint i = 0; i < vectors->len; i++) {
        const TestVector *vector = g_ptr_array_index (vectors, i);
        Body body = body_of (vector);
        g_autoptr (GError) error = NULL;
        ArecError code = strstr (vector->file, "unknown_compression") ? AREC_ERROR_UNSUPPORTED
                                                                      : AREC_ERROR_CORRUPT;

        g_test_message ("%s", vector->file);
        g_assert_null (check_anything (&body, &error));
        g_assert_error (error, AREC_ERROR, (gint)code);
        g_assert_true (g_str_has_prefix (error->message, "some.riegeli: at 64: "));
    }
}

/* Only a metadata chunk is decoded as such. */
static void
test_metadata (void)
{
    g_autoptr (TestVector) vector = test_vector_get ("metadata_small.m.none.bin");
    g_autoptr (ArecSource) source = arec_memory_source_new ("some.riegeli", "", 0);
    ArecChunkPlace place = {.source = source, .begin = 64};
    ArecChunkHeader headers[] = {
        {.type = 't', .num_records = 0},
        {.type = 'r', .num_records = 1},
        {.type = 'm', .num_records = 1},
    };
    ArecChunkHeader header = {
        .type = 'm', .data_size = vector->body_size, .decoded_data_size = vector->decoded_size};
    g_autoptr (GError) error = NULL;
    ArecChunk *chunk = NULL;

    for (unsigned i = 0; i < G_N_ELEMENTS (headers); i++) {
        uint8_t *memory = g_memdup2 (vector->body, vector->body_size);

        headers[i].data_size = vector->body_size;
        headers[i].decoded_data_size = vector->decoded_size;
        g_assert_false (arec_chunk_decode_metadata (
            &(ArecStoredChunk){&place, &headers[i], memory, memory}, &limits, &chunk, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
        g_clear_error (&error);
    }
    /* It is not a chunk of records either. */
    g_assert_false (arec_chunk_decode (
        &(ArecStoredChunk){&place, &header, vector->body, g_memdup2 (vector->body, 1)}, &limits,
        &chunk, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
    g_assert_null (chunk);
}

/* ---- guards: FORMAT.md 10 ---- */

static GByteArray *
bytes_of (uint8_t value, guint n)
{
    GByteArray *bytes = g_byte_array_new();

    g_byte_array_set_size (bytes, n);
    memset (bytes->data, value, n);
    return bytes;
}

/* Streams of a few bytes that hold a million states. */
static void
test_header_bomb (void)
{
    enum { N = 1000000 };
    g_autofree TestState *states = g_new0 (TestState, N);

    for (unsigned i = 0; i < N; i++) {
        states[i] = (TestState){0, 0, false, TEST_NO_VALUE};
    }
    for (unsigned c = 1; c < G_N_ELEMENTS (all); c++) {
        g_autoptr (TestBody) body = test_body_new (states, N, 0, NULL, 0, "", 0);
        g_autoptr (GByteArray) data =
            test_body_write (body, &(TestBlocks){.compression = all[c]});
        g_autoptr (GByteArray) hidden =
            test_body_write (body, &(TestBlocks){.compression = all[c], .lies = true});
        g_autoptr (GByteArray) unsized =
            test_body_write (body, &(TestBlocks){.compression = all[c], .unsized = true});
        ArecDecodeLimits higher = {.max_size = 256 << 20, .max_transposed_ratio = 100};
        Body small = {data->data, data->len, 0, 0, false};
        Body small_hidden = {hidden->data, hidden->len, 0, 0, false};
        Body small_unsized = {unsized->data, unsized->len, 0, 0, false};

        check_refused (&small, &limits, AREC_ERROR_LIMIT, "header is longer than the limit");
        check_refused (&small_hidden, &limits, AREC_ERROR_LIMIT, "header is longer");
        check_refused (&small_unsized, &limits, AREC_ERROR_LIMIT, "header is longer");
        /* With as many records it would be in proportion, but its memory still counts. */
        small.num_records = N;
        check_refused (&small, &limits, AREC_ERROR_CORRUPT, "fewer records");
        small.num_records = 0;
        check_refused (&small, &higher, AREC_ERROR_LIMIT, "header is longer");
        higher.max_transposed_ratio = 1;
        small.num_records = 2 * N;
        check_refused (&small, &higher, AREC_ERROR_CORRUPT, "fewer records");
        higher.max_size = 2 * N + N * sizeof (ArecTransposedState) - 1;
        check_refused (&small, &higher, AREC_ERROR_LIMIT, "more memory than the limit");
    }
}

/* Counts of four billion without bytes for them. */
static void
test_counts (void)
{
    static const struct {
        const char *data, *what;
        size_t size;
    } rows[] = {
#define ROW(text, what) {text, what, sizeof (text) - 1}
        ROW ("\0\x09\xff\xff\xff\xff\x0f\0\1\0\0", "more buckets and buffers"),
        ROW ("\0\x0d\0\xff\xff\xff\xff\x0f\0\0\0\0\0\0\0", "more buckets and buffers"),
        ROW ("\0\x0d\xff\xff\xff\xff\x0f\xff\xff\xff\xff\x0f\1\0\0",
             "more buckets and buffers"),
        ROW ("\0\x0a\0\0\xff\xff\xff\xff\x0f\0\0\0", "more states"),
        ROW ("\0\x0a\0\0\x80\x80\x80\x80\x08\0\0\0", "more states"),
        ROW ("\0\x0a\0\0\x80\x80\x80\x80\x10\0\0\0", "no number of states"),
        ROW ("\0\x80\x80\x80\x80\x80\x80\x80\x80\x80\1", "longer than the chunk"),
        /* Lengths that wrap. */
        ROW ("\0\x1a\2\2\0\0"
             "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"
             "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"
             "\0\0",
             "add up to more than 2^64"),
        ROW ("\0\x11\1\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0\1\0\0\0",
             "buckets are longer than the chunk"),
        ROW ("\0\x11\1\1\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\1\0\0\0",
             "do not fill the buckets"),
#undef ROW
    };

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        Body body = {(const uint8_t *)rows[i].data, rows[i].size, 0, 0, false};

        check_refused (&body, &limits, AREC_ERROR_CORRUPT, rows[i].what);
    }
}

/* A stream of a few bytes that holds ten million transitions, to a state that does nothing. */
static void
test_transitions_bomb (void)
{
    enum { N = 10000000 };
    static const TestState states[] = {{3, 1, false, TEST_NO_VALUE},
                                       {0, 1, false, TEST_NO_VALUE}};
    g_autoptr (GByteArray) zeros = bytes_of (0, N);
    g_autoptr (TestBody) body = test_body_new (states, 2, 0, NULL, 0, zeros->data, N);

    for (unsigned c = 1; c < G_N_ELEMENTS (all); c++) {
        g_autoptr (GByteArray) data =
            test_body_write (body, &(TestBlocks){.compression = all[c]});
        Body one = {data->data, data->len, 1, 0, false};

        check_refused (&one, &limits, AREC_ERROR_LIMIT, "more transitions than the limit");
        check_accepted (&one, &(ArecDecodeLimits){.max_transposed_ratio = 4 * N});
        check_refused (&one, &(ArecDecodeLimits){.max_size = N, .max_transposed_ratio = 4 * N},
                       AREC_ERROR_LIMIT, "more transitions than the limit");
    }
}

/* Values that no state takes: as many as there may be, and more. */
static void
test_bucket_bomb (void)
{
    enum { N = 10000000, MOST = 65536 + 2 + 5 * 1, SIZE = 2 };
    static const TestState states[] = {
        {3, 0, false, TEST_NO_VALUE}, {0x08, 0, true, 0, 0}, {0x12, 0, true, -1, 1}};
    g_autoptr (GByteArray) numbers = bytes_of (7, N);
    g_autoptr (GByteArray) lengths = bytes_of (0, 1);
    GByteArray *buffers[] = {numbers, lengths};

    for (unsigned c = 1; c < G_N_ELEMENTS (all); c++) {
        g_autoptr (TestBody) body = test_body_new (states, 3, 1, buffers, 2, "", 0);
        g_autoptr (GByteArray) data =
            test_body_write (body, &(TestBlocks){.compression = all[c]});
        Body one = {data->data, data->len, 1, SIZE, false};

        check_refused (&one, &limits, AREC_ERROR_LIMIT, "values are longer than the limit");
    }
    /* Uncompressed they are no more than what is stored. */
    {
        g_autoptr (TestBody) body = test_body_new (states, 3, 1, buffers, 2, "", 0);
        g_autoptr (GByteArray) data = test_body_write (body, &(TestBlocks){0});

        check_accepted (&(Body){data->data, data->len, 1, SIZE, false}, &limits);
    }
    g_byte_array_set_size (numbers, MOST - lengths->len);
    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        g_autoptr (TestBody) body = test_body_new (states, 3, 1, buffers, 2, "", 0);
        g_autoptr (GByteArray) data =
            test_body_write (body, &(TestBlocks){.compression = all[c]});

        check_accepted (&(Body){data->data, data->len, 1, SIZE, false}, &limits);
        if (all[c] != AREC_COMPRESSION_NONE) {
            check_refused (&(Body){data->data, data->len, 1, SIZE, false},
                           &(ArecDecodeLimits){.max_size = 1000}, AREC_ERROR_LIMIT,
                           "more memory than the limit");
            check_refused (&(Body){data->data, data->len, 1, SIZE - 1, false}, &limits,
                           AREC_ERROR_LIMIT, "values are longer than the limit");
        }
    }
}

/* A bucket that holds more than the buffers in it. */
static void
test_bucket_too_long (void)
{
    static const TestState states[] = {{3, 0, false, TEST_NO_VALUE}, {0x08, 0, true, 0, 0}};
    g_autoptr (GByteArray) numbers = bytes_of (7, 10);

    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        for (guint more = 1; more < 1000000; more *= 10) {
            g_autoptr (TestBody) body = NULL;
            g_autoptr (GByteArray) data = NULL;
            g_autoptr (GError) error = NULL;
            Body one;

            g_byte_array_set_size (numbers, 10);
            body = test_body_new (states, 2, 1, &numbers, 1, "", 0);
            g_byte_array_set_size (numbers, 10 + more);
            data = test_body_write (body, &(TestBlocks){.compression = all[c]});
            one = (Body){data->data, data->len, 1, 2, false};
            g_assert_null (check_anything (&one, &error));
            g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
            g_assert_nonnull (strstr (error->message, "longer than its buffers"));
        }
    }
}

/* A move through a chain of implicit states that do nothing is two steps, however long the
 * chain. */
static void
test_noop_chains (void)
{
    enum { N = 3000 };
    g_autoptr (GPtrArray) vectors = test_vectors_load (false);
    ArecTransposedBounds bounds = {.memory = SIZE_MAX};
    const char *reason = NULL;
    unsigned seen = 0;

    for (guint i = 0; i < vectors->len; i++) {
        const TestVector *vector = g_ptr_array_index (vectors, i);
        ArecTransposedHeader header;

        if (strcmp (vector->file, "bad_noop_chain_cpu.bin") != 0) {
            continue;
        }
        g_assert_cmpint (
            arec_transposed_header_parse (arec_bytes (vector->body, vector->body_size), &bounds,
                                          &header, &reason),
            ==, AREC_DECODE_OK);
        for (uint32_t k = 0; k < header.n_states; k++) {
            uint32_t steps = 0;

            for (uint32_t s = k; header.states[s].is_implicit; s = header.states[s].base) {
                g_assert_cmpuint (++steps, <=, 2);
            }
            seen++;
        }
        arec_transposed_header_clear (&header);
    }
    g_assert_cmpuint (seen, >=, 2000);

    /* Chains that join, in an order that mixes them, and end in different states. */
    for (unsigned round = 0; round < 20; round++) {
        TestState states[N];
        uint32_t at[N], target[N];
        g_autoptr (TestBody) body = NULL;
        g_autoptr (GByteArray) data = NULL;
        ArecTransposedHeader header;

        for (uint32_t i = 0; i < N; i++) {
            uint32_t k = (uint32_t)g_test_rand_int_range (0, (int)i + 1);

            at[i] = at[k];
            at[k] = i;
        }
        /* Each leads to one before it in the order of `at`; the first ten are explicit. */
        for (uint32_t i = 0; i < N; i++) {
            uint32_t from = (uint32_t)g_test_rand_int_range (MAX (0, (int)i - 5), (int)i + 1);
            bool is_end = i < 10 || from == i;

            uint32_t tag = i % 97 == 0 ? 3 : i % 89 == 0 ? 11 : 0;

            states[at[i]] = (TestState){tag, at[from], !is_end, TEST_NO_VALUE};
            target[at[i]] = is_end || tag != 0 ? at[i] : target[at[from]];
        }
        body = test_body_new (states, N, 0, NULL, 0, "", 0);
        data = test_body_write (body, &(TestBlocks){0});
        g_assert_cmpint (arec_transposed_header_parse (arec_bytes (data->data, data->len),
                                                       &bounds, &header, &reason),
                         ==, AREC_DECODE_OK);
        for (uint32_t i = 0; i < N; i++) {
            uint32_t expected =
                states[i].tag == 0 && states[i].is_implicit ? target[i] : states[i].base;

            g_assert_cmpuint (header.states[i].base, ==, expected);
        }
        arec_transposed_header_clear (&header);
    }
}

/* Submessages that end and never start: refused as soon as there is no room for their
 * lengths. */
static void
test_stack_bomb (void)
{
    static const TestState states[] = {{0x0e, 0, false, TEST_NO_VALUE}};
    g_autoptr (GByteArray) zeros = bytes_of (3, 100000);
    g_autoptr (TestBody) body = test_body_new (states, 1, 0, NULL, 0, zeros->data, zeros->len);
    g_autoptr (GByteArray) data = test_body_write (body, &(TestBlocks){0});

    for (uint64_t size = 0; size < 100; size += 7) {
        check_refused (&(Body){data->data, data->len, 1, size, false}, &limits,
                       AREC_ERROR_CORRUPT, "more messages are open than there is room for");
    }
    check_refused (&(Body){data->data, data->len, 1, 1000000, false}, &limits, AREC_ERROR_LIMIT,
                   "deeper than the limit");
    check_refused (&(Body){data->data, data->len, 1, 1000000, false},
                   &(ArecDecodeLimits){.max_transposed_depth = UINT64_MAX}, AREC_ERROR_CORRUPT,
                   "ends within a message");
    check_refused (&(Body){data->data, data->len, 1, 1000000, false},
                   &(ArecDecodeLimits){.max_size = 1004000, .max_transposed_depth = UINT64_MAX},
                   AREC_ERROR_LIMIT, "");
}

/* A record of @depth empty messages, each in the one before. */
static GByteArray *
nested (unsigned depth, uint64_t *size)
{
    static const TestState states[] = {{0x0e, 0, false, TEST_NO_VALUE},
                                       {2, 0, false, TEST_NO_VALUE},
                                       {3, 0, false, TEST_NO_VALUE}};
    g_autoptr (GByteArray) transitions = g_byte_array_new();
    g_autoptr (TestBody) body = NULL;

    *size = 0;
    for (unsigned i = 0; i < 2 * depth; i++) {
        uint8_t to = i < depth - 1 ? 0 : i < 2 * depth - 1 ? 1 << 2 : 2 << 2;

        g_byte_array_append (transitions, &to, 1);
    }
    for (unsigned i = 0; i < depth; i++) {
        g_autoptr (GByteArray) length = g_byte_array_new();

        test_forge_varint (length, *size);
        *size += 1 + length->len;
    }
    body = test_body_new (states, 3, 0, NULL, 0, transitions->data, transitions->len);
    return test_body_write (body, &(TestBlocks){0});
}

static void
test_depth (void)
{
    static const unsigned depths[] = {1, 2, 64, 65, 128, 129, 1000, 65536};

    for (unsigned i = 0; i < G_N_ELEMENTS (depths); i++) {
        uint64_t size;
        g_autoptr (GByteArray) data = nested (depths[i], &size);
        Body body = {data->data, data->len, 1, size, false};
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecChunk) chunk = check_anything (&body, &error);

        g_assert_no_error (error);
        g_assert_cmpint (chunk->values[size - 2], ==, 0x0a);
        g_assert_cmpint (chunk->values[size - 1], ==, 0);
        check_accepted (&body, &(ArecDecodeLimits){.max_transposed_depth = depths[i]});
        if (depths[i] > 1) {
            check_refused (&body, &(ArecDecodeLimits){.max_transposed_depth = depths[i] - 1},
                           AREC_ERROR_LIMIT, "deeper than the limit");
        }
    }
    {
        uint64_t size;
        g_autoptr (GByteArray) data = nested (65537, &size);

        check_refused (&(Body){data->data, data->len, 1, size, false}, &limits,
                       AREC_ERROR_LIMIT, "deeper than the limit");
    }
}

static void
test_record_bomb (void)
{
    static const TestState states[] = {{3, 0, false, TEST_NO_VALUE}};
    g_autoptr (GByteArray) repeats = bytes_of (3, 100000);
    g_autoptr (TestBody) body =
        test_body_new (states, 1, 0, NULL, 0, repeats->data, repeats->len);
    g_autoptr (GByteArray) data = test_body_write (body, &(TestBlocks){0});

    check_accepted (&(Body){data->data, data->len, 400001, 0, false}, &limits);
    check_refused (&(Body){data->data, data->len, 400000, 0, false}, &limits,
                   AREC_ERROR_CORRUPT, "more records than the chunk says");
    check_refused (&(Body){data->data, data->len, 400002, 0, false}, &limits,
                   AREC_ERROR_CORRUPT, "fewer records than the chunk says");
}

/* The header of a chunk is believed up to the limit. */
static void
test_limit_of_size (void)
{
    g_autoptr (TestVector) vector = test_vector_get ("log.zstd.bin");
    uint64_t ends = 4 * vector->num_records;
    bool was_accepted = false;

    for (uint64_t max = 0x100; max < 0x100000; max += 0x101) {
        ArecDecodeLimits within = {.max_size = max};
        Body body = body_of (vector);
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecChunk) chunk = decode (&body, &within, &error);

        g_assert_cmpint (chunk != NULL, >=, was_accepted);
        was_accepted = chunk != NULL;
        if (chunk) {
            g_assert_cmpuint (max, >=, vector->decoded_size + ends);
            check_records (chunk, vector);
        } else {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
        }
        if (max >= 8 * vector->decoded_size) {
            g_assert_true (was_accepted);
        }
    }
    {
        g_autoptr (GError) error = NULL;
        Body body = body_of (vector);

        body.decoded_size = UINT64_MAX;
        g_assert_null (decode (&body, &(ArecDecodeLimits){0}, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
        g_clear_error (&error);
        body = body_of (vector);
        body.num_records = (UINT64_C (1) << 56) - 1;
        g_assert_null (decode (&body, &(ArecDecodeLimits){0}, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    }
}

#ifndef SANITIZED
static void
test_no_memory (void)
{
    static const char *const files[] = {"log.zstd.bin", "log.brotli.bin", "log.none.bin",
                                        "submessages.snappy.bin"};

    for (unsigned i = 0; i < G_N_ELEMENTS (files); i++) {
        g_autoptr (TestVector) vector = test_vector_get (files[i]);
        ArecDecodeLimits resolved = arec_decode_limits_resolve (&limits);
        ArecTransposedSize size = {vector->num_records, vector->decoded_size};
        ArecDecodeResult result;
        unsigned n = 0, refused = 0;

        /* Until no allocation is left to fail. Some failures do no harm: memory that a codec
         * would keep for the next call, or by which the heap would grow early. */
        do {
            uint8_t *values = NULL;
            ArecRecordEnds ends = {0};
            const char *reason = NULL;

            fail_at = ++n;
            counted = 0;
            least = 1;
            result = arec_transposed_decode (arec_bytes (vector->body, vector->body_size),
                                             &size, &resolved, &values, &ends, &reason);
            least = 0;
            g_assert_cmpint (result, ==, reason ? AREC_DECODE_NOMEM : AREC_DECODE_OK);
            g_assert_cmpint (values != NULL, ==, result == AREC_DECODE_OK);
            g_assert_cmpint (ends.n > 0, ==, result == AREC_DECODE_OK);
            arec_record_ends_clear (&ends);
            g_free (values);
            refused += result == AREC_DECODE_NOMEM;
        } while (counted >= n);
        g_assert_cmpint (result, ==, AREC_DECODE_OK);
        g_assert_cmpuint (refused, >, 3);
    }
}
#endif

/* ---- the ends alone ---- */

/* A damaged bucket of numbers, which the ends do not need. Only Brotli has to decompress
 * it to know how long it is. */
static void
test_ends_leave_numbers_out (void)
{
    static const TestState states[] = {
        {3, 0, false, TEST_NO_VALUE}, {0x09, 0, true, -1, 0}, {0x12, 1, true, -1, 1}};
    static const struct {
        ArecCompression compression;
        size_t at; /* of the stream: a byte that says what follows */
        ArecDecodeResult result;
    } rows[] = {{AREC_COMPRESSION_BROTLI, 0, AREC_DECODE_CORRUPT},
                {AREC_COMPRESSION_ZSTD, 6, AREC_DECODE_OK},
                {AREC_COMPRESSION_SNAPPY, 1, AREC_DECODE_OK}};
    g_autoptr (GByteArray) numbers = bytes_of (7, 8);
    g_autoptr (GByteArray) strings = bytes_of (3, 4);
    GByteArray *buffers[] = {numbers, strings};

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (TestBody) body = test_body_new (states, 3, 2, buffers, 2, "", 0);
        g_autoptr (GByteArray) data =
            test_body_write (body, &(TestBlocks){.compression = rows[i].compression});
        g_autoptr (GByteArray) stream =
            test_forge_compress (rows[i].compression, numbers->data, 8);
        Body one = {data->data, data->len, 1, 9 + 5, false};
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecChunk) chunk = check_anything (&one, &error);
        ArecRecordEnds ends = {0};
        const char *reason;
        uint8_t *found = memmem (data->data, data->len, stream->data, stream->len);

        g_assert_no_error (error);
        g_assert_cmpmem (chunk->values, 14, "\x09\7\7\7\7\7\7\7\7\x12\3\3\3\3", 14);
        g_assert_nonnull (found);
        found[rows[i].at] = 0xff;
        g_assert_null (decode (&one, &limits, NULL));
        g_assert_cmpint (decode_ends (&one, &limits, &ends, &reason), ==, rows[i].result);
        arec_record_ends_clear (&ends);
    }
}

/* ---- any bytes ---- */

static void
test_truncated (void)
{
    static const char *const files[] = {"example_a.none.bin", "example_b.brotli.bin",
                                        "example_c.zstd.bin", "submessages.snappy.bin",
                                        "mixed.none.bin",     "mixed.zstd.bin",
                                        "groups.brotli.bin",  "not_proto.snappy.bin"};

    for (unsigned i = 0; i < G_N_ELEMENTS (files); i++) {
        g_autoptr (TestVector) vector = test_vector_get (files[i]);

        g_assert_true (vector->is_by_reference);
        for (size_t size = 0; size < vector->body_size; size++) {
            Body body = body_of (vector);
            g_autoptr (GError) error = NULL;

            body.size = size;
            g_assert_null (check_anything (&body, &error));
            g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
        }
    }
}

static void
mutate (uint8_t *data, size_t size)
{
    int changes = g_test_rand_int_range (1, 4);

    while (size > 0 && changes-- > 0) {
        size_t at = (size_t)g_test_rand_int_range (0, (int)size);

        switch (g_test_rand_int_range (0, 4)) {
        case 0: data[at] = (uint8_t)g_test_rand_int_range (0, 256); break;
        case 1: data[at] ^= (uint8_t)(1 << g_test_rand_int_range (0, 8)); break;
        case 2: data[at]++; break;
        default: data[at]--; break;
        }
    }
}

/* Counts the mutations that are still valid. If none or all were, this would test nothing. */
static void
test_mutations (void)
{
    g_autoptr (GPtrArray) vectors = test_vectors_load (true);
    unsigned accepted = 0, refused = 0;

    for (guint i = 0; i < vectors->len; i++) {
        const TestVector *vector = g_ptr_array_index (vectors, i);

        for (unsigned round = 0; round < 100; round++) {
            g_autofree uint8_t *data = g_memdup2 (vector->body, vector->body_size);
            Body body = body_of (vector);
            g_autoptr (GError) error = NULL;
            g_autoptr (ArecChunk) chunk = NULL;

            mutate (data, vector->body_size);
            body.data = data;
            chunk = check_anything (&body, &error);
            accepted += chunk != NULL;
            refused += chunk == NULL;
        }
    }
    g_assert_cmpuint (accepted, >, 1000);
    g_assert_cmpuint (refused, >, 1000);
}

/* The parts of plain bodies are mutated before they are compressed by each codec, with sizes
 * before the streams that lie and frames without content sizes. */
static void
test_mutated_parts (void)
{
    g_autoptr (GPtrArray) vectors = test_vectors_load (true);
    unsigned accepted = 0, refused = 0;

    for (guint i = 0; i < vectors->len; i++) {
        const TestVector *vector = g_ptr_array_index (vectors, i);

        if (vector->body[0] != AREC_COMPRESSION_NONE || vector->body_size > 10000) {
            continue;
        }
        for (unsigned round = 0; round < 120; round++) {
            g_autoptr (TestBody) parts = test_body_parse (vector->body, vector->body_size);
            TestBlocks blocks = {.compression = all[round % 4],
                                 .unsized = round % 3 == 0,
                                 .lies = round % 5 < 3,
                                 .lie = (uint64_t)g_test_rand_int_range (0, 40)
                                        << g_test_rand_int_range (0, 58)};
            GByteArray *part =
                round % 3 == 0 || parts->buckets->len == 0 ? parts->rest
                : round % 3 == 1
                    ? g_ptr_array_index (parts->buckets, (guint)g_test_rand_int_range (
                                                             0, (int)parts->buckets->len))
                    : parts->transitions;
            g_autoptr (GByteArray) data = NULL;
            g_autoptr (GError) error = NULL;
            g_autoptr (ArecChunk) chunk = NULL;
            Body body = body_of (vector);

            if (round >= 12) {
                mutate (part->data, part->len);
            }
            data = test_body_write (parts, &blocks);
            body.data = data->data;
            body.size = data->len;
            chunk = check_anything (&body, &error);
            if (round < 12) {
                g_assert_no_error (error);
                check_records (chunk, vector);
            }
            accepted += chunk != NULL;
            refused += chunk == NULL;
        }
    }
    g_assert_cmpuint (accepted, >, 1000);
    g_assert_cmpuint (refused, >, 1000);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/transposed/valid", test_valid);
    g_test_add_func ("/transposed/invalid", test_invalid);
    g_test_add_func ("/transposed/metadata", test_metadata);
    g_test_add_func ("/transposed/header-bomb", test_header_bomb);
    g_test_add_func ("/transposed/counts", test_counts);
    g_test_add_func ("/transposed/transitions-bomb", test_transitions_bomb);
    g_test_add_func ("/transposed/bucket-bomb", test_bucket_bomb);
    g_test_add_func ("/transposed/bucket-too-long", test_bucket_too_long);
    g_test_add_func ("/transposed/noop-chains", test_noop_chains);
    g_test_add_func ("/transposed/stack-bomb", test_stack_bomb);
    g_test_add_func ("/transposed/depth", test_depth);
    g_test_add_func ("/transposed/record-bomb", test_record_bomb);
    g_test_add_func ("/transposed/limit-of-size", test_limit_of_size);
#ifndef SANITIZED
    g_test_add_func ("/transposed/no-memory", test_no_memory);
#endif
    g_test_add_func ("/transposed/ends-leave-numbers-out", test_ends_leave_numbers_out);
    g_test_add_func ("/transposed/truncated", test_truncated);
    g_test_add_func ("/transposed/mutations", test_mutations);
    g_test_add_func ("/transposed/mutated-parts", test_mutated_parts);
    return g_test_run();
}
