#include "long_reads.h"

#include <pthread.h>

#include "reading.h"

/* Threads for READs of one chunk: while one decodes far into it, the other answers those that
 * want less. */
#define MAX_PER_CHUNK 2

/* A READ that runs or waits. */
typedef struct {
    GList link; /* in one of the queues */
    ArecfsRequest request;
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

void
arecfs_long_reads_take (ArecfsLongReads *reads, const ArecfsRequest *request,
                        const ArecfsNode *node, size_t size, uint64_t offset)
{
    Read *read = g_new0 (Read, 1);

    *read = (Read){.link = {.data = read},
                   .request = *request,
                   .node = *node,
                   .size = size,
                   .offset = offset};
    /* Where the index cannot tell, neither can the read, which says why. */
    arec_reader_locate (node->file->reader, node->record, &read->place, NULL);
    pthread_mutex_lock (&reads->lock);
    g_queue_push_tail_link (&reads->waiting, &read->link);
    read = start_next_locked (reads);
    pthread_mutex_unlock (&reads->lock);
    while (read) {
        arecfs_read_record (&read->request, &read->node, read->size, read->offset);
        read = end_read (reads, read);
    }
}
