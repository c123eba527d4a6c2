/* Many records at once: each chunk is loaded once, in groups that several threads take in
 * order. */
#include <pthread.h>
#include <stdatomic.h>

#include <arec/reader.h>

#include "base/error.h"
#include "base/phases.h"
#include "dataset/chunk_loads.h"
#include "dataset/reader.h"
#include "dataset/record_view.h"

/* Decoded bytes of a batch for which another thread is called. */
#define HELP_SIZE (UINT64_C (128) * 1024)

typedef struct {
    uint64_t record;
    size_t position; /* in the caller's list */
} Wanted;

static int
compare_wanted (const void *a, const void *b)
{
    const Wanted *x = a, *y = b;

    return (x->record > y->record) - (x->record < y->record);
}

/* Wanted records of one chunk. */
typedef struct {
    size_t first; /* in the sorted list */
    size_t n;
    ArecSpot spot;          /* of the first one */
    uint64_t stored_before; /* bytes of the chunks of the groups before it */
} Group;

/* A batch, worked on by the caller's thread and by idle threads of the engine. The caller waits
 * only for helpers that have begun: one that comes later finds is_over set, and touches nothing
 * of the caller's. */
typedef struct {
    _Atomic unsigned refs;
    ArecReader *reader;
    const Wanted *wanted;
    ArecView *views;
    const Group *groups;
    size_t n_groups;
    _Atomic size_t next; /* first group that no thread has taken */
    pthread_mutex_t lock;
    pthread_cond_t idle; /* no helper is at work */
    bool is_over;        /* guarded by the lock, as all below */
    size_t named;        /* first group whose stored bytes were not named */
    unsigned n_helpers;  /* at work */
    size_t failed;       /* the first group that failed */
    GError *error;
} Batch;

static void
unref_batch (void *data)
{
    Batch *batch = data;

    if (atomic_fetch_sub (&batch->refs, 1) == 1) {
        pthread_cond_destroy (&batch->idle);
        pthread_mutex_destroy (&batch->lock);
        g_free (batch);
    }
}

static bool
read_group (Batch *batch, const Group *group, GError **error)
{
    const Wanted *wanted = batch->wanted + group->first;
    uint64_t first = wanted[0].record, last = wanted[group->n - 1].record;
    const ArecChunkLoad load = arec_reader_load_at (batch->reader, &group->spot);
    const uint64_t in_chunk = group->spot.place.chunk_record;
    g_autoptr (ArecCacheEntry) cached =
        arec_chunk_load_get (&load, in_chunk + (last - first), UINT64_MAX, error);

    if (!cached) {
        return false;
    }
    for (size_t i = 0; i < group->n; i++) {
        if (!arec_record_view_make (&load, in_chunk + (wanted[i].record - first), cached, 0,
                                    UINT64_MAX, &batch->views[wanted[i].position], error)) {
            return false;
        }
    }
    return true;
}

/* Before group @i is read: names the stored bytes of those behind it, as many as the source
 * wants on their way. */
static void
fetch_ahead (Batch *batch, size_t i)
{
    const Group *groups = batch->groups;
    uint64_t window =
        arec_shard_window (arec_reader_shard (batch->reader, groups[i].spot.place.file));
    size_t from, end;

    if (window == 0) {
        return;
    }
    pthread_mutex_lock (&batch->lock);
    from = end = MAX (batch->named, i + 1);
    while (end < batch->n_groups &&
           groups[end].stored_before - groups[i].stored_before < window) {
        end++;
    }
    batch->named = end;
    pthread_mutex_unlock (&batch->lock);
    for (size_t j = from; j < end; j++) {
        const ArecIndexEntry *entry = &groups[j].spot.entry;
        ArecChunkLoad load = arec_reader_load_at (batch->reader, &groups[j].spot);

        if (!arec_chunk_load_is_there (&load)) {
            arec_shard_will_need (arec_reader_shard (batch->reader, groups[j].spot.place.file),
                                  &(ArecRange){entry->offset, entry->limit}, 1,
                                  AREC_URGENCY_AHEAD);
        }
    }
}

/* Groups are taken in order, and a thread finishes each group that it took. So the first
 * failure in the order of records is always known, although other threads stop at any failure.
 */
static void
work_on_batch (Batch *batch)
{
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_DECODING);
    size_t i;

    while ((i = atomic_fetch_add (&batch->next, 1)) < batch->n_groups) {
        GError *error = NULL;

        fetch_ahead (batch, i);
        if (read_group (batch, &batch->groups[i], &error)) {
            continue;
        }
        atomic_store (&batch->next, batch->n_groups);
        pthread_mutex_lock (&batch->lock);
        if (i < batch->failed) {
            GError *later = batch->error;

            batch->failed = i;
            batch->error = error;
            error = later;
        }
        pthread_mutex_unlock (&batch->lock);
        g_clear_error (&error);
    }
    arec_phases_leave (mark);
}

static void
help_with_batch (void *data)
{
    Batch *batch = data;
    bool is_over;

    pthread_mutex_lock (&batch->lock);
    is_over = batch->is_over;
    batch->n_helpers += !is_over;
    pthread_mutex_unlock (&batch->lock);
    if (!is_over) {
        work_on_batch (batch);
        pthread_mutex_lock (&batch->lock);
        batch->n_helpers--;
        pthread_cond_signal (&batch->idle);
        pthread_mutex_unlock (&batch->lock);
    }
    unref_batch (batch);
}

/* Calls as many helpers as the batch is worth: handing over costs more than a small chunk. */
static void
call_helpers (Batch *batch)
{
    unsigned n = batch->reader->parallelism;
    uint64_t size = 0;

    for (size_t i = 0; i < batch->n_groups && size / HELP_SIZE < n; i++) {
        size += batch->groups[i].spot.entry.decoded_size;
    }
    n = (unsigned)MIN (MIN (n, batch->n_groups), 1 + size / HELP_SIZE);
    for (unsigned i = 1; i < n; i++) {
        atomic_fetch_add (&batch->refs, 1);
        if (!arec_worker_pool_try (batch->reader->engine->workers, help_with_batch, unref_batch,
                                   batch)) {
            unref_batch (batch);
            break;
        }
    }
}

/* Fills the views of @wanted, chunk by chunk. */
static bool
read_groups (ArecReader *reader, const Wanted *wanted, const Group *groups, size_t n_groups,
             ArecView *views, GError **error)
{
    Batch *batch = g_new0 (Batch, 1);
    ArecPhaseMark mark;
    GError *failure;

    batch->refs = 1;
    batch->reader = reader;
    batch->wanted = wanted;
    batch->views = views;
    batch->groups = groups;
    batch->n_groups = batch->failed = n_groups;
    pthread_mutex_init (&batch->lock, NULL);
    pthread_cond_init (&batch->idle, NULL);

    call_helpers (batch);
    work_on_batch (batch);
    mark = arec_phases_enter (AREC_PHASE_WAITING_DECODING);
    pthread_mutex_lock (&batch->lock);
    batch->is_over = true;
    while (batch->n_helpers > 0) {
        pthread_cond_wait (&batch->idle, &batch->lock);
    }
    failure = g_steal_pointer (&batch->error);
    pthread_mutex_unlock (&batch->lock);
    arec_phases_leave (mark);
    unref_batch (batch);
    if (failure) {
        g_propagate_error (error, failure);
        return false;
    }
    return true;
}

/* The chunks of @wanted, which ascends; @groups has room for n. */
static bool
make_groups (ArecReader *reader, const Wanted *wanted, size_t n, Group *groups,
             size_t *n_groups, GError **error)
{
    uint64_t stored = 0;

    *n_groups = 0;
    for (size_t i = 0; i < n;) {
        Group *group = &groups[(*n_groups)++];
        uint64_t end;

        group->first = i;
        group->stored_before = stored;
        if (!arec_reader_find (reader, wanted[i].record, &group->spot, error)) {
            return false;
        }
        end = arec_reader_chunk_end (reader, wanted[i].record, &group->spot);
        while (i < n && wanted[i].record < end) {
            i++;
        }
        group->n = i - group->first;
        stored += group->spot.entry.limit - group->spot.entry.offset;
    }
    return true;
}

static bool
read_sorted (ArecReader *reader, const Wanted *wanted, size_t n, ArecView *views,
             GError **error)
{
    g_autofree Group *groups = g_try_new (Group, MAX (n, 1));
    size_t n_groups;

    if (!groups) {
        return arec_fail (error, AREC_ERROR_NOMEM, "no memory for %zu record numbers", n);
    }
    return make_groups (reader, wanted, n, groups, &n_groups, error) &&
           read_groups (reader, wanted, groups, n_groups, views, error);
}

bool
arec_reader_read_many (ArecReader *reader, const uint64_t *records, size_t n, ArecView *views,
                       GError **error)
{
    g_autofree Wanted *wanted = NULL;

    for (size_t i = 0; i < n; i++) {
        if (!arec_reader_check_number (reader, records[i], error)) {
            return false;
        }
    }
    wanted = g_try_new (Wanted, MAX (n, 1));
    if (!wanted) {
        return arec_fail (error, AREC_ERROR_NOMEM, "no memory for %zu record numbers", n);
    }
    for (size_t i = 0; i < n; i++) {
        wanted[i] = (Wanted){records[i], i};
    }
    qsort (wanted, n, sizeof *wanted, compare_wanted);
    if (!read_sorted (reader, wanted, n, views, error)) {
        for (size_t i = 0; i < n; i++) {
            arec_view_clear (&views[i]);
        }
        return false;
    }
    return true;
}
