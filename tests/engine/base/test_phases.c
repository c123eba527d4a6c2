/* Phases: nothing before the start, one within another, short work, several threads. Times are
 * compared with looks at the same clock around them, never with what work should take. */
#include "base/phases.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include <glib.h>

enum { N_THREADS = 4, ROUNDS = 3, PIECES = 10000, MAX_THREADS = 64 };

static int64_t
look_at_clock (void)
{
    struct timespec time;

    clock_gettime (CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C (1000000000) + time.tv_nsec;
}

/* Until the clock has moved. */
static void
work (void)
{
    int64_t begin = look_at_clock();

    while (look_at_clock() <= begin) {
    }
}

/* Whether what @mark was given for is measured. */
static bool
is_measured (ArecPhaseMark mark)
{
    return mark.begin != 0;
}

static ArecPhaseTimes
read_caller (void)
{
    ArecPhaseTimes times[MAX_THREADS];
    size_t n;

    arec_phases_start();
    n = arec_phases_read (times, MAX_THREADS);
    g_assert_cmpuint (n, >=, 1);
    return times[0];
}

static ArecPhaseTimes
since (const ArecPhaseTimes *before)
{
    ArecPhaseTimes times = read_caller();

    arec_phases_settle (&times, before);
    return times;
}

static void
assert_only (const ArecPhaseTimes *times, uint64_t phases)
{
    for (int phase = 0; phase < AREC_N_PHASES; phase++) {
        if (phases >> phase & 1) {
            g_assert_cmpint (times->ns[phase], >, 0);
        } else {
            g_assert_cmpint (times->ns[phase], ==, 0);
        }
    }
}

#define BIT(phase) (UINT64_C (1) << (phase))

/* ---- off ---- */

/* The first case: nothing stops what was started. */
static void
test_nothing_before_start (void)
{
    ArecPhaseTimes times;
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_READING);
    ArecPhaseMark within = arec_phases_enter_short (AREC_PHASE_HASHING);

    g_assert_false (is_measured (mark) || is_measured (within));
    arec_phases_leave (within);
    arec_phases_leave (mark);
    memset (&times, 7, sizeof times);
    g_assert_cmpuint (arec_phases_read (&times, 1), ==, 0);
    g_assert_cmpint (times.ns[0], ==, INT64_C (0x0707070707070707)); /* untouched */

    /* What began before the start is not left after it. */
    mark = arec_phases_enter (AREC_PHASE_READING);
    arec_phases_start();
    arec_phases_leave (mark);
    g_assert_cmpuint (arec_phases_read (NULL, 0), ==, 1);
    work();
    times = read_caller();
    assert_only (&times, BIT (AREC_PHASE_OTHER));
}

/* ---- one thread ---- */

static void
test_inner_pauses_outer (void)
{
    ArecPhaseTimes begin = read_caller(), times;
    ArecPhaseMark outer, inner;
    int64_t before, after, within[2];

    outer = arec_phases_enter (AREC_PHASE_DECODING);
    work();
    before = look_at_clock();
    inner = arec_phases_enter (AREC_PHASE_READING);
    within[0] = look_at_clock();
    work();
    within[1] = look_at_clock();
    arec_phases_leave (inner);
    after = look_at_clock();
    work();
    times = since (&begin);
    assert_only (&times,
                 BIT (AREC_PHASE_OTHER) | BIT (AREC_PHASE_DECODING) | BIT (AREC_PHASE_READING));
    g_assert_cmpint (times.ns[AREC_PHASE_READING], >=, within[1] - within[0]);
    g_assert_cmpint (times.ns[AREC_PHASE_READING], <=, after - before);
    arec_phases_leave (outer);

    /* The same phase twice is one. */
    begin = read_caller();
    outer = arec_phases_enter (AREC_PHASE_DECODING);
    inner = arec_phases_enter (AREC_PHASE_DECODING);
    work();
    arec_phases_leave (inner);
    arec_phases_leave (outer);
    work();
    times = since (&begin);
    assert_only (&times, BIT (AREC_PHASE_OTHER) | BIT (AREC_PHASE_DECODING));
}

/* All phases together are the time that went by. */
static void
test_sum (void)
{
    int64_t a[2], b[2], sum;
    ArecPhaseTimes begin, end;

    a[0] = look_at_clock();
    begin = read_caller();
    a[1] = look_at_clock();
    for (unsigned i = 0; i < PIECES; i++) {
        ArecPhaseMark mark = arec_phases_enter (i % AREC_N_PHASES);

        arec_phases_leave (arec_phases_enter_short (AREC_PHASE_HASHING));
        arec_phases_leave (mark);
    }
    b[0] = look_at_clock();
    end = read_caller();
    b[1] = look_at_clock();
    sum = arec_phases_sum (&end) - arec_phases_sum (&begin);
    g_assert_cmpint (sum, >=, b[0] - a[1]);
    g_assert_cmpint (sum, <=, b[1] - a[0]);
    arec_phases_settle (&end, &begin);
    for (int phase = 0; phase < AREC_N_PHASES; phase++) {
        g_assert_cmpint (end.ns[phase], >=, 0);
    }
    /* Each phase may lose a part of a nanosecond. */
    g_assert_cmpint (arec_phases_sum (&end), <=, sum);
    g_assert_cmpint (arec_phases_sum (&end), >=, sum - AREC_N_PHASES);
}

/* The first piece is measured; where they take nothing, not all are. What is within one that is
 * not measured is not either, and after it phases count as before. */
static void
test_short_work (void)
{
    ArecPhaseTimes begin, times;
    unsigned n_measured = 0, n_within = 0;

    arec_phases_start();
    for (unsigned i = 0; i < PIECES; i++) {
        ArecPhaseMark mark = arec_phases_enter_short (AREC_PHASE_ENCODING_SNAPPY);
        ArecPhaseMark plain = arec_phases_enter (AREC_PHASE_WRITING);
        ArecPhaseMark within = arec_phases_enter_short (AREC_PHASE_HASHING);

        g_assert_true (i > 0 || is_measured (mark));
        g_assert_true (is_measured (plain) == is_measured (mark));
        g_assert_true (is_measured (mark) || !is_measured (within));
        n_measured += is_measured (mark);
        n_within += is_measured (within);
        arec_phases_leave (within);
        arec_phases_leave (plain);
        arec_phases_leave (mark);
    }
    g_assert_cmpuint (n_measured, <, PIECES);
    g_assert_cmpuint (n_within, <=, n_measured);
    begin = read_caller();
    arec_phases_leave (arec_phases_enter (AREC_PHASE_SYNCING));
    work();
    times = since (&begin);
    g_assert_cmpint (times.ns[AREC_PHASE_SYNCING], >, 0);
    g_assert_cmpint (times.ns[AREC_PHASE_HASHING], ==, 0);
}

/* ---- several threads ---- */

typedef struct {
    _Atomic bool is_over;
    int64_t began;
} Crew;

static void *
run (void *data)
{
    Crew *crew = data;

    do {
        ArecPhaseMark outer = arec_phases_enter (AREC_PHASE_WAITING_WORK);
        ArecPhaseMark inner = arec_phases_enter_short (AREC_PHASE_ENCODING);

        arec_phases_leave (arec_phases_enter_short (AREC_PHASE_HASHING));
        arec_phases_leave (inner);
        arec_phases_leave (outer);
        sched_yield(); /* there may be fewer processors */
    } while (!atomic_load (&crew->is_over));
    arec_phases_enter (AREC_PHASE_WRITING); /* never left: it ends with the thread */
    work();
    return NULL;
}

/* No thread was longer there than since @began. */
static void
assert_within (const ArecPhaseTimes *times, size_t n, int64_t began)
{
    int64_t now = look_at_clock();

    for (size_t i = 1; i < n; i++) {
        g_assert_cmpint (arec_phases_sum (&times[i]), <=, now - began);
        g_assert_cmpint (arec_phases_sum (&times[i]), >=, 0);
    }
}

/* Each thread has a place while it runs, which a later one takes over with its times. Reading
 * meanwhile is sound. */
static void
test_threads (void)
{
    Crew crew = {.began = look_at_clock()};
    ArecPhaseTimes times[MAX_THREADS];
    size_t n = 0;

    arec_phases_start();
    for (unsigned round = 0; round < ROUNDS; round++) {
        pthread_t threads[N_THREADS];

        atomic_store (&crew.is_over, false);
        for (unsigned i = 0; i < N_THREADS; i++) {
            g_assert_cmpint (pthread_create (&threads[i], NULL, run, &crew), ==, 0);
        }
        for (unsigned i = 0; i < 100; i++) {
            n = arec_phases_read (times, MAX_THREADS);
            assert_within (times, n, crew.began);
        }
        atomic_store (&crew.is_over, true);
        for (unsigned i = 0; i < N_THREADS; i++) {
            pthread_join (threads[i], NULL);
        }
        n = arec_phases_read (times, MAX_THREADS);
        g_assert_cmpuint (n, >=, 2);
        g_assert_cmpuint (n, <=, 1 + N_THREADS);
        assert_within (times, n, crew.began);
    }
    g_assert_cmpint (times[1].ns[AREC_PHASE_WRITING], >, 0);

    /* Those that have ended do not go on. */
    for (size_t i = 1; i < n; i++) {
        ArecPhaseTimes again[MAX_THREADS];

        work();
        arec_phases_read (again, MAX_THREADS);
        g_assert_cmpint (arec_phases_sum (&again[i]), ==, arec_phases_sum (&times[i]));
    }
}

/* ---- times ---- */

static void
test_settle (void)
{
    const ArecPhaseTimes before = {.ns = {[AREC_PHASE_OTHER] = 10, [AREC_PHASE_READING] = 5}};
    ArecPhaseTimes sound = {.ns = {[AREC_PHASE_OTHER] = 110, [AREC_PHASE_READING] = 25}};
    ArecPhaseTimes estimated = {.ns = {[AREC_PHASE_PARSING] = -100,
                                       [AREC_PHASE_ENCODING] = 300,
                                       [AREC_PHASE_HASHING] = 100}};
    ArecPhaseTimes none = {.ns = {[AREC_PHASE_PARSING] = -10}};

    arec_phases_settle (&sound, NULL);
    g_assert_cmpint (sound.ns[AREC_PHASE_OTHER], ==, 110);
    arec_phases_settle (&sound, &before);
    g_assert_cmpint (sound.ns[AREC_PHASE_OTHER], ==, 100);
    g_assert_cmpint (sound.ns[AREC_PHASE_READING], ==, 20);
    g_assert_cmpint (arec_phases_sum (&sound), ==, 120);

    arec_phases_settle (&estimated, NULL);
    g_assert_cmpint (estimated.ns[AREC_PHASE_PARSING], ==, 0);
    g_assert_cmpint (estimated.ns[AREC_PHASE_ENCODING], ==, 225);
    g_assert_cmpint (estimated.ns[AREC_PHASE_HASHING], ==, 75);

    arec_phases_settle (&none, NULL);
    g_assert_cmpint (arec_phases_sum (&none), ==, 0);
}

static void
test_words (void)
{
    g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

    for (int phase = 0; phase < AREC_N_PHASES; phase++) {
        const char *word = arec_phases_word ((ArecPhase)phase);

        g_assert_true (g_hash_table_add (seen, (char *)word));
        g_assert_cmpuint (strspn (word, "abcdefghijklmnopqrstuvwxyz_"), ==, strlen (word));
    }
    g_assert_cmpstr (arec_phases_word (AREC_PHASE_ENCODING_ZSTD), ==, "encoding_zstd");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/phases/nothing_before_start", test_nothing_before_start);
    g_test_add_func ("/phases/inner_pauses_outer", test_inner_pauses_outer);
    g_test_add_func ("/phases/sum", test_sum);
    g_test_add_func ("/phases/short_work", test_short_work);
    g_test_add_func ("/phases/threads", test_threads);
    g_test_add_func ("/phases/settle", test_settle);
    g_test_add_func ("/phases/words", test_words);
    return g_test_run();
}
