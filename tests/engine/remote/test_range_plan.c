#include "remote/range_plan.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

#define KIB UINT64_C (1024)
#define MIB (UINT64_C (1) << 20)

#define DEMAND AREC_URGENCY_DEMAND
#define AHEAD AREC_URGENCY_AHEAD
#define IDLE AREC_URGENCY_IDLE

enum { MAX_ROW = 6 };

/* ---- tables ---- */

typedef struct {
    ArecRangeWish wishes[MAX_ROW]; /* up to the first empty one; so are the others */
    ArecRange taken[MAX_ROW];
    uint64_t window, size;
    ArecRangeWish requests[MAX_ROW]; /* expected */
} Row;

#define UNKNOWN AREC_RANGE_UNKNOWN_SIZE

static const Row rows[] = {
    /* nothing */
    {.size = UNKNOWN},
    {.wishes = {{{7, 7}, DEMAND}}, .size = UNKNOWN},
    {.wishes = {{{100, 200}, AHEAD}}, .size = 100},
    {.wishes = {{{100, 200}, AHEAD}}, .taken = {{0, 300}}, .size = UNKNOWN},

    /* one, as it is */
    {.wishes = {{{100, 101100}, DEMAND}},
     .size = UNKNOWN,
     .requests = {{{100, 101100}, DEMAND}}},
    {.wishes = {{{100, 200}, AHEAD}}, .size = 150, .requests = {{{100, 150}, AHEAD}}},
    {.wishes = {{{0, 4 * MIB}, DEMAND}}, .size = UNKNOWN, .requests = {{{0, 4 * MIB}, DEMAND}}},

    /* overlapping and touching wishes are one */
    {.wishes = {{{300, 400}, AHEAD}, {{100, 200}, AHEAD}, {{150, 300}, AHEAD}},
     .size = UNKNOWN,
     .requests = {{{100, 400}, AHEAD}}},

    /* near: 128 KiB and no more */
    {.wishes = {{{0, 200 * KIB}, AHEAD}, {{328 * KIB, 528 * KIB}, AHEAD}},
     .size = UNKNOWN,
     .requests = {{{0, 528 * KIB}, AHEAD}}},
    {.wishes = {{{0, 300 * KIB}, AHEAD}, {{428 * KIB + 1, 728 * KIB}, AHEAD}},
     .size = UNKNOWN,
     .requests = {{{0, 300 * KIB}, AHEAD}, {{428 * KIB + 1, 728 * KIB}, AHEAD}}},

    /* a quarter of waste and no more */
    {.wishes = {{{0, 1500}, DEMAND}, {{2500, 4000}, DEMAND}},
     .size = UNKNOWN,
     .requests = {{{0, 4000}, DEMAND}}},
    {.wishes = {{{0, 1500}, DEMAND}, {{2501, 4000}, DEMAND}},
     .size = UNKNOWN,
     .requests = {{{0, 1500}, DEMAND}, {{2501, 4000}, DEMAND}}},
    {.wishes = {{{0, 1500}, DEMAND}, {{2500, 4000}, DEMAND}, {{4001, 4002}, DEMAND}},
     .size = UNKNOWN,
     .requests = {{{0, 4000}, DEMAND}, {{4001, 4002}, DEMAND}}},

    /* up to the size of a part */
    {.wishes = {{{0, MIB - 10}, AHEAD}, {{MIB - 9, MIB}, AHEAD}, {{MIB + 1, MIB + 2}, AHEAD}},
     .size = UNKNOWN,
     .requests = {{{0, MIB}, AHEAD}, {{MIB + 1, MIB + 2}, AHEAD}}},

    /* parts by the window */
    {.wishes = {{{0, 3 * MIB}, AHEAD}},
     .window = 3 * MIB,
     .size = UNKNOWN,
     .requests = {{{0, MIB}, AHEAD}, {{MIB, 2 * MIB}, AHEAD}, {{2 * MIB, 3 * MIB}, AHEAD}}},
    {.wishes = {{{0, 3 * MIB}, AHEAD}},
     .window = 6 * MIB,
     .size = UNKNOWN,
     .requests = {{{0, 3 * MIB / 2}, AHEAD}, {{3 * MIB / 2, 3 * MIB}, AHEAD}}},
    {.wishes = {{{0, 20 * MIB}, AHEAD}},
     .window = 64 * MIB,
     .size = UNKNOWN,
     .requests = {{{0, 6990507}, AHEAD},
                  {{6990507, 13981014}, AHEAD},
                  {{13981014, 20 * MIB}, AHEAD}}},
    /* none below 1 MiB */
    {.wishes = {{{0, 2 * MIB - 1}, AHEAD}},
     .window = 3 * MIB,
     .size = UNKNOWN,
     .requests = {{{0, 2 * MIB - 1}, AHEAD}}},
    /* what a reader waits for is cut above 4 MiB only, what is idle above 8 */
    {.wishes = {{{0, 4 * MIB + 2}, DEMAND}},
     .size = UNKNOWN,
     .requests = {{{0, MIB + 1}, DEMAND},
                  {{MIB + 1, 2 * MIB + 2}, DEMAND},
                  {{2 * MIB + 2, 3 * MIB + 2}, DEMAND},
                  {{3 * MIB + 2, 4 * MIB + 2}, DEMAND}}},
    {.wishes = {{{0, 8 * MIB}, IDLE}, {{10 * MIB, 19 * MIB}, IDLE}},
     .size = UNKNOWN,
     .requests = {{{0, 8 * MIB}, IDLE},
                  {{10 * MIB, 29 * MIB / 2}, IDLE},
                  {{29 * MIB / 2, 19 * MIB}, IDLE}}},

    /* demand first, alone, and each byte once */
    {.wishes = {{{0, 100}, AHEAD}, {{100, 200}, DEMAND}, {{200, 300}, AHEAD}},
     .size = UNKNOWN,
     .requests = {{{100, 200}, DEMAND}, {{0, 100}, AHEAD}, {{200, 300}, AHEAD}}},
    {.wishes = {{{0, 1000}, AHEAD}, {{100, 200}, DEMAND}, {{0, 2000}, IDLE}},
     .size = UNKNOWN,
     .requests =
         {{{100, 200}, DEMAND}, {{0, 100}, AHEAD}, {{200, 1000}, AHEAD}, {{1000, 2000}, IDLE}}},
    /* what a demand wastes is not asked for again */
    {.wishes = {{{0, 1500}, DEMAND}, {{2500, 4000}, DEMAND}, {{1600, 2400}, AHEAD}},
     .size = UNKNOWN,
     .requests = {{{0, 4000}, DEMAND}}},

    /* taken bytes */
    {.wishes = {{{0, 1000}, AHEAD}},
     .taken = {{900, 5000}, {400, 500}, {450, 600}, {0, 10}},
     .size = UNKNOWN,
     .requests = {{{10, 400}, AHEAD}, {{600, 900}, AHEAD}}},
    /* no merging over them */
    {.wishes = {{{0, 1000}, AHEAD}, {{1100, 2000}, AHEAD}},
     .taken = {{1050, 1051}},
     .size = UNKNOWN,
     .requests = {{{0, 1000}, AHEAD}, {{1100, 2000}, AHEAD}}},
    {.wishes = {{{0, 1000}, AHEAD}, {{1100, 2000}, AHEAD}},
     .taken = {{2000, 2001}, {1050, 1050}},
     .size = UNKNOWN,
     .requests = {{{0, 2000}, AHEAD}}},

    /* the end of the numbers */
    {.wishes = {{{UINT64_MAX - 10, UINT64_MAX}, DEMAND}},
     .window = UINT64_MAX,
     .size = UNKNOWN,
     .requests = {{{UINT64_MAX - 10, UINT64_MAX}, DEMAND}}},
};

static bool
is_empty (ArecRange span)
{
    return span.begin >= span.end;
}

static size_t
count_wishes (const ArecRangeWish *wishes)
{
    size_t n = 0;

    while (n < MAX_ROW && !is_empty (wishes[n].span)) {
        n++;
    }
    return n;
}

static void
test_rows (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        const Row *row = &rows[i];
        /* Empty spans among them do no harm. */
        ArecRangeWants wants = {row->wishes, MAX_ROW,     row->taken,
                                MAX_ROW,     row->window, row->size};
        g_autofree ArecRangeRequest *requests = NULL;
        size_t n;

        g_test_message ("row %zu", i);
        g_assert_true (arec_range_plan (&wants, &requests, &n));
        g_assert_cmpuint (n, ==, count_wishes (row->requests));
        for (size_t j = 0; j < n; j++) {
            g_assert_cmpuint (requests[j].span.begin, ==, row->requests[j].span.begin);
            g_assert_cmpuint (requests[j].span.end, ==, row->requests[j].span.end);
            g_assert_cmpint (requests[j].urgency, ==, row->requests[j].urgency);
            g_assert_false (requests[j].is_suffix);
        }
    }
}

static void
test_too_many (void)
{
    ArecRangeWish wish = {{0, UINT64_MAX - 1}, AHEAD};
    ArecRangeWants wants = {.wishes = &wish, .n_wishes = 1, .size = UNKNOWN};
    ArecRangeRequest *requests = NULL;
    size_t n = 7;

    g_assert_false (arec_range_plan (&wants, &requests, &n));
    g_assert_null (requests);
    g_assert_cmpuint (n, ==, 7);
}

static void
test_part (void)
{
    static const struct {
        uint64_t window, part;
    } parts[] = {
        {0, MIB},
        {4 * MIB, MIB},
        {5 * MIB, 5 * MIB / 4},
        {32 * MIB, 8 * MIB},
        {64 * MIB, 8 * MIB},
        {UINT64_MAX, 8 * MIB},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (parts); i++) {
        g_assert_cmpuint (arec_range_plan_part (AHEAD, parts[i].window), ==, parts[i].part);
        g_assert_cmpuint (arec_range_plan_part (DEMAND, parts[i].window), ==, parts[i].part);
        g_assert_cmpuint (arec_range_plan_part (IDLE, parts[i].window), ==, 8 * MIB);
    }
}

/* A file of 94.9 MB in order: a tenth of the requests that its 938 chunks would be. */
static void
test_in_order (void)
{
    enum { N_CHUNKS = 938 };
    ArecRangeWish wishes[N_CHUNKS];
    ArecRangeWants wants = {
        .wishes = wishes, .n_wishes = N_CHUNKS, .window = 3 * MIB, .size = UNKNOWN};
    g_autofree ArecRangeRequest *requests = NULL;
    size_t n;

    for (size_t i = 0; i < N_CHUNKS; i++) {
        wishes[i] = (ArecRangeWish){{101000 * i, 101000 * (i + 1)}, AHEAD};
    }
    g_assert_true (arec_range_plan (&wants, &requests, &n));
    g_assert_cmpuint (n, ==, 90);
    for (size_t i = 0; i < n; i++) {
        g_assert_cmpuint (requests[i].waste, ==, 0);
    }
}

/* ---- the opening ---- */

static void
test_opening (void)
{
    static const struct {
        uint64_t size;
        const char *text;
    } openings[] = {
        {UNKNOWN, "bytes=-131072"},
        {1, "bytes=0-0"},
        {65535, "bytes=0-65534"},
        {65536, "bytes=0-151"},
        {131072, "bytes=0-65687"},
        {131073, "bytes=1-131072"},
        {1000000, "bytes=868928-999999"},
        {196608, "bytes=65536-131223"},
        {UINT64_C (0x10000000000), "bytes=1099511496704-1099511562391"},
        {UINT64_MAX - 1, "bytes=18446744073709420542-18446744073709551613"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (openings); i++) {
        ArecRangeRequest request = arec_range_plan_opening (openings[i].size);
        char text[AREC_RANGE_TEXT_SIZE];

        arec_range_plan_text (&request, text);
        g_assert_cmpstr (text, ==, openings[i].text);
        g_assert_cmpint (request.is_suffix, ==, openings[i].size == UNKNOWN);
        g_assert_cmpint (request.urgency, ==, DEMAND);
    }
    g_assert_true (is_empty (arec_range_plan_opening (0).span));
}

/* ---- against a model: between two neighbouring ends of any span, all bytes are alike ---- */

enum { MAX_WISHES = 24, MAX_TAKEN = 8 };

typedef struct {
    ArecRangeWants wants;
    ArecRangeWish wishes[MAX_WISHES];
    ArecRange taken[MAX_TAKEN];
    ArecRangeRequest *requests;
    size_t n_requests;
    uint64_t *ends; /* sorted */
    size_t n_ends;
} Model;

static bool
holds (ArecRange span, uint64_t position)
{
    return span.begin <= position && position < span.end;
}

static bool
is_taken (const Model *model, uint64_t position)
{
    for (size_t i = 0; i < model->wants.n_taken; i++) {
        if (holds (model->taken[i], position)) {
            return true;
        }
    }
    return position >= model->wants.size;
}

/* The number of the most urgent wish for this byte; N_URGENCIES: none. */
static ArecUrgency
urgency_at (const Model *model, uint64_t position)
{
    ArecUrgency urgency = AREC_N_URGENCIES;

    for (size_t i = 0; i < model->wants.n_wishes; i++) {
        if (holds (model->wishes[i].span, position)) {
            urgency = MIN (urgency, model->wishes[i].urgency);
        }
    }
    return urgency;
}

static bool
is_wished (const Model *model, uint64_t position, ArecUrgency urgency)
{
    for (size_t i = 0; i < model->wants.n_wishes; i++) {
        if (model->wishes[i].urgency == urgency && holds (model->wishes[i].span, position)) {
            return true;
        }
    }
    return false;
}

/* The request that brings this byte; NULL: none does. Two never do. */
static const ArecRangeRequest *
request_at (const Model *model, uint64_t position)
{
    const ArecRangeRequest *found = NULL;

    for (size_t i = 0; i < model->n_requests; i++) {
        if (holds (model->requests[i].span, position)) {
            g_assert_null (found);
            found = &model->requests[i];
        }
    }
    return found;
}

static void
check_bytes (const Model *model)
{
    for (size_t i = 0; i + 1 < model->n_ends; i++) {
        uint64_t position = model->ends[i];
        ArecUrgency urgency = urgency_at (model, position);
        const ArecRangeRequest *request = request_at (model, position);

        if (is_taken (model, position)) {
            g_assert_null (request);
        } else if (urgency < AREC_N_URGENCIES) {
            g_assert_nonnull (request);
            g_assert_cmpint (request->urgency, <=, urgency);
        }
    }
}

/* Waste is what the model counts, at most a quarter, in no gap above the bound, never first or
 * last. */
static void
check_waste (const Model *model, const ArecRangeRequest *request)
{
    uint64_t waste = 0, gap = 0;

    for (size_t i = 0; i + 1 < model->n_ends; i++) {
        uint64_t position = model->ends[i], n = model->ends[i + 1] - position;

        if (!holds (request->span, position)) {
            continue;
        }
        if (is_wished (model, position, request->urgency)) {
            gap = 0;
            continue;
        }
        waste += n;
        gap += n;
        g_assert_cmpuint (gap, <=, AREC_RANGE_MAX_GAP);
    }
    g_assert_cmpuint (request->waste, ==, waste);
    g_assert_cmpuint (4 * waste, <=, request->span.end - request->span.begin);
    g_assert_true (is_wished (model, request->span.begin, request->urgency));
    g_assert_true (is_wished (model, request->span.end - 1, request->urgency));
}

static void
check_size (const Model *model, const ArecRangeRequest *request)
{
    uint64_t part = arec_range_plan_part (request->urgency, model->wants.window);
    uint64_t length = request->span.end - request->span.begin;

    g_assert_cmpuint (length, >, 0);
    g_assert_cmpuint (length, <=, AREC_RANGE_MAX_PART);
    if (request->urgency == DEMAND && length <= AREC_RANGE_MAX_WHOLE) {
        return;
    }
    /* A part is not larger than a quarter of the window, unless it would be too small. */
    g_assert_cmpuint (length, <, MAX (part + 1, 2 * AREC_RANGE_MIN_PART));
}

/* Where the first piece of @request that is wished without a gap ends. */
static uint64_t
first_piece_end (const Model *model, const ArecRangeRequest *request)
{
    for (size_t i = 0; i < model->n_ends; i++) {
        uint64_t position = model->ends[i];

        if (position > request->span.begin &&
            (position >= request->span.end || !is_wished (model, position, request->urgency))) {
            return position;
        }
    }
    g_assert_not_reached();
}

/* Whether @request is the first part of a range that was cut. */
static bool
is_first_part (const Model *model, const ArecRangeRequest *request)
{
    const ArecRangeRequest *next = request + 1;

    return next < model->requests + model->n_requests && next->urgency == request->urgency &&
           next->span.begin == request->span.end;
}

/* No request might have had more of the next one: what is apart had to be. */
static void
check_neighbours (const Model *model, const ArecRangeRequest *one, const ArecRangeRequest *next)
{
    uint64_t part = arec_range_plan_part (one->urgency, model->wants.window);
    uint64_t gap = next->span.begin - one->span.end;
    uint64_t length = first_piece_end (model, next) - one->span.begin;

    g_assert_cmpuint (one->span.end, <=, next->span.begin);
    if (gap == 0) { /* parts of a longer range */
        g_assert_cmpuint (one->span.end - one->span.begin, >=, AREC_RANGE_MIN_PART);
        g_assert_cmpuint (next->span.end - next->span.begin, >=, AREC_RANGE_MIN_PART);
        g_assert_cmpuint (one->waste, ==, 0);
        return;
    }
    if (gap > AREC_RANGE_MAX_GAP || length > part || 4 * (one->waste + gap) > length ||
        is_first_part (model, next)) {
        return;
    }
    for (size_t i = 0; i < model->n_ends; i++) {
        uint64_t position = model->ends[i];
        const ArecRangeRequest *between = request_at (model, position);

        if (position >= one->span.end && position < next->span.begin &&
            (is_taken (model, position) || between)) {
            return;
        }
    }
    g_assert_not_reached();
}

static void
check_requests (const Model *model)
{
    for (size_t i = 0; i < model->n_requests; i++) {
        const ArecRangeRequest *request = &model->requests[i];

        check_waste (model, request);
        check_size (model, request);
        if (i > 0) {
            g_assert_cmpint (request[-1].urgency, <=, request->urgency);
            if (request[-1].urgency == request->urgency) {
                check_neighbours (model, &request[-1], request);
            }
        }
    }
}

/* ---- random wishes ---- */

/* A length of one of the kinds that occur: a few bytes, a chunk, a large chunk, much of a
 * file. */
static uint64_t
random_length (void)
{
    static const int32_t most[] = {2, 5000, 200000, 1000000, 20000000};

    return (uint64_t)g_test_rand_int_range (0, most[g_test_rand_int_range (0, 5)]);
}

/* Often near the one before, as chunks are. */
static ArecRange
random_span (uint64_t after)
{
    uint64_t begin = g_test_rand_int_range (0, 4) == 0
                         ? (uint64_t)g_test_rand_int_range (0, 60000000)
                         : after + random_length();

    return (ArecRange){begin, begin + random_length()};
}

static void
make_wants (Model *model)
{
    static const uint64_t windows[] = {0,        MIB,      3 * MIB,   5 * MIB,
                                       13 * MIB, 40 * MIB, UINT64_MAX};
    int n_taken = g_test_rand_int_range (-MAX_TAKEN, MAX_TAKEN + 1); /* half: none */
    uint64_t after = 0;
    int only = g_test_rand_int_range (0, 2 * AREC_N_URGENCIES); /* half: of one urgency */

    model->wants = (ArecRangeWants){
        .wishes = model->wishes,
        .n_wishes = (size_t)g_test_rand_int_range (0, MAX_WISHES + 1),
        .taken = model->taken,
        .n_taken = (size_t)MAX (n_taken, 0),
        .window = windows[g_test_rand_int_range (0, G_N_ELEMENTS (windows))],
        .size = g_test_rand_bit() ? UNKNOWN : (uint64_t)g_test_rand_int_range (0, 60000000)};
    for (size_t i = 0; i < model->wants.n_wishes; i++) {
        model->wishes[i].span = random_span (after);
        model->wishes[i].urgency =
            (ArecUrgency)(only < AREC_N_URGENCIES
                              ? only
                              : g_test_rand_int_range (0, AREC_N_URGENCIES));
        after = model->wishes[i].span.end;
    }
    for (size_t i = 0; i < model->wants.n_taken; i++) {
        model->taken[i] = random_span ((uint64_t)g_test_rand_int_range (0, 60000000));
    }
}

static int
compare_ends (const void *a, const void *b)
{
    const uint64_t *one = a, *other = b;

    return (*one > *other) - (*one < *other);
}

static void
add_ends (Model *model, ArecRange span)
{
    model->ends[model->n_ends++] = span.begin;
    model->ends[model->n_ends++] = MAX (span.begin, span.end);
}

static void
make_ends (Model *model)
{
    model->ends = g_new (uint64_t, 2 * (MAX_WISHES + MAX_TAKEN + model->n_requests + 1));
    for (size_t i = 0; i < model->wants.n_wishes; i++) {
        add_ends (model, model->wishes[i].span);
    }
    for (size_t i = 0; i < model->wants.n_taken; i++) {
        add_ends (model, model->taken[i]);
    }
    for (size_t i = 0; i < model->n_requests; i++) {
        add_ends (model, model->requests[i].span);
    }
    add_ends (model, (ArecRange){model->wants.size, model->wants.size});
    qsort (model->ends, model->n_ends, sizeof *model->ends, compare_ends);
}

static void
test_model (void)
{
    for (unsigned i = 0; i < 2000; i++) {
        Model model = {0};

        make_wants (&model);
        g_assert_true (arec_range_plan (&model.wants, &model.requests, &model.n_requests));
        make_ends (&model);
        check_bytes (&model);
        check_requests (&model);
        g_free (model.requests);
        g_free (model.ends);
    }
}

/* What was planned is under way: the same wishes make no further request. */
static void
test_again (void)
{
    for (unsigned i = 0; i < 500; i++) {
        Model model = {0};
        g_autofree ArecRange *taken = NULL;
        g_autofree ArecRangeRequest *again = NULL;
        size_t n;

        make_wants (&model);
        g_assert_true (arec_range_plan (&model.wants, &model.requests, &model.n_requests));
        taken = g_new (ArecRange, model.n_requests + MAX_TAKEN);
        for (size_t j = 0; j < model.n_requests; j++) {
            taken[j] = model.requests[j].span;
        }
        memcpy (taken + model.n_requests, model.taken, sizeof model.taken);
        model.wants.taken = taken;
        model.wants.n_taken += model.n_requests;
        g_assert_true (arec_range_plan (&model.wants, &again, &n));
        g_assert_cmpuint (n, ==, 0);
        g_assert_null (again);
        g_free (model.requests);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/range_plan/rows", test_rows);
    g_test_add_func ("/range_plan/too_many", test_too_many);
    g_test_add_func ("/range_plan/part", test_part);
    g_test_add_func ("/range_plan/in_order", test_in_order);
    g_test_add_func ("/range_plan/opening", test_opening);
    g_test_add_func ("/range_plan/model", test_model);
    g_test_add_func ("/range_plan/again", test_again);
    return g_test_run();
}
