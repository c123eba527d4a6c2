/* The rule of replacement on traces of uses: how many uses find their entry, compared with
 * evicting the least recently used first, and with the best possible. */
#include "cache/replacement.h"

/* Bytes of the cache, and of most entries: 160 of them fit. */
#define ROOM 16000
#define COST 100

/* ---- traces ---- */

typedef enum { USE, LOAD_AHEAD } Action;

typedef struct {
    Action action;
    uint32_t number; /* of the entry */
    uint32_t group;  /* hits are counted by group */
} Step;

enum { HOT, SCAN, N_GROUPS };

typedef struct {
    GArray *steps; /* of Step */
    uint32_t n;    /* entries */
} Trace;

static Trace
trace_new (void)
{
    return (Trace){.steps = g_array_new (FALSE, FALSE, sizeof (Step))};
}

static void
trace_clear (Trace *trace)
{
    g_array_unref (trace->steps);
}

static void
add_step (Trace *trace, Action action, uint32_t number, uint32_t group)
{
    Step step = {action, number, group};

    g_array_append_val (trace->steps, step);
    trace->n = MAX (trace->n, number + 1);
}

static void
use (Trace *trace, uint32_t number, uint32_t group)
{
    add_step (trace, USE, number, group);
}

/* A generator of its own, so that every run is the same. */
static uint32_t
next_random (uint64_t *state)
{
    *state = *state * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/* Costs differ from entry to entry if the test says so. */
static uint64_t
cost_of (uint32_t number, bool uneven)
{
    return uneven ? COST / 2 + (number * UINT32_C (2654435761) >> 16) % COST : COST;
}

/* ---- the rule, and least recently used first ---- */

typedef struct {
    uint64_t hits[N_GROUPS], uses[N_GROUPS];
    uint64_t ahead_wasted; /* evicted before its use */
    uint64_t ahead_refused;
} Result;

static uint64_t
hash_of (uint32_t number)
{
    uint64_t hash = (number + UINT64_C (1)) * UINT64_C (0x9e3779b97f4a7c15);

    hash = (hash ^ (hash >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
    return hash ^ (hash >> 27);
}

static Result
run_rule (const Trace *trace, bool uneven)
{
    g_autofree ArecSeat *seats = g_new0 (ArecSeat, trace->n);
    g_autofree bool *there = g_new0 (bool, trace->n);
    ArecReplacement rule;
    Result result = {0};
    uint64_t used = 0;

    arec_replacement_init (&rule, ROOM);
    for (guint i = 0; i < trace->steps->len; i++) {
        const Step *step = &g_array_index (trace->steps, Step, i);
        uint64_t cost = cost_of (step->number, uneven);
        ArecSeat *seat = &seats[step->number];

        result.uses[step->group] += step->action == USE;
        if (there[step->number]) {
            if (step->action == USE) {
                result.hits[step->group]++;
                arec_replacement_use (&rule, seat);
            }
            continue;
        }
        if (step->action == LOAD_AHEAD && !arec_replacement_allows_ahead (&rule, 0, cost)) {
            result.ahead_refused++;
            continue;
        }
        while (used + cost > ROOM) {
            ArecSeat *victim = arec_replacement_first (&rule);

            g_assert_nonnull (victim);
            result.ahead_wasted += victim->queue == AREC_AHEAD;
            used -= victim->cost;
            there[victim - seats] = false;
            arec_replacement_evict (&rule, victim);
        }
        if (step->action == USE) {
            arec_replacement_add (&rule, seat, hash_of (step->number), cost);
        } else {
            arec_replacement_add_ahead (&rule, seat, hash_of (step->number), cost);
        }
        used += cost;
        there[step->number] = true;
    }
    arec_replacement_clear (&rule);
    return result;
}

static Result
run_lru (const Trace *trace, bool uneven)
{
    g_autofree GList *links = g_new0 (GList, trace->n);
    g_autofree bool *there = g_new0 (bool, trace->n);
    GQueue order = G_QUEUE_INIT;
    Result result = {0};
    uint64_t used = 0;

    for (guint i = 0; i < trace->steps->len; i++) {
        const Step *step = &g_array_index (trace->steps, Step, i);
        GList *link = &links[step->number];

        result.uses[step->group] += step->action == USE;
        if (there[step->number]) {
            if (step->action == USE) {
                result.hits[step->group]++;
                g_queue_unlink (&order, link);
                g_queue_push_head_link (&order, link);
            }
            continue;
        }
        used += cost_of (step->number, uneven);
        there[step->number] = true;
        g_queue_push_head_link (&order, link);
        while (used > ROOM) {
            uint32_t victim = (uint32_t)(order.tail - links);

            g_queue_unlink (&order, order.tail);
            there[victim] = false;
            used -= cost_of (victim, uneven);
        }
    }
    return result;
}

/* Runs both rules on @trace, which it frees, and prints the results. */
static void
compare (Trace *trace, bool uneven, Result *rule, Result *lru)
{
    *rule = run_rule (trace, uneven);
    *lru = run_lru (trace, uneven);
    for (unsigned group = 0; group < N_GROUPS; group++) {
        g_test_message ("group %u: %" G_GUINT64_FORMAT " uses, %" G_GUINT64_FORMAT
                        " hits, least recently used first %" G_GUINT64_FORMAT,
                        group, rule->uses[group], rule->hits[group], lru->hits[group]);
    }
    trace_clear (trace);
}

static uint64_t
misses (const Result *result, unsigned group)
{
    return result->uses[group] - result->hits[group];
}

/* ---- one entry among few ---- */

typedef struct {
    ArecReplacement rule;
    ArecSeat seats[32];
} Few;

static Few *
few_new (uint64_t room)
{
    Few *few = g_new0 (Few, 1);

    arec_replacement_init (&few->rule, room);
    return few;
}

static void
few_free (Few *few)
{
    arec_replacement_clear (&few->rule);
    g_free (few);
}

static void
few_add (Few *few, uint32_t i, uint64_t cost)
{
    arec_replacement_add (&few->rule, &few->seats[i], hash_of (i), cost);
}

static void
few_use (Few *few, uint32_t i)
{
    arec_replacement_use (&few->rule, &few->seats[i]);
}

static void
test_least_recently_used_of_cold_first (void)
{
    Few *few = few_new (1000);
    ArecSeat *seat;

    g_assert_null (arec_replacement_first (&few->rule));
    for (uint32_t i = 0; i < 4; i++) {
        few_add (few, i, 10);
    }
    few_use (few, 0);
    few_use (few, 2);
    seat = arec_replacement_first (&few->rule);
    for (uint32_t i = 0; i < 4; i++) {
        static const uint32_t order[] = {1, 3, 0, 2};

        g_assert_true (seat == &few->seats[order[i]]);
        seat = arec_replacement_next (&few->rule, seat);
    }
    g_assert_null (seat);
    few_free (few);
}

/* However many reads there are, as long as few other entries are used they are one use. */
static void
test_many_reads_in_a_row_are_one_use (void)
{
    Few *few = few_new (1000);

    for (uint32_t i = 0; i < 8; i++) {
        few_add (few, i, 30);
        for (unsigned read = 0; read < 64; read++) {
            for (uint32_t k = 0; k <= i; k++) {
                few_use (few, k);
            }
        }
        g_assert_cmpint (few->seats[i].queue, ==, AREC_COLD);
    }
    g_assert_cmpuint (few->rule.queues[AREC_HOT].bytes, ==, 0);
    few_free (few);
}

static void
test_used_later_is_hot (void)
{
    Few *few = few_new (1000);

    few_add (few, 0, 10);
    for (uint32_t i = 1; i < 8; i++) {
        few_add (few, i, 40);
    }
    few_use (few, 0);
    g_assert_cmpint (few->seats[0].queue, ==, AREC_HOT);
    g_assert_true (arec_replacement_first (&few->rule) == &few->seats[1]);
    few_free (few);
}

/* An entry that is remembered after its eviction starts in hot, unless it was forgotten for
 * good. */
static void
test_used_after_eviction (void)
{
    Few *few = few_new (1000);

    few_add (few, 0, 10);
    few_add (few, 1, 10);
    arec_replacement_evict (&few->rule, &few->seats[0]);
    arec_replacement_remove (&few->rule, &few->seats[1]);
    few_add (few, 0, 10);
    few_add (few, 1, 10);
    g_assert_cmpint (few->seats[0].queue, ==, AREC_HOT);
    g_assert_cmpint (few->seats[1].queue, ==, AREC_COLD);
    few_free (few);
}

/* Hot never takes all the room, whatever is used, and gives back when the room shrinks. */
static void
test_hot_leaves_room (void)
{
    Few *few = few_new (1000);

    for (uint32_t i = 0; i < 30; i++) {
        few_add (few, i, 33);
    }
    for (uint32_t i = 0; i < 30; i++) {
        few_use (few, i);
        g_assert_cmpuint (few->rule.queues[AREC_HOT].bytes, <=, 875);
    }
    g_assert_cmpuint (few->rule.queues[AREC_HOT].bytes, >, 800);
    arec_replacement_set_room (&few->rule, 400);
    arec_replacement_first (&few->rule);
    g_assert_cmpuint (few->rule.queues[AREC_HOT].bytes, <=, 350);
    arec_replacement_set_room (&few->rule, 0);
    g_assert_nonnull (arec_replacement_first (&few->rule));
    g_assert_cmpuint (few->rule.queues[AREC_HOT].bytes, ==, 0);
    few_free (few);
}

/* An entry larger than hot may be stays cold for ever. */
static void
test_larger_than_the_room (void)
{
    Few *few = few_new (1000);

    for (unsigned round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 3; i++) {
            if (round == 0) {
                few_add (few, i, 5000);
            } else {
                few_use (few, i);
            }
        }
    }
    g_assert_cmpuint (few->rule.queues[AREC_COLD].bytes, ==, 15000);
    g_assert_true (arec_replacement_first (&few->rule) == &few->seats[0]);
    few_free (few);
}

/* ---- ahead ---- */

static void
few_add_ahead (Few *few, uint32_t i, uint64_t cost)
{
    g_assert_true (arec_replacement_allows_ahead (&few->rule, 0, cost));
    arec_replacement_add_ahead (&few->rule, &few->seats[i], hash_of (i), cost);
}

/* Entries loaded ahead take at most a quarter of the room, but one may have any size. */
static void
test_ahead_is_bounded (void)
{
    Few *few = few_new (1000);

    g_assert_true (arec_replacement_allows_ahead (&few->rule, 0, 5000));
    few_add_ahead (few, 0, 100);
    few_add_ahead (few, 1, 100);
    g_assert_false (arec_replacement_allows_ahead (&few->rule, 0, 51));
    few_add_ahead (few, 2, 50);
    g_assert_false (arec_replacement_allows_ahead (&few->rule, 0, 1));
    few_use (few, 0);
    g_assert_cmpint (few->seats[0].queue, ==, AREC_COLD);
    g_assert_true (arec_replacement_allows_ahead (&few->rule, 0, 100));
    arec_replacement_evict (&few->rule, &few->seats[1]);
    arec_replacement_evict (&few->rule, &few->seats[2]);
    g_assert_true (arec_replacement_allows_ahead (&few->rule, 0, 5000));
    few_free (few);
}

/* An entry loaded ahead is evicted last until it has had its chance, and then first. */
static void
test_ahead_has_its_chance (void)
{
    Few *few = few_new (1000);
    uint32_t i = 2;

    few_add_ahead (few, 0, 100);
    few_add (few, 1, 100);
    for (; few->rule.clock <= 4001; i++) {
        uint32_t other = 1 + i % 8;

        g_assert_true (arec_replacement_first (&few->rule) != &few->seats[0]);
        if (few->seats[other].newer) {
            arec_replacement_remove (&few->rule, &few->seats[other]);
        }
        few_add (few, other, 100);
    }
    few_add_ahead (few, 31, 100);
    g_assert_true (arec_replacement_first (&few->rule) == &few->seats[0]);
    arec_replacement_evict (&few->rule, &few->seats[0]);
    g_assert_true (arec_replacement_first (&few->rule) != &few->seats[31]);
    few_add (few, 0, 100); /* no reader had asked for it, so this is its first use */
    g_assert_cmpint (few->seats[0].queue, ==, AREC_COLD);
    few_free (few);
}

/* The order of eviction has every entry once, with those that still have their chance last. */
static void
test_order_is_complete (void)
{
    Few *few = few_new (1000);
    bool met[G_N_ELEMENTS (few->seats)] = {false};
    unsigned n = 0;
    ArecQueueKind last = AREC_COLD;

    few_add_ahead (few, 0, 10);
    few_add_ahead (few, 1, 10);
    few->rule.clock += 5000; /* these two had their chance */
    few_add_ahead (few, 2, 10);
    few_add_ahead (few, 3, 10);
    for (uint32_t i = 4; i < 30; i++) {
        few_add (few, i, 35);
    }
    for (uint32_t i = 4; i < 14; i++) {
        few_use (few, i);
    }
    g_assert_cmpuint (few->rule.queues[AREC_HOT].bytes, >, 0);
    for (ArecSeat *seat = arec_replacement_first (&few->rule); seat;
         seat = arec_replacement_next (&few->rule, seat)) {
        g_assert_false (met[seat - few->seats]);
        met[seat - few->seats] = true;
        g_assert_true (n >= 2 ? seat > &few->seats[1] : seat == &few->seats[n]);
        g_assert_true (n < 28 || seat->queue == AREC_AHEAD);
        last = seat->queue;
        n++;
    }
    g_assert_cmpuint (n, ==, 30);
    g_assert_cmpint (last, ==, AREC_AHEAD);
    few_free (few);
}

/* ---- traces ---- */

/* 90 hot chunks, read at random, beside a reader that goes through thousands of chunks of 64
 * records each. */
static void
test_scan_beside_hot (void)
{
    Trace trace = trace_new();
    uint64_t random = 1;
    Result rule, lru;

    for (unsigned i = 0; i < 5 * 90; i++) {
        use (&trace, next_random (&random) % 90, HOT);
    }
    for (uint32_t chunk = 0; chunk < 2000; chunk++) {
        use (&trace, next_random (&random) % 90, HOT);
        for (unsigned record = 0; record < 64; record++) {
            use (&trace, 90 + chunk, SCAN);
        }
    }
    compare (&trace, false, &rule, &lru);
    g_assert_cmpuint (misses (&rule, SCAN), ==, 2000); /* each chunk is loaded once */
    g_assert_cmpuint (misses (&lru, SCAN), ==, 2000);
    g_assert_cmpuint (misses (&rule, HOT), <, 2 * 90);
    g_assert_cmpuint (misses (&lru, HOT), >, 6 * 90);
}

/* Hot entries are not used while a scan of twice the cache's size runs. */
static void
test_scan_while_hot_rests (gconstpointer uneven)
{
    Trace trace = trace_new();
    uint64_t random = 2;
    uint32_t next = 120;
    Result rule, lru;

    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < 5 * 120; i++) {
            use (&trace, next_random (&random) % 120, HOT);
        }
        for (unsigned i = 0; i < 300; i++, next++) {
            for (unsigned record = 0; record < 64; record++) {
                use (&trace, next, SCAN);
            }
        }
    }
    compare (&trace, GPOINTER_TO_INT (uneven), &rule, &lru);
    g_assert_cmpuint (misses (&rule, SCAN), ==, 3000);
    g_assert_cmpuint (misses (&rule, HOT), <, 2 * 120);
    g_assert_cmpuint (misses (&lru, HOT), >, 9 * 120);
}

/* Of a loop larger than the cache, most of what fits stays; least recently used first finds
 * nothing. */
static void
test_loop (gconstpointer length)
{
    Trace trace = trace_new();
    uint32_t n = (uint32_t)GPOINTER_TO_INT (length);
    uint64_t best;
    Result rule, lru;

    for (unsigned pass = 0; pass < 20; pass++) {
        for (uint32_t i = 0; i < n; i++) {
            use (&trace, i, SCAN);
        }
    }
    compare (&trace, false, &rule, &lru);
    best = UINT64_C (19) * (n <= 160 ? n : 159);
    if (n <= 160) {
        g_assert_cmpuint (rule.hits[SCAN], ==, best);
    } else {
        g_assert_cmpuint (lru.hits[SCAN], ==, 0);
        g_assert_cmpuint (rule.hits[SCAN], >, best * 3 / 4);
    }
}

/* The number in whose share of @cumulated (ascending) @at lies. */
static uint32_t
pick (const double *cumulated, uint32_t n, double at)
{
    uint32_t low = 0, high = n - 1;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (cumulated[middle] < at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Popularity as in most collections, changing over time. */
static void
test_zipf (gconstpointer flatness)
{
    enum { N = 2000, USES = 100000 };
    g_autofree double *cumulated = g_new (double, N);
    Trace trace = trace_new();
    double sum = 0;
    uint64_t random = 3;
    Result rule, lru;

    for (uint32_t i = 0; i < N; i++) {
        sum += 1.0 / (i + 1.0 + GPOINTER_TO_INT (flatness));
        cumulated[i] = sum;
    }
    for (uint32_t i = 0; i < USES; i++) {
        uint32_t rank = pick (cumulated, N, sum * next_random (&random) / 2147483648.0);

        use (&trace, (rank + i / (USES / 5) * 100) % N, HOT);
    }
    compare (&trace, true, &rule, &lru);
    g_assert_cmpuint (rule.hits[HOT], >, lru.hits[HOT] + USES / 50);
}

/* Readers side by side, record by record, each through its own chunks, all reaching a
 * chunk's end at once: each chunk is loaded once, except a few if the chunks of so many
 * readers exceed the window. */
static void
test_readers_in_step (gconstpointer readers)
{
    Trace trace = trace_new();
    uint32_t n = (uint32_t)GPOINTER_TO_INT (readers);
    uint32_t chunks = 2048 / n;
    Result rule, lru;

    for (uint32_t record = 0; record < chunks * 64; record++) {
        for (uint32_t reader = 0; reader < n; reader++) {
            use (&trace, reader * chunks + record / 64, SCAN);
        }
    }
    compare (&trace, false, &rule, &lru);
    g_assert_cmpuint (misses (&rule, SCAN), >=, 2048);
    g_assert_cmpuint (misses (&rule, SCAN), <=, n <= 16 ? 2048 : 2048 + 2 * n);
}

/* A reader that follows another at a distance that fits in the cache finds what the first
 * one loaded, once the rule has learnt that it comes. */
static void
test_follower (gconstpointer distance)
{
    Trace trace = trace_new();
    uint32_t lag = (uint32_t)GPOINTER_TO_INT (distance);
    Result rule, lru;

    for (uint32_t chunk = 0; chunk < 3000; chunk++) {
        for (unsigned record = 0; record < 8; record++) {
            use (&trace, chunk, SCAN);
            if (chunk >= lag) {
                use (&trace, chunk - lag, HOT);
            }
        }
    }
    compare (&trace, false, &rule, &lru);
    g_assert_cmpuint (misses (&rule, SCAN), ==, 3000);
    g_assert_cmpuint (misses (&rule, HOT), <, 300);
}

/* Streams of random speed, each loaded ahead by @window chunks, beside 100 hot ones: entries
 * loaded ahead are used before they are evicted, and hot ones stay. */
static void
run_ahead (uint32_t streams, uint32_t window, Result *rule, Result *lru)
{
    Trace trace = trace_new();
    uint32_t records[16] = {0}, ahead[16] = {0};
    uint64_t random = 9;

    for (unsigned i = 0; i < 5 * 100; i++) {
        use (&trace, next_random (&random) % 100, HOT);
    }
    for (uint32_t i = 0; i < 60000; i++) {
        uint32_t stream = next_random (&random) % streams;
        uint32_t base = 100 + 10000 * stream;
        uint32_t chunk = records[stream]++ / 8;

        for (; ahead[stream] <= chunk + window; ahead[stream]++) {
            add_step (&trace, LOAD_AHEAD, base + ahead[stream], SCAN);
        }
        use (&trace, base + chunk, SCAN);
        if (i % 16 == 0) {
            use (&trace, next_random (&random) % 100, HOT);
        }
    }
    compare (&trace, false, rule, lru);
}

static void
test_ahead_of_one_stream (void)
{
    Result rule, lru;

    run_ahead (1, 16, &rule, &lru);
    g_assert_cmpuint (misses (&rule, SCAN), ==, 0);
    g_assert_cmpuint (rule.ahead_refused, ==, 0);
    g_assert_cmpuint (rule.ahead_wasted, ==, 0);
    g_assert_cmpuint (misses (&rule, HOT), <, 2 * 100);
    g_assert_cmpuint (misses (&lru, HOT), >, 10 * 100);
}

/* A window of more than a quarter of the cache is cut, not lost. */
static void
test_ahead_too_far (gconstpointer streams)
{
    Result rule, lru;

    run_ahead ((uint32_t)GPOINTER_TO_INT (streams), 64, &rule, &lru);
    g_assert_cmpuint (rule.ahead_refused, >, 0);
    g_assert_cmpuint (rule.ahead_wasted, ==, 0);
    g_assert_cmpuint (misses (&rule, SCAN), <=, 60000 / 8 + 4); /* each chunk once at most */
    g_assert_cmpuint (misses (&rule, HOT), <, 2 * 100);
}

static void
add_trace (const char *path, int argument, void (*test) (gconstpointer))
{
    g_autofree char *full = g_strdup_printf ("/replacement/trace/%s/%d", path, argument);

    g_test_add_data_func (full, GINT_TO_POINTER (argument), test);
}

int
main (int argc, char **argv)
{
    static const int loops[] = {150, 160, 165, 180, 240, 400};

    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/replacement/order", test_least_recently_used_of_cold_first);
    g_test_add_func ("/replacement/one-use", test_many_reads_in_a_row_are_one_use);
    g_test_add_func ("/replacement/used-later", test_used_later_is_hot);
    g_test_add_func ("/replacement/remembered", test_used_after_eviction);
    g_test_add_func ("/replacement/hot-leaves-room", test_hot_leaves_room);
    g_test_add_func ("/replacement/larger-than-room", test_larger_than_the_room);
    g_test_add_func ("/replacement/ahead-bound", test_ahead_is_bounded);
    g_test_add_func ("/replacement/ahead-chance", test_ahead_has_its_chance);
    g_test_add_func ("/replacement/complete", test_order_is_complete);
    g_test_add_func ("/replacement/trace/scan-beside-hot", test_scan_beside_hot);
    add_trace ("scan-while-hot-rests", FALSE, test_scan_while_hot_rests);
    add_trace ("scan-while-hot-rests", TRUE, test_scan_while_hot_rests);
    for (size_t i = 0; i < G_N_ELEMENTS (loops); i++) {
        add_trace ("loop", loops[i], test_loop);
    }
    for (int flatness = 0; flatness <= 40; flatness += 20) {
        add_trace ("zipf", flatness, test_zipf);
    }
    for (int readers = 1; readers <= 64; readers *= 4) {
        add_trace ("in-step", readers, test_readers_in_step);
    }
    for (int lag = 20; lag <= 80; lag += 30) {
        add_trace ("follower", lag, test_follower);
    }
    g_test_add_func ("/replacement/trace/ahead", test_ahead_of_one_stream);
    add_trace ("ahead-too-far", 1, test_ahead_too_far);
    add_trace ("ahead-too-far", 4, test_ahead_too_far);
    return g_test_run();
}
