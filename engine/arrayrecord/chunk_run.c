#include "arrayrecord/chunk_run.h"

#include "base/bytes.h"
#include "riegeli/block.h"

/* Stored bytes that are believed of a chunk before it was looked at: twice what it decodes to,
 * size list included, and some for headers and padding. */
#define MAX_EXPANSION 2
#define MAX_EXTRA (2 * AREC_BLOCK_SIZE)

/* Bytes of anything that costs count to. */
#define MOST (UINT64_C (1) << 48)

ArecChunkRun *
arec_chunk_run_new (void)
{
    ArecChunkRun *run = g_new0 (ArecChunkRun, 1);

    run->chunks = g_new (ArecRunChunk, AREC_RUN_CHUNKS);
    return run;
}

void
arec_chunk_run_free (ArecChunkRun *run)
{
    if (!run) {
        return;
    }
    arec_chunk_run_clear (run);
    arec_chunk_run_shrink (run);
    g_free (run->chunks);
    g_free (run);
}

static uint64_t
stored_size (const ArecChunkRun *run)
{
    return run->end - run->begin;
}

static bool
fits (const ArecChunkRun *run, const ArecIndexEntry *entry)
{
    return run->n_chunks < AREC_RUN_CHUNKS && entry->offset == run->end &&
           run->decoded_size < AREC_RUN_SIZE &&
           entry->decoded_size <= AREC_RUN_SIZE - run->decoded_size &&
           entry->limit - run->begin <= AREC_RUN_SIZE;
}

bool
arec_chunk_run_add (ArecChunkRun *run, const ArecIndexEntry *entry)
{
    if (run->n_chunks == 0) {
        run->begin = entry->offset;
    } else if (!fits (run, entry)) {
        return false;
    }
    run->chunks[run->n_chunks++] = (ArecRunChunk){.entry = *entry};
    run->end = entry->limit;
    run->decoded_size += entry->decoded_size;
    run->n_records += entry->n_records;
    return true;
}

uint64_t
arec_chunk_run_cost (const ArecChunkRun *run)
{
    /* What an index says may be anything. */
    return MIN (run->decoded_size, MOST) + MIN (stored_size (run), MOST) +
           MIN (run->n_records, MOST / sizeof (uint32_t)) * sizeof (uint32_t);
}

uint64_t
arec_chunk_run_memory (const ArecChunkRun *run)
{
    return run->stored_room + run->values_room + run->ends_room;
}

void
arec_chunk_run_clear (ArecChunkRun *run)
{
    for (size_t i = 0; i < run->n_chunks; i++) {
        g_clear_pointer (&run->chunks[i].chunk, arec_chunk_free);
        g_clear_pointer (&run->chunks[i].error, g_error_free);
    }
    run->n_chunks = 0;
    run->begin = run->end = run->decoded_size = run->n_records = 0;
}

void
arec_chunk_run_shrink (ArecChunkRun *run)
{
    g_assert (run->n_chunks == 0);
    g_clear_pointer (&run->stored, g_free);
    g_clear_pointer (&run->values, g_free);
    g_clear_pointer (&run->ends, g_free);
    run->stored_room = run->values_room = run->ends_room = 0;
}

/* @old, or new memory in its place, which holds nothing of the old; NULL when memory lacks. */
static void *
make_room (void *old, size_t *room, uint64_t size)
{
    if (size <= *room) {
        return old;
    }
    g_free (old);
    old = g_try_malloc (size);
    *room = old ? size : 0;
    return old;
}

/* Every chunk of a run of several is within AREC_RUN_SIZE. */
static bool
is_plausible (const ArecChunkRun *run)
{
    uint64_t most;

    if (run->n_chunks > 1) {
        return true;
    }
    most = run->n_records * AREC_MAX_VARINT + run->decoded_size;
    return run->decoded_size <= UINT32_MAX && run->n_records <= UINT32_MAX &&
           stored_size (run) <= MAX_EXPANSION * most + MAX_EXTRA;
}

bool
arec_chunk_run_reserve (ArecChunkRun *run)
{
    if (!is_plausible (run) || !arec_block_is_chunk_boundary (run->begin) ||
        !arec_block_is_chunk_boundary (run->end)) {
        return false;
    }
    run->stored = make_room (run->stored, &run->stored_room, stored_size (run));
    run->values = make_room (run->values, &run->values_room, MAX (run->decoded_size, 1));
    run->ends = make_room (run->ends, &run->ends_room, run->n_records * sizeof (uint32_t));
    return run->stored && run->values && run->ends;
}
