/* Lists of states: each symbol once, reachable by offsets, often wanted ones sooner. */
#include "riegeli/state_lists.h"

/* Follows @offsets from @base as a decoder would. */
static uint32_t
follow (const ArecStateLists *lists, uint32_t base, const uint8_t *offsets, size_t n)
{
    for (size_t i = 0;; i++) {
        uint32_t position = base + offsets[i];

        g_assert_cmpuint (offsets[i], <=, lists->max_offset);
        g_assert_cmpuint (position, <, lists->n_states);
        if (i == n - 1) {
            return position;
        }
        g_assert_cmpuint (lists->states[position].symbol, ==, AREC_NO_SYMBOL);
        base = lists->states[position].base;
    }
}

/* A list of @n symbols with random weights after some states; checks what must hold. */
static void
check_list (ArecStateLists *lists, uint32_t n, uint32_t max_weight)
{
    g_autofree uint64_t *items = g_new (uint64_t, n);
    g_autofree uint32_t *weights = g_new (uint32_t, n), *placed = g_new (uint32_t, n);
    g_autofree size_t *lengths = g_new (size_t, n);
    uint32_t nothing = AREC_NO_POSITION, start = (uint32_t)lists->n_states;
    uint32_t m = lists->max_offset;

    for (uint32_t i = 0; i < n; i++) {
        weights[i] = 1 + (uint32_t)g_test_rand_int() % max_weight;
        items[i] = arec_state_item (weights[i], i);
    }
    g_assert_cmpint (arec_state_lists_append (lists, items, n, placed, &nothing), ==,
                     AREC_STATES_OK);
    g_assert_cmpuint (nothing, ==, AREC_NO_POSITION);
    g_assert_cmpuint (lists->n_states, ==, start + n + (n <= m + 1 ? 0 : (n - 2) / m));
    for (uint32_t i = 0; i < n; i++) {
        uint8_t offsets[AREC_MAX_ROUTE];
        ArecSharedBase shared = arec_shared_base (start);

        g_assert_cmpuint (lists->states[placed[i]].symbol, ==, i);
        lengths[i] = arec_state_lists_route (lists, start, placed[i], offsets);
        g_assert_cmpuint (follow (lists, start, offsets, lengths[i]), ==, placed[i]);
        /* Alone it is its own base. */
        arec_shared_base_add (&shared, lists, placed[i]);
        g_assert_cmpuint (shared.base, ==, placed[i]);
    }
    for (uint32_t i = 1; i < n; i++) {
        if (weights[i] > weights[i - 1]) {
            g_assert_cmpuint (lengths[i], <=, lengths[i - 1]);
        }
        if (weights[i] < weights[i - 1]) {
            g_assert_cmpuint (lengths[i], >=, lengths[i - 1]);
        }
    }
}

static void
test_lists (void)
{
    static const uint32_t sizes[] = {1, 2, 3, 63, 64, 65, 66, 127, 128, 129, 4096, 4097, 10000};
    static const uint32_t offsets[] = {1, 2, 7, 63};
    ArecStateLists lists = {0};

    for (unsigned i = 0; i < G_N_ELEMENTS (offsets); i++) {
        arec_state_lists_reset (&lists, offsets[i]);
        for (unsigned k = 0; k < G_N_ELEMENTS (sizes); k++) {
            check_list (&lists, sizes[k], 1);
            check_list (&lists, sizes[k], 100000);
        }
    }
    arec_state_lists_clear (&lists);
}

/* From the base that some positions share, all of them can be reached. */
static void
test_shared_bases (void)
{
    enum { N = 5000 };
    ArecStateLists lists = {0};
    g_autofree uint32_t *placed = g_new (uint32_t, N);
    g_autofree uint64_t *items = g_new (uint64_t, N);
    uint32_t nothing;

    arec_state_lists_reset (&lists, 63);
    for (uint32_t i = 0; i < N; i++) {
        items[i] = arec_state_item (1 + (uint32_t)g_test_rand_int() % 1000, i);
    }
    arec_state_lists_append (&lists, items, N, placed, &nothing);
    for (unsigned round = 0; round < 1000; round++) {
        ArecSharedBase shared = arec_shared_base (0);
        uint32_t chosen[8], n = 1 + (uint32_t)g_test_rand_int() % G_N_ELEMENTS (chosen);

        for (uint32_t i = 0; i < n; i++) {
            chosen[i] = placed[(uint32_t)g_test_rand_int() % N];
            arec_shared_base_add (&shared, &lists, chosen[i]);
        }
        for (uint32_t i = 0; i < n; i++) {
            uint8_t offsets[AREC_MAX_ROUTE];
            size_t length = arec_state_lists_route (&lists, shared.base, chosen[i], offsets);

            g_assert_cmpuint (follow (&lists, shared.base, offsets, length), ==, chosen[i]);
        }
    }
    arec_state_lists_clear (&lists);
}

/* The state that does nothing has the place of its weight, and of equal ones the last. */
static void
test_nothing (void)
{
    ArecStateLists lists = {0};
    uint64_t items[] = {arec_state_item (5, 0), arec_state_item (7, AREC_NO_SYMBOL),
                        arec_state_item (7, 1), arec_state_item (9, 2)};
    uint32_t placed[3], nothing = AREC_NO_POSITION;

    arec_state_lists_reset (&lists, 63);
    arec_state_lists_append (&lists, items, G_N_ELEMENTS (items), placed, &nothing);
    g_assert_cmpuint (placed[2], ==, 0);
    g_assert_cmpuint (placed[1], ==, 1);
    g_assert_cmpuint (nothing, ==, 2);
    g_assert_cmpuint (placed[0], ==, 3);
    arec_state_lists_clear (&lists);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/state-lists/lists", test_lists);
    g_test_add_func ("/state-lists/shared-bases", test_shared_bases);
    g_test_add_func ("/state-lists/nothing", test_nothing);
    return g_test_run();
}
