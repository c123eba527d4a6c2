/* Sectors around what is wanted, and runs of them. */
#include "remote/sector_window.h"

#include <string.h>

#include <glib.h>

#define SECTOR AREC_SECTOR_SIZE

static void
test_edges (void)
{
    const struct {
        uint64_t offset, length, object_size;
        uint64_t first, end, head, size;
    } cases[] = {
        {0, 1, 1, 0, 1, 0, 1},
        {0, 1, 100, 0, 1, 0, 100},
        {5, 1, SECTOR, 0, 1, 5, SECTOR},
        {SECTOR - 1, 2, 10 * SECTOR, 0, 2, SECTOR - 1, 2 * SECTOR},
        {SECTOR, SECTOR, 10 * SECTOR, 1, 2, 0, SECTOR},
        {SECTOR, SECTOR + 1, 2 * SECTOR + 7, 1, 3, 0, SECTOR + 7},
        {3 * SECTOR + 9, 1, 3 * SECTOR + 10, 3, 4, 9, 10},
    };
    uint8_t memory[2 * SECTOR];

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        struct iovec iov = {memory, cases[i].length};
        ArecSectorWindow window;

        g_assert_true (
            arec_sector_window_init (&window, &iov, 1, cases[i].offset, cases[i].object_size));
        g_assert_cmpuint (window.sectors.first, ==, cases[i].first);
        g_assert_cmpuint (window.sectors.end, ==, cases[i].end);
        g_assert_cmpuint (window.wanted_begin, ==, cases[i].head);
        g_assert_cmpuint (window.wanted_end, ==, cases[i].head + cases[i].length);
        g_assert_cmpuint (window.vector.size, ==, cases[i].size);
        g_assert_cmpuint (arec_sector_window_at (&window, cases[i].first), ==, 0);
        g_assert_cmpuint (arec_sector_window_at (&window, cases[i].end), ==, cases[i].size);
        arec_sector_window_clear (&window);
    }
}

static void
assert_run (const ArecSectorWindow *window, ArecSectorState state, ArecSectorRun *run,
            uint64_t first, uint64_t end)
{
    g_assert_true (arec_sector_window_next_run (window, state, window->sectors.end, run));
    g_assert_cmpuint (run->first, ==, first);
    g_assert_cmpuint (run->end, ==, end);
}

static void
test_runs (void)
{
    g_autofree uint8_t *memory = g_malloc (10 * SECTOR);
    struct iovec iov = {memory, 10 * SECTOR};
    ArecSectorRun run = {0, 5};
    ArecSectorWindow window;

    g_assert_true (arec_sector_window_init (&window, &iov, 1, 5 * SECTOR, 100 * SECTOR));
    assert_run (&window, AREC_SECTOR_MISSING, &run, 5, 15);
    g_assert_false (arec_sector_window_next_run (&window, AREC_SECTOR_MISSING, 15, &run));
    arec_sector_window_set (&window, (ArecSectorRun){7, 9}, AREC_SECTOR_HERE);
    arec_sector_window_set (&window, (ArecSectorRun){14, 15}, AREC_SECTOR_HERE);
    run = (ArecSectorRun){0, 5};
    assert_run (&window, AREC_SECTOR_MISSING, &run, 5, 7);
    assert_run (&window, AREC_SECTOR_MISSING, &run, 9, 14);
    arec_sector_window_turn (&window, (ArecSectorRun){6, 12}, AREC_SECTOR_MISSING,
                             AREC_SECTOR_FOREIGN);
    run = (ArecSectorRun){0, 5};
    assert_run (&window, AREC_SECTOR_FOREIGN, &run, 6, 7);
    assert_run (&window, AREC_SECTOR_FOREIGN, &run, 9, 12);
    run = (ArecSectorRun){0, 5};
    g_assert_false (arec_sector_window_next_run (&window, AREC_SECTOR_HERE, 7, &run));
    arec_sector_window_clear (&window);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/sector_window/edges", test_edges);
    g_test_add_func ("/sector_window/runs", test_runs);
    return g_test_run();
}
