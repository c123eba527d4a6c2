/* The rule of readahead, as tables: the records that readers ask for, and what is announced
 * then. */
#include "dataset/streams.h"

#include <glib.h>

#define N_RECORDS 100000
#define MAX_WINDOW 256

typedef struct {
    uint64_t asked;
    uint64_t first, end; /* announced; both 0: nothing */
} Row;

static ArecSurroundings
around (uint64_t record, uint64_t group_size)
{
    return (ArecSurroundings){.n_records = N_RECORDS,
                              .chunk_end =
                                  MIN ((record / group_size + 1) * group_size, N_RECORDS),
                              .group_size = group_size,
                              .max_window = MAX_WINDOW};
}

static void
check (ArecStreams *streams, uint64_t group_size, const Row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ArecSurroundings where = around (rows[i].asked, group_size);
        ArecUpcoming ahead = arec_streams_note (streams, rows[i].asked, &where);

        g_test_message ("row %zu: record %" G_GUINT64_FORMAT, i, rows[i].asked);
        g_assert_cmpuint (ahead.first, ==, rows[i].first);
        g_assert_cmpuint (ahead.end, ==, rows[i].end);
    }
}

#define CHECK(group_size, ...)                                                                 \
    do {                                                                                       \
        static const Row rows[] = {__VA_ARGS__};                                               \
        ArecStreams streams = {0};                                                             \
        check (&streams, group_size, rows, G_N_ELEMENTS (rows));                               \
    } while (0)

/* A reader whose pages were all pushed asks again where the announcement ends. */
static void
test_single_records_in_order (void)
{
    CHECK (1, {0, 0, 0}, {1, 0, 0}, {2, 3, 7}, {7, 8, 16}, {16, 17, 33}, {33, 34, 66});
}

static void
test_groups_in_order (void)
{
    CHECK (64, {0, 0, 0}, {1, 2, 64}, {64, 65, 192}, {192, 193, 320});
}

/* Windows beyond a chunk are of whole chunks. */
static void
test_groups_in_order_for_long (void)
{
    ArecStreams streams = {0};
    uint64_t record = 0, last_size = 0;

    for (unsigned i = 0; i < 100 && record < N_RECORDS; i++) {
        ArecSurroundings where = around (record, 64);
        ArecUpcoming ahead = arec_streams_note (&streams, record, &where);

        if (ahead.end > ahead.first) {
            g_assert_true (ahead.end % 64 == 0 || ahead.end == N_RECORDS);
            last_size = ahead.end - ahead.first;
            record = ahead.end;
        } else {
            record++;
        }
    }
    g_assert_cmpuint (last_size, >=, MAX_WINDOW - 64);
    g_assert_cmpuint (last_size, <=, MAX_WINDOW + 64);
}

/* If nothing is pushed, every record is asked for: announced records are not announced
 * again. */
static void
test_every_record_asked_for (void)
{
    ArecStreams streams = {0};
    uint64_t announced_to = 0, announced = 0;

    for (uint64_t record = 0; record < 5000; record++) {
        ArecSurroundings where = around (record, 1);
        ArecUpcoming ahead = arec_streams_note (&streams, record, &where);

        if (ahead.end > ahead.first) {
            g_assert_cmpuint (ahead.first, >=, announced_to);
            g_assert_cmpuint (ahead.end - ahead.first, <=, MAX_WINDOW);
            announced_to = ahead.end;
            announced += ahead.end - ahead.first;
        }
        /* Once it runs, the reader never overtakes it. */
        g_assert_true (record < 8 || announced_to > record);
    }
    g_assert_cmpuint (announced, >=, 4900);
}

static void
test_window_is_bounded (void)
{
    ArecStreams streams = {0};
    uint64_t record = 0;

    for (unsigned i = 0; i < 40; i++) {
        ArecSurroundings where = around (record, 1);
        ArecUpcoming ahead = arec_streams_note (&streams, record, &where);

        g_assert_cmpuint (ahead.end - ahead.first, <=, MAX_WINDOW);
        record = ahead.end > ahead.first ? ahead.end : record + 1;
    }
}

static void
test_end_of_the_file (void)
{
    CHECK (1, {N_RECORDS - 5, 0, 0}, {N_RECORDS - 4, 0, 0},
           {N_RECORDS - 3, N_RECORDS - 2, N_RECORDS}, {N_RECORDS - 2, 0, 0},
           {N_RECORDS - 1, 0, 0});
}

/* A step backwards, a repeat, requests that overtake each other: it is still the same
 * stream. */
static void
test_reordered (void)
{
    CHECK (1, {100, 0, 0}, {101, 0, 0}, {102, 103, 107}, {102, 0, 0}, {101, 0, 0},
           {104, 107, 115}, {103, 0, 0}, {111, 115, 131});
}

static void
test_steps (void)
{
    CHECK (1, {0, 0, 0}, {10, 0, 0}, {20, 30, 70}, {70, 80, 160});
}

/* Steps do not coincide with the ends of chunks. */
static void
test_steps_across_groups (void)
{
    CHECK (50, {0, 0, 0}, {7, 14, 50}, {56, 63, 150}, {105, 154, 250});
    CHECK (50, {0, 0, 0}, {7, 14, 50}, {14, 0, 0}, {35, 56, 100}, {63, 0, 0});
}

static void
test_backwards_is_not_a_stream (void)
{
    ArecStreams streams = {0};

    for (uint64_t record = 5000; record > 1000; record -= 7) {
        ArecSurroundings where = around (record, 1);
        ArecUpcoming ahead = arec_streams_note (&streams, record, &where);

        g_assert_cmpuint (ahead.end, ==, 0);
    }
}

static void
test_interleaved (void)
{
    ArecStreams streams = {0};
    uint64_t at[4] = {0, 25000, 50000, 75000};
    unsigned announcements[4] = {0};

    for (unsigned i = 0; i < 400; i++) {
        unsigned reader = i % 4;
        ArecSurroundings where = around (at[reader], 1);
        ArecUpcoming ahead = arec_streams_note (&streams, at[reader], &where);

        if (ahead.end > ahead.first) {
            g_assert_cmpuint (ahead.first, ==, at[reader] + 1);
            announcements[reader]++;
            at[reader] = ahead.end;
        } else {
            at[reader]++;
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        g_assert_cmpuint (announcements[i], >=, 90);
    }
}

/* Random reads cause less than a twentieth of useless decodes. */
static void
test_random (void)
{
    static const uint64_t group_sizes[] = {1, 64};

    for (unsigned i = 0; i < G_N_ELEMENTS (group_sizes); i++) {
        ArecStreams streams = {0};
        uint64_t beyond = 0;

        for (unsigned n = 0; n < 20000; n++) {
            uint64_t record = (uint64_t)g_test_rand_int_range (0, N_RECORDS);
            ArecSurroundings where = around (record, group_sizes[i]);
            ArecUpcoming ahead = arec_streams_note (&streams, record, &where);

            if (ahead.end > where.chunk_end) {
                beyond += (ahead.end - where.chunk_end + group_sizes[i] - 1) / group_sizes[i];
            }
        }
        g_assert_cmpuint (beyond, <, 20000 / 20);
    }
}

/* Records whose announcement was retracted are announced again with the next step, for the
 * same stream. */
static void
test_retracted (void)
{
    ArecStreams streams = {0};
    static const Row begin[] = {{100, 0, 0}, {101, 0, 0}, {102, 103, 107},
                                {500, 0, 0}, {501, 0, 0}, {502, 503, 507}};
    static const Row go_on[] = {{103, 105, 113}, {503, 0, 0}};

    check (&streams, 1, begin, G_N_ELEMENTS (begin));
    arec_streams_retract (&streams, 105);
    arec_streams_retract (&streams, 107); /* was not announced */
    arec_streams_retract (&streams, 102); /* is behind */
    check (&streams, 1, go_on, G_N_ELEMENTS (go_on));
}

/* A reader that jumps away costs no more than what was announced already. */
static void
test_giving_up (void)
{
    CHECK (1, {0, 0, 0}, {1, 0, 0}, {2, 3, 7}, {50000, 0, 0}, {70000, 0, 0}, {90000, 0, 0});
}

static void
test_off (void)
{
    ArecStreams streams = {0};

    for (uint64_t record = 0; record < 200; record++) {
        ArecSurroundings where = around (record, 64);
        ArecUpcoming ahead;

        where.max_window = 0;
        ahead = arec_streams_note (&streams, record, &where);
        g_assert_cmpuint (ahead.end, <=, where.chunk_end);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/readahead/single-records", test_single_records_in_order);
    g_test_add_func ("/readahead/groups", test_groups_in_order);
    g_test_add_func ("/readahead/groups-for-long", test_groups_in_order_for_long);
    g_test_add_func ("/readahead/every-record", test_every_record_asked_for);
    g_test_add_func ("/readahead/window-bounded", test_window_is_bounded);
    g_test_add_func ("/readahead/end-of-file", test_end_of_the_file);
    g_test_add_func ("/readahead/reordered", test_reordered);
    g_test_add_func ("/readahead/steps", test_steps);
    g_test_add_func ("/readahead/steps-across-groups", test_steps_across_groups);
    g_test_add_func ("/readahead/backwards", test_backwards_is_not_a_stream);
    g_test_add_func ("/readahead/interleaved", test_interleaved);
    g_test_add_func ("/readahead/random", test_random);
    g_test_add_func ("/readahead/giving-up", test_giving_up);
    g_test_add_func ("/readahead/retracted", test_retracted);
    g_test_add_func ("/readahead/off", test_off);
    return g_test_run();
}
