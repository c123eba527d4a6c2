#include "read/push.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/thread.h"
#include "serve/parked.h"
#include "start/watcher.h"
#include "tree/inodes.h"

/* Successors that are stored before a waiting READ is answered. Between 2 and 32 the number
 * makes no measurable difference. */
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

/* One for each push that stands on a source that does not answer, and one that goes on. */
#define MAX_THREADS (MAX_JOBS + 1)

/* Larger records are read in several requests anyway, which the kernel makes ahead. */
#define MAX_RECORD (UINT64_C (1) << 20)

/* Records next, next + step, ... below end of one file. */
typedef struct {
    ArecfsNode node; /* of one of them: which file */
    GList link;      /* in the jobs */
    uint64_t first, end, step;
    uint64_t next;   /* those before it are stored, being stored or left out */
    bool is_at_work; /* a thread has it */
    bool has_failed;
    ArecPlace failed; /* of a record whose chunk cannot be read */
    GQueue waiters;   /* of Waiter */
} Job;

/* A READ that a thread of ours will answer. */
typedef struct {
    ArecfsParked parked;
    GList link; /* in a job's waiters, or with the thread that answers it */
    ArecfsPush *push;
    Job *job; /* NULL: a thread has it */
    ArecfsRead read;
    uint64_t until; /* answered when the push has come by this record */
} Waiter;

struct ArecfsPush {
    ArecfsServer *server;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a job for an idle thread, storing is free, or the end */
    bool ending;            /* guarded by the lock, as all below */
    bool is_storing;        /* a thread is about it; no other is */
    unsigned n_threads, n_idle;
    GQueue jobs; /* of Job; the first that no thread has is next */
    /* How many. Read without the lock by READs that no push can have to do with: one that
     * misses a push that begins just now is answered at once, which is never wrong. */
    _Atomic unsigned n_jobs;
    unsigned n_waiters;
    bool is_unwatched; /* has been logged; owned by the thread that stores */
};

static void *run (void *data);

/* ---- which thread stores ---- */

static Job *
next_job_locked (const ArecfsPush *push)
{
    for (GList *link = push->jobs.head; link; link = link->next) {
        Job *job = link->data;

        if (!job->is_at_work) {
            return job;
        }
    }
    return NULL;
}

/* Has an idle thread look for a job, or a new one. Returns whether there is any. */
static bool
call_thread_locked (ArecfsPush *push)
{
    pthread_t thread;

    if (push->n_idle > 0) {
        pthread_cond_broadcast (&push->changed);
        return true;
    }
    if (push->n_threads >= MAX_THREADS || arecfs_thread_start (&thread, run, push) != 0) {
        return false;
    }
    pthread_detach (thread);
    push->n_threads++;
    return true;
}

/* The caller's thread is about to do what may never end: another one goes on. */
static void
let_others_store (ArecfsPush *push)
{
    pthread_mutex_lock (&push->lock);
    push->is_storing = false;
    if (next_job_locked (push)) {
        /* Where there is no thread, its job waits for one. */
        call_thread_locked (push);
    }
    /* Also for those that have loaded. */
    pthread_cond_broadcast (&push->changed);
    pthread_mutex_unlock (&push->lock);
}

static void
store_again (ArecfsPush *push)
{
    pthread_mutex_lock (&push->lock);
    while (push->is_storing) {
        pthread_cond_wait (&push->changed, &push->lock);
    }
    push->is_storing = true;
    pthread_mutex_unlock (&push->lock);
}

/* ---- answering ---- */

/* Takes the waiters out that the job has come by, or all of them. */
static GQueue
take_waiters_locked (Job *job, bool all)
{
    GQueue taken = G_QUEUE_INIT;

    for (GList *link = job->waiters.head, *next; link; link = next) {
        Waiter *waiter = link->data;

        next = link->next;
        if (all || job->next > waiter->until) {
            g_queue_unlink (&job->waiters, link);
            g_queue_push_tail_link (&taken, link);
            waiter->job = NULL;
        }
    }
    return taken;
}

/* Reading a file is not expected to end for the sake of a signal that is caught. */
static ArecfsWithdrawal
withdraw (ArecfsParked *parked, bool is_killed)
{
    Waiter *waiter = (Waiter *)parked;

    if (!is_killed) {
        return ARECFS_STAYS;
    }
    waiter->push->n_waiters--;
    if (!waiter->job) {
        return ARECFS_TAKEN; /* its thread frees it */
    }
    g_queue_unlink (&waiter->job->waiters, &waiter->link);
    return ARECFS_TAKEN_FREE;
}

/* Replies, unless the caller is killed, and frees @waiter and @error. */
static void
reply (ArecfsPush *push, Waiter *waiter, const ArecView *view, GError *error)
{
    bool is_ours;

    pthread_mutex_lock (&push->lock);
    is_ours = arecfs_parked_claim_locked (&waiter->parked);
    push->n_waiters -= is_ours;
    pthread_mutex_unlock (&push->lock);
    if (is_ours) {
        arecfs_parked_disarm (&waiter->parked);
        arecfs_read_reply (&waiter->read, view, error);
    } else {
        g_clear_error (&error);
    }
    g_free (waiter);
}

/* Answers those whose record is there, and leaves the others. */
static void
answer_ready (ArecfsPush *push, GQueue *waiters)
{
    for (GList *link = waiters->head, *next; link; link = next) {
        Waiter *waiter = link->data;
        g_auto (ArecView) view = {0};

        next = link->next;
        if (arec_reader_read_ready (waiter->read.node.file->reader, waiter->read.node.record,
                                    waiter->read.offset, waiter->read.size, &view)) {
            g_queue_unlink (waiters, link);
            reply (push, waiter, &view, NULL);
        }
    }
}

/* Of the thread that stores. */
static void
answer (ArecfsPush *push, GQueue *waiters)
{
    GList *link;

    answer_ready (push, waiters);
    if (!waiters->head) {
        return;
    }
    let_others_store (push);
    while ((link = g_queue_pop_head_link (waiters))) {
        Waiter *waiter = link->data;
        g_auto (ArecView) view = {0};
        GError *error = NULL;

        arec_reader_read_range (waiter->read.node.file->reader, waiter->read.node.record,
                                waiter->read.offset, waiter->read.size, &view, &error);
        reply (push, waiter, &view, error);
    }
    store_again (push);
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

            if (waiter->read.node.slot == job->node.slot &&
                waiter->read.node.record == record) {
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

/* The bytes of @record. Others store while they are loaded. */
static bool
load (ArecfsPush *push, ArecReader *reader, uint64_t record, ArecView *view)
{
    bool is_there;

    if (arec_reader_read_ready (reader, record, 0, UINT64_MAX, view)) {
        return true;
    }
    let_others_store (push);
    is_there = arec_reader_read (reader, record, view, NULL);
    store_again (push);
    return is_there;
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
    if (!load (push, reader, record, &view)) {
        /* Its readers will get the error. */
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
    /* -ENOENT: the kernel does not know the inode, nor, most likely, those after it. */
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
    passed = take_waiters_locked (job, false);
    job->next += job->step;
    stores = !is_waited_for_locked (push, job, record);
    pthread_mutex_unlock (&push->lock);
    answer (push, &passed);
    return !stores || store (push, job, record);
}

/* Whether the watcher is there, which aborts the connection if we are killed in the middle. */
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

/* Whether the source is still the same, which the cache does not ask. Others store meanwhile.
 */
static bool
is_same (ArecfsPush *push, const Job *job)
{
    bool same;

    let_others_store (push);
    same = arec_reader_check_source (job->node.file->reader, job->next, NULL);
    store_again (push);
    return same;
}

/* Returns whether there is more to do. */
static bool
take_turn (ArecfsPush *push, Job *job)
{
    if (job->next >= job->end || !is_same (push, job) || !is_watched (push)) {
        return false;
    }
    for (unsigned i = 0; i < TURN; i++) {
        if (!push_one (push, job)) {
            return false;
        }
    }
    return true;
}

/* Lets @job, of the thread that stores, wait for its next turn, or ends it. */
static void
end_turn (ArecfsPush *push, Job *job, bool has_more)
{
    GQueue rest = G_QUEUE_INIT;

    pthread_mutex_lock (&push->lock);
    g_queue_unlink (&push->jobs, &job->link);
    if (has_more) {
        job->is_at_work = false;
        g_queue_push_tail_link (&push->jobs, &job->link);
    } else {
        push->n_jobs--;
        rest = take_waiters_locked (job, true);
    }
    pthread_mutex_unlock (&push->lock);
    if (!has_more) {
        g_free (job);
        answer (push, &rest);
    }
}

/* A job for the calling thread, which stores from then on; NULL: it is to end. */
static Job *
take_job_locked (ArecfsPush *push)
{
    Job *job = NULL;

    while (push->is_storing || !(job = next_job_locked (push))) {
        if (push->n_idle > 0 || (push->ending && !next_job_locked (push))) {
            return NULL;
        }
        push->n_idle++;
        pthread_cond_wait (&push->changed, &push->lock);
        push->n_idle--;
    }
    job->is_at_work = true;
    push->is_storing = true;
    return job;
}

static void *
run (void *data)
{
    ArecfsPush *push = data;
    Job *job;

    pthread_mutex_lock (&push->lock);
    while ((job = take_job_locked (push))) {
        pthread_mutex_unlock (&push->lock);
        end_turn (push, job, take_turn (push, job));
        pthread_mutex_lock (&push->lock);
        push->is_storing = false;
        pthread_cond_broadcast (&push->changed);
    }
    push->n_threads--;
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
wait_in_locked (ArecfsPush *push, Job *job, Waiter *waiter)
{
    waiter->job = job;
    waiter->until = MAX (waiter->read.node.record, job->first) + HEAD_START * job->step;
    g_queue_push_tail_link (&job->waiters, &waiter->link);
    push->n_waiters++;
}

static bool
has_room_locked (const ArecfsPush *push)
{
    return !push->ending && push->n_waiters < MAX_WAITERS;
}

static uint64_t
n_upcoming (const ArecUpcoming *upcoming)
{
    return (upcoming->end - upcoming->first - 1) / upcoming->step + 1;
}

/* A push of @upcoming for readers of the file of @node; NULL: there is no room for one. */
static Job *
begin_locked (ArecfsPush *push, const ArecfsNode *node, const ArecUpcoming *upcoming)
{
    Job *job;

    if (!has_room_locked (push) || push->jobs.length >= MAX_JOBS ||
        !(push->is_storing || call_thread_locked (push))) {
        arecfs_count (&push->server->counters.pushes_dropped, n_upcoming (upcoming));
        return NULL;
    }
    job = g_new0 (Job, 1);
    job->link.data = job;
    job->node = *node;
    job->first = job->next = upcoming->first;
    job->end = upcoming->end;
    job->step = upcoming->step;
    g_queue_push_tail_link (&push->jobs, &job->link);
    push->n_jobs++;
    return job;
}

static Waiter *
new_waiter (ArecfsPush *push, const ArecfsRead *read)
{
    Waiter *waiter = g_new0 (Waiter, 1);

    arecfs_parked_init (&waiter->parked, &read->request, &push->lock, withdraw);
    waiter->link.data = waiter;
    waiter->push = push;
    waiter->read = *read;
    return waiter;
}

/* Lets @waiter, which is armed, wait in the push that has to do with it, or in a new one of
 * @upcoming, NULL: there is to be none. Returns false where it does not wait. */
static bool
let_wait (ArecfsPush *push, Waiter *waiter, const ArecUpcoming *upcoming)
{
    Job *job;
    bool found, waits = false;

    pthread_mutex_lock (&push->lock);
    /* What another reader began meanwhile may be storing just this record. */
    found = find_job_locked (push, &waiter->read.node, &job);
    if (!found && upcoming) {
        job = begin_locked (push, &waiter->read.node, upcoming);
    }
    if (job && has_room_locked (push) && arecfs_parked_begin_locked (&waiter->parked)) {
        wait_in_locked (push, job, waiter);
        waits = true;
    }
    pthread_mutex_unlock (&push->lock);
    return waits;
}

/* Returns whether a thread of ours will answer. */
static bool
take (ArecfsPush *push, const ArecfsRead *read, const ArecUpcoming *upcoming)
{
    Waiter *waiter = new_waiter (push, read);

    arecfs_parked_arm (&waiter->parked);
    if (let_wait (push, waiter, upcoming)) {
        return true;
    }
    arecfs_parked_disarm (&waiter->parked);
    arecfs_parked_clear (&waiter->parked);
    g_free (waiter);
    return false;
}

ArecfsPushAnswer
arecfs_push_join (ArecfsPush *push, const ArecfsRead *read)
{
    Job *job;
    bool found, may_wait;

    if (atomic_load_explicit (&push->n_jobs, memory_order_relaxed) == 0) {
        return ARECFS_PUSH_NOT_OURS;
    }
    pthread_mutex_lock (&push->lock);
    found = find_job_locked (push, &read->node, &job);
    may_wait = job && has_room_locked (push);
    pthread_mutex_unlock (&push->lock);
    if (!found) {
        return ARECFS_PUSH_NOT_OURS;
    }
    return may_wait && take (push, read, NULL) ? ARECFS_PUSH_TAKEN : ARECFS_PUSH_ANSWER_NOW;
}

static bool
is_large (const ArecfsNode *node)
{
    uint64_t size;

    return arec_reader_record_size (node->file->reader, node->record, &size, NULL) &&
           size > MAX_RECORD;
}

bool
arecfs_push_begin (ArecfsPush *push, const ArecfsRead *read, const ArecUpcoming *upcoming)
{
    if (is_large (&read->node)) {
        /* Those that follow are large, too, most likely. */
        arec_readahead_retract (read->node.file->readahead, upcoming->first);
        return false;
    }
    return take (push, read, upcoming);
}

/* ---- start and stop ---- */

ArecfsPush *
arecfs_push_start (ArecfsServer *server)
{
    ArecfsPush *push = g_new0 (ArecfsPush, 1);
    bool is_there;

    push->server = server;
    pthread_mutex_init (&push->lock, NULL);
    arecfs_cond_init (&push->changed);
    pthread_mutex_lock (&push->lock);
    is_there = call_thread_locked (push);
    pthread_mutex_unlock (&push->lock);
    if (!is_there) {
        arecfs_push_free (push);
        errno = EAGAIN;
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
    while (push->n_threads > 0 && arecfs_wait_until (&push->changed, &push->lock, until)) {
    }
    ended = push->n_threads == 0;
    pthread_mutex_unlock (&push->lock);
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
