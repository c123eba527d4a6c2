/* Scans: the records of a reader in order, decoded ahead by several threads.
 *
 *     plan        the caller's thread cuts what is to come into pieces
 *     work        a thread of the pipeline, or the caller's, reads and decodes a piece
 *     hand out    the caller's thread walks through the oldest piece
 *
 * A chunk that is wanted whole is read with its neighbours past the cache, into memory that is
 * used again. One that is wanted in part, or that the cache has, is read through it. */
#include <arec/reader.h>

#include <stdatomic.h>

#include "base/pipeline.h"
#include "dataset/reading.h"

/* Pieces for each thread that are inside at the same time: one at work, one to go on with. */
#define PIECES_PER_THREAD 2

/* A chunk this large is looked for in the cache before it is decoded again; for smaller ones
 * that costs more than it saves. */
#define WORTH_LOOKING (AREC_RUN_SIZE / 4)

typedef enum {
    OWN,    /* a run of whole chunks */
    SHARED, /* a chunk of the cache */
    LOST,   /* a record that the index could not find */
} PieceKind;

typedef struct {
    PieceKind kind;
    ArecShard *shard;
    uint64_t first, end; /* records in the sequence */
    uint64_t held;       /* bytes counted for it */
    ArecChunkRun *run;   /* of OWN; kept, empty, otherwise */
    ArecView pin;        /* of SHARED: keeps the chunk in the cache */
    GError *error;       /* of SHARED and LOST */
} Piece;

struct ArecScan {
    ArecReader *reader;
    uint64_t next;
    uint64_t end;
    /* What is left of the chunk that is being handed out, of an OWN piece. */
    const uint8_t *values;
    ArecRecordEnds ends;
    uint64_t chunk_record; /* of `next` in it; ends.n: there is nothing left */
    uint64_t begin;        /* of `next` in the values */
    Piece *piece;          /* that is being handed out */
    size_t next_chunk;     /* of it */
    ArecView view;         /* of the last record of a SHARED piece */
    /* What is to come. */
    uint64_t planned;   /* records up to here are in pieces */
    ArecChunkWalk walk; /* over the chunks that are planned */
    bool stands;        /* the walk: at the chunk of `planned`, if it peeks, or before it */
    bool peeks;
    Piece *waiting; /* planned, but not put in yet */
    bool has_started;
    ArecPipeline *pipeline; /* NULL: the caller's thread does the work */
    unsigned n_inside;      /* pieces in the pipeline */
    GQueue idle;            /* pieces to use again */
    uint64_t budget;        /* bytes */
    uint64_t held;          /* of all pieces but the waiting one */
};

/* ---- pieces ---- */

static void
free_piece (void *data)
{
    Piece *piece = data;

    if (piece) {
        arec_chunk_run_free (piece->run);
        arec_view_clear (&piece->pin);
        g_clear_error (&piece->error);
        g_free (piece);
    }
}

static void
count_held (ArecScan *scan, Piece *piece, uint64_t bytes)
{
    scan->held += bytes - piece->held;
    piece->held = bytes;
}

/* What @piece will hold once it is loaded. */
static uint64_t
cost_of (const Piece *piece)
{
    switch (piece->kind) {
    case OWN: return MAX (arec_chunk_run_cost (piece->run), arec_chunk_run_memory (piece->run));
    case SHARED:
    case LOST: break;
    }
    return arec_chunk_run_memory (piece->run);
}

static Piece *
take_idle (ArecScan *scan)
{
    Piece *piece = g_queue_pop_head (&scan->idle);

    if (!piece) {
        piece = g_new0 (Piece, 1);
        piece->run = arec_chunk_run_new();
    }
    return piece;
}

static void
make_idle (ArecScan *scan, Piece *piece)
{
    arec_chunk_run_clear (piece->run);
    arec_view_clear (&piece->pin);
    g_clear_error (&piece->error);
    count_held (scan, piece, arec_chunk_run_memory (piece->run));
    g_queue_push_head (&scan->idle, piece);
}

/* In any thread. */
static void
work (void *data, void *job)
{
    ArecReader *reader = data;
    ArecEngine *engine = arec_reader_engine (reader);
    Piece *piece = job;
    const ArecChunkRun *run = piece->run;

    if (piece->kind == SHARED) {
        arec_reader_read (reader, piece->first, &piece->pin, &piece->error);
    }
    if (piece->kind != OWN) {
        return;
    }
    arec_shard_load_run (piece->shard, piece->run);
    engine->chunks_decoded += run->n_chunks - run->n_failed;
    engine->decoded_bytes += run->decoded_size - run->failed_size;
    engine->chunks_failed += run->n_failed;
}

/* ---- planning ---- */

/* Finds the chunk of scan->planned. */
static bool
peek_chunk (ArecScan *scan, GError **error)
{
    if (!scan->peeks) {
        scan->peeks = scan->stands ? arec_reader_next_chunk (scan->reader, &scan->walk, error)
                                   : arec_reader_find_chunk (scan->reader, scan->planned,
                                                             &scan->walk, error);
        scan->stands = scan->peeks;
    }
    return scan->peeks;
}

/* The peeked chunk belongs to @piece. */
static void
take_chunk (ArecScan *scan, Piece *piece)
{
    piece->end = scan->planned = MIN (scan->walk.end, scan->end);
    scan->peeks = false;
}

static const ArecIndexEntry *
peeked_entry (const ArecScan *scan)
{
    return &scan->walk.entries[scan->walk.i];
}

/* Whether all records of the peeked chunk are wanted. */
static bool
is_whole (const ArecScan *scan)
{
    return scan->walk.chunk_record == 0 && scan->walk.end <= scan->end &&
           scan->walk.end - scan->planned == peeked_entry (scan)->n_records;
}

static bool
is_for_cache (const ArecScan *scan)
{
    return !is_whole (scan) || (peeked_entry (scan)->decoded_size >= WORTH_LOOKING &&
                                arec_reader_has_chunk (scan->reader, &scan->walk));
}

/* Chunks from the peeked one on, as far as the walk has their entries, that are wanted whole
 * and are not worth a look into the cache. */
static size_t
count_plain (const ArecScan *scan)
{
    const ArecChunkWalk *walk = &scan->walk;
    const ArecIndexEntry *entries = peeked_entry (scan);
    uint64_t n = is_whole (scan) ? walk->n_entries - walk->i : 0, i = 0;
    uint64_t left = MIN (scan->end, walk->file_end) - scan->planned; /* records */

    for (; i < n && entries[i].decoded_size < WORTH_LOOKING && entries[i].n_records <= left;
         i++) {
        left -= entries[i].n_records;
    }
    return i;
}

/* Adds to @piece what follows it, as long as it fits in. */
static void
add_neighbours (ArecScan *scan, Piece *piece)
{
    size_t file = scan->walk.file, added = 1;

    /* Where the index fails now, it is asked again for the next piece. */
    while (added > 0 && scan->planned < scan->end && peek_chunk (scan, NULL) &&
           scan->walk.file == file) {
        size_t n = count_plain (scan);

        if (n == 0 && !is_for_cache (scan)) {
            n = 1;
        }
        added = arec_chunk_run_add (piece->run, peeked_entry (scan), n);
        if (added > 0) {
            arec_chunk_walk_skip (&scan->walk, (unsigned)added - 1);
            take_chunk (scan, piece);
        }
    }
}

/* The piece that begins at scan->planned < scan->end. */
static Piece *
plan_piece (ArecScan *scan)
{
    Piece *piece = take_idle (scan);

    piece->first = scan->planned;
    if (!peek_chunk (scan, &piece->error)) {
        piece->kind = LOST;
        piece->end = ++scan->planned; /* nobody knows where its chunk ends */
        return piece;
    }
    piece->shard = arec_reader_shard (scan->reader, scan->walk.file);
    if (is_for_cache (scan)) {
        piece->kind = SHARED;
        take_chunk (scan, piece);
        return piece;
    }
    piece->kind = OWN;
    arec_chunk_run_add (piece->run, peeked_entry (scan), 1);
    take_chunk (scan, piece);
    add_neighbours (scan, piece);
    return piece;
}

/* The next piece, which stays here until it is given to somebody; NULL at the end. */
static Piece *
peek_piece (ArecScan *scan)
{
    if (!scan->waiting && scan->planned < scan->end) {
        scan->waiting = plan_piece (scan);
    }
    return scan->waiting;
}

/* ---- decoding ahead ---- */

/* Threads that are worth having for what comes behind the waiting piece. */
static unsigned
choose_threads (const ArecScan *scan)
{
    const ArecIndex *index = arec_shard_index (scan->waiting->shard);
    uint64_t left = scan->end - scan->planned;
    uint64_t record_size = arec_index_decoded_size (index) / arec_index_n_records (index);
    uint64_t per_piece = MAX (AREC_RUN_SIZE / MAX (record_size, 1), 1);
    unsigned n = arec_reader_parallelism (scan->reader);

    return n < 2 || scan->budget == 0 || left == 0
               ? 0
               : 1 + (unsigned)MIN (n - 1, left / per_piece);
}

/* Called with the first piece waiting. */
static void
start (ArecScan *scan)
{
    unsigned n_threads = scan->waiting->kind == LOST ? 0 : choose_threads (scan);

    if (n_threads > 0) {
        scan->pipeline =
            arec_pipeline_new (n_threads, n_threads * PIECES_PER_THREAD, work, scan->reader);
    }
    scan->has_started = true;
}

/* Whether @piece may be loaded beside what is held; one may always. */
static bool
has_budget (ArecScan *scan, const Piece *piece)
{
    uint64_t more = cost_of (piece) - piece->held;

    while (scan->held + more > scan->budget) {
        Piece *idle = g_queue_pop_head (&scan->idle);

        if (!idle) {
            return scan->n_inside == 0;
        }
        count_held (scan, idle, 0);
        free_piece (idle);
    }
    return true;
}

static void
put_ahead (ArecScan *scan)
{
    while (arec_pipeline_has_room (scan->pipeline) && peek_piece (scan) &&
           has_budget (scan, scan->waiting)) {
        Piece *piece = g_steal_pointer (&scan->waiting);

        count_held (scan, piece, cost_of (piece));
        arec_pipeline_put (scan->pipeline, piece);
        scan->n_inside++;
    }
}

/* The next piece, loaded; there is one. */
static Piece *
take_piece (ArecScan *scan)
{
    Piece *piece;

    if (!scan->has_started && peek_piece (scan)) {
        start (scan);
    }
    if (scan->pipeline) {
        put_ahead (scan);
        scan->n_inside--;
        return arec_pipeline_take (scan->pipeline);
    }
    has_budget (scan, peek_piece (scan));
    piece = g_steal_pointer (&scan->waiting);
    count_held (scan, piece, cost_of (piece));
    work (scan->reader, piece);
    return piece;
}

/* ---- handing out ---- */

ArecScan *
arec_scan_new (ArecReader *reader, uint64_t first, uint64_t end)
{
    ArecScan *scan;

    g_return_val_if_fail (first <= end && end <= arec_reader_n_records (reader), NULL);
    scan = g_new0 (ArecScan, 1);
    scan->reader = arec_reader_ref (reader);
    scan->next = scan->planned = first;
    scan->end = end;
    scan->budget = arec_reader_ahead_size (reader);
    g_queue_init (&scan->idle);
    return scan;
}

void
arec_scan_free (ArecScan *scan)
{
    if (!scan) {
        return;
    }
    arec_pipeline_free (scan->pipeline, free_piece);
    free_piece (scan->piece);
    free_piece (scan->waiting);
    g_queue_clear_full (&scan->idle, free_piece);
    arec_view_clear (&scan->view);
    arec_reader_unref (scan->reader);
    g_free (scan);
}

uint64_t
arec_scan_position (const ArecScan *scan)
{
    return scan->next;
}

uint64_t
arec_scan_memory (const ArecScan *scan)
{
    return scan->held;
}

/* Goes on with the next chunk of the piece. */
static bool
open_chunk (ArecScan *scan, GError **error)
{
    size_t i = scan->next_chunk++;
    ArecRunChunk *chunk = &scan->piece->run->chunks[i];

    /* What was decoded before a change was noticed is not mixed with its error. */
    if (!chunk->values || !arec_shard_check_known (scan->piece->shard, error)) {
        if (!chunk->values) {
            g_propagate_error (error, g_steal_pointer (&chunk->error));
        }
        scan->next += chunk->entry.n_records;
        return false;
    }
    scan->values = chunk->values;
    arec_chunk_run_ends (scan->piece->run, i, &scan->ends);
    scan->chunk_record = 0;
    scan->begin = 0;
    return true;
}

static void
give (ArecScan *scan, const uint8_t **data, size_t *size)
{
    uint64_t end = arec_record_ends_end (&scan->ends, scan->chunk_record++);

    *data = scan->values + scan->begin;
    *size = end - scan->begin;
    scan->begin = end;
    scan->next++;
}

/* The record `next` of a SHARED piece. */
static bool
give_shared (ArecScan *scan, const uint8_t **data, size_t *size, GError **error)
{
    Piece *piece = scan->piece;

    arec_view_clear (&scan->view);
    if (piece->error) {
        g_propagate_error (error, g_steal_pointer (&piece->error));
    } else if (arec_reader_read (scan->reader, scan->next, &scan->view, error)) {
        *data = scan->view.data;
        *size = scan->view.size;
        scan->next++;
        return true;
    }
    scan->next = piece->end;
    return false;
}

/* Goes on behind a chunk. */
static bool
go_on (ArecScan *scan, const uint8_t **data, size_t *size, GError **error)
{
    if (scan->next == scan->end) {
        *data = NULL;
        *size = 0;
        return true;
    }
    if (scan->piece && scan->next == scan->piece->end) {
        arec_view_clear (&scan->view);
        make_idle (scan, g_steal_pointer (&scan->piece));
    }
    if (!scan->piece) {
        scan->piece = take_piece (scan);
        scan->next_chunk = 0;
    }
    if (scan->piece->kind != OWN) {
        return give_shared (scan, data, size, error);
    }
    if (!open_chunk (scan, error)) {
        return false;
    }
    give (scan, data, size);
    return true;
}

bool
arec_scan_next (ArecScan *scan, uint64_t *record, const uint8_t **data, size_t *size,
                GError **error)
{
    if (record) {
        *record = scan->next;
    }
    if (scan->chunk_record == scan->ends.n) {
        return go_on (scan, data, size, error);
    }
    give (scan, data, size);
    return true;
}
