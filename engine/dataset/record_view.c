#include "dataset/record_view.h"

#include "dataset/chunk_range.h"

/* Bytes of a record whose memory is worth using again at once: new pages for it take the kernel
 * longer than reading it from the page cache. */
#define LARGE (UINT64_C (32) << 10)

bool
arec_record_view_make (const ArecChunkLoad *load, uint64_t i, ArecCacheEntry *cached,
                       uint64_t offset, uint64_t size, ArecView *view, GError **error)
{
    const ArecChunk *chunk = arec_cache_entry_value (cached);
    uint64_t record_size = arec_record_ends_size (&chunk->ends, i), begin;
    GError *cause = NULL;

    offset = MIN (offset, record_size);
    size = MIN (size, record_size - offset);
    begin = arec_record_ends_begin (&chunk->ends, i) + offset;
    if (!arec_chunk_range_need (load->engine, load->file->shard, load->entry, cached,
                                begin + size, &cause)) {
        arec_chunk_load_note_broken_values (load, chunk, cause);
        g_propagate_error (error, cause);
        return false;
    }
    *view = (ArecView){
        .data = chunk->values + begin, .size = size, .owner = arec_cache_entry_ref (cached)};
    return true;
}

void
arec_view_clear_kept (ArecView *view)
{
    const ArecChunk *chunk = view->owner ? arec_cache_entry_value (view->owner) : NULL;

    if (chunk && chunk->ends.n == 1 && view->size >= LARGE &&
        view->size == arec_record_ends_size (&chunk->ends, 0)) {
        arec_cache_entry_spend (view->owner);
    }
    arec_view_clear (view);
}

void
arec_view_clear (ArecView *view)
{
    arec_cache_entry_unref (view->owner);
    *view = (ArecView){0};
}
