#include "base/phases.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "base/thread_slot.h"

/* Work that takes this many nanoseconds is always measured: two looks at the clock and their
 * accounts, of 100 ns, are one part in 200 of it. */
#define LONG_WORK INT64_C (20000)

/* Pieces of short work that are skipped after one that is measured, at most in the mean. */
#define MOST_SKIPS 32

/* Short work that takes this many nanoseconds was interrupted, and stands for itself alone. */
#define INTERRUPTED INT64_C (500000)

/* The first pieces are all measured, so that a short run is exact. Later ones are as many as to
 * stand for others. */
#define FIRST_PIECES 256

enum { NOT_COUNTED, PLAIN, SHORT, MUTED };

/* Short work of one phase in one thread. */
typedef struct {
    unsigned n_first;   /* of the first pieces */
    unsigned n_skipped; /* since one was measured */
    unsigned n_to_skip;
    int64_t usual; /* nanoseconds; 0: none was measured yet */
} Site;

/* The place of a thread. Its thread alone writes, others read: `version` is odd while it is
 * written. */
typedef struct {
    _Atomic bool is_taken;
    _Atomic unsigned version;
    _Atomic int64_t ns[AREC_N_PHASES];
    _Atomic int64_t since; /* nanoseconds by the clock; 0: no thread is here */
    _Atomic int phase;
    /* Of the thread alone. */
    int around;     /* the phase around the short work that is measured */
    int64_t weight; /* how many pieces it stands for; 1: none is measured, or it alone */
    bool is_muted;  /* short work is not measured, and neither is what is in it */
    uint32_t dice;
    Site sites[AREC_N_PHASES];
} Place;

static void leave_thread (void *place);

static ArecThreadSlot slot = AREC_THREAD_SLOT (leave_thread);
static _Atomic bool is_started;
static _Atomic size_t n_places; /* that were ever taken */
static Place places[AREC_PHASES_MAX_THREADS];
static Place nowhere; /* where all are taken */
static _Thread_local Place *mine;

static const char *const words[] = {
#define WORD(name, word) word,
    AREC_PHASES (WORD)
#undef WORD
};

const char *
arec_phases_word (ArecPhase phase)
{
    return words[phase];
}

static int64_t
look_at_clock (void)
{
    struct timespec time;

    clock_gettime (CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C (1000000000) + time.tv_nsec;
}

/* ---- the account of a thread ---- */

static int64_t
get (const _Atomic int64_t *number)
{
    return atomic_load_explicit (number, memory_order_acquire);
}

/* Of numbers that the thread alone writes. Each store is a release, so that `version` is odd
 * before any of them is seen. */
static void
set (_Atomic int64_t *number, int64_t value)
{
    atomic_store_explicit (number, value, memory_order_release);
}

static void
add (_Atomic int64_t *number, int64_t more)
{
    set (number, atomic_load_explicit (number, memory_order_relaxed) + more);
}

/* Ends the time in the phase of @place at @now, and begins that in @phase. What stands for
 * pieces that were not measured takes their time out of the phase around them. */
static void
go_to (Place *place, int phase, int64_t now)
{
    unsigned version = atomic_load_explicit (&place->version, memory_order_relaxed);
    int64_t since = atomic_load_explicit (&place->since, memory_order_relaxed);
    int before = atomic_load_explicit (&place->phase, memory_order_relaxed);

    atomic_store_explicit (&place->version, version + 1, memory_order_relaxed);
    if (since > 0) {
        int64_t taken = now - since;
        int64_t weight = taken < INTERRUPTED ? place->weight : 1;

        add (&place->ns[before], taken * weight);
        if (weight > 1) {
            add (&place->ns[place->around], -taken * (weight - 1));
        }
    }
    set (&place->since, now);
    atomic_store_explicit (&place->phase, phase, memory_order_release);
    atomic_store_explicit (&place->version, version + 2, memory_order_release);
}

/* ---- threads ---- */

static bool
try_take (Place *place)
{
    bool taken = false;

    return atomic_compare_exchange_strong_explicit (&place->is_taken, &taken, true,
                                                    memory_order_acquire, memory_order_relaxed);
}

static Place *
find_place (void)
{
    for (size_t i = 0; i < AREC_PHASES_MAX_THREADS; i++) {
        size_t n = atomic_load (&n_places);

        if (try_take (&places[i])) {
            while (n <= i && !atomic_compare_exchange_weak (&n_places, &n, i + 1)) {
            }
            return &places[i];
        }
    }
    return &nowhere;
}

static void
enter_thread (void)
{
    Place *place = find_place();

    if (place != &nowhere) {
        place->weight = 1;
        place->is_muted = false;
        go_to (place, AREC_PHASE_OTHER, look_at_clock());
        arec_thread_slot_give (&slot, place);
        if (arec_thread_slot_peek (&slot) != place) { /* it could not be kept, and was left */
            place = &nowhere;
        }
    }
    mine = place;
}

/* A thread ends. What it counted stays. */
static void
leave_thread (void *data)
{
    Place *place = data;

    go_to (place, AREC_PHASE_OTHER, look_at_clock());
    set (&place->since, 0);
    mine = NULL;
    atomic_store_explicit (&place->is_taken, false, memory_order_release);
}

/* NULL: this thread is not counted. */
static Place *
find_mine (void)
{
    if (G_LIKELY (!atomic_load_explicit (&is_started, memory_order_relaxed))) {
        return NULL;
    }
    if (G_UNLIKELY (!mine)) {
        enter_thread();
    }
    return mine != &nowhere ? mine : NULL;
}

void
arec_phases_start (void)
{
    atomic_store (&is_started, true);
    find_mine();
}

/* ---- phases ---- */

static ArecPhaseMark
enter (Place *place, ArecPhase phase, int kind)
{
    ArecPhaseMark mark = {
        .begin = look_at_clock(),
        .kind = (uint8_t)kind,
        .outer = (uint8_t)atomic_load_explicit (&place->phase, memory_order_relaxed),
        .phase = (uint8_t)phase};

    go_to (place, (int)phase, mark.begin);
    return mark;
}

ArecPhaseMark
arec_phases_enter (ArecPhase phase)
{
    Place *place = find_mine();

    return place && !place->is_muted ? enter (place, phase, PLAIN)
                                     : (ArecPhaseMark){.kind = NOT_COUNTED};
}

ArecPhaseMark
arec_phases_enter_short (ArecPhase phase)
{
    Place *place = find_mine();
    ArecPhaseMark mark;
    Site *site;

    if (!place || place->is_muted) {
        return (ArecPhaseMark){.kind = NOT_COUNTED};
    }
    if (place->weight > 1) { /* what is around stands for more, and this with it */
        return enter (place, phase, PLAIN);
    }
    site = &place->sites[phase];
    if (site->n_skipped < site->n_to_skip) {
        site->n_skipped++;
        place->is_muted = true;
        return (ArecPhaseMark){.kind = MUTED};
    }
    mark = enter (place, phase, SHORT);
    place->around = mark.outer;
    place->weight = 1 + (int64_t)site->n_skipped;
    site->n_skipped = 0;
    return mark;
}

/* How many pieces of @site are skipped before the next one. A fixed number would measure the
 * same part of what repeats, as sizes and values of chunks do. */
static unsigned
choose_skips (Place *place, Site *site)
{
    unsigned mean = (unsigned)MIN (LONG_WORK / MAX (site->usual, 1), MOST_SKIPS);

    if (site->n_first < FIRST_PIECES) {
        site->n_first++;
        return 0;
    }
    place->dice = place->dice * 1664525 + 1013904223; /* from Numerical Recipes */
    return (unsigned)(((uint64_t)place->dice * (2 * mean + 1)) >> 32);
}

static void
learn (Place *place, Site *site, int64_t taken)
{
    site->usual = site->usual > 0 ? (7 * site->usual + taken) / 8 : taken;
    site->n_to_skip = choose_skips (place, site);
}

void
arec_phases_leave (ArecPhaseMark mark)
{
    int64_t now;

    if (mark.kind == NOT_COUNTED) {
        return;
    }
    if (mark.kind == MUTED) {
        mine->is_muted = false;
        return;
    }
    now = look_at_clock();
    go_to (mine, mark.outer, now);
    if (mark.kind == SHORT) {
        mine->weight = 1;
        learn (mine, &mine->sites[mark.phase], now - mark.begin);
    }
}

/* ---- times ---- */

/* Reads what does not change meanwhile. The time until @now in the present phase counts. */
static void
read_place (const Place *place, int64_t now, ArecPhaseTimes *times)
{
    unsigned version;

    do {
        int64_t since;

        version = atomic_load_explicit (&place->version, memory_order_acquire);
        for (int phase = 0; phase < AREC_N_PHASES; phase++) {
            times->ns[phase] = get (&place->ns[phase]);
        }
        since = get (&place->since);
        if (since > 0 && now > since) {
            times->ns[atomic_load_explicit (&place->phase, memory_order_acquire)] +=
                now - since;
        }
    } while (version % 2 == 1 ||
             version != atomic_load_explicit (&place->version, memory_order_relaxed));
}

size_t
arec_phases_read (ArecPhaseTimes *times, size_t max)
{
    size_t n = atomic_load (&n_places);
    int64_t now = look_at_clock();

    for (size_t i = 0; i < MIN (n, max); i++) {
        read_place (&places[i], now, &times[i]);
    }
    return n;
}

int64_t
arec_phases_sum (const ArecPhaseTimes *times)
{
    int64_t sum = 0;

    for (int phase = 0; phase < AREC_N_PHASES; phase++) {
        sum += times->ns[phase];
    }
    return sum;
}

void
arec_phases_settle (ArecPhaseTimes *times, const ArecPhaseTimes *before)
{
    int64_t sum, positive = 0;
    double kept;

    for (int phase = 0; phase < AREC_N_PHASES; phase++) {
        times->ns[phase] -= before ? before->ns[phase] : 0;
        positive += MAX (times->ns[phase], 0);
    }
    sum = arec_phases_sum (times);
    if (positive == sum) {
        return;
    }
    /* Estimates were too large by what others have lost. */
    kept = positive > 0 ? (double)MAX (sum, 0) / (double)positive : 0;
    for (int phase = 0; phase < AREC_N_PHASES; phase++) {
        times->ns[phase] = (int64_t)((double)MAX (times->ns[phase], 0) * kept);
    }
}
