#include "arrayrecord/chunk_run.h"

#include "base/bytes.h"
#include "riegeli/block.h"

/* Stored bytes that are believed of a chunk before it was looked at: twice what it decodes to,
 * size list included, and some for headers and padding. */
#define MAX_EXPANSION 2
#define MAX_EXTRA (2 * AREC_BLOCK_SIZE)

/* Where pages are larger, what is said of them here holds for a part of this size. */
#define PAGE UINT64_C (4096)

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

/* All numbers of a run of several chunks are within AREC_RUN_SIZE, because a chunk is at
 * least as many bytes long as it has records. An index may claim otherwise, and then sums of
 * its numbers may be anything. */
static bool
fits (const ArecChunkRun *run, const ArecIndexEntry *entry)
{
    return run->n_chunks < AREC_RUN_CHUNKS && entry->offset == run->end &&
           run->decoded_size < AREC_RUN_SIZE &&
           entry->decoded_size <= AREC_RUN_SIZE - run->decoded_size &&
           entry->limit - run->begin <= AREC_RUN_SIZE && run->n_records <= stored_size (run) &&
           entry->n_records <= entry->limit - entry->offset;
}

size_t
arec_chunk_run_add (ArecChunkRun *run, const ArecIndexEntry *entries, size_t n)
{
    ArecChunkRun all = *run; /* a local copy stays in registers */
    size_t added = 0;

    if (all.n_chunks == 0 && n > 0) {
        all.begin = all.end = entries[0].offset;
    }
    while (added < n && (all.n_chunks == 0 || fits (&all, &entries[added]))) {
        const ArecIndexEntry *entry = &entries[added++];

        all.chunks[all.n_chunks++] = (ArecRunChunk){.entry = *entry};
        all.end = entry->limit;
        all.decoded_size += entry->decoded_size;
        all.n_records += entry->n_records;
    }
    *run = all;
    return added;
}

uint64_t
arec_chunk_run_cost (const ArecChunkRun *run)
{
    /* What an index says may be anything. */
    return MIN (run->decoded_size, MOST) + MIN (PAGE + stored_size (run), MOST) +
           MIN (run->n_records, MOST / sizeof (uint32_t)) * sizeof (uint32_t);
}

uint64_t
arec_chunk_run_memory (const ArecChunkRun *run)
{
    return run->memory_room + run->values_room + run->ends_room;
}

void
arec_chunk_run_clear (ArecChunkRun *run)
{
    for (size_t i = 0; run->has_own && i < run->n_chunks; i++) {
        g_clear_pointer (&run->chunks[i].chunk, arec_chunk_free);
        g_clear_error (&run->chunks[i].error);
    }
    run->has_own = false;
    run->n_chunks = run->n_failed = 0;
    run->begin = run->end = run->decoded_size = run->n_records = run->failed_size = 0;
}

void
arec_chunk_run_shrink (ArecChunkRun *run)
{
    g_assert (run->n_chunks == 0);
    g_clear_pointer (&run->memory, g_free);
    run->stored = NULL;
    g_clear_pointer (&run->values, g_free);
    g_clear_pointer (&run->ends, g_free);
    run->memory_room = run->values_room = run->ends_room = 0;
}

/* @old, or new memory in its place, which holds nothing of the old; NULL if out of memory. */
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

static bool
is_plausible (const ArecChunkRun *run)
{
    uint64_t most = run->n_records * AREC_MAX_VARINT + run->decoded_size;

    if (run->n_chunks > 1) {
        return true; /* fits () saw to it */
    }
    return run->decoded_size <= UINT32_MAX &&
           !arec_record_ends_are_packed (run->n_records, run->decoded_size) &&
           run->n_records <= stored_size (run) &&
           stored_size (run) <= MAX_EXPANSION * most + MAX_EXTRA;
}

/* Of a plausible run. */
static bool
is_within (const ArecChunkRun *run, uint64_t max_size)
{
    return run->decoded_size + run->n_records * sizeof (uint32_t) <= max_size;
}

/* The first place from @memory on that lies in its page where @position lies in one of the
 * file. A copy to some bytes further on in the page is several times slower with processors
 * that take the one for the other ("4K aliasing" of REP MOVSB). */
static uint8_t *
like_in_file (uint8_t *memory, uint64_t position)
{
    return memory + (position - (uintptr_t)memory) % PAGE;
}

bool
arec_chunk_run_reserve (ArecChunkRun *run, uint64_t max_size)
{
    if (!is_plausible (run) || !is_within (run, max_size) ||
        !arec_block_is_chunk_boundary (run->begin) ||
        !arec_block_is_chunk_boundary (run->end)) {
        return false;
    }
    run->memory = make_room (run->memory, &run->memory_room, PAGE + stored_size (run));
    run->values = make_room (run->values, &run->values_room, MAX (run->decoded_size, 1));
    run->ends = make_room (run->ends, &run->ends_room, run->n_records * sizeof (uint32_t));
    if (!run->memory || !run->values || !run->ends) {
        return false;
    }
    run->stored = like_in_file (run->memory, run->begin);
    return true;
}
