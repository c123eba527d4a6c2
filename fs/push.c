#include "push.h"

#include <errno.h>
#include <pthread.h>

#include "inodes.h"
#include "reading.h"
#include "thread.h"
#include "watcher.h"

/* Successors that are stored before a waiting READ is answered. */
#define HEAD_START 8

/* Steps that a push may be short of a record for a READ of it to wait: a reader that goes with
 * the push is near, and no other should wait for it. */
#define NEAR 32

/* READs that may wait at the same time: far below the requests that the kernel has in flight at
 * most, or one that it holds back for that reason might be the one that the thread waits for.
 * Beyond, READs are answered at once and start no push. */
#define MAX_WAITERS 24

/* Pushes that may be under way at the same time, and records of one until it is another one's
 * turn. */
#define MAX_JOBS 64
#define TURN 16

/* Larger records are read in several requests anyway, which the kernel makes ahead. */
#define MAX_RECORD (UINT64_C (1) << 20)

/* A READ that the thread will answer. */
typedef struct {
    ArecfsRequest request;
    ArecfsNode node;
    size_t size;
    uint64_t offset;
    uint64_t until; /* answered when the push has come by this record */
} Waiter;

/* Records next, next + step, ... below end of one file. */
typedef struct {
    ArecfsNode node; /* of one of them: which file */
    uint64_t first, end, step;
    uint64_t next; /* those before it are stored, being stored or left out */
    bool has_failed;
    ArecPlace failed; /* of a record whose chunk cannot be read */
    GQueue waiters;   /* of Waiter */
} Job;

struct ArecfsPush {
    ArecfsServer *server;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a job came, or the end */
    bool ending;            /* guarded by the lock, as all below */
    bool has_ended;         /* the thread */
    GQueue jobs;            /* of Job; the head is the one at work */
    unsigned n_waiters;
    bool is_unwatched; /* has been told; the thread's own */
};

/* ---- answering ---- */

/* Takes the waiters out that the job has come by, or all of them. */
static GQueue
take_waiters_locked (ArecfsPush *push, Job *job, bool all)
{
    GQueue taken = G_QUEUE_INIT;

    for (GList *link = job->waiters.head, *next; link; link = next) {
        const Waiter *waiter = link->data;

        next = link->next;
        if (all || job->next > waiter->until) {
            g_queue_unlink (&job->waiters, link);
            g_queue_push_tail_link (&taken, link);
        }
    }
    push->n_waiters -= taken.length;
    return taken;
}

static void
answer (GQueue *waiters)
{
    Waiter *waiter;

    while ((waiter = g_queue_pop_head (waiters))) {
        arecfs_read_record (&waiter->request, &waiter->node, waiter->size, waiter->offset);
        g_free (waiter);
    }
}

/* ---- storing ---- */

/* Whether a READ of @record of the job's file waits here, in whatever job: then its reader
 * holds the pages, and storing would wait for us. */
static bool
is_waited_for_locked (const ArecfsPush *push, const Job *job, uint64_t record)
{
    for (GList *at = push->jobs.head; at; at = at->next) {
        for (GList *link = ((const Job *)at->data)->waiters.head; link; link = link->next) {
            const Waiter *waiter = link->data;

            if (waiter->node.slot == job->node.slot && waiter->node.record == record) {
                return true;
            }
        }
    }
    return false;
}

static bool
is_of_failed_chunk (const Job *job, uint64_t record)
{
    ArecPlace place;

    return job->has_failed &&
           arec_reader_locate (job->node.file->reader, record, &place, NULL) &&
           place.file == job->failed.file && place.chunk == job->failed.chunk;
}

/* Stores @record in the page cache. Returns whether it makes sense to go on. */
static bool
store (ArecfsPush *push, Job *job, uint64_t record)
{
    ArecfsServer *server = push->server;
    ArecReader *reader = job->node.file->reader;
    g_auto (ArecView) view = {0};
    struct fuse_bufvec buffer;
    int result;

    if (is_of_failed_chunk (job, record)) {
        return true;
    }
    if (arec_reader_read_is_long (reader, record, 0, UINT64_MAX)) {
        /* All other streams would wait for it, too: a thread that serves requests does that. */
        arec_readahead_retract (job->node.file->readahead, record);
        return false;
    }
    if (!arec_reader_read (reader, record, &view, NULL)) {
        /* Whoever reads it will be told why. */
        job->has_failed = arec_reader_locate (reader, record, &job->failed, NULL);
        return job->has_failed;
    }
    if (view.size == 0 || view.size > MAX_RECORD) {
        return true;
    }
    buffer = FUSE_BUFVEC_INIT (view.size);
    buffer.buf[0].mem = (void *)view.data;
    result = fuse_lowlevel_notify_store (
        server->session, arecfs_ino_of_record (job->node.slot, record), 0, &buffer, 0);
    if (result == 0) {
        arecfs_count (&server->counters.pushes_kept, 1);
        arecfs_count (&server->counters.pushed_bytes, view.size);
        return true;
    }
    /* -ENOENT: the kernel does not know the inode, and knows those behind it no better. */
    arecfs_count (&server->counters.pushes_refused, 1);
    return false;
}

/* One record of @job. Returns whether there is more to do. */
static bool
push_one (ArecfsPush *push, Job *job)
{
    uint64_t record = job->next;
    GQueue passed;
    bool stores;

    if (record >= job->end) {
        return false;
    }
    pthread_mutex_lock (&push->lock);
    if (push->ending) {
        pthread_mutex_unlock (&push->lock);
        return false;
    }
    passed = take_waiters_locked (push, job, false);
    job->next += job->step;
    stores = !is_waited_for_locked (push, job, record);
    pthread_mutex_unlock (&push->lock);
    answer (&passed);
    return !stores || store (push, job, record);
}

/* Whether somebody is there who aborts the connection if we are killed in the middle. */
static bool
is_watched (ArecfsPush *push)
{
    ArecfsWatcher *watcher = push->server->watcher;

    if (!watcher || arecfs_watcher_is_there (watcher)) {
        return true;
    }
    if (!push->is_unwatched) {
        push->is_unwatched = true;
        g_warning ("the process arec-watcher is gone: reading in order is slower from now on, "
                   "as records are not put into the page cache before they are asked for");
    }
    return false;
}

/* Returns whether there is more to do. */
static bool
take_turn (ArecfsPush *push, Job *job)
{
    /* The cache does not ask whether the source is still the same. */
    if (!is_watched (push) ||
        !arec_reader_check_source (job->node.file->reader, job->next, NULL)) {
        return false;
    }
    for (unsigned i = 0; i < TURN; i++) {
        if (!push_one (push, job)) {
            return false;
        }
    }
    return true;
}

static void *
run (void *data)
{
    ArecfsPush *push = data;

    pthread_mutex_lock (&push->lock);
    while (!push->ending || push->jobs.head) {
        GQueue rest = G_QUEUE_INIT;
        Job *job = g_queue_peek_head (&push->jobs);
        bool has_more;

        if (!job) {
            pthread_cond_wait (&push->changed, &push->lock);
            continue;
        }
        pthread_mutex_unlock (&push->lock);
        has_more = take_turn (push, job);
        pthread_mutex_lock (&push->lock);
        g_queue_pop_head (&push->jobs);
        if (has_more) {
            g_queue_push_tail (&push->jobs, job);
            continue;
        }
        rest = take_waiters_locked (push, job, true);
        pthread_mutex_unlock (&push->lock);
        answer (&rest);
        g_free (job);
        pthread_mutex_lock (&push->lock);
    }
    push->has_ended = true;
    pthread_cond_broadcast (&push->changed);
    pthread_mutex_unlock (&push->lock);
    return NULL;
}

/* ---- taking READs ---- */

typedef enum { ELSEWHERE, AHEAD, FAR_AHEAD, BEHIND } Relation;

/* Where @job stands to a READ of @node. */
static Relation
relation_locked (const Job *job, const ArecfsNode *node)
{
    if (job->node.slot != node->slot || node->record < job->first || node->record >= job->end ||
        (node->record - job->first) % job->step != 0) {
        return ELSEWHERE;
    }
    if (node->record < job->next) {
        return BEHIND;
    }
    return (node->record - job->next) / job->step <= NEAR ? AHEAD : FAR_AHEAD;
}

/* Whether any push has to do with @node. *waits_in is the job in which a READ of it is to wait,
 * or NULL: one that is stored, or may be being stored right now, must not wait. */
static bool
find_job_locked (const ArecfsPush *push, const ArecfsNode *node, Job **waits_in)
{
    bool found = false;

    *waits_in = NULL;
    for (GList *link = push->jobs.head; link; link = link->next) {
        Relation relation = relation_locked (link->data, node);

        found = found || relation != ELSEWHERE;
        if (relation == BEHIND) {
            *waits_in = NULL;
            return true;
        }
        if (relation == AHEAD && !*waits_in) {
            *waits_in = link->data;
        }
    }
    return found;
}

static void
wait_in_locked (ArecfsPush *push, Job *job, const Waiter *read)
{
    Waiter *waiter = g_memdup2 (read, sizeof *read);

    waiter->until = MAX (read->node.record, job->first) + HEAD_START * job->step;
    g_queue_push_tail (&job->waiters, waiter);
    push->n_waiters++;
}

static bool
has_room_locked (const ArecfsPush *push)
{
    return !push->ending && push->n_waiters < MAX_WAITERS;
}

/* A READ within a push that is at work, or waits to be: *taken tells whether it waits now too.
 */
static bool
join_locked (ArecfsPush *push, const Waiter *read, bool *taken)
{
    Job *job;
    bool found = find_job_locked (push, &read->node, &job);

    *taken = job && has_room_locked (push);
    if (*taken) {
        wait_in_locked (push, job, read);
    }
    return found;
}

static uint64_t
n_upcoming (const ArecUpcoming *upcoming)
{
    return (upcoming->end - upcoming->first - 1) / upcoming->step + 1;
}

static bool
begin_locked (ArecfsPush *push, const Waiter *read, const ArecUpcoming *upcoming)
{
    Job *job;

    if (!has_room_locked (push) || push->jobs.length >= MAX_JOBS) {
        arecfs_count (&push->server->counters.pushes_dropped, n_upcoming (upcoming));
        return false;
    }
    job = g_new0 (Job, 1);
    job->node = read->node;
    job->first = job->next = upcoming->first;
    job->end = upcoming->end;
    job->step = upcoming->step;
    wait_in_locked (push, job, read);
    g_queue_push_tail (&push->jobs, job);
    pthread_cond_signal (&push->changed);
    return true;
}

bool
arecfs_push_join (ArecfsPush *push, const ArecfsRequest *request, const ArecfsNode *node,
                  size_t size, uint64_t offset, bool *taken)
{
    Waiter read = {.request = arecfs_request_copy (request),
                   .node = *node,
                   .size = size,
                   .offset = offset};
    bool found;

    pthread_mutex_lock (&push->lock);
    found = join_locked (push, &read, taken);
    pthread_mutex_unlock (&push->lock);
    return found;
}

static bool
is_large (const ArecfsNode *node)
{
    uint64_t size;

    return arec_reader_record_size (node->file->reader, node->record, &size, NULL) &&
           size > MAX_RECORD;
}

bool
arecfs_push_begin (ArecfsPush *push, const ArecfsRequest *request, const ArecfsNode *node,
                   size_t size, uint64_t offset, const ArecUpcoming *upcoming)
{
    Waiter read = {.request = arecfs_request_copy (request),
                   .node = *node,
                   .size = size,
                   .offset = offset};
    bool taken;

    if (is_large (node)) {
        /* Those that follow are large, too, most likely. */
        arec_readahead_retract (node->file->readahead, upcoming->first);
        return false;
    }
    pthread_mutex_lock (&push->lock);
    /* What another reader began meanwhile may be storing just this record. */
    if (!join_locked (push, &read, &taken)) {
        taken = begin_locked (push, &read, upcoming);
    }
    pthread_mutex_unlock (&push->lock);
    return taken;
}

/* ---- start and stop ---- */

ArecfsPush *
arecfs_push_start (ArecfsServer *server)
{
    ArecfsPush *push = g_new0 (ArecfsPush, 1);
    int number;

    push->server = server;
    pthread_mutex_init (&push->lock, NULL);
    arecfs_cond_init (&push->changed);
    number = arecfs_thread_start (&push->thread, run, push);
    if (number != 0) {
        arecfs_push_free (push);
        errno = number;
        return NULL;
    }
    return push;
}

bool
arecfs_push_stop (ArecfsPush *push, int64_t until)
{
    bool ended;

    if (!push) {
        return true;
    }
    pthread_mutex_lock (&push->lock);
    push->ending = true;
    pthread_cond_broadcast (&push->changed);
    while (!push->has_ended && arecfs_wait_until (&push->changed, &push->lock, until)) {
    }
    ended = push->has_ended;
    pthread_mutex_unlock (&push->lock);
    if (ended) {
        pthread_join (push->thread, NULL);
    } else {
        pthread_detach (push->thread);
    }
    return ended;
}

void
arecfs_push_free (ArecfsPush *push)
{
    if (!push) {
        return;
    }
    pthread_cond_destroy (&push->changed);
    pthread_mutex_destroy (&push->lock);
    g_free (push);
}
