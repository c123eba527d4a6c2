#include "pack/record_order.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Records that are asked of the reader in one call. */
enum { MOST_AT_ONCE = 4096 };

/* What a record takes beside its bytes: a Wanted, its places in two lists, and what malloc ()
 * adds. */
#define MEMORY_OF_RECORD 80

typedef struct {
    uint64_t record;
    uint64_t place; /* in the order, from the batch's first */
    uint8_t *bytes; /* owned; NULL: not read, or left out */
    size_t size;
} Wanted;

/* The records that are read together. */
typedef struct {
    const ToolRecordOrder *order;
    ArecReader *reader;
    uint64_t max_records; /* bytes of memory for records */
    uint64_t max_chunks;  /* and for chunks at the same time */
    uint64_t first;       /* place in the order */
    uint64_t n;           /* places; fewer than n_wanted if not all fit */
    uint64_t n_wanted;
    Wanted *wanted; /* in the order of the file */
    uint64_t held;  /* bytes */
} Batch;

static void
batch_clear (Batch *batch)
{
    for (uint64_t i = 0; i < batch->n_wanted; i++) {
        g_free (batch->wanted[i].bytes);
    }
    g_free (batch->wanted);
    batch->wanted = NULL;
    batch->n_wanted = 0;
    batch->held = 0;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Batch, batch_clear)

static bool
fail_memory (uint64_t n, GError **error)
{
    return arec_fail (error, AREC_ERROR_NOMEM, "no memory for %" PRIu64 " records", n);
}

static int
compare_records (const void *a, const void *b)
{
    const Wanted *x = a, *y = b;

    return x->record != y->record ? (x->record > y->record) - (x->record < y->record)
                                  : (x->place > y->place) - (x->place < y->place);
}

/* How many records of average size fit. */
static uint64_t
choose_n (const Batch *batch)
{
    uint64_t decoded_size = 0, n_records = 0;
    uint64_t left = batch->order->n - batch->first;

    for (size_t i = 0; i < arec_reader_n_files (batch->reader); i++) {
        ArecFileInfo info;

        arec_reader_file_info (batch->reader, i, &info);
        decoded_size += info.decoded_size;
        n_records += info.n_records;
    }
    return CLAMP (batch->max_records / (MEMORY_OF_RECORD + decoded_size / MAX (n_records, 1)),
                  1, left);
}

/* Sorts the wanted records in the order of the file. */
static bool
begin (Batch *batch, GError **error)
{
    batch->n = choose_n (batch);
    batch->wanted = g_try_new0 (Wanted, batch->n);
    if (!batch->wanted) {
        return fail_memory (batch->n, error);
    }
    batch->n_wanted = batch->n;
    for (uint64_t i = 0; i < batch->n; i++) {
        batch->wanted[i].record = batch->order->at (batch->order->data, batch->first + i);
        batch->wanted[i].place = i;
    }
    qsort (batch->wanted, batch->n, sizeof *batch->wanted, compare_records);
    return true;
}

/* ---- reading ---- */

/* Where records are larger than the average, only the first half of the places stays. */
static void
keep_within_memory (Batch *batch)
{
    while (batch->held > batch->max_records && batch->n > 1) {
        batch->n /= 2;
        for (uint64_t i = 0; i < batch->n_wanted; i++) {
            Wanted *wanted = &batch->wanted[i];

            if (wanted->bytes && wanted->place >= batch->n) {
                batch->held -= wanted->size + MEMORY_OF_RECORD;
                g_clear_pointer (&wanted->bytes, g_free);
            }
        }
    }
}

static bool
keep_record (Batch *batch, Wanted *wanted, const ArecView *view, GError **error)
{
    wanted->bytes = g_try_malloc (MAX (view->size, 1));
    if (!wanted->bytes) {
        return fail_memory (1, error);
    }
    memcpy (wanted->bytes, view->data, view->size);
    wanted->size = view->size;
    batch->held += wanted->size + MEMORY_OF_RECORD;
    return true;
}

/* Reads one record, which may be damaged. */
static bool
read_one (Batch *batch, Wanted *wanted, GError **error)
{
    g_auto (ArecView) view = {0};
    GError *failure = NULL;

    if (!arec_reader_read (batch->reader, wanted->record, &view, &failure)) {
        return batch->order->skip (batch->order->data, wanted->record, failure, error);
    }
    return keep_record (batch, wanted, &view, error);
}

/* Records that are asked of the reader together. */
typedef struct {
    Wanted *wanted[MOST_AT_ONCE];
    uint64_t numbers[MOST_AT_ONCE];
    ArecView views[MOST_AT_ONCE];
    size_t n;
    size_t file; /* of the last record */
    uint64_t chunk;
    uint64_t chunk_size; /* decoded bytes of all chunks */
} Request;

/* Adds @wanted, unless its chunk would be too much. */
static bool
request_add (Request *request, const Batch *batch, Wanted *wanted, const ArecSpot *spot)
{
    bool is_same = request->n > 0 && request->file == spot->place.file &&
                   request->chunk == spot->place.chunk;
    uint64_t more = is_same ? 0 : spot->entry.decoded_size;

    if (request->n == MOST_AT_ONCE ||
        (request->n > 0 && (request->chunk_size > batch->max_chunks ||
                            more > batch->max_chunks - request->chunk_size))) {
        return false;
    }
    request->wanted[request->n] = wanted;
    request->numbers[request->n++] = wanted->record;
    request->chunk_size = MIN (request->chunk_size, batch->max_chunks) + more;
    request->file = spot->place.file;
    request->chunk = spot->place.chunk;
    return true;
}

/* Reads the records of @request, and takes them out of it. If some are damaged, they are read
 * one by one. */
static bool
request_read (Request *request, Batch *batch, GError **error)
{
    bool are_read = arec_reader_read_many (batch->reader, request->numbers, request->n,
                                           request->views, NULL);
    bool ok = true;

    for (size_t i = 0; i < request->n; i++) {
        if (ok) {
            ok = are_read ? keep_record (batch, request->wanted[i], &request->views[i], error)
                          : read_one (batch, request->wanted[i], error);
        }
        arec_view_clear (&request->views[i]);
    }
    request->n = 0;
    request->chunk_size = 0;
    keep_within_memory (batch);
    return ok;
}

static bool
read_batch (Batch *batch, GError **error)
{
    g_autofree Request *request = g_new0 (Request, 1);

    for (uint64_t i = 0; i < batch->n_wanted; i++) {
        Wanted *wanted = &batch->wanted[i];
        ArecSpot spot;

        if (wanted->place >= batch->n) {
            continue;
        }
        if (!arec_reader_find (batch->reader, wanted->record, &spot, error)) {
            return false;
        }
        if (!request_add (request, batch, wanted, &spot)) {
            if (!request_read (request, batch, error)) {
                return false;
            }
            i--; /* it is looked at again, as its place may not fit any more */
        }
    }
    return request->n == 0 || request_read (request, batch, error);
}

/* ---- giving ---- */

static bool
give_batch (Batch *batch, GError **error)
{
    g_autofree Wanted **places = g_try_new0 (Wanted *, batch->n);

    if (!places) {
        return fail_memory (batch->n, error);
    }
    for (uint64_t i = 0; i < batch->n_wanted; i++) {
        if (batch->wanted[i].place < batch->n) {
            places[batch->wanted[i].place] = &batch->wanted[i];
        }
    }
    for (uint64_t i = 0; i < batch->n; i++) {
        Wanted *wanted = places[i];

        if (wanted->bytes && !batch->order->put (batch->order->data, wanted->record,
                                                 wanted->bytes, wanted->size, error)) {
            return false;
        }
        g_clear_pointer (&wanted->bytes, g_free);
    }
    return true;
}

bool
tool_record_order_give (const ToolRecordOrder *order, ArecReader *reader, uint64_t max_memory,
                        GError **error)
{
    g_auto (Batch) batch = {.order = order,
                            .reader = reader,
                            .max_records = max_memory / 4 * 3,
                            .max_chunks = max_memory / 4};

    while (batch.first < order->n) {
        if (!begin (&batch, error) || !read_batch (&batch, error) ||
            !give_batch (&batch, error)) {
            return false;
        }
        batch.first += batch.n;
        batch_clear (&batch);
    }
    return true;
}
