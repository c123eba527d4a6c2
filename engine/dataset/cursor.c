/* Cursors: the records of a reader in order, decoded ahead by several threads.
 *
 *     plan        the caller's thread cuts the coming records into pieces
 *     work        a thread of the pipeline, or the caller's, reads and decodes a piece
 *     hand out    the caller's thread goes through the oldest piece
 *
 * A chunk that is wanted whole is read with its neighbours past the cache, into memory that is
 * reused. A chunk that is wanted in part, or is large and in the cache, is read through it. */
#include <arec/cursor.h>

#include <stdatomic.h>

#include "base/phases.h"
#include "base/pipeline.h"
#include "dataset/chunk_walk.h"
#include "dataset/fetch.h"
#include "dataset/reader.h"

/* Pieces for each thread in the pipeline at the same time: one at work, one to go on with. */
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

struct ArecCursor {
    ArecReader *reader;
    uint64_t next;
    uint64_t end;
    /* The chunk of an OWN piece that is being handed out. */
    const uint8_t *values;
    ArecRecordEnds ends;
    uint64_t chunk_record; /* number of `next` in it; ends.n: there is nothing left */
    uint64_t begin;        /* offset of `next` in the values */
    Piece *piece;          /* the one that is being handed out */
    size_t next_chunk;     /* of that piece */
    ArecView view;         /* the last record of a SHARED piece */
    /* The coming records. */
    uint64_t planned;   /* records up to here are in pieces */
    ArecChunkWalk walk; /* over the chunks that are planned */
    bool stands;        /* the walk is at the chunk of `planned` if it peeks, else one before */
    bool peeks;
    Piece *waiting; /* planned, but not in the pipeline yet */
    uint64_t named; /* records up to here are on their way, if the source waits for a network */
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
count_held (ArecCursor *cursor, Piece *piece, uint64_t bytes)
{
    cursor->held += bytes - piece->held;
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
take_idle (ArecCursor *cursor)
{
    Piece *piece = g_queue_pop_head (&cursor->idle);

    if (!piece) {
        piece = g_new0 (Piece, 1);
        piece->run = arec_chunk_run_new();
    }
    return piece;
}

static void
make_idle (ArecCursor *cursor, Piece *piece)
{
    arec_chunk_run_clear (piece->run);
    arec_view_clear (&piece->pin);
    g_clear_error (&piece->error);
    count_held (cursor, piece, arec_chunk_run_memory (piece->run));
    g_queue_push_head (&cursor->idle, piece);
}

/* In any thread. */
static void
work (void *data, void *job)
{
    ArecReader *reader = data;
    ArecEngine *engine = arec_reader_engine (reader);
    Piece *piece = job;
    const ArecChunkRun *run = piece->run;
    ArecPhaseMark mark;

    if (piece->kind == SHARED) {
        arec_reader_read (reader, piece->first, &piece->pin, &piece->error);
    }
    if (piece->kind != OWN) {
        return;
    }
    mark = arec_phases_enter (AREC_PHASE_DECODING);
    arec_shard_load_run (piece->shard, piece->run);
    arec_phases_leave (mark);
    engine->chunks_decoded += run->n_chunks - run->n_failed;
    engine->decoded_bytes += run->decoded_size - run->failed_size;
    engine->chunks_failed += run->n_failed;
}

/* ---- planning ---- */

/* Finds the chunk of cursor->planned. */
static bool
peek_chunk (ArecCursor *cursor, GError **error)
{
    if (!cursor->peeks) {
        cursor->peeks = cursor->stands
                            ? arec_reader_next_chunk (cursor->reader, &cursor->walk, error)
                            : arec_reader_find_chunk (cursor->reader, cursor->planned,
                                                      &cursor->walk, error);
        cursor->stands = cursor->peeks;
    }
    return cursor->peeks;
}

/* The peeked chunk belongs to @piece. */
static void
take_chunk (ArecCursor *cursor, Piece *piece)
{
    piece->end = cursor->planned = MIN (cursor->walk.end, cursor->end);
    cursor->peeks = false;
}

static const ArecIndexEntry *
peeked_entry (const ArecCursor *cursor)
{
    return &cursor->walk.entries[cursor->walk.i];
}

/* Whether all records of the peeked chunk are wanted. */
static bool
is_whole (const ArecCursor *cursor)
{
    return cursor->walk.chunk_record == 0 && cursor->walk.end <= cursor->end &&
           cursor->walk.end - cursor->planned == peeked_entry (cursor)->n_records;
}

static bool
is_for_cache (const ArecCursor *cursor)
{
    return !is_whole (cursor) || (peeked_entry (cursor)->decoded_size >= WORTH_LOOKING &&
                                  arec_reader_has_chunk (cursor->reader, &cursor->walk));
}

/* Chunks from the peeked one on, as far as the walk has their entries, that are wanted whole
 * and are not worth a look into the cache. */
static size_t
count_plain (const ArecCursor *cursor)
{
    const ArecChunkWalk *walk = &cursor->walk;
    const ArecIndexEntry *entries = peeked_entry (cursor);
    uint64_t n = is_whole (cursor) ? walk->n_entries - walk->i : 0, i = 0;
    uint64_t left = MIN (cursor->end, walk->file_end) - cursor->planned; /* records */

    for (; i < n && entries[i].decoded_size < WORTH_LOOKING && entries[i].n_records <= left;
         i++) {
        left -= entries[i].n_records;
    }
    return i;
}

/* Adds to @piece the chunks that follow it, as long as they fit in. */
static void
add_neighbours (ArecCursor *cursor, Piece *piece)
{
    size_t file = cursor->walk.file, added = 1;

    /* If the index fails here, the next piece asks again and gets the error. */
    while (added > 0 && cursor->planned < cursor->end && peek_chunk (cursor, NULL) &&
           cursor->walk.file == file) {
        size_t n = count_plain (cursor);

        if (n == 0 && !is_for_cache (cursor)) {
            n = 1;
        }
        added = arec_chunk_run_add (piece->run, peeked_entry (cursor), n);
        if (added > 0) {
            arec_chunk_walk_skip (&cursor->walk, (unsigned)added - 1);
            take_chunk (cursor, piece);
        }
    }
}

/* The piece that begins at cursor->planned < cursor->end. */
static Piece *
plan_piece (ArecCursor *cursor)
{
    Piece *piece = take_idle (cursor);

    piece->first = cursor->planned;
    if (!peek_chunk (cursor, &piece->error)) {
        piece->kind = LOST;
        piece->end = ++cursor->planned; /* where its chunk ends is not known */
        return piece;
    }
    piece->shard = arec_reader_shard (cursor->reader, cursor->walk.file);
    if (is_for_cache (cursor)) {
        piece->kind = SHARED;
        take_chunk (cursor, piece);
        return piece;
    }
    piece->kind = OWN;
    arec_chunk_run_add (piece->run, peeked_entry (cursor), 1);
    take_chunk (cursor, piece);
    add_neighbours (cursor, piece);
    return piece;
}

/* Stored bytes are asked for further ahead than what is decoded: each time that half of what
 * was asked for is planned. */
static void
fetch_ahead (ArecCursor *cursor)
{
    uint64_t window = arec_fetch_window (cursor->reader, cursor->planned);
    uint64_t from = MAX (cursor->named, cursor->planned);
    uint64_t end = cursor->planned + MIN (window, cursor->end - cursor->planned);

    if (from < end && from - cursor->planned <= window / 2) {
        cursor->named = arec_fetch_name (cursor->reader, from, end, 1);
    }
}

/* The next piece, which stays in `waiting` until it is taken; NULL at the end. */
static Piece *
peek_piece (ArecCursor *cursor)
{
    if (!cursor->waiting && cursor->planned < cursor->end) {
        fetch_ahead (cursor);
        cursor->waiting = plan_piece (cursor);
    }
    return cursor->waiting;
}

/* ---- decoding ahead ---- */

/* Threads that are worth having for the records after the waiting piece. */
static unsigned
choose_threads (const ArecCursor *cursor)
{
    const ArecIndex *index = arec_shard_index (cursor->waiting->shard);
    uint64_t left = cursor->end - cursor->planned;
    uint64_t record_size = arec_index_decoded_size (index) / arec_index_n_records (index);
    uint64_t per_piece = MAX (AREC_RUN_SIZE / MAX (record_size, 1), 1);
    unsigned n = arec_reader_parallelism (cursor->reader);

    return n < 2 || cursor->budget == 0 || left == 0
               ? 0
               : 1 + (unsigned)MIN (n - 1, left / per_piece);
}

/* Called with the first piece waiting. */
static void
start (ArecCursor *cursor)
{
    unsigned n_threads = cursor->waiting->kind == LOST ? 0 : choose_threads (cursor);

    if (n_threads > 0) {
        cursor->pipeline =
            arec_pipeline_new (n_threads, n_threads * PIECES_PER_THREAD, work, cursor->reader);
    }
    cursor->has_started = true;
}

/* Whether @piece may be loaded beside what is held; one may always. */
static bool
has_budget (ArecCursor *cursor, const Piece *piece)
{
    uint64_t more = cost_of (piece) - piece->held;

    while (cursor->held + more > cursor->budget) {
        Piece *idle = g_queue_pop_head (&cursor->idle);

        if (!idle) {
            return cursor->n_inside == 0;
        }
        count_held (cursor, idle, 0);
        free_piece (idle);
    }
    return true;
}

static void
put_ahead (ArecCursor *cursor)
{
    while (arec_pipeline_has_room (cursor->pipeline) && peek_piece (cursor) &&
           has_budget (cursor, cursor->waiting)) {
        Piece *piece = g_steal_pointer (&cursor->waiting);

        count_held (cursor, piece, cost_of (piece));
        arec_pipeline_put (cursor->pipeline, piece);
        cursor->n_inside++;
    }
}

/* The oldest piece, once it is loaded. */
static Piece *
await_piece (ArecCursor *cursor)
{
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_WAITING_DECODING);
    Piece *piece = arec_pipeline_take (cursor->pipeline);

    arec_phases_leave (mark);
    return piece;
}

/* The next piece, loaded; there is one. */
static Piece *
take_piece (ArecCursor *cursor)
{
    Piece *piece;

    if (!cursor->has_started && peek_piece (cursor)) {
        start (cursor);
    }
    if (cursor->pipeline) {
        put_ahead (cursor);
        cursor->n_inside--;
        return await_piece (cursor);
    }
    has_budget (cursor, peek_piece (cursor));
    piece = g_steal_pointer (&cursor->waiting);
    count_held (cursor, piece, cost_of (piece));
    work (cursor->reader, piece);
    return piece;
}

/* ---- handing out ---- */

ArecCursor *
arec_cursor_new (ArecReader *reader, uint64_t first, uint64_t end)
{
    ArecCursor *cursor;

    g_return_val_if_fail (first <= end && end <= arec_reader_n_records (reader), NULL);
    cursor = g_new0 (ArecCursor, 1);
    cursor->reader = arec_reader_ref (reader);
    cursor->next = cursor->planned = first;
    cursor->end = end;
    cursor->budget = arec_reader_ahead_size (reader);
    g_queue_init (&cursor->idle);
    return cursor;
}

void
arec_cursor_free (ArecCursor *cursor)
{
    if (!cursor) {
        return;
    }
    arec_pipeline_free (cursor->pipeline, free_piece);
    free_piece (cursor->piece);
    free_piece (cursor->waiting);
    g_queue_clear_full (&cursor->idle, free_piece);
    arec_view_clear (&cursor->view);
    arec_reader_unref (cursor->reader);
    g_free (cursor);
}

uint64_t
arec_cursor_position (const ArecCursor *cursor)
{
    return cursor->next;
}

uint64_t
arec_cursor_memory (const ArecCursor *cursor)
{
    return cursor->held;
}

/* Goes on with the next chunk of the piece. */
static bool
open_chunk (ArecCursor *cursor, GError **error)
{
    size_t i = cursor->next_chunk++;
    ArecRunChunk *chunk = &cursor->piece->run->chunks[i];

    /* Once a change was noticed, chunks decoded before it are not handed out any more. */
    if (!chunk->values || !arec_shard_check_known (cursor->piece->shard, error)) {
        if (!chunk->values) {
            g_propagate_error (error, g_steal_pointer (&chunk->error));
        }
        cursor->next += chunk->entry.n_records;
        return false;
    }
    cursor->values = chunk->values;
    arec_chunk_run_ends (cursor->piece->run, i, &cursor->ends);
    cursor->chunk_record = 0;
    cursor->begin = 0;
    return true;
}

static void
give (ArecCursor *cursor, const uint8_t **data, size_t *size)
{
    uint64_t end = arec_record_ends_end (&cursor->ends, cursor->chunk_record++);

    *data = cursor->values + cursor->begin;
    *size = end - cursor->begin;
    cursor->begin = end;
    cursor->next++;
}

/* The record `next` of a SHARED piece. */
static bool
give_shared (ArecCursor *cursor, const uint8_t **data, size_t *size, GError **error)
{
    Piece *piece = cursor->piece;

    arec_view_clear (&cursor->view);
    if (piece->error) {
        g_propagate_error (error, g_steal_pointer (&piece->error));
    } else if (arec_reader_read (cursor->reader, cursor->next, &cursor->view, error)) {
        *data = cursor->view.data;
        *size = cursor->view.size;
        cursor->next++;
        return true;
    }
    cursor->next = piece->end;
    return false;
}

/* Goes on after the end of a chunk. */
static bool
go_on (ArecCursor *cursor, const uint8_t **data, size_t *size, GError **error)
{
    if (cursor->next == cursor->end) {
        *data = NULL;
        *size = 0;
        return true;
    }
    if (cursor->piece && cursor->next == cursor->piece->end) {
        arec_view_clear (&cursor->view);
        make_idle (cursor, g_steal_pointer (&cursor->piece));
    }
    if (!cursor->piece) {
        cursor->piece = take_piece (cursor);
        cursor->next_chunk = 0;
    }
    if (cursor->piece->kind != OWN) {
        return give_shared (cursor, data, size, error);
    }
    if (!open_chunk (cursor, error)) {
        return false;
    }
    give (cursor, data, size);
    return true;
}

bool
arec_cursor_next (ArecCursor *cursor, uint64_t *record, const uint8_t **data, size_t *size,
                  GError **error)
{
    if (record) {
        *record = cursor->next;
    }
    if (cursor->chunk_record == cursor->ends.n) {
        return go_on (cursor, data, size, error);
    }
    give (cursor, data, size);
    return true;
}
