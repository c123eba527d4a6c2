/* The arithmetic of blocks: the values of FORMAT.md 3, and a walk that counts byte by byte. */
#include "riegeli/block.h"

#include <glib.h>

#define BLOCK AREC_BLOCK_SIZE

static void
test_known_values (void)
{
    g_assert_cmpuint (arec_block_add (0, 40), ==, 64);
    g_assert_cmpuint (arec_block_add (0, 65512), ==, 65536);
    g_assert_cmpuint (arec_block_add (0, 65513), ==, 65561);
    g_assert_cmpuint (arec_block_add (64, 65472), ==, 65536);
    g_assert_cmpuint (arec_block_add (64, 65473), ==, 65561);
    g_assert_cmpuint (arec_block_add (65535, 1), ==, 65536);
    g_assert_cmpuint (arec_block_add (65535, 2), ==, 65561);
    g_assert_cmpuint (arec_block_add (25, 65511), ==, 65536);
    g_assert_cmpuint (arec_block_add (25, 65512), ==, 65561);

    g_assert_cmpuint (arec_block_round_up_to_boundary (65536), ==, 65536);
    g_assert_cmpuint (arec_block_round_up_to_boundary (65537), ==, 65561);
    g_assert_cmpuint (arec_block_round_up_to_boundary (65560), ==, 65561);
    g_assert_cmpuint (arec_block_round_up_to_boundary (65561), ==, 65561);

    g_assert_cmpuint (arec_block_chunk_end (64, 4, 1), ==, 108);
    g_assert_cmpuint (arec_block_chunk_end (64, 65432, 1), ==, 65536);
    g_assert_cmpuint (arec_block_chunk_end (64, 65433, 1), ==, 65561);
    g_assert_cmpuint (arec_block_chunk_end (64, 33, 3000), ==, 3064);
    g_assert_cmpuint (arec_block_chunk_end (64, 34, 65482), ==, 65561);
    g_assert_cmpuint (arec_block_chunk_end (65536, 44, 3), ==, 65644);
    g_assert_cmpuint (arec_block_chunk_end (64, 38, 200000), ==, 200064);
}

static void
test_boundaries (void)
{
    for (uint64_t position = 0; position < 3 * BLOCK; position++) {
        uint64_t in_block = position % BLOCK;
        uint64_t next = position;

        g_assert_cmpint (arec_block_is_chunk_boundary (position), ==,
                         in_block == 0 || in_block >= 25);
        g_assert_cmpuint (arec_block_remaining (position), ==,
                          in_block == 0 ? 0 : BLOCK - in_block);
        while (next % BLOCK != 0 && next % BLOCK < 25) {
            next++;
        }
        g_assert_cmpuint (arec_block_round_up_to_boundary (position), ==, next);
    }
}

/* Writes a byte at a time, with a header wherever a block starts. */
static void
walk (uint64_t begin, uint64_t length)
{
    uint64_t position = begin;

    g_assert_cmpuint (arec_block_add (begin, 0), ==, begin);
    for (uint64_t written = 1; written <= length; written++) {
        if (position % BLOCK == 0) {
            position += AREC_BLOCK_HEADER_SIZE;
        }
        position++;
        g_assert_cmpuint (arec_block_add (begin, written), ==, position);
        g_assert_cmpuint (arec_block_distance (begin, position), ==, written);
        g_assert_true (arec_block_is_chunk_boundary (position));
    }
}

static void
test_against_walk (void)
{
    static const uint64_t in_block[] = {0, 25, 26, 64, 1000, 65495, 65496, 65512, 65534, 65535};

    for (unsigned i = 0; i < G_N_ELEMENTS (in_block); i++) {
        walk (in_block[i], 3 * BLOCK);
        walk (7 * BLOCK + in_block[i], 2 * BLOCK);
        walk ((UINT64_C (1) << 50) + in_block[i], BLOCK + 100);
    }
}

/* Positions within block headers count as the end of the header. */
static void
test_distance_in_header (void)
{
    for (uint64_t in_header = 0; in_header <= 24; in_header++) {
        g_assert_cmpuint (arec_block_distance (64, BLOCK + in_header), ==, BLOCK - 64);
        g_assert_cmpuint (arec_block_distance (BLOCK, BLOCK + in_header), ==, 0);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/block/known", test_known_values);
    g_test_add_func ("/block/boundaries", test_boundaries);
    g_test_add_func ("/block/walk", test_against_walk);
    g_test_add_func ("/block/in-header", test_distance_in_header);
    return g_test_run();
}
