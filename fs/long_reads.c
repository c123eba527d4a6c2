#include "long_reads.h"

#include <errno.h>

#include "parked.h"
#include "reading.h"

/* Threads for READs of one chunk: while one decodes far into it, the other answers those that
 * want less. */
#define MAX_PER_CHUNK 2

/* A READ that runs or waits. */
typedef struct {
    ArecfsParked parked;
    GList link; /* in one of the queues */
    ArecfsLongReads *reads;
    bool runs;
    ArecfsNode node;
    size_t size;
    uint64_t offset;
    ArecPlace place;
} Read;

struct ArecfsLongReads {
    unsigned max_running;
    pthread_mutex_t lock;
    GQueue running; /* of Read; guarded by the lock, as below */
    GQueue waiting; /* first come first */
    bool ending;
};

ArecfsLongReads *
arecfs_long_reads_new (unsigned max_running)
{
    ArecfsLongReads *reads = g_new0 (ArecfsLongReads, 1);

    reads->max_running = max_running;
    pthread_mutex_init (&reads->lock, NULL);
    return reads;
}

void
arecfs_long_reads_free (ArecfsLongReads *reads)
{
    if (!reads) {
        return;
    }
    pthread_mutex_destroy (&reads->lock);
    g_free (reads);
}

static bool
are_of_one_chunk (const Read *a, const Read *b)
{
    return a->node.file == b->node.file && a->place.file == b->place.file &&
           a->place.chunk == b->place.chunk;
}

static bool
may_run_locked (const ArecfsLongReads *reads, const Read *read)
{
    unsigned n = 0;

    for (const GList *link = reads->running.head; link; link = link->next) {
        n += are_of_one_chunk (link->data, read);
    }
    return reads->running.length < reads->max_running && n < MAX_PER_CHUNK;
}

/* The first of those that wait that may run, which then does; NULL: there is none. */
static Read *
start_next_locked (ArecfsLongReads *reads)
{
    for (GList *link = reads->waiting.head; link; link = link->next) {
        if (may_run_locked (reads, link->data)) {
            g_queue_unlink (&reads->waiting, link);
            g_queue_push_tail_link (&reads->running, link);
            ((Read *)link->data)->runs = true;
            return link->data;
        }
    }
    return NULL;
}

/* Ends @read, whose thread is the next one's. */
static Read *
end_read (ArecfsLongReads *reads, Read *read)
{
    Read *next;

    pthread_mutex_lock (&reads->lock);
    g_queue_unlink (&reads->running, &read->link);
    next = start_next_locked (reads);
    pthread_mutex_unlock (&reads->lock);
    g_free (read);
    return next;
}

/* Reading a file is not expected to end for the sake of a signal that is caught. */
static ArecfsWithdrawal
withdraw (ArecfsParked *parked, bool is_killed)
{
    Read *read = (Read *)parked;

    if (!is_killed) {
        return ARECFS_STAYS;
    }
    if (read->runs) {
        return ARECFS_TAKEN; /* its thread frees it */
    }
    g_queue_unlink (&read->reads->waiting, &read->link);
    return ARECFS_TAKEN_FREE;
}

/* Loads what @read wants, and replies unless its caller has gone meanwhile. */
static void
run (ArecfsLongReads *reads, Read *read)
{
    g_auto (ArecView) view = {0};
    GError *error = NULL;
    bool is_ours;

    arec_reader_read_range (read->node.file->reader, read->node.record, read->offset,
                            read->size, &view, &error);
    pthread_mutex_lock (&reads->lock);
    is_ours = arecfs_parked_claim_locked (&read->parked);
    pthread_mutex_unlock (&reads->lock);
    if (is_ours) {
        arecfs_parked_disarm (&read->parked);
        arecfs_read_reply (&read->parked.request, &read->node, &view, error);
    } else {
        g_clear_error (&error);
    }
}

static Read *
new_read (ArecfsLongReads *reads, const ArecfsRequest *request, const ArecfsNode *node,
          size_t size, uint64_t offset)
{
    Read *read = g_new0 (Read, 1);

    arecfs_parked_init (&read->parked, request, &reads->lock, withdraw);
    read->link.data = read;
    read->reads = reads;
    read->node = *node;
    read->size = size;
    read->offset = offset;
    /* Where the index cannot tell, neither can the read, which says why. */
    arec_reader_locate (node->file->reader, node->record, &read->place, NULL);
    return read;
}

/* Returns 0, or the errno to reply with. */
static int
wait_locked (ArecfsLongReads *reads, Read *read)
{
    if (reads->ending) {
        return ENOTCONN;
    }
    if (!arecfs_parked_begin_locked (&read->parked)) {
        return EINTR;
    }
    g_queue_push_tail_link (&reads->waiting, &read->link);
    return 0;
}

static void
refuse (Read *read, int number)
{
    arecfs_parked_disarm (&read->parked);
    arecfs_reply_errno (&read->parked.request, number);
    g_free (read);
}

void
arecfs_long_reads_take (ArecfsLongReads *reads, const ArecfsRequest *request,
                        const ArecfsNode *node, size_t size, uint64_t offset)
{
    Read *read = new_read (reads, request, node, size, offset), *next = NULL;
    int number;

    arecfs_parked_arm (&read->parked);
    pthread_mutex_lock (&reads->lock);
    number = wait_locked (reads, read);
    if (number == 0) {
        next = start_next_locked (reads);
    }
    pthread_mutex_unlock (&reads->lock);
    if (number != 0) {
        refuse (read, number);
    }
    while (next) {
        run (reads, next);
        next = end_read (reads, next);
    }
}

void
arecfs_long_reads_stop (ArecfsLongReads *reads)
{
    GQueue waiting;
    GList *link;

    pthread_mutex_lock (&reads->lock);
    reads->ending = true;
    waiting = reads->waiting;
    g_queue_init (&reads->waiting);
    for (link = waiting.head; link; link = link->next) {
        arecfs_parked_claim_locked (&((Read *)link->data)->parked);
    }
    pthread_mutex_unlock (&reads->lock);
    while ((link = g_queue_pop_head_link (&waiting))) {
        refuse (link->data, ENOTCONN);
    }
}
