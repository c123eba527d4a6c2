/* Vectors that the reference implementation made. */
#include "riegeli/hash.h"

#include <glib.h>

static void
test_counting_bytes (void)
{
    static const struct {
        size_t size;
        uint64_t hash;
    } rows[] = {{0, 0x72c3b1e9c0139fe1},  {1, 0x2cd57bc47907559d},  {8, 0x28aad15071ce9aff},
                {31, 0x4d262a709c34ae7d}, {32, 0xb73f6df550f9dce4}, {33, 0xec2f920014eaa741},
                {64, 0xe34b1e100f1322af}};
    uint8_t bytes[65];

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        for (unsigned shift = 0; shift < 2; shift++) { /* alignment changes nothing */
            for (unsigned k = 0; k < 64; k++) {
                bytes[shift + k] = (uint8_t)k;
            }
            g_assert_cmphex (arec_hash (bytes + shift, rows[i].size), ==, rows[i].hash);
        }
    }
}

static void
test_zeros_and_text (void)
{
    static const uint8_t zeros[65034];

    g_assert_cmphex (arec_hash (zeros, 16), ==, 0x6700dec24d16c530);
    g_assert_cmphex (arec_hash (zeros, 32), ==, 0xfb68d00fe89ccb94);
    g_assert_cmphex (arec_hash (zeros, sizeof zeros), ==, 0x1633406ff07931b4);
    g_assert_cmphex (arec_hash ("ArrayRecord", 11), ==, 0xbb5deee28a065929);
}

static void
fill (uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)g_test_rand_int();
    }
}

/* The stream is the whole, however it is cut. */
static void
test_stream_of_all_lengths (void)
{
    uint8_t bytes[200];

    for (size_t n = 0; n <= sizeof bytes; n++) {
        fill (bytes, n);
        for (unsigned round = 0; round < 50; round++) {
            ArecHashStream stream;
            size_t done = 0;

            arec_hash_stream_init (&stream);
            while (done < n) {
                size_t most = MIN (n - done, round == 0 ? n : 1 + round);
                size_t piece = (size_t)g_test_rand_int_range (round > 1, (gint32)most + 1);

                piece = round == 0 ? n : piece;
                arec_hash_stream_add (&stream, bytes + done, piece);
                done += piece;
            }
            g_assert_cmphex (arec_hash_stream_finish (&stream), ==, arec_hash (bytes, n));
        }
    }
}

static void
test_stream_of_large_pieces (void)
{
    size_t n = 1000003;
    g_autofree uint8_t *bytes = g_malloc (n);
    ArecHashStream stream;
    size_t done = 0;

    fill (bytes, n);
    arec_hash_stream_init (&stream);
    while (done < n) {
        size_t piece = (size_t)g_test_rand_int_range (1, 100000);

        piece = MIN (piece, n - done);
        arec_hash_stream_add (&stream, bytes + done, piece);
        done += piece;
    }
    g_assert_cmphex (arec_hash_stream_finish (&stream), ==, arec_hash (bytes, n));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/hash/counting", test_counting_bytes);
    g_test_add_func ("/hash/zeros-and-text", test_zeros_and_text);
    g_test_add_func ("/hash/stream/all-lengths", test_stream_of_all_lengths);
    g_test_add_func ("/hash/stream/large-pieces", test_stream_of_large_pieces);
    return g_test_run();
}
