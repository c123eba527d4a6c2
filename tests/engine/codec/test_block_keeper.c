/* Blocks that are kept: which are used again, how many bytes of them there are, and what ends a
 * user that was cut short. ASan sees blocks that are lost or freed twice. */
#include "codec/block_keeper.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "sanitized.h"

#define KIB ((size_t)1024)
#define MIB (KIB * KIB)

static void *
take (ArecBlockKeeper *keeper, size_t size)
{
    void *block = arec_block_keeper_take (keeper, size);

    g_assert_nonnull (block);
    memset (block, 0x5a, size);
    return block;
}

static void
check_bytes (const ArecBlockKeeper *keeper, size_t used, size_t kept)
{
    g_assert_cmpuint (arec_block_keeper_used (keeper), ==, used);
    g_assert_cmpuint (arec_block_keeper_kept (keeper), ==, kept);
}

static void
test_blocks_come_again (void)
{
    g_autoptr (ArecBlockKeeper) keeper = arec_block_keeper_new (MIB, SIZE_MAX);
    void *block = take (keeper, 100 * KIB);

    check_bytes (keeper, 100 * KIB, 0);
    arec_block_keeper_give (keeper, block);
    check_bytes (keeper, 0, 100 * KIB);
    /* The same, for less too. */
    g_assert_true (take (keeper, 100 * KIB) == block);
    check_bytes (keeper, 100 * KIB, 0);
    arec_block_keeper_give (keeper, block);
    g_assert_true (take (keeper, 60 * KIB) == block);
    check_bytes (keeper, 60 * KIB, 0);
    arec_block_keeper_give (keeper, block);
    check_bytes (keeper, 0, 100 * KIB);
}

static void
test_blocks_are_not_wasted (void)
{
    g_autoptr (ArecBlockKeeper) keeper = arec_block_keeper_new (MIB, SIZE_MAX);
    void *large = take (keeper, 200 * KIB), *fit = take (keeper, 70 * KIB),
         *middle = take (keeper, 90 * KIB);
    void *small;

    arec_block_keeper_give (keeper, large);
    arec_block_keeper_give (keeper, fit);
    arec_block_keeper_give (keeper, middle);
    g_assert_true (take (keeper, 65 * KIB) == fit);
    g_assert_true (take (keeper, 65 * KIB) == middle);
    small = take (keeper, 65 * KIB);
    g_assert_true (small != large); /* three times as large */
    check_bytes (keeper, 195 * KIB, 200 * KIB);
}

static void
test_too_small_ones_do_not_come (void)
{
    g_autoptr (ArecBlockKeeper) keeper = arec_block_keeper_new (MIB, SIZE_MAX);

    arec_block_keeper_give (keeper, take (keeper, 100 * KIB));
    arec_block_keeper_give (keeper, take (keeper, 100 * KIB + 1));
    check_bytes (keeper, 0, 200 * KIB + 1);
}

static void
test_small_blocks_are_not_kept (void)
{
    g_autoptr (ArecBlockKeeper) keeper = arec_block_keeper_new (MIB, SIZE_MAX);

    arec_block_keeper_give (keeper, take (keeper, 0));
    arec_block_keeper_give (keeper, take (keeper, AREC_MIN_KEPT_BLOCK - 1));
    check_bytes (keeper, 0, 0);
    arec_block_keeper_give (keeper, take (keeper, AREC_MIN_KEPT_BLOCK));
    check_bytes (keeper, 0, AREC_MIN_KEPT_BLOCK);
    arec_block_keeper_give (keeper, NULL);
}

static void
test_bound_of_what_is_kept (void)
{
    g_autoptr (ArecBlockKeeper) keeper = arec_block_keeper_new (100 * KIB, SIZE_MAX);
    void *first = take (keeper, 40 * KIB), *second = take (keeper, 50 * KIB);
    void *third = take (keeper, 30 * KIB), *large = take (keeper, 100 * KIB + 1);

    arec_block_keeper_give (keeper, first);
    arec_block_keeper_give (keeper, second);
    check_bytes (keeper, 130 * KIB + 1, 90 * KIB);
    arec_block_keeper_give (keeper, third); /* the first has to go for it */
    check_bytes (keeper, 100 * KIB + 1, 80 * KIB);
    arec_block_keeper_give (keeper, large); /* never fits */
    check_bytes (keeper, 0, 80 * KIB);
    g_assert_true (take (keeper, 50 * KIB) == second);
    g_assert_true (take (keeper, 30 * KIB) == third);
}

static void
test_bound_of_what_is_used (void)
{
    g_autoptr (ArecBlockKeeper) keeper = arec_block_keeper_new (MIB, 100 * KIB);
    void *block = take (keeper, 60 * KIB);

    g_assert_null (arec_block_keeper_take (keeper, 40 * KIB + 1));
    check_bytes (keeper, 60 * KIB, 0);
    take (keeper, 40 * KIB);
    g_assert_null (arec_block_keeper_take (keeper, 1));
    arec_block_keeper_give (keeper, block);
    /* A block counts as what it is used for. */
    take (keeper, 50 * KIB);
    take (keeper, 10 * KIB);
    check_bytes (keeper, 100 * KIB, 0);
}

static void
test_no_memory (void)
{
    g_autoptr (ArecBlockKeeper) keeper = arec_block_keeper_new (MIB, SIZE_MAX);

    g_assert_null (arec_block_keeper_take (keeper, SIZE_MAX));
    arec_block_keeper_give (keeper, take (keeper, 100 * KIB));
    g_assert_null (arec_block_keeper_take (keeper, SIZE_MAX - 1));
    check_bytes (keeper, 0, 100 * KIB); /* no reason to give it up: there is no such size */
#ifndef SANITIZED
    g_assert_null (arec_block_keeper_take (keeper, SIZE_MAX / 4));
    check_bytes (keeper, 0, 0); /* it might have been what was lacking */
#endif
}

static void
test_all_are_given_back (void)
{
    g_autoptr (ArecBlockKeeper) keeper = arec_block_keeper_new (MIB, SIZE_MAX);

    for (size_t i = 1; i <= 10; i++) {
        take (keeper, i * 10 * KIB);
    }
    check_bytes (keeper, 550 * KIB, 0);
    arec_block_keeper_give_all (keeper);
    check_bytes (keeper, 0, 540 * KIB); /* all but the one of 10 KiB */
    arec_block_keeper_give_all (keeper);
    check_bytes (keeper, 0, 540 * KIB);
}

static void
test_peak (void)
{
    g_autoptr (ArecBlockKeeper) keeper = arec_block_keeper_new (MIB, SIZE_MAX);

    for (unsigned i = 0; i < 3; i++) {
        take (keeper, 300 * KIB);
        take (keeper, 5);
        arec_block_keeper_give_all (keeper);
    }
    g_assert_cmpuint (arec_block_keeper_peak (keeper), ==, 300 * KIB + 5);
}

static void
test_alignment (void)
{
    g_autoptr (ArecBlockKeeper) keeper = arec_block_keeper_new (MIB, SIZE_MAX);

    for (size_t size = 1; size < 100 * KIB; size = size * 3 + 1) {
        g_assert_cmpuint ((uintptr_t)take (keeper, size) % alignof (max_align_t), ==, 0);
    }
}

/* What is in use is freed with the keeper, as the tests above do it. */
static void
test_free (void)
{
    arec_block_keeper_free (NULL);
    arec_block_keeper_free (arec_block_keeper_new (0, 0));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/block-keeper/again", test_blocks_come_again);
    g_test_add_func ("/block-keeper/no-waste", test_blocks_are_not_wasted);
    g_test_add_func ("/block-keeper/too-small", test_too_small_ones_do_not_come);
    g_test_add_func ("/block-keeper/small", test_small_blocks_are_not_kept);
    g_test_add_func ("/block-keeper/kept", test_bound_of_what_is_kept);
    g_test_add_func ("/block-keeper/used", test_bound_of_what_is_used);
    g_test_add_func ("/block-keeper/no-memory", test_no_memory);
    g_test_add_func ("/block-keeper/give-all", test_all_are_given_back);
    g_test_add_func ("/block-keeper/peak", test_peak);
    g_test_add_func ("/block-keeper/alignment", test_alignment);
    g_test_add_func ("/block-keeper/free", test_free);
    return g_test_run();
}
