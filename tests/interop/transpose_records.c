/* Makes bodies of transposed chunks without compression, for test_transposed_encoder.py.
 *
 * Takes groups of records from standard input: how many there are, then the size and bytes of
 * each. Answers each group with the size and bytes of its body. Numbers have 4 bytes, little
 * endian. One encoder makes them all.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <glib.h>

#include "riegeli/chunk_encoder.h"

static bool
take_number (uint32_t *number)
{
    if (fread (number, sizeof *number, 1, stdin) != 1) {
        return false;
    }
    *number = GUINT32_FROM_LE (*number);
    return true;
}

static void
take_records (ArecChunkEncoder *encoder, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        g_autoptr (GError) error = NULL;
        g_autofree uint8_t *data = NULL;
        uint32_t size = 0;

        g_assert (take_number (&size));
        data = g_malloc (MAX (size, 1));
        g_assert (fread (data, 1, size, stdin) == size);
        arec_chunk_encoder_add (encoder, data, size, &error);
        g_assert_no_error (error);
    }
}

static void
give_body (ArecChunkEncoder *encoder)
{
    g_autoptr (GError) error = NULL;
    ArecChunkType type;
    ArecBytes body;
    uint32_t size;

    arec_chunk_encoder_encode (encoder, &type, &body, &error);
    g_assert_no_error (error);
    g_assert (type == AREC_CHUNK_TRANSPOSED);
    size = GUINT32_TO_LE ((uint32_t)arec_bytes_left (&body));
    fwrite (&size, sizeof size, 1, stdout);
    fwrite (body.at, 1, arec_bytes_left (&body), stdout);
    fflush (stdout);
}

int
main (void)
{
    const ArecChunkEncoderOptions options = {
        .codec = arec_codec_options_default (AREC_COMPRESSION_NONE),
        .is_transposed = true,
        .bucket_size = 256};
    g_autoptr (ArecChunkEncoder) encoder = arec_chunk_encoder_new (&options);
    uint32_t n;

    while (take_number (&n)) {
        take_records (encoder, n);
        give_body (encoder);
        arec_chunk_encoder_reset (encoder);
    }
    return 0;
}
