/* The decoder of simple chunks over any body, any number of records and any decoded size.
 *
 * - A chunk that decodes has as many records as announced; their ends ascend, and the last is
 *   the decoded size; every byte of the values can be read, and values that the harness
 *   compressed come back unchanged.
 * - The size list alone gives the same ends.
 * - Decoding as far as needed gives the same bytes. If the whole chunk fails, it fails in the
 *   same way when the end is needed, if not before; bytes once given stay valid.
 * - Memory stays bounded whatever the numbers are, and a chunk is not charged less than it
 *   takes.
 *
 * Input: form of the body, number of records, decoded size, the largest size accepted, and the
 * body: as it is, or as size list and values to be compressed.
 */
#include <string.h>

#include "codec/codec_stream.h"
#include "forge.h"
#include "fuzz.h"
#include "riegeli/chunk.h"
#include "riegeli/simple_chunk.h"
#include "source/memory_source.h"

/* The body is as given, or its parts are compressed by one of the codecs. */
enum { FORM_PLAIN, FORM_NONE, FORM_BROTLI, FORM_ZSTD, FORM_SNAPPY, N_FORMS };

/* @values (out): the records if the body decodes; without a start if only the body has them. */
static GByteArray *
make_body (unsigned form, ArecBytes *input, ArecBytes *values)
{
    static const ArecCompression compressions[N_FORMS] = {
        [FORM_NONE] = AREC_COMPRESSION_NONE,
        [FORM_BROTLI] = AREC_COMPRESSION_BROTLI,
        [FORM_ZSTD] = AREC_COMPRESSION_ZSTD,
        [FORM_SNAPPY] = AREC_COMPRESSION_SNAPPY,
    };
    ArecBytes sizes;

    if (form == FORM_PLAIN) {
        *values = (ArecBytes){0};
        /* The reserved size gives even an empty body a pointer that is not NULL. */
        return g_byte_array_append (g_byte_array_sized_new (16), input->at,
                                    (guint)arec_bytes_left (input));
    }
    sizes = fuzz_take_bytes (input, fuzz_take_number (input));
    *values = *input;
    return test_forge_simple_parts (compressions[form], sizes.at, arec_bytes_left (&sizes),
                                    values->at, arec_bytes_left (values));
}

static void
check_chunk (const ArecChunk *chunk, const ArecChunkHeader *header, uint64_t max_size)
{
    uint64_t before = 0;
    uint8_t sum = 0;

    g_assert_cmpuint (chunk->ends.n, ==, header->num_records);
    g_assert_cmpuint (header->decoded_data_size, <=, max_size);
    for (uint64_t i = 0; i < chunk->ends.n; i++) {
        uint64_t end = arec_record_ends_end (&chunk->ends, i);

        g_assert_cmpuint (before, <=, end);
        before = end;
    }
    g_assert_cmpuint (before, ==, header->decoded_data_size);
    g_assert_nonnull (chunk->values);
    for (uint64_t i = 0; i < header->decoded_data_size; i++) {
        sum ^= chunk->values[i];
    }
    g_assert_cmpuint (sum, <=, UINT8_MAX); /* every byte has been requested */
    g_assert_cmpuint (chunk->cost, >=,
                      header->decoded_data_size + arec_record_ends_memory (&chunk->ends));
    g_assert_cmpuint (arec_record_ends_memory (&chunk->ends), <=,
                      arec_record_ends_cost (header->num_records, header->decoded_data_size));
}

/* The values from front to end; @reference has them if the whole chunk can be decoded. */
static void
check_progressive (const GByteArray *body, const ArecChunkHeader *header,
                   const ArecChunk *reference)
{
    uint64_t size = header->decoded_data_size;
    uint64_t ends[] = {1, size / 2, size - 1, size};
    ArecSimpleFront front;
    const char *reason;
    ArecBytes stream;
    uint64_t prefix;
    g_autofree uint8_t *memory = g_malloc (MAX (body->len, 1));
    g_autofree uint8_t *decoded = NULL;
    g_autoptr (ArecProgressiveValues) values = NULL;

    memcpy (memory, body->data, body->len);
    if (size == 0 || size > FUZZ_MAX_CHUNK ||
        arec_simple_parse_front (memory, body->len, body->len, &front, &reason) !=
            AREC_DECODE_OK ||
        !arec_codec_stream_is_possible (front.compression)) {
        return;
    }
    stream = arec_bytes (memory + front.sizes_begin + front.sizes_size,
                         body->len - front.sizes_begin - front.sizes_size);
    if (front.compression != AREC_COMPRESSION_NONE &&
        !arec_bytes_take_varint (&stream, &prefix)) {
        return;
    }
    decoded = g_malloc (size);
    values =
        arec_progressive_values_new (front.compression, stream, memory, decoded, size, &reason);
    if (!values) {
        g_assert_nonnull (reason);
        g_assert_true (!reference || reason == arec_codec_stream_needs_whole);
        return;
    }
    memory = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS (ends); i++) {
        ArecDecodeTally tally = {0};
        bool ok = !arec_progressive_values_need (values, ends[i], &tally);

        g_assert_true (ok == (arec_progressive_values_mark (values) >= ends[i]));
        g_assert_true (ok || !reference);
    }
    if (reference) {
        g_assert_cmpmem (decoded, size, reference->values, size);
    }
}

/* The size list of the body alone, if the first bytes are plausible. */
static bool
decode_sizes (const GByteArray *body, const ArecChunkHeader *header, ArecRecordEnds *ends)
{
    ArecSimpleFront front;
    const char *reason = NULL;

    if (arec_simple_parse_front (body->data, body->len, body->len, &front, &reason) !=
        AREC_DECODE_OK) {
        g_assert_nonnull (reason);
        return false;
    }
    g_assert_cmpuint (front.sizes_begin, <=, body->len);
    g_assert_cmpuint (front.sizes_size, <=, body->len - front.sizes_begin);
    if (arec_simple_decode_sizes (&front, body->data + front.sizes_begin, header->num_records,
                                  header->decoded_data_size, FUZZ_MAX_CHUNK, ends,
                                  &reason) != AREC_DECODE_OK) {
        g_assert_nonnull (reason);
        return false;
    }
    return true;
}

static void
check_sizes (const GByteArray *body, const ArecChunkHeader *header, const ArecChunk *chunk)
{
    ArecRecordEnds ends = {0};

    g_assert_true (decode_sizes (body, header, &ends));
    g_assert_cmpuint (ends.n, ==, chunk->ends.n);
    for (uint64_t i = 0; i < ends.n; i++) {
        g_assert_cmpuint (arec_record_ends_end (&ends, i), ==,
                          arec_record_ends_end (&chunk->ends, i));
    }
    arec_record_ends_clear (&ends);
}

static void
decode (const GByteArray *body, ArecChunkHeader *header, ArecBytes values, uint64_t max_size)
{
    g_autoptr (ArecSource) source = arec_memory_source_new ("fuzz", "", 0);
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecChunk) chunk = NULL;
    ArecChunkPlace place = {.source = source};
    const ArecDecodeLimits limits =
        arec_decode_limits_resolve (&(ArecDecodeLimits){.max_size = MAX (max_size, 1)});
    uint8_t *memory = g_malloc (MAX (body->len, 1));

    memcpy (memory, body->data, body->len);
    if (arec_chunk_decode (&(ArecStoredChunk){&place, header, memory, memory}, &limits, &chunk,
                           &error)) {
        g_assert_no_error (error);
        check_chunk (chunk, header, max_size);
        check_sizes (body, header, chunk);
        check_progressive (body, header, chunk);
        if (values.at) {
            g_assert_cmpmem (chunk->values, header->decoded_data_size, values.at,
                             arec_bytes_left (&values));
        }
    } else {
        g_assert_nonnull (error);
        g_assert_null (chunk);
        check_progressive (body, header, NULL);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    ArecBytes input = arec_bytes (data, size);
    unsigned form = fuzz_take_u8 (&input) % N_FORMS;
    ArecChunkHeader header = {.type = 'r'};
    ArecBytes values;
    uint64_t max_size;
    g_autoptr (GByteArray) body = NULL;

    header.num_records = fuzz_take_number (&input) & ((UINT64_C (1) << 56) - 1);
    header.decoded_data_size = fuzz_take_number (&input);
    max_size = fuzz_take_number (&input);
    max_size = MIN (max_size, FUZZ_MAX_CHUNK);
    body = make_body (form, &input, &values);
    header.data_size = body->len;
    fuzz_memory_bound (FUZZ_MAX_MEMORY);
    decode (body, &header, values, max_size);
    fuzz_memory_unbound();
    return 0;
}
