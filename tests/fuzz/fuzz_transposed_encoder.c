/* The encoder of transposed chunks over any records.
 *
 * - What it makes decodes to the records, by the sizes that it tells, and within the bounds
 *   that the decoder has by default.
 * - A chunk does not depend on those before it: encoded again, after others, it is the same.
 * - Memory stays in proportion to the records.
 *
 * Input: codec, bucket size, limits of the machine, then records: a length and as many bytes
 * each, or how often the one before is repeated; 0 ends the records of the first chunk, and
 * those of another one follow.
 */
#include <string.h>

#include "fuzz.h"
#include "riegeli/transposed_chunk.h"
#include "riegeli/transposed_encoder.h"

enum { MAX_RECORD = 4096, MAX_REPEAT = 50 };

/* A length from here on is a repetition. */
enum { IS_REPEAT = 1 << 20 };

static const ArecCompression codecs[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                         AREC_COMPRESSION_ZSTD, AREC_COMPRESSION_SNAPPY};

typedef struct {
    GByteArray *bytes;
    GArray *ends; /* of uint64_t */
} Records;

static void
records_clear (Records *records)
{
    g_byte_array_unref (records->bytes);
    g_array_unref (records->ends);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Records, records_clear)

static void
put_record (Records *records, ArecBytes record)
{
    uint64_t end;

    g_byte_array_append (records->bytes, record.at, (guint)arec_bytes_left (&record));
    end = records->bytes->len;
    g_array_append_val (records->ends, end);
}

static Records
take_records (ArecBytes *input)
{
    Records records = {g_byte_array_new(), g_array_new (FALSE, FALSE, sizeof (uint64_t))};
    ArecBytes record = arec_bytes ("", 0);

    while (arec_bytes_left (input) > 0 && records.bytes->len < FUZZ_MAX_CHUNK / 16) {
        uint64_t length = fuzz_take_number (input), n = 1;

        if (length < IS_REPEAT) {
            record = fuzz_take_bytes (input, length % MAX_RECORD);
        } else {
            n = length % MAX_REPEAT;
        }
        if (n == 0) {
            break;
        }
        for (uint64_t i = 0; i < n; i++) {
            put_record (&records, record);
        }
    }
    return records;
}

static void
add_all (ArecTransposedEncoder *encoder, const Records *records)
{
    uint64_t begin = 0;

    arec_transposed_encoder_reset (encoder);
    for (guint i = 0; i < records->ends->len; i++) {
        uint64_t end = g_array_index (records->ends, uint64_t, i);

        g_assert_true (arec_transposed_encoder_add (
            encoder, end > 0 ? records->bytes->data + begin : NULL, end - begin, NULL));
        begin = end;
    }
}

static void
check_decoded (const ArecTransposedEncoder *encoder, ArecBytes body, const Records *records)
{
    const ArecDecodeLimits limits = arec_decode_limits_resolve (&fuzz_limits);
    ArecTransposedSize size = {arec_transposed_encoder_n_records (encoder),
                               arec_transposed_encoder_decoded_size (encoder)};
    g_autofree uint8_t *values = NULL;
    ArecRecordEnds ends = {0};
    const char *reason = NULL;

    g_assert_cmpuint (size.num_records, ==, records->ends->len);
    g_assert_cmpuint (size.decoded_size, ==, records->bytes->len);
    g_assert_cmpint (arec_transposed_decode (body, &size, &limits, &values, &ends, &reason), ==,
                     AREC_DECODE_OK);
    g_assert_cmpmem (values, size.decoded_size, records->bytes->data, records->bytes->len);
    for (uint64_t i = 0; i < size.num_records; i++) {
        g_assert_cmpuint (arec_record_ends_end (&ends, i), ==,
                          g_array_index (records->ends, uint64_t, i));
    }
    arec_record_ends_clear (&ends);
}

static ArecBytes
encode (ArecTransposedEncoder *encoder, const ArecTransposedOptions *options)
{
    ArecBytes body = {0};

    g_assert_true (arec_transposed_encoder_encode (encoder, options, &body, NULL));
    return body;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    ArecBytes input = arec_bytes (data, size), body, again;
    ArecTransposedOptions options = {
        .codec = arec_codec_options_default (codecs[fuzz_take_u8 (&input) % 4])};
    g_autoptr (ArecTransposedEncoder) encoder = arec_transposed_encoder_new();
    g_autoptr (GByteArray) first = g_byte_array_new();
    g_auto (Records) records = {0}, others = {0};

    options.bucket_size = MAX (fuzz_take_number (&input), 1);
    options.machine.max_offset = fuzz_take_u8 (&input) % 64; /* 0: the usual limits */
    options.machine.min_count = fuzz_take_u8 (&input);
    if (options.codec.compression == AREC_COMPRESSION_BROTLI) {
        options.codec.level = 1; /* others take long */
    }
    records = take_records (&input);
    others = take_records (&input);
    fuzz_memory_bound (FUZZ_MAX_MEMORY);
    add_all (encoder, &records);
    body = encode (encoder, &options);
    check_decoded (encoder, body, &records);
    g_byte_array_append (first, body.at, (guint)arec_bytes_left (&body));
    add_all (encoder, &others);
    again = encode (encoder, &options);
    check_decoded (encoder, again, &others);
    add_all (encoder, &records);
    again = encode (encoder, &options);
    g_assert_cmpmem (again.at, arec_bytes_left (&again), first->data, first->len);
    fuzz_memory_unbound();
    return 0;
}
