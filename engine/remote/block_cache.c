#include "remote/block_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/error.h"
#include "remote/cache_segment.h"
#include "remote/sector_window.h"

/* Sectors that a reader brings. No two flights of a cache overlap. */
typedef struct Flight {
    ArecSectorRun run;
    bool is_over;
    GError *error;         /* how it failed; NULL: it did not, or nobody has tried */
    unsigned n_waiting;    /* readers; the last one frees it when it is over */
    struct Flight *next;   /* of all that are not over */
    struct Flight *behind; /* of one reader */
} Flight;

typedef struct {
    ArecSource base;
    ArecSource *below;
    ArecCacheDir *dir;
    char identity[AREC_KEYED_NAME_SIZE];
    ArecCacheSegment *_Atomic *segments; /* made when they are first used */
    uint64_t n_segments;
    pthread_mutex_t lock; /* flights; under it nothing blocks */
    pthread_cond_t landed;
    Flight *flights;
    _Atomic uint64_t n_landed;
} BlockCache;

/* ---- the disk ---- */

static ArecCacheSegment *
segment_at (BlockCache *cache, uint64_t number)
{
    ArecCacheSegment *_Atomic *place = &cache->segments[number];
    ArecCacheSegment *made, *segment = *place;

    if (segment) {
        return segment;
    }
    made = arec_cache_segment_new (cache->dir, cache->identity, number);
    if (atomic_compare_exchange_strong (place, &segment, made)) {
        return made;
    }
    arec_cache_segment_free (made);
    return segment;
}

typedef void (*SegmentFunc) (ArecCacheSegment *segment, ArecSectorWindow *window,
                             ArecSectorRun run);

/* Calls @call for the part of @run in each segment. */
static void
each_segment (BlockCache *cache, ArecSectorWindow *window, ArecSectorRun run, SegmentFunc call)
{
    while (run.first < run.end) {
        uint64_t number = run.first / AREC_SEGMENT_SECTORS;
        uint64_t end = MIN ((number + 1) * AREC_SEGMENT_SECTORS, run.end);

        call (segment_at (cache, number), window, (ArecSectorRun){run.first, end});
        run.first = end;
    }
}

static void
look_up (BlockCache *cache, ArecSectorWindow *window)
{
    if (!arec_cache_dir_is_off (cache->dir, AREC_CACHE_READING)) {
        each_segment (cache, window, window->sectors, arec_cache_segment_read);
    }
}

/* ---- the source below ---- */

static bool
read_below (BlockCache *cache, ArecSectorWindow *window, uint64_t begin, uint64_t limit,
            GError **error)
{
    struct iovec pieces[AREC_MAX_IOV];
    const uint64_t offset = window->sectors.first * AREC_SECTOR_SIZE;

    while (begin < limit) {
        uint64_t end = limit;
        int n = arec_padded_vector_slice (&window->vector, begin, &end, pieces, AREC_MAX_IOV);

        if (!arec_source_preadv (cache->below, pieces, n, offset + begin, error)) {
            return false;
        }
        begin = end;
    }
    return true;
}

/* Brings @run from below and stores it. Where nothing is stored, no byte is read but those that
 * the reader wants. */
static bool
bring (BlockCache *cache, ArecSectorWindow *window, ArecSectorRun run, GError **error)
{
    const bool is_stored = !arec_cache_dir_is_off (cache->dir, AREC_CACHE_WRITING);
    uint64_t begin = arec_sector_window_at (window, run.first);
    uint64_t end = arec_sector_window_at (window, run.end);

    if (!is_stored) {
        begin = MAX (begin, window->wanted_begin);
        end = MIN (end, window->wanted_end);
    }
    if (!read_below (cache, window, begin, end, error)) {
        return false;
    }
    arec_cache_dir_counters (cache->dir)->misses += run.end - run.first;
    if (is_stored) {
        each_segment (cache, window, run, arec_cache_segment_write);
    }
    arec_sector_window_set (window, run, AREC_SECTOR_HERE);
    return true;
}

/* ---- flights ---- */

static bool
overlap (ArecSectorRun a, ArecSectorRun b)
{
    return a.first < b.end && b.first < a.end;
}

static ArecSectorRun
common (ArecSectorRun a, ArecSectorRun b)
{
    return (ArecSectorRun){MAX (a.first, b.first), MIN (a.end, b.end)};
}

static void
flight_free (Flight *flight)
{
    g_clear_error (&flight->error);
    g_free (flight);
}

static Flight *
begin_flight_locked (BlockCache *cache, ArecSectorWindow *window, ArecSectorRun run)
{
    Flight *flight = g_new0 (Flight, 1);

    flight->run = run;
    flight->next = cache->flights;
    cache->flights = flight;
    arec_sector_window_set (window, run, AREC_SECTOR_CLAIMED);
    return flight;
}

/* Of the missing sectors, those that are on their way are FOREIGN now, and all others CLAIMED:
 * each run of them a flight. Returns these flights. */
static Flight *
claim (BlockCache *cache, ArecSectorWindow *window)
{
    ArecSectorRun run = {0, window->sectors.first};
    Flight *own = NULL, **last = &own;

    pthread_mutex_lock (&cache->lock);
    for (const Flight *flight = cache->flights; flight; flight = flight->next) {
        if (overlap (flight->run, window->sectors)) {
            arec_sector_window_turn (window, common (flight->run, window->sectors),
                                     AREC_SECTOR_MISSING, AREC_SECTOR_FOREIGN);
        }
    }
    while (
        arec_sector_window_next_run (window, AREC_SECTOR_MISSING, window->sectors.end, &run)) {
        *last = begin_flight_locked (cache, window, run);
        last = &(*last)->behind;
    }
    pthread_mutex_unlock (&cache->lock);
    return own;
}

/* @error  (transfer full) (nullable). */
static void
land (BlockCache *cache, Flight *flight, GError *error)
{
    Flight **link = &cache->flights;

    pthread_mutex_lock (&cache->lock);
    while (*link != flight) {
        link = &(*link)->next;
    }
    *link = flight->next;
    flight->is_over = true;
    flight->error = error;
    cache->n_landed++;
    if (flight->n_waiting == 0) {
        flight_free (flight);
    } else {
        pthread_cond_broadcast (&cache->landed);
    }
    pthread_mutex_unlock (&cache->lock);
}

/* Brings the sectors of @run that are @state. */
static bool
bring_all (BlockCache *cache, ArecSectorWindow *window, ArecSectorRun run,
           ArecSectorState state, GError **error)
{
    ArecSectorRun part = {run.first, run.first};

    while (arec_sector_window_next_run (window, state, run.end, &part)) {
        if (!bring (cache, window, part, error)) {
            return false;
        }
    }
    return true;
}

/* Ends all of @flights. After one has failed, the others are left to the readers that wait. */
static bool
fly (BlockCache *cache, ArecSectorWindow *window, Flight *flights, GError **error)
{
    GError *cause = NULL;
    bool ok = true;

    for (Flight *flight = flights, *next; flight; flight = next) {
        next = flight->behind;
        if (ok && !bring_all (cache, window, flight->run, AREC_SECTOR_CLAIMED, &cause)) {
            g_propagate_error (error, g_error_copy (cause));
            ok = false;
        }
        land (cache, flight, g_steal_pointer (&cause));
    }
    return ok;
}

/* A flight that brings foreign sectors of @window, or NULL. */
static Flight *
find_foreign_locked (BlockCache *cache, const ArecSectorWindow *window)
{
    for (Flight *flight = cache->flights; flight; flight = flight->next) {
        ArecSectorRun both = common (flight->run, window->sectors);
        ArecSectorRun run = {both.first, both.first};

        if (overlap (flight->run, window->sectors) &&
            arec_sector_window_next_run (window, AREC_SECTOR_FOREIGN, both.end, &run)) {
            return flight;
        }
    }
    return NULL;
}

/* Returns how the flight failed, or NULL. What another reader's cancelling has ended has not
 * failed. */
static GError *
await_locked (BlockCache *cache, ArecSectorWindow *window, Flight *flight)
{
    GError *error = NULL;

    flight->n_waiting++;
    while (!flight->is_over) {
        pthread_cond_wait (&cache->landed, &cache->lock);
    }
    if (flight->error && !g_error_matches (flight->error, AREC_ERROR, AREC_ERROR_CANCELLED)) {
        error = g_error_copy (flight->error);
    }
    arec_sector_window_turn (window, common (flight->run, window->sectors), AREC_SECTOR_FOREIGN,
                             AREC_SECTOR_MISSING);
    if (--flight->n_waiting == 0) {
        flight_free (flight);
    }
    return error;
}

/* Waits for the foreign sectors, which are MISSING then, but on the disk if all is well. */
static bool
await_foreign (BlockCache *cache, ArecSectorWindow *window, GError **error)
{
    GError *cause = NULL;
    Flight *flight;

    pthread_mutex_lock (&cache->lock);
    while (!cause && (flight = find_foreign_locked (cache, window))) {
        cause = await_locked (cache, window, flight);
    }
    pthread_mutex_unlock (&cache->lock);
    arec_sector_window_turn (window, window->sectors, AREC_SECTOR_FOREIGN, AREC_SECTOR_MISSING);
    if (cause) {
        g_propagate_error (error, cause);
        return false;
    }
    return true;
}

/* ---- reads ---- */

static bool
has_missing (const ArecSectorWindow *window)
{
    ArecSectorRun run = {0, window->sectors.first};

    return arec_sector_window_next_run (window, AREC_SECTOR_MISSING, window->sectors.end, &run);
}

/* Has each missing sector brought by one reader, as far as the disk takes them. */
static bool
fill_in_turn (BlockCache *cache, ArecSectorWindow *window, uint64_t n_landed, GError **error)
{
    Flight *own = claim (cache, window);

    if (n_landed != cache->n_landed) {
        look_up (cache, window); /* they may have landed between the look and the claim */
    }
    if (!fly (cache, window, own, error) || !await_foreign (cache, window, error)) {
        return false;
    }
    if (has_missing (window)) {
        look_up (cache, window);
    }
    return true;
}

static bool
fill (BlockCache *cache, ArecSectorWindow *window, GError **error)
{
    const uint64_t n_landed = cache->n_landed;

    look_up (cache, window);
    if (has_missing (window) && !arec_cache_dir_is_off (cache->dir, AREC_CACHE_WRITING) &&
        !fill_in_turn (cache, window, n_landed, error)) {
        return false;
    }
    return bring_all (cache, window, window->sectors, AREC_SECTOR_MISSING, error);
}

static bool
is_empty (const struct iovec *iov, int n_iov)
{
    for (int i = 0; i < n_iov; i++) {
        if (iov[i].iov_len > 0) {
            return false;
        }
    }
    return true;
}

static bool
cached_preadv (ArecSource *source, struct iovec *iov, int n_iov, uint64_t offset,
               GError **error)
{
    BlockCache *cache = (BlockCache *)source;
    ArecSectorWindow window;
    bool ok;

    /* Written only by a thread that has the source for itself. */
    if (cache->below->cancel != source->cancel) {
        cache->below->cancel = source->cancel;
    }
    if (is_empty (iov, n_iov) || arec_cache_dir_is_off (cache->dir, AREC_CACHE_READING) ||
        !arec_sector_window_init (&window, iov, n_iov, offset, source->size)) {
        return arec_source_preadv (cache->below, iov, n_iov, offset, error);
    }
    ok = fill (cache, &window, error);
    arec_sector_window_clear (&window);
    return ok;
}

/* ---- the rest of a source ---- */

static bool
cached_check (ArecSource *source, uint64_t *stamp, GError **error)
{
    return arec_source_look (((BlockCache *)source)->below, stamp, error);
}

static uint64_t
cached_state (ArecSource *source)
{
    return arec_source_state (((BlockCache *)source)->below);
}

static bool
cached_is_being_written (ArecSource *source)
{
    return arec_source_is_being_written (((BlockCache *)source)->below);
}

static uint64_t
cached_next_data (ArecSource *source, uint64_t offset)
{
    return arec_source_next_data (((BlockCache *)source)->below, offset);
}

/* ---- ahead of readers ---- */

/* The missing sectors of named ranges, as ranges of whole sectors. */
typedef struct {
    BlockCache *cache;
    GArray *ranges; /* of ArecRange */
} Missing;

static void
note_flights (BlockCache *cache, ArecSectorRun run, bool here[AREC_SEGMENT_SECTORS])
{
    pthread_mutex_lock (&cache->lock);
    for (const Flight *flight = cache->flights; flight; flight = flight->next) {
        if (overlap (flight->run, run)) {
            ArecSectorRun both = common (flight->run, run);

            memset (here + (both.first - run.first), true, both.end - both.first);
        }
    }
    pthread_mutex_unlock (&cache->lock);
}

static void
add_missing (const Missing *missing, ArecSectorRun run)
{
    const ArecRange range = {run.first * AREC_SECTOR_SIZE,
                             MIN (run.end * AREC_SECTOR_SIZE, missing->cache->base.size)};
    ArecRange *last = missing->ranges->len > 0 ? &g_array_index (missing->ranges, ArecRange,
                                                                 missing->ranges->len - 1)
                                               : NULL;

    if (last && last->begin <= range.begin && range.begin <= last->end) {
        last->end = MAX (last->end, range.end);
    } else {
        g_array_append_val (missing->ranges, range);
    }
}

/* Sets those of @here, one for each sector of @run, of one segment, that are on the disk or on
 * their way there. Flights are looked at first: a sector that lands meanwhile is found on the
 * disk. */
static void
find_here (BlockCache *cache, ArecSectorRun run, bool here[AREC_SEGMENT_SECTORS])
{
    note_flights (cache, run, here);
    arec_cache_segment_find (segment_at (cache, run.first / AREC_SEGMENT_SECTORS), run, here);
}

/* What readers wait for is named by where it begins, its length a guess: what they needed is on
 * the disk if that is. */
static bool
has_begin (BlockCache *cache, uint64_t first)
{
    bool here[AREC_SEGMENT_SECTORS] = {false};

    find_here (cache, (ArecSectorRun){first, first + 1}, here);
    return here[0];
}

/* @run  of one segment. */
static void
find_missing (const Missing *missing, ArecSectorRun run)
{
    bool here[AREC_SEGMENT_SECTORS] = {false};
    uint64_t n = run.end - run.first, end;

    find_here (missing->cache, run, here);
    for (uint64_t begin = 0; begin < n; begin = end + 1) {
        for (end = begin; end < n && !here[end]; end++) {
        }
        if (begin < end) {
            add_missing (missing, (ArecSectorRun){run.first + begin, run.first + end});
        }
    }
}

static void
cached_will_need (ArecSource *source, const ArecRange *ranges, size_t n, ArecUrgency urgency)
{
    BlockCache *cache = (BlockCache *)source;
    g_autoptr (GArray) found = NULL;
    Missing missing = {.cache = cache};

    /* Where nothing is stored, readers ask for no more than they want. */
    if (arec_cache_dir_is_off (cache->dir, AREC_CACHE_WRITING)) {
        arec_source_will_need (cache->below, ranges, n, urgency);
        return;
    }
    missing.ranges = found = g_array_new (FALSE, FALSE, sizeof (ArecRange));
    for (size_t i = 0; i < n; i++) {
        uint64_t first = ranges[i].begin / AREC_SECTOR_SIZE;
        uint64_t end = (ranges[i].end + AREC_SECTOR_SIZE - 1) / AREC_SECTOR_SIZE;

        if (urgency <= AREC_URGENCY_FRONT && has_begin (cache, first)) {
            continue;
        }
        while (first < end) {
            uint64_t limit = (first / AREC_SEGMENT_SECTORS + 1) * AREC_SEGMENT_SECTORS;

            find_missing (&missing, (ArecSectorRun){first, MIN (limit, end)});
            first = limit;
        }
    }
    arec_source_will_need (cache->below, (const ArecRange *)(void *)found->data, found->len,
                           urgency);
}

static uint64_t
cached_window (ArecSource *source)
{
    return arec_source_window (((BlockCache *)source)->below);
}

/* ---- life ---- */

static void
cached_free (ArecSource *source)
{
    BlockCache *cache = (BlockCache *)source;

    for (uint64_t i = 0; i < cache->n_segments; i++) {
        if (cache->segments[i]) {
            arec_cache_segment_free (cache->segments[i]);
        }
    }
    arec_source_free (cache->below);
    g_assert (!cache->flights);
    pthread_cond_destroy (&cache->landed);
    pthread_mutex_destroy (&cache->lock);
    g_free (cache->segments);
    g_free (cache);
}

static const ArecSourceOps cached_ops = {.preadv = cached_preadv,
                                         .check = cached_check,
                                         .state = cached_state,
                                         .is_being_written = cached_is_being_written,
                                         .next_data = cached_next_data,
                                         .window = cached_window,
                                         .will_need = cached_will_need,
                                         .free = cached_free};

ArecSource *
arec_block_cache_new (ArecSource *below, ArecCacheDir *dir, const char *identity)
{
    const uint64_t n_segments = below->size / AREC_SEGMENT_SIZE + 1;
    g_autofree ArecCacheSegment *_Atomic *segments = NULL;
    BlockCache *cache;

    if (n_segments <= UINT32_MAX) {
        segments = g_try_malloc0_n (n_segments, sizeof *segments);
    }
    if (!segments) {
        return below;
    }
    cache = g_new0 (BlockCache, 1);
    cache->base.ops = &cached_ops;
    cache->base.name = g_strdup (below->name);
    cache->base.size = below->size;
    cache->base.is_slow = below->is_slow;
    cache->base.etag = g_strdup (below->etag);
    cache->base.identity = below->identity;
    cache->base.stamp = below->stamp;
    cache->base.st = below->st;
    cache->base.mode = below->mode;
    cache->below = below;
    cache->dir = dir;
    cache->segments = g_steal_pointer (&segments);
    cache->n_segments = n_segments;
    arec_keyed_name (arec_cache_dir_key (dir), identity, strlen (identity), cache->identity);
    pthread_mutex_init (&cache->lock, NULL);
    pthread_cond_init (&cache->landed, NULL);
    return &cache->base;
}
