/* Which listings belong to a reader that asks for attributes. */
#include "serve/probes.h"

static void
test_a_stat_counts_for_the_next_batch (void)
{
    g_autoptr (ArecfsProbes) probes = arecfs_probes_new();
    ArecfsListing *listing = arecfs_listing_begin();

    g_assert_true (arecfs_listing_next (probes, listing, 10)); /* the first */
    g_assert_false (arecfs_listing_next (probes, listing, 20));
    arecfs_probes_look (probes, 10); /* too late */
    arecfs_probes_look (probes, 21);
    g_assert_false (arecfs_listing_next (probes, listing, 30));
    arecfs_probes_look (probes, 30);
    arecfs_probes_look (probes, 30);
    g_assert_true (arecfs_listing_next (probes, listing, 40));
    g_assert_false (arecfs_listing_next (probes, listing, 50));
    arecfs_listing_end (probes, listing);
    arecfs_probes_look (probes, 50);
}

static void
test_listings_at_the_same_time (void)
{
    g_autoptr (ArecfsProbes) probes = arecfs_probes_new();
    ArecfsListing *a = arecfs_listing_begin(), *b = arecfs_listing_begin(),
                  *never = arecfs_listing_begin();

    arecfs_listing_next (probes, a, 10);
    arecfs_listing_next (probes, b, 20);
    arecfs_probes_look (probes, 20);
    g_assert_false (arecfs_listing_next (probes, a, 30));
    g_assert_true (arecfs_listing_next (probes, b, 30));
    /* Both listings have the same probe. */
    arecfs_probes_look (probes, 30);
    g_assert_true (arecfs_listing_next (probes, a, 31));
    g_assert_true (arecfs_listing_next (probes, b, 31));
    arecfs_listing_end (probes, a);
    arecfs_listing_end (probes, b);
    arecfs_listing_end (probes, never);
    arecfs_listing_end (probes, NULL);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/probes/next-batch", test_a_stat_counts_for_the_next_batch);
    g_test_add_func ("/probes/several", test_listings_at_the_same_time);
    return g_test_run();
}
