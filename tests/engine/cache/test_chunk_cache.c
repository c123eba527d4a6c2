/* The cache: its budget, the order of eviction, one load for all callers that want the same
 * entry, and failures that leave nothing. */
#include "cache/chunk_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

/* ---- things to load ---- */

static _Atomic int values_alive;

typedef struct {
    uint64_t value; /* the content of the value */
    uint64_t cost;
    bool fails;
    const ArecCacheSize *measured; /* nullable: as expected */
    unsigned delay;                /* microseconds */
    _Atomic unsigned *loads;       /* nullable */
    _Atomic unsigned *running;     /* nullable: loads at this moment */
    _Atomic unsigned *most;        /* the most of these seen */
} Request;

static bool
load (void *data, void **value, uint64_t *cost, GError **error)
{
    const Request *request = data;

    if (request->loads) {
        ++*request->loads;
    }
    if (request->running) {
        unsigned now = ++*request->running;
        unsigned seen = *request->most;

        while (now > seen && !atomic_compare_exchange_weak (request->most, &seen, now)) {
        }
    }
    if (request->delay) {
        g_usleep (request->delay);
    }
    if (request->running) {
        --*request->running;
    }
    if (request->fails) {
        return arec_fail (error, AREC_ERROR_IO, "thing %u is broken", (unsigned)request->value);
    }
    *value = g_memdup2 (&request->value, sizeof request->value);
    *cost = request->cost;
    values_alive++;
    return true;
}

static void
free_value (void *value)
{
    values_alive--;
    g_free (value);
}

static bool
measure (void *data, ArecCacheSize *size, GError **error)
{
    const Request *request = data;

    if (request->measured) {
        *size = *request->measured;
    }
    return !request->fails || arec_fail (error, AREC_ERROR_IO, "it cannot be measured");
}

static void
refuse (void *data, uint64_t needed, uint64_t room, bool ever, GError **error)
{
    (void)data;
    arec_fail (error, ever ? AREC_ERROR_LIMIT : AREC_ERROR_NOMEM, "%u of %u", (unsigned)needed,
               (unsigned)room);
}

static const ArecCacheLoader loader = {
    .load = load, .free_value = free_value, .measure = measure, .refuse = refuse};

static ArecCacheSize
size_of (uint64_t cost)
{
    return (ArecCacheSize){.cost = cost};
}

static ArecChunkCache *
cache_of (uint64_t budget, uint64_t ceiling, unsigned max_loads)
{
    g_assert_cmpint (values_alive, ==, 0);
    return arec_chunk_cache_new (
        &(ArecChunkCacheOptions){.budget = budget, .ceiling = ceiling, .max_loads = max_loads});
}

static void
end_cache (ArecChunkCache *cache)
{
    arec_chunk_cache_free (cache);
    g_assert_cmpint (values_alive, ==, 0);
}

static ArecCacheEntry *
get (ArecChunkCache *cache, uint64_t number, uint64_t cost)
{
    Request request = {.value = number, .cost = cost};
    g_autoptr (GError) error = NULL;
    ArecCacheEntry *entry = arec_chunk_cache_get (cache, (ArecCacheKey){1, number}, &loader,
                                                  &request, size_of (cost), &error);

    g_assert_no_error (error);
    g_assert_cmpuint (*(uint64_t *)arec_cache_entry_value (entry), ==, number);
    return entry;
}

static void
touch (ArecChunkCache *cache, uint64_t number, uint64_t cost)
{
    arec_cache_entry_unref (get (cache, number, cost));
}

static bool
is_there (ArecChunkCache *cache, uint64_t number)
{
    g_autoptr (ArecCacheEntry) entry = arec_chunk_cache_peek (cache, (ArecCacheKey){1, number});

    return entry != NULL;
}

static ArecChunkCacheStats
stats_of (ArecChunkCache *cache)
{
    ArecChunkCacheStats stats;

    arec_chunk_cache_get_stats (cache, &stats);
    return stats;
}

/* ---- one thread ---- */

static void
test_hits_and_misses (void)
{
    ArecChunkCache *cache = cache_of (1000, 1000, 4);
    ArecChunkCacheStats stats;

    for (unsigned round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 5; i++) {
            touch (cache, i, 10);
        }
    }
    g_assert_null (arec_chunk_cache_hit (cache, (ArecCacheKey){1, 5}));
    for (uint64_t i = 0; i < 5; i++) {
        g_autoptr (ArecCacheEntry) entry = arec_chunk_cache_hit (cache, (ArecCacheKey){1, i});

        g_assert_cmpuint (*(uint64_t *)arec_cache_entry_value (entry), ==, i);
    }
    stats = stats_of (cache);
    g_assert_cmpuint (stats.misses, ==, 5);
    g_assert_cmpuint (stats.hits, ==, 15);
    g_assert_cmpuint (stats.joins, ==, 0);
    g_assert_cmpuint (stats.evictions, ==, 0);
    g_assert_cmpuint (stats.entries, ==, 5);
    g_assert_cmpuint (stats.used, ==, 50);
    g_assert_cmpuint (stats.budget, ==, 1000);
    end_cache (cache);
}

static void
test_keys_differ (void)
{
    ArecChunkCache *cache = cache_of (UINT64_C (1) << 20, UINT64_C (1) << 20, 4);
    static const ArecCacheKey keys[] = {{1, 2},
                                        {2, 1},
                                        {1, UINT64_C (2) + (UINT64_C (1) << 32)},
                                        {UINT64_C (1) + (UINT64_C (1) << 32), 2},
                                        {0, 0}};

    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < G_N_ELEMENTS (keys); i++) {
            Request request = {.value = i, .cost = 1};
            g_autoptr (ArecCacheEntry) entry =
                arec_chunk_cache_get (cache, keys[i], &loader, &request, size_of (1), NULL);

            g_assert_cmpuint (*(uint64_t *)arec_cache_entry_value (entry), ==, i);
        }
    }
    g_assert_cmpuint (stats_of (cache).misses, ==, G_N_ELEMENTS (keys));
    end_cache (cache);
}

/* The cache never exceeds the budget, and the least recently used entry is evicted first. */
static void
test_eviction_order (void)
{
    ArecChunkCache *cache = cache_of (100, 100, 2);

    for (uint64_t i = 0; i < 5; i++) {
        touch (cache, i, 20);
    }
    touch (cache, 0, 20); /* used again, by get and by peek */
    g_assert_true (is_there (cache, 1));
    touch (cache, 5, 20);
    g_assert_cmpuint (stats_of (cache).used, ==, 100);
    touch (cache, 6, 20);
    g_assert_cmpuint (stats_of (cache).evictions, ==, 2);
    g_assert_cmpint (values_alive, ==, 5);
    g_assert_false (is_there (cache, 2));
    g_assert_false (is_there (cache, 3));
    g_assert_true (is_there (cache, 4));
    g_assert_true (is_there (cache, 0));
    g_assert_true (is_there (cache, 1));
    g_assert_true (is_there (cache, 5));
    g_assert_true (is_there (cache, 6));
    end_cache (cache);
}

/* Whatever is asked for, the memory counted is that of the entries, and within the budget. */
static void
test_random_is_accounted (void)
{
    enum { N = 30, BUDGET = 300 };
    ArecChunkCache *cache = cache_of (BUDGET, BUDGET, 1);
    uint64_t cost_of[N];

    for (unsigned i = 0; i < N; i++) {
        cost_of[i] = (uint64_t)g_test_rand_int_range (0, 100); /* none is large: below 150 */
    }
    for (unsigned step = 0; step < 20000; step++) {
        unsigned i = (unsigned)g_test_rand_int_range (0, N);
        uint64_t there = 0, n = 0;

        touch (cache, i, cost_of[i]);
        g_assert_true (is_there (cache, i));
        for (unsigned k = 0; k < N && step % 100 == 0; k++) {
            bool k_is = is_there (cache, k);

            there += k_is ? cost_of[k] : 0;
            n += k_is;
        }
        g_assert_cmpuint (stats_of (cache).used, <=, BUDGET);
        if (step % 100 == 0) {
            g_assert_cmpuint (stats_of (cache).used, ==, there);
            g_assert_cmpuint (stats_of (cache).entries, ==, n);
            g_assert_cmpint (values_alive, ==, n);
        }
    }
    end_cache (cache);
}

/* A reader that goes through all entries does not evict those that are used again and again. */
static void
test_scan_leaves_hot_alone (void)
{
    ArecChunkCache *cache = cache_of (1000, 1000, 1);

    for (unsigned round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 50; i++) {
            touch (cache, i, 10);
        }
    }
    for (uint64_t i = 100; i < 400; i++) {
        for (unsigned record = 0; record < 64; record++) {
            touch (cache, i, 10);
        }
    }
    g_assert_cmpuint (stats_of (cache).misses, ==, 50 + 300);
    for (uint64_t i = 0; i < 50; i++) {
        g_assert_true (is_there (cache, i));
    }
    end_cache (cache);
}

/* An entry that is held is not evicted; once released, it goes at the next opportunity. */
static void
test_entries_in_use_stay (void)
{
    ArecChunkCache *cache = cache_of (100, 100, 1);
    ArecCacheEntry *held[5];

    for (uint64_t i = 0; i < G_N_ELEMENTS (held); i++) {
        held[i] = get (cache, i, 40);
    }
    g_assert_cmpuint (stats_of (cache).used, ==, 200);
    g_assert_cmpuint (stats_of (cache).evictions, ==, 0);
    for (uint64_t i = 0; i < G_N_ELEMENTS (held); i++) {
        touch (cache, i, 40);
        g_assert_cmpuint (*(uint64_t *)arec_cache_entry_value (held[i]), ==, i);
    }
    g_assert_cmpuint (stats_of (cache).misses, ==, 5);
    for (uint64_t i = 0; i < G_N_ELEMENTS (held); i++) {
        arec_cache_entry_unref (held[i]);
    }
    touch (cache, 5, 1);
    g_assert_cmpuint (stats_of (cache).used, <=, 100);
    end_cache (cache);
}

/* A user keeps an entry that was taken out of the cache. */
static void
test_forget (void)
{
    ArecChunkCache *cache = cache_of (1000, 1000, 1);
    ArecCacheEntry *held = get (cache, 7, 10);
    Request request = {.value = 70, .cost = 5};

    arec_cache_entry_unref (arec_chunk_cache_get (cache, (ArecCacheKey){2, 7}, &loader,
                                                  &request, size_of (5), NULL));
    touch (cache, 8, 10);
    g_assert_cmpuint (stats_of (cache).used, ==, 25);
    arec_chunk_cache_forget (cache, 1);
    g_assert_cmpuint (stats_of (cache).used, ==, 5);
    g_assert_cmpuint (stats_of (cache).entries, ==, 1);
    g_assert_cmpint (values_alive, ==, 2); /* that of the other owner, and the held one */
    g_assert_cmpuint (*(uint64_t *)arec_cache_entry_value (held), ==, 7);
    g_assert_false (is_there (cache, 7));
    arec_cache_entry_unref (held);
    g_assert_cmpint (values_alive, ==, 1);
    touch (cache, 7, 10); /* may come again */
    g_assert_cmpuint (stats_of (cache).misses, ==, 4);
    end_cache (cache);
}

static void
test_charge (void)
{
    ArecChunkCache *cache = cache_of (100, 100, 1);

    for (uint64_t i = 0; i < 5; i++) {
        touch (cache, i, 20);
    }
    arec_chunk_cache_charge (cache, 30);
    g_assert_cmpuint (stats_of (cache).used, ==, 90);
    g_assert_cmpuint (stats_of (cache).entries, ==, 3);
    g_assert_false (is_there (cache, 1));
    g_assert_true (is_there (cache, 2));
    arec_chunk_cache_charge (cache, -30);
    g_assert_cmpuint (stats_of (cache).used, ==, 60);
    arec_chunk_cache_charge (cache, 500); /* more than there is: all is evicted */
    g_assert_cmpuint (stats_of (cache).entries, ==, 0);
    g_assert_cmpuint (stats_of (cache).used, ==, 500);
    arec_chunk_cache_charge (cache, -500);
    g_assert_cmpuint (stats_of (cache).used, ==, 0);
    end_cache (cache);
}

/* Chunks larger than the budget: as many stay as are loaded at the same time. Otherwise
 * their readers would decode them for each read. */
/* Memory that an entry gives back leaves the budget once, whether the entry is still cached
 * or not. */
static void
test_reduce (void)
{
    ArecChunkCache *cache = cache_of (100, 100, 1);
    ArecCacheEntry *first = get (cache, 0, 40), *second = get (cache, 1, 40);

    arec_chunk_cache_reduce (cache, first, 30);
    g_assert_cmpuint (stats_of (cache).used, ==, 50);
    touch (cache, 2, 50); /* fits now */
    g_assert_cmpuint (stats_of (cache).evictions, ==, 0);
    arec_chunk_cache_discard (cache, first);
    g_assert_cmpuint (stats_of (cache).used, ==, 90);
    arec_chunk_cache_reduce (cache, first, 10);
    g_assert_cmpuint (stats_of (cache).used, ==, 90);
    arec_cache_entry_unref (first);
    arec_cache_entry_unref (second);
    arec_chunk_cache_forget (cache, 1);
    g_assert_cmpuint (stats_of (cache).used, ==, 0);
    end_cache (cache);
}

/* A caller that holds a discarded entry keeps it; the next caller loads it again. */
static void
test_discard (void)
{
    ArecChunkCache *cache = cache_of (100, 100, 1);
    ArecCacheEntry *old = get (cache, 0, 40), *fresh;

    arec_chunk_cache_discard (cache, old);
    g_assert_false (is_there (cache, 0));
    g_assert_cmpuint (*(uint64_t *)arec_cache_entry_value (old), ==, 0);
    fresh = get (cache, 0, 40);
    g_assert_true (fresh != old);
    arec_chunk_cache_discard (cache, old); /* not the fresh one */
    g_assert_true (is_there (cache, 0));
    g_assert_cmpuint (stats_of (cache).misses, ==, 2);
    arec_cache_entry_unref (old);
    arec_cache_entry_unref (fresh);
    end_cache (cache);
}

/* What its reader keeps leaves at once, and what comes back stays, though there was room for
 * hundreds of things between. */
static void
test_spend (void)
{
    ArecChunkCache *cache = cache_of (100000, 100000, 4);
    ArecCacheEntry *first = get (cache, 0, 100), *second = get (cache, 0, 100);

    arec_cache_entry_spend (first);
    arec_cache_entry_spend (second); /* no longer in the cache: nothing happens */
    g_assert_false (is_there (cache, 0));
    g_assert_cmpuint (stats_of (cache).evictions, ==, 1);
    g_assert_cmpuint (stats_of (cache).used, ==, 0);
    g_assert_cmpuint (stats_of (cache).alive, ==, 100);
    g_assert_cmpuint (*(uint64_t *)arec_cache_entry_value (second), ==, 0);
    arec_cache_entry_unref (first);
    arec_cache_entry_unref (second);
    g_assert_cmpuint (stats_of (cache).alive, ==, 0);
    g_assert_cmpint (values_alive, ==, 0);

    for (uint64_t round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 300; i++) {
            g_autoptr (ArecCacheEntry) entry = get (cache, i, 100);

            arec_cache_entry_spend (entry);
        }
    }
    /* Each ghost has one of four places, so some are lost. */
    g_assert_cmpuint (stats_of (cache).entries, >, 200);
    g_assert_cmpuint (stats_of (cache).used, ==, 100 * stats_of (cache).entries);
    end_cache (cache);
}

static void
test_large_entries_stay (void)
{
    enum { LOADS = 3 };
    ArecChunkCache *cache = cache_of (100, 10000, LOADS);

    for (unsigned round = 0; round < 10; round++) {
        for (uint64_t i = 0; i < LOADS; i++) {
            touch (cache, i, 500);
        }
    }
    g_assert_cmpuint (stats_of (cache).misses, ==, LOADS);
    touch (cache, LOADS, 500); /* one more: the least recently used one is evicted */
    g_assert_false (is_there (cache, 0));
    for (uint64_t i = 1; i <= LOADS; i++) {
        g_assert_true (is_there (cache, i));
    }
    g_assert_cmpuint (stats_of (cache).entries, ==, LOADS);
    end_cache (cache);
}

/* Beyond the ceiling no unused entry stays. */
static void
test_ceiling (void)
{
    ArecChunkCache *cache = cache_of (100, 1200, 4);

    for (uint64_t i = 0; i < 4; i++) {
        touch (cache, i, 500);
        g_assert_cmpuint (stats_of (cache).used, <=, 1200);
    }
    g_assert_cmpuint (stats_of (cache).entries, ==, 2);
    g_assert_true (is_there (cache, 3));
    g_assert_true (is_there (cache, 2));
    end_cache (cache);
}

/* ---- memory that work in progress takes ---- */

static ArecCacheEntry *
try_to_get (ArecChunkCache *cache, Request *request, ArecCacheSize expected, GError **error)
{
    return arec_chunk_cache_get (cache, (ArecCacheKey){1, request->value}, &loader, request,
                                 expected, error);
}

/* A load that alone exceeds the ceiling fails at once, and evicts nothing. */
static void
test_never_fits (void)
{
    ArecChunkCache *cache = cache_of (100, 1200, 4);
    g_autoptr (GError) error = NULL;
    g_autoptr (GError) later = NULL;
    _Atomic unsigned loads = 0;
    Request request = {.value = 9, .cost = 900, .loads = &loads};

    touch (cache, 0, 500);
    g_assert_null (try_to_get (cache, &request, (ArecCacheSize){900, 301}, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    g_assert_cmpstr (error->message, ==, "1201 of 1200");
    g_assert_cmpuint (loads, ==, 0);
    g_assert_true (is_there (cache, 0));
    g_assert_cmpuint (stats_of (cache).failures, ==, 1);
    arec_chunk_cache_charge (cache, 50); /* indexes take theirs */
    g_assert_null (try_to_get (cache, &request, (ArecCacheSize){900, 251}, &later));
    g_assert_cmpstr (later->message, ==, "1151 of 1150");
    arec_cache_entry_unref (try_to_get (cache, &request, (ArecCacheSize){900, 250}, NULL));
    g_assert_cmpuint (loads, ==, 1);
    arec_chunk_cache_charge (cache, -50);
    end_cache (cache);
}

/* A load that is expected not to fit is measured before it is refused; others are not. */
static void
test_measured (void)
{
    ArecChunkCache *cache = cache_of (100, 1200, 4);
    const ArecCacheSize small = {300, 0}, large = {300, 901};
    Request request = {.value = 9, .cost = 300, .measured = &small};
    g_autoptr (GError) error = NULL;

    arec_cache_entry_unref (try_to_get (cache, &request, (ArecCacheSize){300, 5000}, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (stats_of (cache).alive, ==, 300);
    request = (Request){.value = 10, .cost = 300, .measured = &large};
    g_assert_null (try_to_get (cache, &request, (ArecCacheSize){300, 5000}, &error));
    g_assert_cmpstr (error->message, ==, "1201 of 1200");
    g_clear_error (&error);
    arec_cache_entry_unref (try_to_get (cache, &request, (ArecCacheSize){300, 900}, &error));
    g_assert_no_error (error);
    request = (Request){.value = 11, .fails = true};
    g_assert_null (try_to_get (cache, &request, (ArecCacheSize){300, 5000}, &error));
    g_assert_cmpstr (error->message, ==, "it cannot be measured");
    end_cache (cache);
}

/* An evicted entry counts as long as it is held, less what it gives back meanwhile. */
static void
test_held_entry_counts (void)
{
    ArecChunkCache *cache = cache_of (1000, 1000, 1);
    ArecCacheEntry *held = get (cache, 0, 400);

    arec_chunk_cache_discard (cache, held);
    g_assert_cmpuint (stats_of (cache).used, ==, 0);
    g_assert_cmpuint (stats_of (cache).alive, ==, 400);
    arec_chunk_cache_reduce (cache, held, 100);
    g_assert_cmpuint (stats_of (cache).alive, ==, 300);
    touch (cache, 1, 500);
    g_assert_cmpuint (stats_of (cache).alive, ==, 800);
    touch (cache, 2, 400); /* within the budget, but not below the ceiling with the other */
    g_assert_false (is_there (cache, 1));
    g_assert_cmpuint (stats_of (cache).alive, ==, 700);
    arec_cache_entry_unref (held);
    g_assert_cmpuint (stats_of (cache).alive, ==, 400);
    end_cache (cache);
}

/* An entry outlives the cache. */
static void
test_held_entry_outlives_the_cache (void)
{
    ArecChunkCache *cache = cache_of (1000, 1000, 1);
    ArecCacheEntry *held = get (cache, 7, 400);

    arec_chunk_cache_free (cache);
    g_assert_cmpuint (*(uint64_t *)arec_cache_entry_value (held), ==, 7);
    arec_cache_entry_unref (held);
    g_assert_cmpint (values_alive, ==, 0);
}

/* A load that needs the memory of an entry, and a thread that releases that entry once the
 * load waits. */
typedef struct {
    ArecChunkCache *cache;
    uint64_t cost;
    _Atomic bool has_begun; /* to load */
} Waiting;

static bool
load_waiting (void *data, void **value, uint64_t *cost, GError **error)
{
    Waiting *waiting = data;
    Request request = {.value = 9, .cost = waiting->cost};

    waiting->has_begun = true;
    return load (&request, value, cost, error);
}

static void *
wait_for_room (void *data)
{
    static const ArecCacheLoader waiting_loader = {
        .load = load_waiting, .free_value = free_value, .measure = measure, .refuse = refuse};
    Waiting *waiting = data;

    return arec_chunk_cache_get (waiting->cache, (ArecCacheKey){1, 9}, &waiting_loader, waiting,
                                 size_of (waiting->cost), NULL);
}

/* Releases @held while a load of @cost waits for it; then the load succeeds. */
static void
check_waits (ArecChunkCache *cache, ArecCacheEntry *held, uint64_t cost)
{
    Waiting waiting = {.cache = cache, .cost = cost};
    pthread_t thread;
    void *entry;

    g_assert_cmpint (pthread_create (&thread, NULL, wait_for_room, &waiting), ==, 0);
    while (!arec_chunk_cache_has (cache, (ArecCacheKey){1, 9})) {
        g_usleep (1000);
    }
    g_usleep (20000); /* far less than the longest wait */
    g_assert_false (waiting.has_begun);
    arec_cache_entry_unref (held);
    pthread_join (thread, &entry);
    g_assert_nonnull (entry);
    g_assert_false (is_there (cache, 0));
    arec_cache_entry_unref (entry);
}

static ArecChunkCache *
brief_cache_of (uint64_t budget, uint64_t ceiling, unsigned max_loads)
{
    return arec_chunk_cache_new (&(ArecChunkCacheOptions){
        .budget = budget, .ceiling = ceiling, .max_loads = max_loads, .are_brief = true});
}

static void
test_waits_below_the_ceiling (void)
{
    ArecChunkCache *cache = brief_cache_of (100, 1000, 4);

    check_waits (cache, get (cache, 0, 600), 600);
    end_cache (cache);
}

/* A load also waits for an evicted entry that is still held. */
static void
test_waits_for_held_entries (void)
{
    ArecChunkCache *cache = brief_cache_of (100, 1000, 4);
    ArecCacheEntry *held = get (cache, 0, 600);

    arec_chunk_cache_discard (cache, held);
    check_waits (cache, held, 600);
    end_cache (cache);
}

/* Beyond the budget there are no more large entries than may load. */
static void
test_waits_for_its_share (void)
{
    ArecChunkCache *cache = brief_cache_of (100, 100000, 2);
    ArecCacheEntry *other = get (cache, 1, 500);

    check_waits (cache, get (cache, 0, 500), 500);
    arec_cache_entry_unref (other);
    end_cache (cache);
}

static void
test_waits_for_its_share_of_small_entries (void)
{
    ArecChunkCache *cache = brief_cache_of (100, 100000, 2);
    ArecCacheEntry *held[4];

    for (uint64_t i = 0; i < G_N_ELEMENTS (held); i++) {
        held[i] = get (cache, i, 24);
    }
    check_waits (cache, held[0], 20);
    for (uint64_t i = 1; i < G_N_ELEMENTS (held); i++) {
        arec_cache_entry_unref (held[i]);
    }
    end_cache (cache);
}

/* An entry that is held for ever stops no load that fits below the ceiling. */
static void
test_held_for_ever (void)
{
    ArecChunkCache *cache = brief_cache_of (100, 100000, 1);
    ArecCacheEntry *held = get (cache, 0, 500);

    touch (cache, 1, 500); /* after a second */
    arec_cache_entry_unref (held);
    end_cache (cache);
    cache = cache_of (100, 1000, 1); /* in a cache whose entries are not brief: at once */
    held = get (cache, 0, 600);
    touch (cache, 1, 600);
    g_assert_cmpuint (stats_of (cache).alive, ==, 1200);
    arec_cache_entry_unref (held);
    end_cache (cache);
}

/* A load ahead does not exceed the memory. */
static void
test_ahead_without_memory (void)
{
    ArecChunkCache *cache = brief_cache_of (1000, 1000, 4);
    ArecCacheEntry *held = get (cache, 0, 900);
    Request request = {.value = 1, .cost = 50};

    g_assert_false (arec_chunk_cache_load_ahead (cache, (ArecCacheKey){1, 1}, &loader, &request,
                                                 (ArecCacheSize){50, 51}));
    g_assert_cmpuint (stats_of (cache).ahead_refused, ==, 1);
    g_assert_true (arec_chunk_cache_load_ahead (cache, (ArecCacheKey){1, 1}, &loader, &request,
                                                (ArecCacheSize){50, 50}));
    arec_cache_entry_unref (held);
    end_cache (cache);
}

static void
test_failed_load (void)
{
    ArecChunkCache *cache = cache_of (100, 100, 1);
    Request request = {.value = 3, .cost = 10, .fails = true};
    ArecCacheKey key = {1, 3};

    touch (cache, 0, 10);
    for (unsigned round = 1; round <= 3; round++) {
        g_autoptr (GError) error = NULL;

        g_assert_null (
            arec_chunk_cache_get (cache, key, &loader, &request, size_of (10), &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
        g_assert_cmpstr (error->message, ==, "thing 3 is broken");
        g_assert_cmpuint (stats_of (cache).failures, ==, round);
        g_assert_cmpuint (stats_of (cache).used, ==, 10);
        g_assert_cmpuint (stats_of (cache).entries, ==, 1);
        g_assert_false (is_there (cache, 3));
    }
    g_assert_null (arec_chunk_cache_get (cache, key, &loader, &request, size_of (10), NULL));
    request.fails = false;
    arec_cache_entry_unref (arec_chunk_cache_get (cache, key, &loader, &request, size_of (10),
                                                  NULL)); /* a retry may succeed */
    g_assert_true (is_there (cache, 3));
    end_cache (cache);
}

/* The cost that the load reports counts, not the expected one. */
static void
test_expected_is_replaced (void)
{
    ArecChunkCache *cache = cache_of (1000, 1000, 1);
    Request request = {.value = 1, .cost = 30};

    arec_cache_entry_unref (arec_chunk_cache_get (cache, (ArecCacheKey){1, 1}, &loader,
                                                  &request, size_of (900), NULL));
    g_assert_cmpuint (stats_of (cache).used, ==, 30);
    end_cache (cache);
}

/* ---- ahead ---- */

static bool
load_ahead (ArecChunkCache *cache, uint64_t number, uint64_t cost)
{
    Request request = {.value = number, .cost = cost};

    return arec_chunk_cache_load_ahead (cache, (ArecCacheKey){1, number}, &loader, &request,
                                        size_of (cost));
}

static void
test_ahead (void)
{
    ArecChunkCache *cache = cache_of (1000, 1000, 1);
    Request broken = {.value = 9, .fails = true};
    ArecChunkCacheStats stats;

    g_assert_true (load_ahead (cache, 1, 10));
    g_assert_true (load_ahead (cache, 1, 10)); /* is there: nothing to do */
    g_assert_true (load_ahead (cache, 2, 10));
    g_assert_true (is_there (cache, 1)); /* this is not a use */
    g_assert_cmpuint (stats_of (cache).ahead_used, ==, 0);
    touch (cache, 1, 10);
    touch (cache, 1, 10);
    g_assert_true (arec_chunk_cache_load_ahead (cache, (ArecCacheKey){1, 9}, &loader, &broken,
                                                size_of (10)));
    arec_chunk_cache_forget (cache, 1);
    stats = stats_of (cache);
    g_assert_cmpuint (stats.ahead, ==, 3);
    g_assert_cmpuint (stats.ahead_used, ==, 1);
    g_assert_cmpuint (stats.ahead_wasted, ==, 1);
    g_assert_cmpuint (stats.ahead_refused, ==, 0);
    g_assert_cmpuint (stats.failures, ==, 1);
    g_assert_cmpuint (stats.hits, ==, 2);
    g_assert_cmpuint (stats.misses, ==, 0);
    end_cache (cache);
}

/* A window larger than the cache: at most a quarter is loaded ahead, and none of it is
 * evicted before its use. */
static void
test_ahead_of_a_window_beyond_the_budget (void)
{
    ArecChunkCache *cache = cache_of (1000, 1000, 1);
    unsigned loaded = 0;

    for (uint64_t i = 0; i < 200; i++) {
        loaded += load_ahead (cache, i, 10);
    }
    g_assert_cmpuint (loaded, ==, 25);
    g_assert_cmpuint (stats_of (cache).ahead, ==, 25);
    g_assert_cmpuint (stats_of (cache).ahead_refused, ==, 175);
    for (uint64_t i = 1000; i < 1200; i++) {
        touch (cache, i, 10); /* others come meanwhile */
    }
    for (uint64_t i = 0; i < 200; i++) {
        touch (cache, i, 10);
    }
    g_assert_cmpuint (stats_of (cache).ahead_used, ==, 25);
    g_assert_cmpuint (stats_of (cache).ahead_wasted, ==, 0);
    g_assert_cmpuint (stats_of (cache).misses, ==, 200 + 175);
    end_cache (cache);
}

/* One entry may be loaded ahead whatever its size, but evicts no entry that is in use again
 * and again. */
static void
test_ahead_large (void)
{
    ArecChunkCache *cache = cache_of (100, 10000, 2);

    g_assert_true (load_ahead (cache, 0, 500));
    g_assert_false (load_ahead (cache, 1, 500));
    touch (cache, 0, 500);
    g_assert_true (load_ahead (cache, 1, 500));
    touch (cache, 1, 500);
    g_assert_cmpuint (stats_of (cache).misses, ==, 0);
    g_assert_cmpuint (stats_of (cache).ahead_used, ==, 2);
    end_cache (cache);
}

/* Takes long to load, so the entry counts as busy for long after its use. */
static void
touch_slow (ArecChunkCache *cache, uint64_t number)
{
    Request request = {.value = number, .cost = 500, .delay = 300000};

    arec_cache_entry_unref (arec_chunk_cache_get (cache, (ArecCacheKey){1, number}, &loader,
                                                  &request, size_of (500), NULL));
}

static void
test_ahead_spares_busy_entries (void)
{
    ArecChunkCache *cache = cache_of (100, 10000, 1);

    touch_slow (cache, 0);
    g_assert_false (load_ahead (cache, 1, 500));
    g_assert_cmpuint (stats_of (cache).ahead_refused, ==, 1);
    g_usleep (400000);
    g_assert_true (load_ahead (cache, 1, 500));
    g_assert_false (is_there (cache, 0));
    end_cache (cache);
}

/* ---- many threads ---- */

enum { THREADS = 8 };

typedef struct {
    ArecChunkCache *cache;
    pthread_barrier_t barrier;
    Request request;
    _Atomic unsigned succeeded, failed;
} Race;

static void *
race_for_one (void *data)
{
    Race *race = data;
    g_autoptr (GError) error = NULL;
    ArecCacheEntry *entry;

    pthread_barrier_wait (&race->barrier);
    entry = arec_chunk_cache_get (race->cache, (ArecCacheKey){1, 5}, &loader, &race->request,
                                  size_of (race->request.cost), &error);
    if (entry) {
        g_assert_no_error (error);
        g_assert_cmpuint (*(uint64_t *)arec_cache_entry_value (entry), ==, 5);
        race->succeeded++;
    } else {
        g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
        g_assert_cmpstr (error->message, ==, "thing 5 is broken");
        race->failed++;
    }
    arec_cache_entry_unref (entry);
    return NULL;
}

static void
run_threads (void *(*run) (void *), void *data)
{
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, run, data), ==, 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join (threads[i], NULL);
    }
}

/* Eight threads want it at once: one loads, the others wait, and all share the outcome. */
static void
test_single_flight (gconstpointer fails)
{
    _Atomic unsigned loads = 0;
    Race race = {.cache = cache_of (100, 100, THREADS),
                 .request = {.value = 5,
                             .cost = 10,
                             .delay = 200000,
                             .fails = GPOINTER_TO_INT (fails),
                             .loads = &loads}};
    ArecChunkCacheStats stats;

    pthread_barrier_init (&race.barrier, NULL, THREADS);
    run_threads (race_for_one, &race);
    stats = stats_of (race.cache);
    g_assert_cmpuint (loads, ==, 1);
    g_assert_cmpuint (stats.misses, ==, 1);
    g_assert_cmpuint (stats.joins, ==, THREADS - 1);
    g_assert_cmpuint (race.succeeded, ==, fails ? 0 : THREADS);
    g_assert_cmpuint (race.failed, ==, fails ? THREADS : 0);
    g_assert_cmpuint (stats.failures, ==, fails ? 1 : 0);
    g_assert_cmpuint (stats.entries, ==, fails ? 0 : 1);
    g_assert_cmpuint (stats.used, ==, fails ? 0 : 10);
    pthread_barrier_destroy (&race.barrier);
    end_cache (race.cache);
}

typedef struct {
    ArecChunkCache *cache;
    _Atomic unsigned next;
    _Atomic unsigned running, most;
    uint64_t cost;
} Bounded;

static void *
load_some (void *data)
{
    Bounded *bounded = data;

    for (unsigned i = 0; i < 10; i++) {
        uint64_t number = bounded->next++;
        Request request = {.value = number,
                           .cost = bounded->cost,
                           .delay = 2000,
                           .running = &bounded->running,
                           .most = &bounded->most};
        g_autoptr (ArecCacheEntry) entry =
            arec_chunk_cache_get (bounded->cache, (ArecCacheKey){1, number}, &loader, &request,
                                  size_of (bounded->cost), NULL);

        g_assert_cmpuint (*(uint64_t *)arec_cache_entry_value (entry), ==, number);
    }
    return NULL;
}

static void
test_max_loads (void)
{
    Bounded bounded = {.cache = cache_of (1000, 100000, 3), .cost = 1};

    run_threads (load_some, &bounded);
    g_assert_cmpuint (bounded.most, ==, 3);
    g_assert_cmpuint (stats_of (bounded.cache).misses, ==, 10 * THREADS);
    end_cache (bounded.cache);
}

/* ---- a load that does not end ---- */

static _Atomic bool source_is_dead;
static _Atomic uint64_t n_dead;

/* Like load () from a source that does not answer. */
static bool
load_when_alive (void *data, void **value, uint64_t *cost, GError **error)
{
    while (source_is_dead) {
        g_usleep (1000);
    }
    return load (data, value, cost, error);
}

static void *
load_dead (void *data)
{
    static const ArecCacheLoader dead = {.load = load_when_alive,
                                         .free_value = free_value,
                                         .measure = measure,
                                         .refuse = refuse};
    uint64_t number = n_dead++;
    Request request = {.value = number, .cost = 10};
    ArecCacheEntry *entry = arec_chunk_cache_get (data, (ArecCacheKey){2, number}, &dead,
                                                  &request, size_of (10), NULL);

    g_assert_nonnull (entry);
    arec_cache_entry_unref (entry);
    return NULL;
}

/* Loads that do not end hold their places only for a while, and are counted when they end. */
static void
test_overdue_loads (void)
{
    ArecChunkCache *cache = cache_of (1000, 100000, 2);
    pthread_t threads[3];

    source_is_dead = true;
    for (size_t i = 0; i < G_N_ELEMENTS (threads); i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, load_dead, cache), ==, 0);
    }
    for (uint64_t number = 1; number <= 20; number++) {
        touch (cache, number, 10);
    }
    g_assert_true (source_is_dead);
    source_is_dead = false;
    for (size_t i = 0; i < G_N_ELEMENTS (threads); i++) {
        pthread_join (threads[i], NULL);
    }
    g_assert_cmpuint (stats_of (cache).misses, ==, 20 + G_N_ELEMENTS (threads));
    end_cache (cache);
}

static bool
is_slow (void *data)
{
    (void)data;
    return true;
}

/* A network that answers with CANCELLED, once it answers. */
static bool
load_cancelled (void *data, void **value, uint64_t *cost, GError **error)
{
    (void)data, (void)value, (void)cost;
    n_dead++;
    while (source_is_dead) {
        g_usleep (1000);
    }
    return arec_fail (error, AREC_ERROR_CANCELLED, "cancelled");
}

static const ArecCacheLoader slow = {.load = load_cancelled,
                                     .free_value = free_value,
                                     .measure = measure,
                                     .refuse = refuse,
                                     .is_slow = is_slow};

static void *
load_slow (void *data)
{
    static _Atomic uint64_t number;
    g_autoptr (GError) error = NULL;

    g_assert_null (arec_chunk_cache_get (data, (ArecCacheKey){3, number++}, &slow, NULL,
                                         size_of (10), &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CANCELLED);
    return NULL;
}

/* Loads that wait for a network need no places: all run at once, and others beside them. */
static void
test_slow_loads (void)
{
    ArecChunkCache *cache = cache_of (1000, 100000, 1);
    pthread_t threads[8];

    n_dead = 0;
    source_is_dead = true;
    for (size_t i = 0; i < G_N_ELEMENTS (threads); i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, load_slow, cache), ==, 0);
    }
    while (n_dead < G_N_ELEMENTS (threads)) {
        g_usleep (1000);
    }
    for (uint64_t number = 1; number <= 20; number++) {
        touch (cache, number, 10);
    }
    source_is_dead = false;
    for (size_t i = 0; i < G_N_ELEMENTS (threads); i++) {
        pthread_join (threads[i], NULL);
    }
    g_assert_cmpuint (stats_of (cache).used, ==, 20 * 10);
    end_cache (cache);
}

static void *
load_one_slow (void *data)
{
    g_assert_null (
        arec_chunk_cache_get (data, (ArecCacheKey){3, 1}, &slow, NULL, size_of (10), NULL));
    return NULL;
}

static void *
let_go_once_joined (void *data)
{
    while (stats_of (data).joins == 0) {
        g_usleep (1000);
    }
    source_is_dead = false;
    return NULL;
}

/* A caller that waits for a load that another one's cancelling ends loads itself. */
static void
test_cancelled_load (void)
{
    ArecChunkCache *cache = cache_of (1000, 100000, 1);
    Request request = {.value = 7, .cost = 10};
    pthread_t thread, letting_go;
    ArecCacheEntry *entry;

    n_dead = 0;
    source_is_dead = true;
    g_assert_cmpint (pthread_create (&thread, NULL, load_one_slow, cache), ==, 0);
    while (n_dead == 0) {
        g_usleep (1000);
    }
    g_assert_cmpint (pthread_create (&letting_go, NULL, let_go_once_joined, cache), ==, 0);
    entry = arec_chunk_cache_get (cache, (ArecCacheKey){3, 1}, &loader, &request, size_of (10),
                                  NULL);
    g_assert_cmpuint (*(uint64_t *)arec_cache_entry_value (entry), ==, 7);
    arec_cache_entry_unref (entry);
    pthread_join (thread, NULL);
    pthread_join (letting_go, NULL);
    g_assert_cmpuint (stats_of (cache).failures, ==, 1);
    end_cache (cache);
}

/* Loads that together would exceed the ceiling run one after the other. */
static void
test_loads_below_ceiling (void)
{
    Bounded bounded = {.cache = cache_of (100, 1000, THREADS), .cost = 800};

    run_threads (load_some, &bounded);
    g_assert_cmpuint (bounded.most, ==, 1);
    end_cache (bounded.cache);
}

/* More readers than large entries may stay, each with an entry of its own. */
typedef struct {
    ArecChunkCache *cache;
    _Atomic unsigned loads;
    _Atomic uint64_t next;
    pthread_barrier_t begin;
    unsigned stagger; /* microseconds from the start of one read to that of the next */
} Crowd;

/* Microseconds of a load: far more than a thread waits for a processor on a busy machine. */
enum { CROWD = 12, CROWD_READS = 40, CROWD_LOADS = 8, CROWD_DELAY = 300000 };

static void *
work_with_one (void *data)
{
    Crowd *crowd = data;
    uint64_t number = crowd->next++;

    pthread_barrier_wait (&crowd->begin);
    g_usleep (number * crowd->stagger);
    for (unsigned i = 0; i < CROWD_READS; i++) {
        Request request = {
            .value = number, .cost = 500, .delay = CROWD_DELAY, .loads = &crowd->loads};
        g_autoptr (ArecCacheEntry) entry = arec_chunk_cache_get (
            crowd->cache, (ArecCacheKey){1, number}, &loader, &request, size_of (500), NULL);

        g_assert_cmpuint (*(uint64_t *)arec_cache_entry_value (entry), ==, number);
        g_clear_pointer (&entry, arec_cache_entry_unref);
        g_usleep (500);
    }
    return NULL;
}

/* They do not keep evicting each other: each is loaded once, some twice. Without the rule
 * 474 of the 480 reads are loads. A reader that gets no processor for as long as a load
 * takes seems to have ended, and its entry is loaded again. */
static void
test_crowd_of_large_entries (gconstpointer stagger)
{
    Crowd crowd = {.cache = cache_of (100, 100000, CROWD_LOADS),
                   .stagger = GPOINTER_TO_UINT (stagger)};
    pthread_t threads[CROWD];

    pthread_barrier_init (&crowd.begin, NULL, CROWD);
    for (unsigned i = 0; i < CROWD; i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, work_with_one, &crowd), ==, 0);
    }
    for (unsigned i = 0; i < CROWD; i++) {
        pthread_join (threads[i], NULL);
    }
    g_test_message ("%u loads", crowd.loads);
    g_assert_cmpuint (crowd.loads, <=, 3 * CROWD);
    pthread_barrier_destroy (&crowd.begin);
    end_cache (crowd.cache);
}

/* No load waits for ever for another that does not end. */
typedef struct {
    ArecChunkCache *cache;
    _Atomic bool ends;
} Endless;

static void *
work_endlessly (void *data)
{
    Endless *endless = data;

    while (!endless->ends) {
        touch (endless->cache, 0, 500);
        g_usleep (100);
    }
    return NULL;
}

static void
test_patience_ends (void)
{
    Endless endless = {.cache = cache_of (100, 100000, 1)};
    Request request = {.value = 1, .cost = 500, .delay = 5000};
    pthread_t thread;

    g_assert_cmpint (pthread_create (&thread, NULL, work_endlessly, &endless), ==, 0);
    for (unsigned i = 0; i < 20; i++) {
        arec_cache_entry_unref (arec_chunk_cache_get (endless.cache, (ArecCacheKey){1, 1},
                                                      &loader, &request, size_of (500), NULL));
    }
    endless.ends = true;
    pthread_join (thread, NULL);
    end_cache (endless.cache);
}

typedef struct {
    ArecChunkCache *cache;
    _Atomic unsigned seed;
} Stress;

static void *
stress (void *data)
{
    Stress *shared = data;
    g_autoptr (GRand) rand = g_rand_new_with_seed (shared->seed++);
    ArecCacheEntry *held[4] = {NULL};

    for (unsigned step = 0; step < 5000; step++) {
        uint64_t number = (uint64_t)g_rand_int_range (rand, 0, 60);
        unsigned slot = (unsigned)g_rand_int_range (rand, 0, G_N_ELEMENTS (held));
        Request request = {.value = number,
                           .cost = number * 7 % 50,
                           .fails = g_rand_int_range (rand, 0, 20) == 0};
        ArecCacheEntry *entry;

        switch (g_rand_int_range (rand, 0, 12)) {
        case 0: arec_chunk_cache_charge (shared->cache, 25); break;
        case 1: arec_chunk_cache_charge (shared->cache, -25); break;
        case 2:
            arec_chunk_cache_load_ahead (shared->cache, (ArecCacheKey){1, number}, &loader,
                                         &request, size_of (request.cost));
            break;
        case 3:
            entry = arec_chunk_cache_peek (shared->cache, (ArecCacheKey){1, number});
            g_assert_true (!entry || *(uint64_t *)arec_cache_entry_value (entry) == number);
            arec_cache_entry_unref (entry);
            break;
        default:
            entry = arec_chunk_cache_get (shared->cache, (ArecCacheKey){1, number}, &loader,
                                          &request, size_of (request.cost), NULL);
            g_assert_true (!entry || *(uint64_t *)arec_cache_entry_value (entry) == number);
            arec_cache_entry_unref (held[slot]);
            held[slot] = entry;
            break;
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS (held); i++) {
        arec_cache_entry_unref (held[i]);
    }
    return NULL;
}

static void
test_stress (void)
{
    /* A base far above zero, so that the charges of all threads together never fall below
     * it. */
    enum { BASE = 5000 * THREADS * 25 };
    Stress shared = {.cache = cache_of (BASE + 500, BASE + 1000, 3),
                     .seed = (unsigned)g_test_rand_int()};
    ArecChunkCacheStats stats;

    arec_chunk_cache_charge (shared.cache, BASE);
    run_threads (stress, &shared);
    arec_chunk_cache_forget (shared.cache, 1);
    stats = stats_of (shared.cache);
    g_assert_cmpuint (stats.entries, ==, 0);
    g_assert_cmpint (values_alive, ==, 0);
    g_assert_cmpuint (stats.used % 25, ==, 0); /* only charges are left */
    end_cache (shared.cache);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/chunk-cache/hits", test_hits_and_misses);
    g_test_add_func ("/chunk-cache/keys", test_keys_differ);
    g_test_add_func ("/chunk-cache/order", test_eviction_order);
    g_test_add_func ("/chunk-cache/random", test_random_is_accounted);
    g_test_add_func ("/chunk-cache/scan", test_scan_leaves_hot_alone);
    g_test_add_func ("/chunk-cache/in-use", test_entries_in_use_stay);
    g_test_add_func ("/chunk-cache/forget", test_forget);
    g_test_add_func ("/chunk-cache/charge", test_charge);
    g_test_add_func ("/chunk-cache/reduce", test_reduce);
    g_test_add_func ("/chunk-cache/discard", test_discard);
    g_test_add_func ("/chunk-cache/spend", test_spend);
    g_test_add_func ("/chunk-cache/large", test_large_entries_stay);
    g_test_add_func ("/chunk-cache/ceiling", test_ceiling);
    g_test_add_func ("/chunk-cache/never-fits", test_never_fits);
    g_test_add_func ("/chunk-cache/measured", test_measured);
    g_test_add_func ("/chunk-cache/held/alive", test_held_entry_counts);
    g_test_add_func ("/chunk-cache/held/outlives", test_held_entry_outlives_the_cache);
    g_test_add_func ("/chunk-cache/held/for-ever", test_held_for_ever);
    g_test_add_func ("/chunk-cache/waits/ceiling", test_waits_below_the_ceiling);
    g_test_add_func ("/chunk-cache/waits/held-entries", test_waits_for_held_entries);
    g_test_add_func ("/chunk-cache/waits/share", test_waits_for_its_share);
    g_test_add_func ("/chunk-cache/waits/share-of-small",
                     test_waits_for_its_share_of_small_entries);
    g_test_add_func ("/chunk-cache/ahead-no-memory", test_ahead_without_memory);
    g_test_add_func ("/chunk-cache/failed", test_failed_load);
    g_test_add_func ("/chunk-cache/expected", test_expected_is_replaced);
    g_test_add_data_func ("/chunk-cache/single-flight/good", GINT_TO_POINTER (0),
                          test_single_flight);
    g_test_add_data_func ("/chunk-cache/single-flight/bad", GINT_TO_POINTER (1),
                          test_single_flight);
    g_test_add_func ("/chunk-cache/max-loads", test_max_loads);
    g_test_add_func ("/chunk-cache/overdue", test_overdue_loads);
    g_test_add_func ("/chunk-cache/slow", test_slow_loads);
    g_test_add_func ("/chunk-cache/cancelled", test_cancelled_load);
    g_test_add_func ("/chunk-cache/loads-below-ceiling", test_loads_below_ceiling);
    g_test_add_func ("/chunk-cache/ahead", test_ahead);
    g_test_add_func ("/chunk-cache/ahead-beyond-budget",
                     test_ahead_of_a_window_beyond_the_budget);
    g_test_add_func ("/chunk-cache/ahead-large", test_ahead_large);
    g_test_add_func ("/chunk-cache/ahead-and-workers", test_ahead_spares_busy_entries);
    g_test_add_data_func ("/chunk-cache/crowd/together", GUINT_TO_POINTER (0),
                          test_crowd_of_large_entries);
    g_test_add_data_func ("/chunk-cache/crowd/staggered",
                          GUINT_TO_POINTER (CROWD_DELAY / CROWD_LOADS),
                          test_crowd_of_large_entries);
    g_test_add_func ("/chunk-cache/patience", test_patience_ends);
    g_test_add_func ("/chunk-cache/stress", test_stress);
    return g_test_run();
}
