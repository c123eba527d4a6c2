/* Transposed chunks as they are made: those of the reference, byte for byte, and of any other
 * records what our own decoder makes of them. */
#include "riegeli/transposed_encoder.h"

#include <malloc.h>
#include <string.h>
#include <sys/mman.h>

#include "vectors.h"
#include "sanitized.h"

#include "base/buffer.h"
#include "base/error.h"
#include "riegeli/transposed_block.h"
#include "riegeli/transposed_chunk.h"

static const ArecCompression all[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                      AREC_COMPRESSION_ZSTD, AREC_COMPRESSION_SNAPPY};

/* ---- memory that fails when it should ---- */

#ifndef SANITIZED
extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *memory, size_t size);

/* While it is not 0, the allocation after that many others fails, once. */
static unsigned fail_after;
static unsigned n_allocations;
static unsigned n_lasting; /* of them: what is not by malloc (), as that of qsort () is */

static bool
fails (void)
{
    return fail_after > 0 && ++n_allocations == fail_after;
}

void *
malloc (size_t size)
{
    return fails() ? NULL : __libc_malloc (size);
}

void *
calloc (size_t n, size_t size)
{
    n_lasting++;
    return fails() ? NULL : __libc_calloc (n, size);
}

/* One that fails is tried once more, with less. */
void *
realloc (void *memory, size_t size)
{
    static bool has_failed;

    n_lasting++;
    has_failed = fails() || (has_failed && n_allocations == fail_after + 1);
    return has_failed ? NULL : __libc_realloc (memory, size);
}
#endif

/* ---- encoding and decoding ---- */

/* @data, which may be NULL where there is nothing, from @begin on. */
static const uint8_t *
piece (const uint8_t *data, uint64_t begin)
{
    return data ? data + begin : NULL;
}

static void
add (ArecTransposedEncoder *encoder, const void *data, size_t size)
{
    g_autoptr (GError) error = NULL;

    arec_transposed_encoder_add (encoder, data, size, &error);
    g_assert_no_error (error);
}

/* A record given as a string constant. */
#define ADD(encoder, record) add (encoder, record, sizeof (record) - 1)

static ArecTransposedOptions
options_of (ArecCompression compression)
{
    return (ArecTransposedOptions){.codec = arec_codec_options_default (compression),
                                   .bucket_size = AREC_ONE_BUCKET};
}

static ArecBytes
encode_with (ArecTransposedEncoder *encoder, const ArecTransposedOptions *options)
{
    g_autoptr (GError) error = NULL;
    ArecBytes body = {0};

    arec_transposed_encoder_encode (encoder, options, &body, &error);
    g_assert_no_error (error);
    return body;
}

static ArecBytes
encode (ArecTransposedEncoder *encoder, ArecCompression compression)
{
    ArecTransposedOptions options = options_of (compression);

    return encode_with (encoder, &options);
}

/* Decodes @body and compares: @records one after the other, with an end each. */
static void
check_decoded (const ArecTransposedEncoder *encoder, ArecBytes body, const uint8_t *records,
               const uint64_t *ends)
{
    const ArecDecodeLimits limits = arec_decode_limits_resolve (&(ArecDecodeLimits){0});
    ArecTransposedSize size = {arec_transposed_encoder_n_records (encoder),
                               arec_transposed_encoder_decoded_size (encoder)};
    g_autofree uint8_t *values = NULL;
    ArecRecordEnds found = {0};
    const char *reason = NULL;

    arec_transposed_decode (body, &size, &limits, &values, &found, &reason);
    g_assert_cmpstr (reason, ==, NULL);
    g_assert_cmpuint (found.n, ==, size.num_records);
    for (uint64_t i = 0; i < found.n; i++) {
        g_assert_cmpuint (arec_record_ends_end (&found, i), ==, ends[i]);
    }
    g_assert_cmpmem (values, size.decoded_size, records, size.decoded_size);
    arec_record_ends_clear (&found);
}

/* ---- vectors ---- */

static void
add_vector (ArecTransposedEncoder *encoder, const TestVector *vector)
{
    uint64_t begin = 0;

    for (guint i = 0; i < vector->ends->len; i++) {
        uint64_t end = g_array_index (vector->ends, uint64_t, i);

        add (encoder, piece (vector->records->data, begin), end - begin);
        begin = end;
    }
}

/* Appends a block of a body without compression, with its size in front. */
static void
append_plain (GByteArray *out, ArecCompression compression, ArecBytes *from, uint64_t size)
{
    const ArecDecodeLimits limits = arec_decode_limits_resolve (&(ArecDecodeLimits){0});
    ArecTransposedBounds bounds = arec_transposed_bounds (1 << 20, 1 << 20, &limits);
    ArecTransposedBlock block = {0};
    const uint8_t *begin = NULL;
    const char *reason = NULL;
    uint64_t length;

    g_assert_true (arec_bytes_take (from, size, &begin));
    arec_transposed_unpack (compression, arec_bytes (begin, size), UINT64_C (1) << 30, &bounds,
                            &block, &reason);
    g_assert_null (reason);
    length = arec_bytes_left (&block.bytes);
    g_byte_array_append (out, (const uint8_t *)&length, sizeof length);
    g_byte_array_append (out, block.bytes.at, (guint)length);
    g_free (block.memory);
}

/* All that is in @body before compression: without the stored sizes of the buckets. */
static GByteArray *
plain_parts (ArecBytes body)
{
    GByteArray *out = g_byte_array_new();
    g_autoptr (GByteArray) header = g_byte_array_new();
    uint8_t compression = 0;
    uint64_t size = 0, n_buckets = 0;
    ArecBytes rest;

    g_assert_true (arec_bytes_take_u8 (&body, &compression));
    g_assert_true (arec_bytes_take_varint (&body, &size));
    append_plain (header, (ArecCompression)compression, &body, size);
    rest = arec_bytes (header->data + 8, header->len - 8);
    g_assert_true (arec_bytes_take_varint (&rest, &n_buckets));
    g_byte_array_append (out, (const uint8_t *)&n_buckets, sizeof n_buckets);
    g_assert_true (arec_bytes_take_varint (&rest, &size));
    g_byte_array_append (out, (const uint8_t *)&size, sizeof size);
    for (uint64_t i = 0; i < n_buckets; i++) {
        g_assert_true (arec_bytes_take_varint (&rest, &size));
        append_plain (out, (ArecCompression)compression, &body, size);
    }
    g_byte_array_append (out, rest.at, (guint)arec_bytes_left (&rest));
    append_plain (out, (ArecCompression)compression, &body, arec_bytes_left (&body));
    return out;
}

static void
check_vector (ArecTransposedEncoder *encoder, const TestVector *vector)
{
    ArecCompression compression = (ArecCompression)vector->body[0];
    ArecTransposedOptions options = options_of (compression);
    g_autoptr (GByteArray) expected = NULL, made = NULL;
    ArecBytes body;

    if (vector->bucket_size > 0) {
        options.bucket_size = vector->bucket_size;
    }
    options.machine.max_offset = (uint32_t)vector->max_transition;
    options.machine.min_count = (uint32_t)vector->min_count;
    add_vector (encoder, vector);
    body = encode_with (encoder, &options);
    if (compression == AREC_COMPRESSION_NONE) {
        g_assert_cmpmem (body.at, arec_bytes_left (&body), vector->body, vector->body_size);
    }
    expected = plain_parts (arec_bytes (vector->body, vector->body_size));
    made = plain_parts (body);
    g_assert_cmpmem (made->data, made->len, expected->data, expected->len);
    check_decoded (encoder, body, vector->records->data,
                   (const uint64_t *)(const void *)vector->ends->data);
    arec_transposed_encoder_reset (encoder);
}

/* One encoder for all: what a chunk leaves behind does not show in the next one. */
static void
test_vectors (void)
{
    g_autoptr (GPtrArray) vectors = test_vectors_load (true);
    g_autoptr (ArecTransposedEncoder) encoder = arec_transposed_encoder_new();
    unsigned n_plain = 0, n_packed = 0;

    for (guint i = 0; i < vectors->len; i++) {
        const TestVector *vector = g_ptr_array_index (vectors, i);

        if (vector->is_by_reference) {
            g_test_message ("%s", vector->file);
            check_vector (encoder, vector);
            n_plain += vector->body[0] == AREC_COMPRESSION_NONE;
            n_packed += vector->body[0] != AREC_COMPRESSION_NONE;
        }
    }
    g_assert_cmpuint (n_plain, ==, 45);
    g_assert_cmpuint (n_packed, ==, 99);
}

/* ---- any records ---- */

/* Records for one chunk. */
typedef struct {
    GByteArray *bytes;
    GArray *ends; /* of uint64_t */
} Records;

static void
records_init (Records *records)
{
    records->bytes = g_byte_array_new();
    records->ends = g_array_new (FALSE, FALSE, sizeof (uint64_t));
}

static void
records_clear (Records *records)
{
    g_byte_array_unref (records->bytes);
    g_array_unref (records->ends);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Records, records_clear)

static void
end_record (Records *records)
{
    uint64_t end = records->bytes->len;

    g_array_append_val (records->ends, end);
}

static void
put_varint (GByteArray *out, uint64_t value)
{
    uint8_t bytes[AREC_MAX_VARINT];

    g_byte_array_append (out, bytes, (guint)arec_put_varint (bytes, value));
}

static uint64_t
random_number (void)
{
    return (uint64_t)(uint32_t)g_test_rand_int() >> g_test_rand_int_range (0, 32);
}

static void put_message (GByteArray *out, unsigned depth);

static void
put_random_bytes (GByteArray *out, guint n)
{
    for (guint i = 0; i < n; i++) {
        uint8_t byte = (uint8_t)g_test_rand_int_range (0, 256);

        g_byte_array_append (out, &byte, 1);
    }
}

static void
put_field (GByteArray *out, unsigned depth)
{
    uint32_t number = (uint32_t)g_test_rand_int_range (1, 6), type;
    g_autoptr (GByteArray) inner = g_byte_array_new();

    number = g_test_rand_int_range (0, 20) == 0 ? 1 + random_number() % 0x1fffffff : number;
    type = (uint32_t)g_test_rand_int_range (0, 6);
    if (type == 4) {
        type = 2;
    }
    put_varint (out, (uint64_t)number << 3 | type);
    switch (type) {
    case 0: put_varint (out, random_number() * random_number()); break;
    case 1: put_random_bytes (out, 8); break;
    case 5: put_random_bytes (out, 4); break;
    case 2:
        if (depth > 0 && g_test_rand_bit()) {
            put_message (inner, depth - 1);
        } else {
            put_random_bytes (inner, (guint)g_test_rand_int_range (0, 20));
        }
        put_varint (out, inner->len);
        g_byte_array_append (out, inner->data, inner->len);
        break;
    default:
        put_message (out, depth > 0 ? depth - 1 : 0);
        put_varint (out, (uint64_t)number << 3 | 4);
        break;
    }
}

static void
put_message (GByteArray *out, unsigned depth)
{
    for (int i = g_test_rand_int_range (0, depth > 0 ? 6 : 2); i > 0; i--) {
        put_field (out, depth);
    }
}

/* A message, often spoiled by a byte, or bytes that are none. */
static void
put_record (Records *records)
{
    guint begin = records->bytes->len;

    if (g_test_rand_int_range (0, 8) == 0) {
        put_random_bytes (records->bytes, (guint)g_test_rand_int_range (0, 60));
    } else {
        put_message (records->bytes, (unsigned)g_test_rand_int_range (0, 5));
        if (records->bytes->len > begin && g_test_rand_int_range (0, 6) == 0) {
            guint at = (guint)g_test_rand_int_range ((gint)begin, (gint)records->bytes->len);

            records->bytes->data[at] ^= (uint8_t)(1 << g_test_rand_int_range (0, 8));
        }
    }
    end_record (records);
}

static void
add_records (ArecTransposedEncoder *encoder, const Records *records)
{
    uint64_t begin = 0;

    for (guint i = 0; i < records->ends->len; i++) {
        uint64_t end = g_array_index (records->ends, uint64_t, i);

        add (encoder, piece (records->bytes->data, begin), end - begin);
        begin = end;
    }
}

static void
check_round_trip (ArecTransposedEncoder *encoder, const Records *records,
                  const ArecTransposedOptions *options)
{
    ArecBytes body;

    arec_transposed_encoder_reset (encoder);
    g_assert_cmpuint (arec_transposed_encoder_n_records (encoder), ==, 0);
    g_assert_cmpuint (arec_transposed_encoder_decoded_size (encoder), ==, 0);
    add_records (encoder, records);
    g_assert_cmpuint (arec_transposed_encoder_n_records (encoder), ==, records->ends->len);
    g_assert_cmpuint (arec_transposed_encoder_decoded_size (encoder), ==, records->bytes->len);
    body = encode_with (encoder, options);
    check_decoded (encoder, body, records->bytes->data,
                   (const uint64_t *)(const void *)records->ends->data);
}

static void
test_random (void)
{
    static const uint64_t bucket_sizes[] = {1, 40, 256, AREC_ONE_BUCKET};
    static const uint32_t offsets[] = {0, 1, 2, 7, 63};
    g_autoptr (ArecTransposedEncoder) encoder = arec_transposed_encoder_new();

    for (unsigned round = 0; round < 300; round++) {
        g_auto (Records) records = {0};
        ArecTransposedOptions options = options_of (all[round % 4]);

        options.bucket_size = bucket_sizes[round / 4 % 4];
        options.machine.max_offset = offsets[round % 5];
        options.machine.min_count = (uint32_t)g_test_rand_int_range (0, 12);
        records_init (&records);
        for (int i = g_test_rand_int_range (0, round % 10 == 0 ? 300 : 20); i > 0; i--) {
            put_record (&records);
        }
        check_round_trip (encoder, &records, &options);
    }
}

/* ---- depth ---- */

/* @depth messages around a varint. */
static GByteArray *
nested (unsigned depth)
{
    GByteArray *message = g_byte_array_new();

    g_byte_array_append (message, (const uint8_t *)"\x08\x07", 2);
    for (unsigned i = 0; i < depth; i++) {
        GByteArray *outer = g_byte_array_new();

        g_byte_array_append (outer, (const uint8_t *)"\x0a", 1);
        put_varint (outer, message->len);
        g_byte_array_append (outer, message->data, message->len);
        g_byte_array_unref (message);
        message = outer;
    }
    return message;
}

/* States that start a submessage, in an uncompressed body with one state for each symbol. */
static unsigned
count_starts (ArecBytes body)
{
    uint64_t n_buckets = 0, n_buffers = 0, n_states = 0, ignored = 0;
    unsigned n = 0;

    body.at++;
    arec_bytes_take_varint (&body, &ignored);
    arec_bytes_take_varint (&body, &n_buckets);
    arec_bytes_take_varint (&body, &n_buffers);
    for (uint64_t i = 0; i < n_buckets + n_buffers; i++) {
        arec_bytes_take_varint (&body, &ignored);
    }
    arec_bytes_take_varint (&body, &n_states);
    for (uint64_t i = 0; i < n_states; i++) {
        arec_bytes_take_varint (&body, &ignored);
        n += ignored == AREC_STATE_ID_SUBMESSAGE_START;
    }
    return n;
}

static void
test_nested (void)
{
    static const unsigned depths[] = {0, 1, 99, 100, 101, 102, 5000};
    g_autoptr (ArecTransposedEncoder) encoder = arec_transposed_encoder_new();

    for (unsigned i = 0; i < G_N_ELEMENTS (depths); i++) {
        g_autoptr (GByteArray) record = nested (depths[i]);
        uint64_t end = record->len;
        ArecBytes body;

        add (encoder, record->data, record->len);
        body = encode (encoder, AREC_COMPRESSION_NONE);
        g_assert_cmpuint (count_starts (body), ==, MIN (depths[i], 100));
        check_decoded (encoder, body, record->data, &end);
        arec_transposed_encoder_reset (encoder);
    }
}

/* Groups nest as deep as they like, but count for the submessages within. */
static void
test_deep_groups (void)
{
    enum { DEPTH = 100000 };
    static const struct {
        unsigned depth;
        bool has_start;
    } rows[] = {{99, true}, {100, false}, {DEPTH, false}};
    g_autoptr (ArecTransposedEncoder) encoder = arec_transposed_encoder_new();

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autofree uint8_t *record = g_malloc (2 * DEPTH + 4);
        uint64_t end = 2 * (uint64_t)rows[i].depth + 4;
        ArecBytes body;

        memset (record, 0x0b, rows[i].depth);
        memcpy (record + rows[i].depth, "\x12\x02\x08\x07", 4);
        memset (record + rows[i].depth + 4, 0x0c, rows[i].depth);
        add (encoder, record, end);
        body = encode (encoder, AREC_COMPRESSION_NONE);
        g_assert_cmpuint (count_starts (body), ==, rows[i].has_start);
        check_decoded (encoder, body, record, &end);
        arec_transposed_encoder_reset (encoder);
    }
}

/* ---- limits ---- */

/* Each field once: as many fields, symbols and steps as bytes allow; time and memory stay in
 * proportion. */
static void
test_many_fields (void)
{
    enum { N = 100000, MOST_PER_FIELD = 400 };
    g_autoptr (ArecTransposedEncoder) encoder = arec_transposed_encoder_new();
    g_auto (Records) records = {0};
    struct mallinfo2 before = mallinfo2(), after;
    ArecTransposedOptions options = options_of (AREC_COMPRESSION_NONE);

    records_init (&records);
    for (uint32_t i = 1; i <= N; i++) {
        put_varint (records.bytes, (uint64_t)i << 3);
        put_varint (records.bytes, 4 + i % 2);
    }
    end_record (&records);
    check_round_trip (encoder, &records, &options);
    after = mallinfo2();
    g_test_message ("%zu bytes",
                    (after.uordblks + after.hblkhd) - (before.uordblks + before.hblkhd));
    g_assert_cmpuint (after.uordblks + after.hblkhd, <,
                      before.uordblks + before.hblkhd + (size_t)N * MOST_PER_FIELD);
}

/* A record of 4 GiB that is no message: it begins with a tag of 0. Nothing of it is copied. */
static void
test_long_record (void)
{
    size_t size = (UINT64_C (1) << 32);
    void *zeros =
        mmap (NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    g_autoptr (ArecTransposedEncoder) encoder = arec_transposed_encoder_new();
    const uint64_t end = 2;
    g_autoptr (GError) error = NULL;

    g_assert_true (zeros != MAP_FAILED);
    ADD (encoder, "\x08\x01");
    g_assert_false (arec_transposed_encoder_add (encoder, zeros, size, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    g_assert_cmpstr (error->message, ==,
                     "record 1 of its chunk has 4 GiB or more in one piece, which a transposed "
                     "chunk cannot hold");
    check_decoded (encoder, encode (encoder, AREC_COMPRESSION_NONE),
                   (const uint8_t *)"\x08\x01", &end);
    munmap (zeros, size);
}

static void
test_bad_options (void)
{
    const uint64_t end = 2;
    ArecTransposedOptions options = options_of (AREC_COMPRESSION_ZSTD);
    g_autoptr (ArecTransposedEncoder) encoder = arec_transposed_encoder_new();
    g_autoptr (GError) error = NULL;
    ArecBytes body;

    options.codec.window_log = 9;
    ADD (encoder, "\x08\x01");
    g_assert_false (arec_transposed_encoder_encode (encoder, &options, &body, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    check_decoded (encoder, encode (encoder, AREC_COMPRESSION_ZSTD),
                   (const uint8_t *)"\x08\x01", &end);
}

#ifndef SANITIZED
/* Adds and encodes all of @records; the allocation @fail_at fails. */
static bool
try_all (ArecTransposedEncoder *encoder, const Records *records, ArecCompression compression,
         unsigned fail_at, GError **error)
{
    const ArecTransposedOptions options = options_of (compression);
    uint64_t begin = 0;
    bool ok = true;
    ArecBytes body;

    n_allocations = 0;
    fail_after = fail_at;
    for (guint i = 0; ok && i < records->ends->len; i++) {
        uint64_t end = g_array_index (records->ends, uint64_t, i);

        ok = arec_transposed_encoder_add (encoder, piece (records->bytes->data, begin),
                                          end - begin, error);
        begin = end;
    }
    ok = ok && arec_transposed_encoder_encode (encoder, &options, &body, error);
    fail_after = 0;
    return ok;
}
#endif

#ifndef SANITIZED
/* Each allocation fails in turn. */
static void
check_no_memory (const Records *records, ArecCompression compression)
{
    const ArecTransposedOptions options = options_of (compression);
    unsigned n_failed = 0;
    bool was_reached = true;

    for (unsigned fail_at = 1; was_reached; fail_at++) {
        g_autoptr (ArecTransposedEncoder) encoder = arec_transposed_encoder_new();
        g_autoptr (GError) error = NULL;
        bool ok = try_all (encoder, records, compression, fail_at, &error);

        was_reached = n_allocations >= fail_at;
        g_assert_true (ok == (error == NULL));
        if (!ok) {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_NOMEM);
            n_failed++;
        }
        check_round_trip (encoder, records, &options);
    }
    g_assert_cmpuint (n_failed, >, 20);
}
#endif

/* Whatever allocation fails, the error says so, and the encoder can go on. */
static void
test_no_memory (void)
{
#ifdef SANITIZED
    g_test_skip ("the sanitizer has its own malloc ()");
#else
    g_auto (Records) records = {0};

    records_init (&records);
    for (unsigned i = 0; i < 60; i++) {
        put_record (&records);
    }
    check_no_memory (&records, AREC_COMPRESSION_NONE);
    check_no_memory (&records, AREC_COMPRESSION_ZSTD);
#endif
}

/* A chunk like those before needs no more memory, but for a while to sort. */
static void
test_memory_is_kept (void)
{
#ifdef SANITIZED
    g_test_skip ("the sanitizer has its own malloc ()");
#else
    g_autoptr (ArecTransposedEncoder) encoder = arec_transposed_encoder_new();
    g_auto (Records) records = {0};
    g_autoptr (GError) error = NULL;

    records_init (&records);
    for (unsigned i = 0; i < 60; i++) {
        put_record (&records);
    }
    for (unsigned i = 0; i < 2; i++) {
        arec_transposed_encoder_reset (encoder);
        n_lasting = 0;
        g_assert_true (try_all (encoder, &records, AREC_COMPRESSION_NONE, UINT_MAX, &error));
    }
    g_assert_cmpuint (n_lasting, ==, 0);
#endif
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/transposed-encoder/vectors", test_vectors);
    g_test_add_func ("/transposed-encoder/random", test_random);
    g_test_add_func ("/transposed-encoder/nested", test_nested);
    g_test_add_func ("/transposed-encoder/deep-groups", test_deep_groups);
    g_test_add_func ("/transposed-encoder/many-fields", test_many_fields);
    g_test_add_func ("/transposed-encoder/long-record", test_long_record);
    g_test_add_func ("/transposed-encoder/bad-options", test_bad_options);
    g_test_add_func ("/transposed-encoder/no-memory", test_no_memory);
    g_test_add_func ("/transposed-encoder/memory-is-kept", test_memory_is_kept);
    return g_test_run();
}
