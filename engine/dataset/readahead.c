#include <arec/readahead.h>

#include <pthread.h>
#include <stdatomic.h>

#include <arec/file_info.h>

#include "base/worker_pool.h"
#include "dataset/chunk_walk.h"
#include "dataset/fetch.h"
#include "dataset/reader.h"
#include "dataset/streams.h"

/* The most records announced at a time: for tiny records this is the bound, not the bytes. */
#define MAX_WINDOW 4096

/* Bytes decoded ahead of a stream by default: enough that a reader of small records does not
 * catch up, and one large chunk for each thread, up to a bound on the work that is wasted if
 * the stream ends. */
#define AUTO_SIZE (UINT64_C (4) << 20)
#define MAX_AUTO_SIZE (UINT64_C (64) << 20)

/* More records than any file can have, since each takes a byte of it. If an index claims more,
 * nothing is decoded ahead, so nothing below overflows. */
#define MAX_RECORDS (UINT64_C (1) << 48)

/* Decoded bytes of one task: handing over costs more than a small chunk. */
#define TASK_SIZE (UINT64_C (128) * 1024)

struct ArecReadahead {
    ArecReader *reader;
    uint64_t record_size; /* average, at least 1 */
    uint64_t max_window;  /* records */
    _Atomic bool ending;
    pthread_mutex_t lock;
    pthread_cond_t task_ended;
    unsigned n_tasks; /* queued or running; guarded by the lock, as `streams` is */
    ArecStreams streams;
};

/* Records to decode, first to end. */
typedef struct {
    ArecReadahead *readahead;
    uint64_t first, end, step;
} Task;

/* Average decoded bytes, at least 1. */
static void
get_sizes (const ArecReader *reader, uint64_t *of_record, uint64_t *of_chunk)
{
    uint64_t size = 0, n_records = 0, n_chunks = 0;

    for (size_t i = 0; i < arec_reader_n_files (reader); i++) {
        ArecFileInfo info;

        arec_reader_file_info (reader, i, &info);
        size += info.decoded_size;
        n_records += info.n_records;
        n_chunks += info.n_chunks;
    }
    *of_record = MAX (size / MAX (n_records, 1), 1);
    *of_chunk = MAX (size / MAX (n_chunks, 1), 1);
}

static uint64_t
choose_size (const ArecReader *reader, uint64_t chunk_size)
{
    /* An index may claim any size. */
    uint64_t for_all = arec_reader_parallelism (reader) * MIN (chunk_size, MAX_AUTO_SIZE);

    return CLAMP (for_all, AUTO_SIZE, MAX_AUTO_SIZE);
}

ArecReadahead *
arec_readahead_new (ArecReader *reader, uint64_t buffer_size)
{
    ArecReadahead *readahead = g_new0 (ArecReadahead, 1);
    uint64_t chunk_size;

    readahead->reader = arec_reader_ref (reader);
    get_sizes (reader, &readahead->record_size, &chunk_size);
    if (buffer_size == AREC_READAHEAD_AUTO) {
        buffer_size = choose_size (reader, chunk_size);
    }
    if (arec_reader_n_records (reader) <= MAX_RECORDS) {
        readahead->max_window = MIN (buffer_size / readahead->record_size, MAX_WINDOW);
    }
    pthread_mutex_init (&readahead->lock, NULL);
    pthread_cond_init (&readahead->task_ended, NULL);
    return readahead;
}

void
arec_readahead_free (ArecReadahead *readahead)
{
    if (!readahead) {
        return;
    }
    /* The engine, and its threads, may end with our reader: no task may be left by then. */
    readahead->ending = true;
    pthread_mutex_lock (&readahead->lock);
    while (readahead->n_tasks > 0) {
        pthread_cond_wait (&readahead->task_ended, &readahead->lock);
    }
    pthread_mutex_unlock (&readahead->lock);
    arec_reader_unref (readahead->reader);
    pthread_cond_destroy (&readahead->task_ended);
    pthread_mutex_destroy (&readahead->lock);
    g_free (readahead);
}

static void
free_task (void *data)
{
    Task *task = data;
    ArecReadahead *readahead = task->readahead;

    g_free (task);
    pthread_mutex_lock (&readahead->lock);
    readahead->n_tasks--;
    pthread_cond_broadcast (&readahead->task_ended);
    pthread_mutex_unlock (&readahead->lock);
}

static void
run_task (void *data)
{
    Task *task = data;
    uint64_t record = task->first;

    while (record < task->end && !task->readahead->ending) {
        uint64_t chunk_end;

        if (!arec_reader_load_ahead (task->readahead->reader, record, &chunk_end)) {
            break; /* a read there loads it, or reports why it cannot */
        }
        /* The first step past the chunk. */
        record += (chunk_end - record + task->step - 1) / task->step * task->step;
    }
    free_task (task);
}

/* Hands [first, end) to the threads in pieces. The rest is decoded when it is read, if no
 * thread takes a piece. */
static void
decode_ahead (ArecReadahead *readahead, uint64_t first, uint64_t end, uint64_t step,
              uint64_t group_size)
{
    ArecWorkerPool *workers = arec_reader_engine (readahead->reader)->workers;
    uint64_t records = MAX (TASK_SIZE / readahead->record_size, 1);
    uint64_t stride = (records + group_size - 1) / group_size * group_size * step;

    while (first < end) {
        uint64_t piece = MIN (end - first, stride);
        Task *task = g_new (Task, 1);

        *task = (Task){readahead, first, first + piece, step};
        pthread_mutex_lock (&readahead->lock);
        readahead->n_tasks++;
        pthread_mutex_unlock (&readahead->lock);
        if (!arec_worker_pool_try (workers, run_task, free_task, task)) {
            free_task (task);
            break;
        }
        first += piece;
    }
}

ArecUpcoming
arec_readahead_note (ArecReadahead *readahead, uint64_t record)
{
    ArecSurroundings around = {.n_records = arec_reader_n_records (readahead->reader),
                               .max_window = readahead->max_window};
    ArecUpcoming ahead, named;

    if (!arec_reader_surroundings (readahead->reader, record, &around.chunk_end,
                                   &around.group_size, NULL)) {
        return (ArecUpcoming){0};
    }
    around.fetch_window = arec_fetch_window (readahead->reader, record);
    pthread_mutex_lock (&readahead->lock);
    ahead = arec_streams_note (&readahead->streams, record, &around);
    named = arec_streams_name (&readahead->streams, record, &around);
    pthread_mutex_unlock (&readahead->lock);
    if (named.end > named.first) {
        arec_fetch_name (readahead->reader, named.first, named.end, named.step);
    }
    if (ahead.end > around.chunk_end) {
        uint64_t next = MAX (ahead.first, around.chunk_end), end;

        /* Begins at the first step past the record's own chunk. Goes one chunk further than
         * announced, for a reader that asks for nothing until it has used all announced
         * records: it finds the next chunk decoded. */
        next += (ahead.step - (next - ahead.first) % ahead.step) % ahead.step;
        end = MIN (ahead.end + MAX (around.group_size, ahead.step), around.n_records);
        decode_ahead (readahead, next, end, ahead.step, around.group_size);
    }
    return ahead;
}

void
arec_readahead_retract (ArecReadahead *readahead, uint64_t record)
{
    pthread_mutex_lock (&readahead->lock);
    arec_streams_retract (&readahead->streams, record);
    pthread_mutex_unlock (&readahead->lock);
}
