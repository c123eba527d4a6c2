#include "push.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "inodes.h"
#include "reading.h"

/* Successors that are stored before a waiting READ is answered. */
#define HEAD_START 8

/* READs that may wait at the same time: far below the requests that the kernel has in flight at
 * most, or one that it holds back for that reason might be the one that the thread waits for.
 * Beyond, READs are answered at once and start no push. */
#define MAX_WAITERS 24

/* Larger records are read in several requests anyway, which the kernel makes ahead. */
#define MAX_RECORD (UINT64_C (1) << 20)

/* Milliseconds between two looks whether the thread has ended. */
#define STOP_POLL 5

/* A READ that the thread will answer. */
typedef struct {
    ArecfsRequest request;
    ArecfsNode node;
    size_t size;
    uint64_t offset;
    uint64_t until; /* answered when the push has come here */
} Waiter;

/* Records first, first + step, ... below end of one file. */
typedef struct {
    ArecfsNode node; /* of one of them: which file */
    uint64_t first, end, step;
    uint64_t at;    /* stored, being stored or left out: all before, and this one */
    bool has_begun; /* `at` means something */
    GQueue waiters; /* of Waiter */
} Job;

struct ArecfsPush {
    ArecfsServer *server;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a job came, or the end */
    bool ending;            /* guarded by the lock, as all below */
    bool ended;
    GQueue jobs; /* of Job; the head is the one at work */
    unsigned n_waiters;
};

/* ---- answering ---- */

static void
answer (Waiter *waiter)
{
    arecfs_read_record (&waiter->request, &waiter->node, waiter->size, waiter->offset);
    g_free (waiter);
}

/* Takes the waiters out that the job has come by, or all of them. */
static GQueue
take_waiters_locked (ArecfsPush *push, Job *job, bool all)
{
    GQueue taken = G_QUEUE_INIT;

    for (GList *link = job->waiters.head, *next; link; link = next) {
        Waiter *waiter = link->data;

        next = link->next;
        if (all || (job->has_begun && job->at >= waiter->until)) {
            g_queue_unlink (&job->waiters, link);
            g_queue_push_tail_link (&taken, link);
        }
    }
    push->n_waiters -= taken.length;
    return taken;
}

static void
answer_all (GQueue *waiters)
{
    Waiter *waiter;

    while ((waiter = g_queue_pop_head (waiters))) {
        answer (waiter);
    }
}

/* ---- storing ---- */

/* Whether somebody waits for @record, and so holds its pages. */
static bool
is_waited_for_locked (const Job *job, uint64_t record)
{
    for (GList *link = job->waiters.head; link; link = link->next) {
        const Waiter *waiter = link->data;

        if (waiter->node.record == record) {
            return true;
        }
    }
    return false;
}

/* Moves on to @record. Returns whether it is to be stored. */
static bool
come_to (ArecfsPush *push, Job *job, uint64_t record)
{
    bool stores;

    pthread_mutex_lock (&push->lock);
    job->at = record;
    job->has_begun = true;
    stores = !is_waited_for_locked (job, record);
    pthread_mutex_unlock (&push->lock);
    return stores;
}

/* Stores @record in the page cache. Returns whether it makes sense to go on. */
static bool
store (ArecfsPush *push, const Job *job, uint64_t record)
{
    ArecfsServer *server = push->server;
    g_auto (ArecView) view = {0};
    struct fuse_bufvec buffer;
    int result;

    /* All other streams would wait for it, too: a thread that serves requests does that. */
    if (arec_reader_read_is_long (job->node.file->reader, record, 0, UINT64_MAX) ||
        !arec_reader_read (job->node.file->reader, record, &view, NULL)) {
        return false; /* whoever reads it will be told why */
    }
    if (view.size == 0) {
        return true;
    }
    if (view.size > MAX_RECORD) {
        return false;
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

static bool
is_ending (ArecfsPush *push)
{
    bool ending;

    pthread_mutex_lock (&push->lock);
    ending = push->ending;
    pthread_mutex_unlock (&push->lock);
    return ending;
}

static void
answer_those_passed (ArecfsPush *push, Job *job)
{
    GQueue passed;

    pthread_mutex_lock (&push->lock);
    passed = take_waiters_locked (push, job, false);
    pthread_mutex_unlock (&push->lock);
    answer_all (&passed);
}

static void
run_job (ArecfsPush *push, Job *job)
{
    for (uint64_t record = job->first; record < job->end; record += job->step) {
        if (is_ending (push) || (come_to (push, job, record) && !store (push, job, record))) {
            break;
        }
        answer_those_passed (push, job);
    }
}

static void *
run (void *data)
{
    ArecfsPush *push = data;

    pthread_mutex_lock (&push->lock);
    while (!push->ending || push->jobs.head) {
        Job *job = g_queue_peek_head (&push->jobs);
        GQueue rest;

        if (!job) {
            pthread_cond_wait (&push->changed, &push->lock);
            continue;
        }
        pthread_mutex_unlock (&push->lock);
        run_job (push, job);
        pthread_mutex_lock (&push->lock);
        g_queue_pop_head (&push->jobs);
        rest = take_waiters_locked (push, job, true);
        pthread_mutex_unlock (&push->lock);
        answer_all (&rest);
        g_free (job);
        pthread_mutex_lock (&push->lock);
    }
    push->ended = true;
    pthread_mutex_unlock (&push->lock);
    return NULL;
}

/* ---- taking READs ---- */

typedef enum { ELSEWHERE, AHEAD, BEHIND } Relation;

/* Where @job stands to a READ of @node. */
static Relation
relation_locked (const Job *job, const ArecfsNode *node)
{
    if (job->node.slot != node->slot || node->record < job->first || node->record >= job->end ||
        (node->record - job->first) % job->step != 0) {
        return ELSEWHERE;
    }
    return job->has_begun && node->record <= job->at ? BEHIND : AHEAD;
}

static void
wait_in_locked (ArecfsPush *push, Job *job, const ArecfsRequest *request,
                const ArecfsNode *node, size_t size, uint64_t offset)
{
    Waiter *waiter = g_new (Waiter, 1);
    uint64_t head_start = HEAD_START * job->step;

    *waiter = (Waiter){.request = *request,
                       .node = *node,
                       .size = size,
                       .offset = offset,
                       .until = MAX (node->record, job->first) + head_start};
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
join_locked (ArecfsPush *push, const ArecfsRequest *request, const ArecfsNode *node,
             size_t size, uint64_t offset, bool *taken)
{
    for (GList *link = push->jobs.head; link; link = link->next) {
        Job *job = link->data;
        Relation relation = relation_locked (job, node);

        if (relation == ELSEWHERE) {
            continue;
        }
        *taken = relation == AHEAD && has_room_locked (push);
        if (*taken) {
            wait_in_locked (push, job, request, node, size, offset);
        }
        return true;
    }
    return false;
}

static bool
begin_locked (ArecfsPush *push, const ArecfsRequest *request, const ArecfsNode *node,
              size_t size, uint64_t offset, const ArecUpcoming *upcoming)
{
    Job *job;

    if (!has_room_locked (push)) {
        return false;
    }
    job = g_new0 (Job, 1);
    job->node = *node;
    job->first = upcoming->first;
    job->end = upcoming->end;
    job->step = upcoming->step;
    wait_in_locked (push, job, request, node, size, offset);
    g_queue_push_tail (&push->jobs, job);
    pthread_cond_signal (&push->changed);
    return true;
}

bool
arecfs_push_take (ArecfsServer *server, const ArecfsRequest *request, const ArecfsNode *node,
                  size_t size, uint64_t offset)
{
    ArecfsPush *push = server->push;
    ArecUpcoming upcoming;
    bool taken = false, joined;

    pthread_mutex_lock (&push->lock);
    joined = join_locked (push, request, node, size, offset, &taken);
    pthread_mutex_unlock (&push->lock);
    if (joined || offset > 0) {
        return taken;
    }
    upcoming = arec_readahead_note (node->file->readahead, node->record);
    if (upcoming.first == upcoming.end) {
        return false;
    }
    pthread_mutex_lock (&push->lock);
    taken = begin_locked (push, request, node, size, offset, &upcoming);
    pthread_mutex_unlock (&push->lock);
    return taken;
}

/* ---- start and stop ---- */

void
arecfs_push_start (ArecfsServer *server)
{
    ArecfsPush *push = g_new0 (ArecfsPush, 1);
    sigset_t all, before;
    bool started;

    push->server = server;
    pthread_mutex_init (&push->lock, NULL);
    pthread_cond_init (&push->changed, NULL);
    /* Signals are for the thread that waits for the session's end. */
    sigfillset (&all);
    pthread_sigmask (SIG_BLOCK, &all, &before);
    started = pthread_create (&push->thread, NULL, run, push) == 0;
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    if (started) {
        server->push = push;
    } else {
        g_free (push);
    }
}

static bool
has_ended (ArecfsPush *push)
{
    bool ended;

    pthread_mutex_lock (&push->lock);
    ended = push->ended;
    pthread_mutex_unlock (&push->lock);
    return ended;
}

/* Serves what comes until the thread has ended: it may be storing into a page whose reader
 * waits for an answer. */
static void
serve_until_ended (ArecfsPush *push)
{
    struct fuse_session *session = push->server->session;
    struct fuse_buf buffer = {0};

    while (!has_ended (push)) {
        struct pollfd fd = {.fd = fuse_session_fd (session), .events = POLLIN};

        if (poll (&fd, 1, STOP_POLL) > 0 && (fd.revents & POLLIN) != 0 &&
            fuse_session_receive_buf (session, &buffer) > 0) {
            fuse_session_process_buf (session, &buffer);
        }
    }
    free (buffer.mem);
}

void
arecfs_push_stop (ArecfsServer *server)
{
    ArecfsPush *push = server->push;

    if (!push) {
        return;
    }
    pthread_mutex_lock (&push->lock);
    push->ending = true;
    pthread_cond_broadcast (&push->changed);
    pthread_mutex_unlock (&push->lock);
    serve_until_ended (push);
    pthread_join (push->thread, NULL);
    server->push = NULL;
    pthread_cond_destroy (&push->changed);
    pthread_mutex_destroy (&push->lock);
    g_free (push);
}
