#include "serve/lane.h"

#include <errno.h>
#include <pthread.h>

#include "base/thread.h"
#include "serve/parked.h"

/* Microseconds after which a request that runs no longer counts. */
#define OVERDUE 1000000

/* Microseconds between looks whether one does not, and for which a thread without work waits
 * for some. */
#define LOOK_INTERVAL 100000
#define IDLE_TIME 5000000

/* A request that runs or waits. */
typedef struct {
    ArecfsParked parked;
    GList link; /* in one of the queues */
    ArecfsLane *lane;
    const void *file;
    ArecfsAnswer answer;
    int64_t begun; /* to run */
} Item;

struct ArecfsLane {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* work for an idle thread, the end, or the end of a thread */
    GQueue running;         /* of Item; guarded by the lock, as below */
    GQueue waiting;         /* first come first */
    unsigned n_threads;
    unsigned n_idle; /* of these: look for what may run */
    bool ending;
};

static void *run (void *data);

ArecfsLane *
arecfs_lane_new (void)
{
    ArecfsLane *lane = g_new0 (ArecfsLane, 1);

    pthread_mutex_init (&lane->lock, NULL);
    arecfs_cond_init (&lane->changed);
    return lane;
}

/* ---- which request runs ---- */

static bool
may_run_locked (const ArecfsLane *lane, const Item *item)
{
    const int64_t begun_before = g_get_monotonic_time() - OVERDUE;
    unsigned n_running = 0, n_of_file = 0;

    for (const GList *link = lane->running.head; link; link = link->next) {
        const Item *other = link->data;

        n_running += other->begun >= begun_before;
        n_of_file += other->file == item->file;
    }
    return n_running < ARECFS_LANE_MAX_RUNNING && n_of_file < ARECFS_LANE_MAX_OF_FILE;
}

/* The first of those that wait that may run, claimed; NULL: there is none. */
static Item *
start_next_locked (ArecfsLane *lane)
{
    for (GList *link = lane->waiting.head; link; link = link->next) {
        Item *item = link->data;

        if (may_run_locked (lane, item)) {
            g_queue_unlink (&lane->waiting, link);
            g_queue_push_tail_link (&lane->running, link);
            item->begun = g_get_monotonic_time();
            arecfs_parked_claim_locked (&item->parked);
            return item;
        }
    }
    return NULL;
}

/* Sees to it that a thread looks at what waits. Where none can be started, one that runs does
 * when it has done. */
static void
call_thread_locked (ArecfsLane *lane)
{
    pthread_t thread;

    if (lane->waiting.length == 0) {
        return;
    }
    if (lane->n_idle > 0) {
        pthread_cond_signal (&lane->changed);
    } else if (lane->n_threads < ARECFS_LANE_MAX_THREADS &&
               arecfs_thread_start (&thread, run, lane) == 0) {
        pthread_detach (thread);
        lane->n_threads++;
        lane->n_idle++;
    }
}

/* ---- threads ---- */

/* Of an idle thread: what it runs, and then it is idle no more; NULL: it is to end. */
static Item *
await_work_locked (ArecfsLane *lane)
{
    const int64_t idle_until = g_get_monotonic_time() + IDLE_TIME;
    Item *item;

    while (!(item = start_next_locked (lane)) && !lane->ending) {
        int64_t now = g_get_monotonic_time();

        if (lane->waiting.length == 0 && now >= idle_until) {
            break;
        }
        arecfs_wait_until (&lane->changed, &lane->lock,
                           lane->waiting.length > 0 ? now + LOOK_INTERVAL : idle_until);
    }
    lane->n_idle--;
    return item;
}

static void
run_item (ArecfsLane *lane, Item *item)
{
    arecfs_parked_disarm (&item->parked);
    item->answer (&item->parked.request);
    arecfs_parked_clear (&item->parked);
    pthread_mutex_lock (&lane->lock);
    g_queue_unlink (&lane->running, &item->link);
    pthread_mutex_unlock (&lane->lock);
    g_free (item);
}

static void *
run (void *data)
{
    ArecfsLane *lane = data;
    Item *item;

    pthread_setname_np (pthread_self(), "arecfs-lane");
    pthread_mutex_lock (&lane->lock);
    while ((item = await_work_locked (lane))) {
        call_thread_locked (lane); /* for the next one */
        pthread_mutex_unlock (&lane->lock);
        run_item (lane, item);
        pthread_mutex_lock (&lane->lock);
        lane->n_idle++;
    }
    lane->n_threads--;
    pthread_cond_broadcast (&lane->changed);
    pthread_mutex_unlock (&lane->lock);
    return NULL;
}

/* ---- taking requests ---- */

static ArecfsWithdrawal
withdraw (ArecfsParked *parked, bool is_killed)
{
    Item *item = (Item *)parked;

    if (!is_killed) {
        return ARECFS_STAYS;
    }
    g_queue_unlink (&item->lane->waiting, &item->link);
    return ARECFS_TAKEN_FREE;
}

/* Replies to @item, which is claimed or has never waited, and frees it. */
static void
refuse (Item *item, int number)
{
    arecfs_parked_disarm (&item->parked);
    arecfs_reply_errno (&item->parked.request, number);
    arecfs_parked_clear (&item->parked);
    g_free (item);
}

/* Returns 0, or the errno to reply with. */
static int
wait_locked (ArecfsLane *lane, Item *item)
{
    if (lane->ending) {
        return ENOTCONN;
    }
    if (!arecfs_parked_begin_locked (&item->parked)) {
        return EINTR;
    }
    g_queue_push_tail_link (&lane->waiting, &item->link);
    call_thread_locked (lane);
    return 0;
}

void
arecfs_lane_take (ArecfsLane *lane, const ArecfsRequest *request, const void *file,
                  ArecfsAnswer answer)
{
    Item *item = g_new0 (Item, 1);
    int number;

    arecfs_parked_init (&item->parked, request, &lane->lock, withdraw);
    item->parked.request.is_in_lane = true;
    item->link.data = item;
    item->lane = lane;
    item->file = file;
    item->answer = answer;
    arecfs_parked_arm (&item->parked);
    pthread_mutex_lock (&lane->lock);
    number = wait_locked (lane, item);
    pthread_mutex_unlock (&lane->lock);
    if (number != 0) {
        refuse (item, number);
    }
}

bool
arecfs_lane_takes (const ArecfsRequest *request, const ArecfsFile *file, ArecfsAnswer answer)
{
    ArecfsLane *lane = request->server->lane;
    bool takes = lane && !request->is_in_lane && arec_reader_is_remote (file->reader);

    if (takes) {
        arecfs_lane_take (lane, request, file, answer);
    }
    return takes;
}

/* ---- the end ---- */

void
arecfs_lane_stop (ArecfsLane *lane)
{
    GQueue waiting;
    GList *link;

    pthread_mutex_lock (&lane->lock);
    lane->ending = true;
    waiting = lane->waiting;
    g_queue_init (&lane->waiting);
    for (link = waiting.head; link; link = link->next) {
        arecfs_parked_claim_locked (&((Item *)link->data)->parked);
    }
    pthread_cond_broadcast (&lane->changed);
    pthread_mutex_unlock (&lane->lock);
    while ((link = g_queue_pop_head_link (&waiting))) {
        refuse (link->data, ENOTCONN);
    }
}

bool
arecfs_lane_join (ArecfsLane *lane, int64_t until)
{
    bool have_ended;

    pthread_mutex_lock (&lane->lock);
    while (lane->n_threads > 0 && arecfs_wait_until (&lane->changed, &lane->lock, until)) {
    }
    have_ended = lane->n_threads == 0;
    pthread_mutex_unlock (&lane->lock);
    return have_ended;
}

void
arecfs_lane_free (ArecfsLane *lane)
{
    if (!lane) {
        return;
    }
    arecfs_lane_stop (lane);
    arecfs_lane_join (lane, INT64_MAX);
    pthread_cond_destroy (&lane->changed);
    pthread_mutex_destroy (&lane->lock);
    g_free (lane);
}
