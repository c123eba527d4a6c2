#include "read/long_reads.h"

#include <errno.h>

#include "base/thread.h"
#include "serve/parked.h"

/* Threads for READs of one chunk: while one decodes far into it, the other answers those that
 * want less. */
#define MAX_PER_CHUNK 2

/* Microseconds after which a READ that runs no longer counts: its source may be dead, and READs
 * of others are not to wait for it. And between looks whether one does not. */
#define OVERDUE 3000000
#define LOOK_INTERVAL 100000

/* Threads of our own, which run what such READs have let pass. */
#define MAX_THREADS 64

/* A READ that runs or waits. */
typedef struct {
    ArecfsParked parked;
    GList link; /* in one of the queues */
    ArecfsLongReads *reads;
    bool runs;
    int64_t begun; /* to run */
    ArecfsRead read;
    ArecPlace place;
} LongRead;

struct ArecfsLongReads {
    unsigned max_running;
    pthread_mutex_t lock;
    GQueue running; /* of LongRead; guarded by the lock, as below */
    GQueue waiting; /* first come first */
    bool ending;
    pthread_cond_t changed; /* the end, or the end of a thread */
    unsigned n_threads;
    bool has_watcher; /* one of these looks for READs that are overdue */
};

static void *watch (void *data);

ArecfsLongReads *
arecfs_long_reads_new (unsigned max_running)
{
    ArecfsLongReads *reads = g_new0 (ArecfsLongReads, 1);

    reads->max_running = max_running;
    pthread_mutex_init (&reads->lock, NULL);
    arecfs_cond_init (&reads->changed);
    return reads;
}

static bool
are_of_one_chunk (const LongRead *a, const LongRead *b)
{
    return a->read.node.file == b->read.node.file && a->place.file == b->place.file &&
           a->place.chunk == b->place.chunk;
}

static bool
may_run_locked (const ArecfsLongReads *reads, const LongRead *item)
{
    const int64_t begun_before = g_get_monotonic_time() - OVERDUE;
    unsigned n_running = 0, n_of_chunk = 0;

    for (const GList *link = reads->running.head; link; link = link->next) {
        const LongRead *other = link->data;

        n_running += other->begun >= begun_before;
        n_of_chunk += are_of_one_chunk (other, item);
    }
    return n_running < reads->max_running && n_of_chunk < MAX_PER_CHUNK;
}

/* The first of those that wait that may run, which then does; NULL: there is none. */
static LongRead *
start_next_locked (ArecfsLongReads *reads)
{
    for (GList *link = reads->waiting.head; link; link = link->next) {
        if (may_run_locked (reads, link->data)) {
            g_queue_unlink (&reads->waiting, link);
            g_queue_push_tail_link (&reads->running, link);
            ((LongRead *)link->data)->runs = true;
            ((LongRead *)link->data)->begun = g_get_monotonic_time();
            return link->data;
        }
    }
    return NULL;
}

/* Ends @item, whose thread is the next one's. */
static LongRead *
end_read (ArecfsLongReads *reads, LongRead *item)
{
    LongRead *next;

    pthread_mutex_lock (&reads->lock);
    g_queue_unlink (&reads->running, &item->link);
    next = start_next_locked (reads);
    pthread_mutex_unlock (&reads->lock);
    g_free (item);
    return next;
}

/* Replies to @item, which does not run and is claimed, and frees it. */
static void
refuse (LongRead *item, int number)
{
    arecfs_parked_disarm (&item->parked);
    arecfs_reply_errno (&item->parked.request, number);
    g_free (item);
}

/* Reading a file is not expected to end for the sake of a signal that is caught. */
static ArecfsWithdrawal
withdraw (ArecfsParked *parked, bool is_killed)
{
    LongRead *item = (LongRead *)parked;

    if (!is_killed) {
        return ARECFS_STAYS;
    }
    if (item->runs) {
        return ARECFS_TAKEN; /* its thread frees it */
    }
    g_queue_unlink (&item->reads->waiting, &item->link);
    return ARECFS_TAKEN_FREE;
}

/* Loads what @item wants, and replies unless its caller has gone meanwhile. */
static void
run (ArecfsLongReads *reads, LongRead *item)
{
    const ArecfsRead *read = &item->read;
    g_auto (ArecView) view = {0};
    GError *error = NULL;
    bool is_ours;

    arec_reader_read_range (read->node.file->reader, read->node.record, read->offset,
                            read->size, &view, &error);
    pthread_mutex_lock (&reads->lock);
    is_ours = arecfs_parked_claim_locked (&item->parked);
    pthread_mutex_unlock (&reads->lock);
    if (is_ours) {
        arecfs_parked_disarm (&item->parked);
        arecfs_read_reply (read, &view, error);
    } else {
        g_clear_error (&error);
    }
}

static LongRead *
new_read (ArecfsLongReads *reads, const ArecfsRead *read)
{
    LongRead *item = g_new0 (LongRead, 1);

    arecfs_parked_init (&item->parked, &read->request, &reads->lock, withdraw);
    item->link.data = item;
    item->reads = reads;
    item->read = *read;
    /* If the index cannot say, the read fails as well and says why. */
    arec_reader_locate (read->node.file->reader, read->node.record, &item->place, NULL);
    return item;
}

/* Returns 0, or the errno to reply with. */
static int
wait_locked (ArecfsLongReads *reads, LongRead *item)
{
    if (reads->ending) {
        return ENOTCONN;
    }
    if (!arecfs_parked_begin_locked (&item->parked)) {
        return EINTR;
    }
    g_queue_push_tail_link (&reads->waiting, &item->link);
    return 0;
}

static void
run_all (ArecfsLongReads *reads, LongRead *next)
{
    while (next) {
        run (reads, next);
        next = end_read (reads, next);
    }
}

/* ---- what is overdue ---- */

/* READs wait, so a thread looks whether those that run are overdue. If none can be started,
 * they wait until one ends. */
static void
call_watcher_locked (ArecfsLongReads *reads)
{
    pthread_t thread;

    if (reads->has_watcher || reads->ending || reads->waiting.length == 0 ||
        reads->n_threads >= MAX_THREADS || arecfs_thread_start (&thread, watch, reads) != 0) {
        return;
    }
    pthread_detach (thread);
    reads->n_threads++;
    reads->has_watcher = true;
}

/* The next READ that may run, which makes the calling thread one that runs it, and another one
 * the watcher; NULL: no READ waits any more. */
static LongRead *
await_overdue_locked (ArecfsLongReads *reads)
{
    LongRead *next = NULL;

    while (!reads->ending && reads->waiting.length > 0 && !(next = start_next_locked (reads))) {
        arecfs_wait_until (&reads->changed, &reads->lock,
                           g_get_monotonic_time() + LOOK_INTERVAL);
    }
    reads->has_watcher = false;
    call_watcher_locked (reads);
    return next;
}

static void *
watch (void *data)
{
    ArecfsLongReads *reads = data;
    LongRead *next;

    pthread_mutex_lock (&reads->lock);
    next = await_overdue_locked (reads);
    pthread_mutex_unlock (&reads->lock);
    run_all (reads, next);
    pthread_mutex_lock (&reads->lock);
    reads->n_threads--;
    pthread_cond_broadcast (&reads->changed);
    pthread_mutex_unlock (&reads->lock);
    return NULL;
}

void
arecfs_long_reads_take (ArecfsLongReads *reads, const ArecfsRead *read)
{
    LongRead *item = new_read (reads, read), *next = NULL;
    int number;

    arecfs_parked_arm (&item->parked);
    pthread_mutex_lock (&reads->lock);
    number = wait_locked (reads, item);
    if (number == 0) {
        next = start_next_locked (reads);
        call_watcher_locked (reads);
    }
    pthread_mutex_unlock (&reads->lock);
    if (number != 0) {
        refuse (item, number);
    }
    run_all (reads, next);
}

/* ---- the end ---- */

/* Those that wait, claimed. Nothing is taken any more. */
static GQueue
end_locked (ArecfsLongReads *reads)
{
    GQueue waiting = reads->waiting;

    reads->ending = true;
    g_queue_init (&reads->waiting);
    for (GList *link = waiting.head; link; link = link->next) {
        arecfs_parked_claim_locked (&((LongRead *)link->data)->parked);
    }
    return waiting;
}

void
arecfs_long_reads_stop (ArecfsLongReads *reads)
{
    GQueue waiting;
    GList *link;

    pthread_mutex_lock (&reads->lock);
    waiting = end_locked (reads);
    pthread_cond_broadcast (&reads->changed);
    pthread_mutex_unlock (&reads->lock);
    while ((link = g_queue_pop_head_link (&waiting))) {
        refuse (link->data, ENOTCONN);
    }
}

bool
arecfs_long_reads_join (ArecfsLongReads *reads, int64_t until)
{
    bool have_ended;

    pthread_mutex_lock (&reads->lock);
    while (reads->n_threads > 0 && arecfs_wait_until (&reads->changed, &reads->lock, until)) {
    }
    have_ended = reads->n_threads == 0;
    pthread_mutex_unlock (&reads->lock);
    return have_ended;
}

void
arecfs_long_reads_free (ArecfsLongReads *reads)
{
    if (!reads) {
        return;
    }
    arecfs_long_reads_stop (reads);
    arecfs_long_reads_join (reads, INT64_MAX);
    pthread_cond_destroy (&reads->changed);
    pthread_mutex_destroy (&reads->lock);
    g_free (reads);
}
