/* The decoder of transposed chunks over any body, any number of records and any decoded size.
 *
 * - A chunk that decodes has as many records as announced; their ends ascend, and the last is
 *   the decoded size; every byte of the values can be read.
 * - The ends alone are the same. They can be had whenever the chunk decodes, and if nothing is
 *   compressed, only then.
 * - A machine whose header is right decodes, with the right numbers, to the records that a
 *   second walk finds, and with other numbers not at all.
 * - Parts decode to the same or not at all, whatever codec compresses them; limits on
 *   decompressed sizes may refuse some of them.
 * - Memory stays bounded whatever the numbers are.
 *
 * Input: form of the body, codec, limits, number of records, decoded size, and the body: as it
 * is, as parts to be compressed, or as a machine.
 */
#include <string.h>

#include <arec/error.h>

#include "fuzz.h"
#include "machine.h"
#include "riegeli/chunk.h"
#include "riegeli/transposed_chunk.h"
#include "source/memory_source.h"

enum { FORM_PLAIN, FORM_PARTS, FORM_MACHINE, N_FORMS };

/* Flags beside the form: metadata, whose number of records is 1; Zstd frames without their
 * content size; wrong sizes before streams; the machine's true numbers. */
enum { IS_METADATA = 4, IS_UNSIZED = 8, LIES = 16, IS_TRUE = 32 };

enum { MAX_BUCKETS = 20, MAX_PART = 4096 };

typedef struct {
    ArecTransposedSize size;
    ArecDecodeLimits limits;
    bool is_metadata;
} Task;

/* How a body decoded: the chunk, or the error. */
typedef struct {
    ArecChunk *chunk;
    GError *error;
} Outcome;

static void
outcome_clear (Outcome *outcome)
{
    arec_chunk_free (outcome->chunk);
    g_clear_error (&outcome->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

/* ---- one body ---- */

static void
check_chunk (const ArecChunk *chunk, const Task *task)
{
    uint64_t before = 0;
    uint8_t sum = 0;

    g_assert_cmpuint (chunk->ends.n, ==, task->size.num_records);
    g_assert_cmpuint (task->size.decoded_size, <=, task->limits.max_size);
    for (uint64_t i = 0; i < chunk->ends.n; i++) {
        uint64_t end = arec_record_ends_end (&chunk->ends, i);

        g_assert_cmpuint (before, <=, end);
        before = end;
    }
    g_assert_cmpuint (before, ==, task->size.decoded_size);
    g_assert_nonnull (chunk->values);
    for (uint64_t i = 0; i < task->size.decoded_size; i++) {
        sum ^= chunk->values[i];
    }
    g_assert_cmpuint (sum, <=, UINT8_MAX); /* every byte has been requested */
    g_assert_cmpuint (chunk->cost, >=,
                      task->size.decoded_size + arec_record_ends_memory (&chunk->ends));
    g_assert_cmpuint (arec_record_ends_memory (&chunk->ends), <=,
                      arec_record_ends_cost (task->size.num_records, task->size.decoded_size));
}

/* The ends alone, which have limits of their own. */
static void
check_ends (const GByteArray *body, const Task *task, const ArecChunk *chunk)
{
    const ArecDecodeLimits limits = arec_decode_limits_resolve (&task->limits);
    uint64_t cost = arec_record_ends_cost (task->size.num_records, task->size.decoded_size);
    bool is_compressed = body->len > 0 && body->data[0] != AREC_COMPRESSION_NONE;
    ArecRecordEnds ends = {0};
    const char *reason = NULL;
    ArecDecodeResult result;

    if (cost > limits.max_size || task->size.decoded_size > limits.max_size - cost) {
        g_assert_null (chunk);
        return;
    }
    result = arec_transposed_decode_ends (arec_bytes (body->data, body->len), &task->size,
                                          &limits, &ends, &reason);
    g_assert_true (result == AREC_DECODE_OK || reason);
    g_assert_true (result == AREC_DECODE_OK || !chunk);
    g_assert_true (result != AREC_DECODE_OK || chunk || is_compressed);
    for (uint64_t i = 0; chunk && i < chunk->ends.n; i++) {
        g_assert_cmpuint (arec_record_ends_end (&ends, i), ==,
                          arec_record_ends_end (&chunk->ends, i));
    }
    arec_record_ends_clear (&ends);
}

static Outcome
decode (const GByteArray *body, const Task *task)
{
    g_autoptr (ArecSource) source = arec_memory_source_new ("fuzz", "", 0);
    ArecChunkPlace place = {.source = source};
    ArecChunkHeader header = {.type = task->is_metadata ? AREC_CHUNK_METADATA
                                                        : AREC_CHUNK_TRANSPOSED,
                              .num_records = task->is_metadata ? 0 : task->size.num_records,
                              .decoded_data_size = task->size.decoded_size,
                              .data_size = body->len};
    uint8_t *memory = g_malloc (MAX (body->len, 1));
    Outcome outcome = {0};
    bool ok;

    memcpy (memory, body->data, body->len);
    ok = task->is_metadata
             ? arec_chunk_decode_metadata (&(ArecStoredChunk){&place, &header, memory, memory},
                                           &task->limits, &outcome.chunk, &outcome.error)
             : arec_chunk_decode (&(ArecStoredChunk){&place, &header, memory, memory},
                                  &task->limits, &outcome.chunk, &outcome.error);
    g_assert_true (ok == (outcome.chunk != NULL) && ok == (outcome.error == NULL));
    if (ok) {
        check_chunk (outcome.chunk, task);
    }
    check_ends (body, task, outcome.chunk);
    return outcome;
}

/* ---- parts ---- */

/* Appends bytes of @input, which has their number first. */
static void
take_part (ArecBytes *input, GByteArray *part)
{
    ArecBytes bytes = fuzz_take_bytes (input, fuzz_take_number (input) % MAX_PART);

    g_byte_array_append (part, bytes.at, (guint)arec_bytes_left (&bytes));
}

static TestBody *
take_body (ArecBytes *input)
{
    uint64_t n_buckets = fuzz_take_number (input) % (MAX_BUCKETS + 1);
    uint32_t n_buffers = (uint32_t)fuzz_take_number (input);
    TestBody *body = test_body_new (NULL, 0, 0, NULL, 0, NULL, 0); /* its header is replaced */

    body->n_buffers = n_buffers;
    for (uint64_t i = 0; i < n_buckets; i++) {
        GByteArray *bucket = g_byte_array_new();

        take_part (input, bucket);
        g_ptr_array_add (body->buckets, bucket);
    }
    g_byte_array_set_size (body->rest, 0);
    take_part (input, body->rest);
    take_part (input, body->transitions);
    return body;
}

static bool
is_limit (const Outcome *outcome)
{
    return g_error_matches (outcome->error, AREC_ERROR, AREC_ERROR_LIMIT);
}

static void
check_same (const Outcome *a, const Outcome *b, const Task *task)
{
    g_assert_true ((a->chunk == NULL) == (b->chunk == NULL));
    if (!a->chunk) {
        g_assert_cmpint (a->error->code, ==, b->error->code);
        return;
    }
    g_assert_cmpmem (a->chunk->values, task->size.decoded_size, b->chunk->values,
                     task->size.decoded_size);
}

/* Decodes @body with and without compression. */
static Outcome
decode_parts (const TestBody *body, const TestBlocks *blocks, const Task *task)
{
    const TestBlocks none = {.compression = AREC_COMPRESSION_NONE};
    g_autoptr (GByteArray) plain = test_body_write (body, &none);
    g_autoptr (GByteArray) written = test_body_write (body, blocks);
    g_auto (Outcome) compressed = {0};
    Outcome outcome;

    fuzz_memory_bound (FUZZ_MAX_MEMORY);
    outcome = decode (plain, task);
    compressed = decode (written, task);
    fuzz_memory_unbound();
    if (!is_limit (&compressed) && !is_limit (&outcome)) {
        check_same (&outcome, &compressed, task);
    }
    return outcome;
}

/* ---- machines ---- */

static void
check_decoded (const Outcome *outcome, const Task *task, const FuzzDecoded *expected)
{
    const ArecChunk *chunk = outcome->chunk;
    bool fits = task->size.num_records == expected->ends->len &&
                task->size.decoded_size == expected->values->len;

    if (is_limit (outcome)) {
        return;
    }
    g_assert_true (fits == (chunk != NULL));
    if (!fits) {
        return;
    }
    g_assert_cmpmem (chunk->values, task->size.decoded_size, expected->values->data,
                     expected->values->len);
    for (uint64_t i = 0; i < chunk->ends.n; i++) {
        g_assert_cmpuint (arec_record_ends_end (&chunk->ends, i), ==,
                          g_array_index (expected->ends, uint64_t, i));
    }
}

static void
decode_machine (ArecBytes *input, bool is_true, const TestBlocks *blocks, Task *task)
{
    g_autoptr (FuzzMachine) machine = fuzz_machine_new (input);
    g_autoptr (TestBody) body = fuzz_machine_body (machine, input);
    g_auto (FuzzDecoded) expected = {0};
    g_auto (Outcome) outcome = {0};
    bool decodes = fuzz_machine_run (machine, &expected);

    if (decodes && is_true) {
        task->size.num_records = expected.ends->len;
        task->size.decoded_size = expected.values->len;
        task->is_metadata = task->is_metadata && expected.ends->len == 1;
    }
    outcome = decode_parts (body, blocks, task);
    if (decodes) {
        check_decoded (&outcome, task, &expected);
    } else {
        g_assert_true (expected.is_too_long || !outcome.chunk);
    }
}

/* ---- all ---- */

static ArecDecodeLimits
take_limits (ArecBytes *input)
{
    uint64_t max_size = fuzz_take_number (input), depth = fuzz_take_number (input);

    return (ArecDecodeLimits){.max_size = CLAMP (max_size, 1, FUZZ_MAX_CHUNK),
                              .max_transposed_ratio = fuzz_take_u8 (input) % 65,
                              .max_transposed_depth = depth % AREC_MAX_TRANSPOSED_DEPTH};
}

static void
decode_plain (ArecBytes *input, const Task *task)
{
    /* The reserved size gives even an empty body a pointer that is not NULL. */
    g_autoptr (GByteArray) body = g_byte_array_append (g_byte_array_sized_new (16), input->at,
                                                       (guint)arec_bytes_left (input));
    g_auto (Outcome) outcome = {0};

    fuzz_memory_bound (FUZZ_MAX_MEMORY);
    outcome = decode (body, task);
    fuzz_memory_unbound();
}

static void
decode_any_parts (ArecBytes *input, const TestBlocks *blocks, const Task *task)
{
    g_autoptr (TestBody) body = take_body (input);
    Outcome outcome = decode_parts (body, blocks, task);

    outcome_clear (&outcome);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static const ArecCompression compressions[] = {
        AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI, AREC_COMPRESSION_ZSTD,
        AREC_COMPRESSION_SNAPPY};
    ArecBytes input = arec_bytes (data, size);
    unsigned form = fuzz_take_u8 (&input);
    TestBlocks blocks = {.compression =
                             compressions[fuzz_take_u8 (&input) % G_N_ELEMENTS (compressions)],
                         .unsized = form & IS_UNSIZED,
                         .lies = form & LIES};
    Task task = {.limits = take_limits (&input), .is_metadata = form & IS_METADATA};

    task.size.num_records = fuzz_take_number (&input) & ((UINT64_C (1) << 56) - 1);
    task.size.decoded_size = fuzz_take_number (&input);
    blocks.lie = blocks.lies ? fuzz_take_number (&input) : 0;
    if (task.is_metadata) {
        task.size.num_records = 1;
    }
    switch (form % 4 % N_FORMS) {
    case FORM_PLAIN: decode_plain (&input, &task); break;
    case FORM_PARTS: decode_any_parts (&input, &blocks, &task); break;
    case FORM_MACHINE: decode_machine (&input, form & IS_TRUE, &blocks, &task); break;
    }
    return 0;
}
