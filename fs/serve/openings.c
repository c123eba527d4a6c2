#include "serve/openings.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/thread.h"
#include "serve/parked.h"

/* Microseconds after which an opening counts as slow, and waiting for one is felt. Most take
 * far less. */
#define SLOW_AFTER 20000

/* Openings that may be under way at the same time and are not slow yet. */
#define MAX_QUICK 48

/* Threads in all: each may have a window of 256 KiB over its file. */
#define MAX_THREADS 64

/* What slow openings are to others that want the processors. */
#define SLOW_NICENESS 19

/* Microseconds until a thread that could not be started is tried again. */
#define RETRY_AFTER 1000000

typedef struct {
    GList link; /* in one of the queues */
    uint64_t slot;
    GQueue waiters; /* of Waiter */
    GError *error;  /* once done; NULL: the file is open */
    ArecCancel cancel;
    int64_t queued_at; /* by g_get_monotonic_time () */
    int64_t begun;     /* the same; 0: it is queued */
    bool is_felt;      /* has been queued or running for SLOW_AFTER */
    bool is_slow;      /* has been running for SLOW_AFTER: is_felt, too */
    pid_t thread;
} Opening;

/* A request that waits for its file. */
typedef struct {
    ArecfsParked parked;
    GList link; /* in its opening's queue */
    Opening *opening;
    ArecfsOpenings *openings;
    ArecfsAnswer answer;
} Waiter;

struct ArecfsOpenings {
    ArecfsTree *tree;
    pthread_t keeper;
    pthread_mutex_t lock;
    pthread_cond_t keeper_is_needed;
    pthread_cond_t thread_ended;
    /* Guarded by the lock. */
    GHashTable *by_slot; /* &slot -> Opening */
    GQueue queued;       /* of Opening; oldest first */
    GQueue running;      /* oldest first */
    GQueue done;         /* whose waiters are claimed, and not answered yet */
    unsigned n_quick;    /* of those running */
    unsigned n_threads;
    unsigned n_starting;  /* of the threads: have not looked for work yet */
    int64_t keeper_wakes; /* by g_get_monotonic_time (), by itself; 0: it is at work, and will
                             see what there is */
    bool ending;
};

/* ---- openings ---- */

/* The keeper has something to do at @when. */
static void
wake_keeper_locked (ArecfsOpenings *openings, int64_t when)
{
    if (openings->keeper_wakes > when) {
        pthread_cond_signal (&openings->keeper_is_needed);
    }
}

static void
enqueue_locked (ArecfsOpenings *openings, Opening *opening)
{
    opening->queued_at = g_get_monotonic_time();
    g_queue_push_tail_link (&openings->queued, &opening->link);
    wake_keeper_locked (openings, opening->queued_at + SLOW_AFTER);
}

static Opening *
add_opening_locked (ArecfsOpenings *openings, uint64_t slot)
{
    Opening *opening = g_new0 (Opening, 1);

    opening->link.data = opening;
    opening->slot = slot;
    g_hash_table_insert (openings->by_slot, &opening->slot, opening);
    enqueue_locked (openings, opening);
    return opening;
}

static void
free_opening (Opening *opening)
{
    g_clear_error (&opening->error);
    g_free (opening);
}

static void
drop_queued_locked (ArecfsOpenings *openings, Opening *opening)
{
    g_queue_unlink (&openings->queued, &opening->link);
    g_hash_table_remove (openings->by_slot, &opening->slot);
    free_opening (opening);
}

/* The next one, if one may begin now. */
static Opening *
begin_next_locked (ArecfsOpenings *openings)
{
    Opening *opening = g_queue_peek_head (&openings->queued);

    if (!opening || openings->n_quick >= MAX_QUICK) {
        return NULL;
    }
    g_queue_unlink (&openings->queued, &opening->link);
    g_queue_push_tail_link (&openings->running, &opening->link);
    opening->begun = g_get_monotonic_time();
    opening->thread = gettid();
    openings->n_quick++;
    wake_keeper_locked (openings, opening->begun + SLOW_AFTER);
    return opening;
}

static void
take_out_locked (Waiter *waiter)
{
    Opening *opening = waiter->opening;

    g_queue_unlink (&opening->waiters, &waiter->link);
    if (opening->waiters.length > 0) {
        return;
    }
    if (opening->begun > 0) {
        arec_cancel_set (&opening->cancel);
    } else {
        drop_queued_locked (waiter->openings, opening);
    }
}

/* A signal that is caught ends waiting that is felt, and is not met by chance where a file
 * opens at once: the keeper comes back to those that stay. */
static ArecfsWithdrawal
withdraw (ArecfsParked *parked, bool is_killed)
{
    Waiter *waiter = (Waiter *)parked;

    if (!is_killed && !waiter->opening->is_felt) {
        return ARECFS_STAYS;
    }
    take_out_locked (waiter);
    return ARECFS_TAKEN_FREE;
}

/* ---- answering ---- */

static void
free_waiter (Waiter *waiter)
{
    arecfs_parked_clear (&waiter->parked);
    g_free (waiter);
}

/* Takes all waiters of @opening over, to reply to them. */
static void
claim_waiters_locked (Opening *opening)
{
    for (GList *link = opening->waiters.head; link; link = link->next) {
        Waiter *waiter = link->data;

        arecfs_parked_claim_locked (&waiter->parked);
    }
}

static Waiter *
pop_waiter (GQueue *waiters)
{
    GList *link = g_queue_pop_head_link (waiters);
    Waiter *waiter = link ? link->data : NULL;

    if (waiter) {
        arecfs_parked_disarm (&waiter->parked);
    }
    return waiter;
}

/* Frees @opening, which is done. */
static void
answer_all (Opening *opening)
{
    Waiter *waiter;

    while ((waiter = pop_waiter (&opening->waiters))) {
        if (opening->error) {
            arecfs_reply_error (&waiter->parked.request, g_error_copy (opening->error));
        } else {
            waiter->answer (&waiter->parked.request);
        }
        free_waiter (waiter);
    }
    free_opening (opening);
}

static void
refuse_all (GQueue *waiters, int number)
{
    Waiter *waiter;

    while ((waiter = pop_waiter (waiters))) {
        arecfs_reply_errno (&waiter->parked.request, number);
        free_waiter (waiter);
    }
}

/* ---- threads ---- */

/* @opening has ended. If it was cancelled and is wanted again, it starts again. */
static void
end_locked (ArecfsOpenings *openings, Opening *opening)
{
    g_queue_unlink (&openings->running, &opening->link);
    openings->n_quick -= !opening->is_slow;
    if (opening->waiters.length > 0 &&
        g_error_matches (opening->error, AREC_ERROR, AREC_ERROR_CANCELLED)) {
        g_clear_error (&opening->error);
        opening->cancel = (ArecCancel){0};
        opening->begun = 0;
        opening->is_felt = false;
        opening->is_slow = false;
        enqueue_locked (openings, opening);
        return;
    }
    g_hash_table_remove (openings->by_slot, &opening->slot);
    if (opening->waiters.length > 0) {
        claim_waiters_locked (opening);
        g_queue_push_tail_link (&openings->done, &opening->link);
    } else {
        free_opening (opening);
    }
}

/* Answers for, or opens, one file; false: there is none. *goes_on becomes false for a thread
 * that gave way to others: it does not get its priority back, and would hand it on to threads
 * that its work starts. */
static bool
work_locked (ArecfsOpenings *openings, bool *goes_on)
{
    GList *link = g_queue_pop_head_link (&openings->done);
    Opening *opening;

    if (link) {
        pthread_mutex_unlock (&openings->lock);
        answer_all (link->data);
        pthread_mutex_lock (&openings->lock);
        return true;
    }
    opening = openings->ending ? NULL : begin_next_locked (openings);
    if (!opening) {
        return false;
    }
    pthread_mutex_unlock (&openings->lock);
    arecfs_tree_open_slot (openings->tree, opening->slot, &opening->cancel, &opening->error);
    pthread_mutex_lock (&openings->lock);
    *goes_on = !opening->is_slow;
    end_locked (openings, opening);
    return true;
}

static bool
has_work_locked (const ArecfsOpenings *openings)
{
    return openings->queued.length > 0 || openings->done.length > 0;
}

static void *
open_files (void *data)
{
    ArecfsOpenings *openings = data;
    bool goes_on = true;

    pthread_mutex_lock (&openings->lock);
    openings->n_starting--;
    while (goes_on && work_locked (openings, &goes_on)) {
    }
    openings->n_threads--;
    if (has_work_locked (openings)) {
        pthread_cond_signal (&openings->keeper_is_needed);
    }
    pthread_cond_signal (&openings->thread_ended);
    pthread_mutex_unlock (&openings->lock);
    return NULL;
}

/* As many threads as there is work for that may begin. */
static void
start_threads_locked (ArecfsOpenings *openings)
{
    unsigned n =
        openings->done.length + MIN (openings->queued.length, MAX_QUICK - openings->n_quick);

    while (openings->n_starting < n && openings->n_threads < MAX_THREADS) {
        pthread_t thread;

        if (arecfs_thread_start (&thread, open_files, openings) != 0) {
            /* The keeper tries again, which it does not know while it sleeps. */
            pthread_cond_signal (&openings->keeper_is_needed);
            return;
        }
        pthread_detach (thread);
        openings->n_threads++;
        openings->n_starting++;
    }
}

/* Moves the waiters of @opening whose callers got a signal to @interrupted. */
static void
claim_interrupted_locked (Opening *opening, GQueue *interrupted)
{
    for (GList *link = opening->waiters.head, *next; link; link = next) {
        Waiter *waiter = link->data;

        next = link->next;
        if (waiter->parked.is_interrupted) {
            arecfs_parked_claim_locked (&waiter->parked);
            take_out_locked (waiter);
            g_queue_push_tail_link (interrupted, link);
        }
    }
}

static void
note_felt_locked (Opening *opening, GQueue *interrupted)
{
    if (!opening->is_felt) {
        opening->is_felt = true;
        claim_interrupted_locked (opening, interrupted);
    }
}

/* Notes what has been queued for long. Returns when the next one will have been; INT64_MAX:
 * there is none. */
static int64_t
note_queued_locked (ArecfsOpenings *openings, int64_t now, GQueue *interrupted)
{
    for (GList *link = openings->queued.head, *next; link; link = next) {
        Opening *opening = link->data;

        next = link->next; /* one that no request waits for is dropped */
        if (opening->queued_at + SLOW_AFTER > now) {
            return opening->queued_at + SLOW_AFTER;
        }
        note_felt_locked (opening, interrupted);
    }
    return INT64_MAX;
}

/* The same for those that run, and that have become slow. */
static int64_t
note_slow_locked (ArecfsOpenings *openings, int64_t now, GQueue *interrupted)
{
    for (GList *link = openings->running.head; link; link = link->next) {
        Opening *opening = link->data;

        if (opening->is_slow) {
            continue;
        }
        if (opening->begun + SLOW_AFTER > now) {
            return opening->begun + SLOW_AFTER;
        }
        opening->is_slow = true;
        openings->n_quick--;
        /* Its thread cannot end, and give its number away, while we have the lock. */
        setpriority (PRIO_PROCESS, (id_t)opening->thread, SLOW_NICENESS);
        note_felt_locked (opening, interrupted);
    }
    return INT64_MAX;
}

/* Sees to it that what is slow counts as such, and that others begin in its stead. */
static void *
keep (void *data)
{
    ArecfsOpenings *openings = data;

    pthread_mutex_lock (&openings->lock);
    while (!openings->ending) {
        GQueue interrupted = G_QUEUE_INIT;
        int64_t now = g_get_monotonic_time();
        int64_t slow = note_slow_locked (openings, now, &interrupted);
        int64_t next = MIN (slow, note_queued_locked (openings, now, &interrupted));

        start_threads_locked (openings);
        if (interrupted.length > 0) {
            pthread_mutex_unlock (&openings->lock);
            refuse_all (&interrupted, EINTR);
            pthread_mutex_lock (&openings->lock);
            continue;
        }
        if (has_work_locked (openings)) {
            next = MIN (next, now + RETRY_AFTER);
        }
        openings->keeper_wakes = next;
        arecfs_wait_until (&openings->keeper_is_needed, &openings->lock, next);
        openings->keeper_wakes = 0;
    }
    pthread_mutex_unlock (&openings->lock);
    return NULL;
}

/* ---- taking requests ---- */

static Waiter *
new_waiter (ArecfsOpenings *openings, const ArecfsRequest *request, ArecfsAnswer answer)
{
    Waiter *waiter = g_new0 (Waiter, 1);

    arecfs_parked_init (&waiter->parked, request, &openings->lock, withdraw);
    waiter->link.data = waiter;
    waiter->openings = openings;
    waiter->answer = answer;
    return waiter;
}

/* Returns 0, or the errno to reply with. */
static int
wait_locked (ArecfsOpenings *openings, Waiter *waiter, uint64_t slot)
{
    if (openings->ending) {
        return ENOTCONN;
    }
    if (!arecfs_parked_begin_locked (&waiter->parked)) {
        return EINTR;
    }
    waiter->opening = g_hash_table_lookup (openings->by_slot, &slot);
    if (!waiter->opening) {
        waiter->opening = add_opening_locked (openings, slot);
        start_threads_locked (openings);
    } else if (waiter->parked.is_interrupted && waiter->opening->is_felt) {
        arecfs_parked_claim_locked (&waiter->parked);
        return EINTR; /* the signal is not reported again */
    }
    g_queue_push_tail_link (&waiter->opening->waiters, &waiter->link);
    return 0;
}

static void
wait_for (ArecfsOpenings *openings, const ArecfsRequest *request, uint64_t slot,
          ArecfsAnswer answer)
{
    Waiter *waiter = new_waiter (openings, request, answer);
    int number;

    arecfs_parked_arm (&waiter->parked);
    pthread_mutex_lock (&openings->lock);
    number = wait_locked (openings, waiter, slot);
    pthread_mutex_unlock (&openings->lock);
    if (number != 0) {
        arecfs_parked_disarm (&waiter->parked);
        arecfs_reply_errno (request, number);
        free_waiter (waiter);
    }
}

void
arecfs_openings_serve (const ArecfsRequest *request, ArecfsAnswer answer)
{
    ArecfsServer *server = request->server;
    uint64_t slot = arecfs_tree_closed_slot (server->tree, request->ino);
    GError *error = NULL;

    if (G_LIKELY (slot == 0)) {
        answer (request);
    } else if (server->openings) {
        wait_for (server->openings, request, slot, answer);
    } else if (arecfs_tree_open_slot (server->tree, slot, NULL, &error)) {
        answer (request);
    } else {
        arecfs_reply_error (request, error);
    }
}

/* ---- start and stop ---- */

ArecfsOpenings *
arecfs_openings_start (ArecfsTree *tree)
{
    ArecfsOpenings *openings = g_new0 (ArecfsOpenings, 1);
    int number;

    openings->tree = tree;
    openings->by_slot = g_hash_table_new (g_int64_hash, g_int64_equal);
    pthread_mutex_init (&openings->lock, NULL);
    arecfs_cond_init (&openings->keeper_is_needed);
    arecfs_cond_init (&openings->thread_ended);
    number = arecfs_thread_start (&openings->keeper, keep, openings);
    if (number != 0) {
        arecfs_openings_free (openings);
        errno = number;
        return NULL;
    }
    return openings;
}

/* Moves the waiters of @opening to @all; they are claimed. */
static void
move_waiters (Opening *opening, GQueue *all)
{
    GList *link;

    while ((link = g_queue_pop_head_link (&opening->waiters))) {
        g_queue_push_tail_link (all, link);
    }
}

/* All that wait, of all openings; those that do not run are dropped. */
static GQueue
end_all_locked (ArecfsOpenings *openings)
{
    GQueue all = G_QUEUE_INIT;
    GHashTableIter iter;
    gpointer value;
    GList *link;

    openings->ending = true;
    while ((link = g_queue_pop_head_link (&openings->done))) {
        move_waiters (link->data, &all);
        free_opening (link->data);
    }
    g_hash_table_iter_init (&iter, openings->by_slot);
    while (g_hash_table_iter_next (&iter, NULL, &value)) {
        Opening *opening = value;

        claim_waiters_locked (opening);
        move_waiters (opening, &all);
        arec_cancel_set (&opening->cancel);
        if (opening->begun == 0) {
            g_queue_unlink (&openings->queued, &opening->link);
            g_hash_table_iter_remove (&iter);
            free_opening (opening);
        }
    }
    pthread_cond_signal (&openings->keeper_is_needed);
    return all;
}

bool
arecfs_openings_stop (ArecfsOpenings *openings, int64_t until)
{
    GQueue waiters;
    bool ended;

    if (!openings) {
        return true;
    }
    pthread_mutex_lock (&openings->lock);
    waiters = end_all_locked (openings);
    pthread_mutex_unlock (&openings->lock);
    refuse_all (&waiters, ENOTCONN);
    pthread_join (openings->keeper, NULL);
    pthread_mutex_lock (&openings->lock);
    while (openings->n_threads > 0 &&
           arecfs_wait_until (&openings->thread_ended, &openings->lock, until)) {
    }
    ended = openings->n_threads == 0;
    pthread_mutex_unlock (&openings->lock);
    return ended;
}

void
arecfs_openings_free (ArecfsOpenings *openings)
{
    if (!openings) {
        return;
    }
    g_hash_table_unref (openings->by_slot);
    pthread_cond_destroy (&openings->thread_ended);
    pthread_cond_destroy (&openings->keeper_is_needed);
    pthread_mutex_destroy (&openings->lock);
    g_free (openings);
}
