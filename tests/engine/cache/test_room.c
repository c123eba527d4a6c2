/* Whether there is room: the numbers of the rule, without a cache. */
#include "cache/room.h"

#include <glib.h>

/* An entry of @cost is loaded and stays. Returns whether it is large. */
static bool
add (ArecRoom *room, uint64_t cost)
{
    bool is_large = arec_room_is_large (room, cost);

    arec_room_add (room, cost, is_large);
    return is_large;
}

static ArecCacheSize
size_of (uint64_t cost, uint64_t passing)
{
    return (ArecCacheSize){cost, passing};
}

/* Whatever is added and removed, each entry is counted once. */
static void
test_counts (void)
{
    ArecRoom room;
    bool small, large;

    arec_room_init (&room, 100, 1000, 2);
    room.charged = 5;
    arec_room_begin_load (&room, size_of (40, 60));
    g_assert_cmpuint (arec_room_used (&room), ==, 45);
    g_assert_cmpuint (arec_room_alive (&room, 0), ==, 105);
    arec_room_end_load (&room, size_of (40, 60));
    large = add (&room, 50);
    small = add (&room, 20);
    g_assert_true (large);
    g_assert_false (small);
    arec_room_reduce (&room, 10, true);
    g_assert_cmpuint (arec_room_used (&room), ==, 65);
    arec_room_take_out (&room, 40, true);
    g_assert_cmpuint (arec_room_used (&room), ==, 25);
    g_assert_cmpuint (arec_room_alive (&room, 0), ==, 65);
    g_assert_cmpuint (arec_room_alive (&room, 40), ==, 25); /* the next free returns it */
    arec_room_free (&room, 40, true);
    arec_room_take_out (&room, 20, false);
    arec_room_free (&room, 20, false);
    g_assert_cmpuint (arec_room_alive (&room, 0), ==, 5);
    g_assert_cmpuint (room.n_large, ==, 0);
    g_assert_cmpuint (room.leaving_large, ==, 0);
}

static void
test_bounds (void)
{
    ArecRoom room;

    arec_room_init (&room, 100, 1000, 2);
    add (&room, 20);
    g_assert_false (arec_room_exceeds_budget (&room, size_of (80, 900)));
    g_assert_true (arec_room_exceeds_budget (&room, size_of (81, 0)));
    g_assert_false (arec_room_exceeds_ceiling (&room, size_of (80, 900), 0));
    g_assert_true (arec_room_exceeds_ceiling (&room, size_of (80, 901), 0));
    room.reserved = 300;
    g_assert_false (arec_room_exceeds_rest (&room, size_of (80, 600), 0));
    g_assert_true (arec_room_exceeds_rest (&room, size_of (80, 601), 0));
    arec_room_take_out (&room, 20, false);
    g_assert_true (arec_room_exceeds_ceiling (&room, size_of (100, 881), 0));
    g_assert_false (arec_room_exceeds_ceiling (&room, size_of (100, 881), 20));
    g_assert_false (arec_room_never_fits (&room, size_of (500, 500)));
    room.charged = 1;
    g_assert_true (arec_room_never_fits (&room, size_of (500, 500)));
    room.charged = 2000; /* more than there is */
    g_assert_true (arec_room_never_fits (&room, size_of (0, 0)));
    g_assert_true (arec_room_exceeds_budget (&room, size_of (0, 0)));
}

/* Beyond the budget there is room for as many large entries as may load, whether they are
 * cached, being loaded, or held by a reader. */
static void
test_share_of_large_entries (void)
{
    ArecRoom room;

    arec_room_init (&room, 100, 10000, 3);
    add (&room, 500);
    arec_room_begin_load (&room, size_of (500, 0));
    g_assert_false (arec_room_exceeds_share (&room, size_of (500, 0), 0));
    g_assert_true (arec_room_keeps_large (&room, size_of (500, 0), 0));
    arec_room_add (&room, 500, true);
    g_assert_true (arec_room_exceeds_share (&room, size_of (500, 0), 0));
    g_assert_false (arec_room_keeps_large (&room, size_of (500, 0), 0));
    g_assert_true (arec_room_keeps_large (&room, size_of (0, 0), 0));
    g_assert_true (arec_room_keeps_large (&room, size_of (1, 0), 0));
    g_assert_false (arec_room_keeps_large (&room, size_of (1, 9000), 0)); /* the ceiling */
    arec_room_take_out (&room, 500, true);
    g_assert_true (arec_room_exceeds_share (&room, size_of (500, 0), 0));
    arec_room_free (&room, 500, true);
    g_assert_false (arec_room_exceeds_share (&room, size_of (500, 0), 0));
}

/* For small entries there is room for as many bytes as the budget leaves, or for as many
 * loads as may run. */
static void
test_share_of_small_entries (void)
{
    ArecRoom room;

    arec_room_init (&room, 100, 10000, 2);
    add (&room, 500); /* large entries do not count among them */
    for (unsigned i = 0; i < 4; i++) {
        g_assert_false (arec_room_exceeds_share (&room, size_of (24, 0), 0));
        add (&room, 24);
    }
    g_assert_true (arec_room_exceeds_share (&room, size_of (24, 0), 0));
    g_assert_false (arec_room_exceeds_share (&room, size_of (4, 0), 0));
    arec_room_take_out (&room, 24, false);
    g_assert_true (arec_room_exceeds_share (&room, size_of (24, 0), 0)); /* still held */
    g_assert_false (arec_room_exceeds_share (&room, size_of (24, 0), 24));
    arec_room_free (&room, 24, false);
    g_assert_false (arec_room_exceeds_share (&room, size_of (24, 0), 0));
    /* Indexes that take the whole budget stop no load. */
    arec_room_init (&room, 100, 10000, 2);
    room.charged = 1000;
    g_assert_false (arec_room_exceeds_share (&room, size_of (24, 0), 0));
    add (&room, 24);
    g_assert_false (arec_room_exceeds_share (&room, size_of (24, 0), 0));
    add (&room, 24);
    g_assert_true (arec_room_exceeds_share (&room, size_of (24, 0), 0));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/room/counts", test_counts);
    g_test_add_func ("/room/bounds", test_bounds);
    g_test_add_func ("/room/share/large", test_share_of_large_entries);
    g_test_add_func ("/room/share/small", test_share_of_small_entries);
    return g_test_run();
}
