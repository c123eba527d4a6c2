#include "dataset/record_view.h"

#include "dataset/chunk_range.h"

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
arec_view_clear (ArecView *view)
{
    arec_cache_entry_unref (view->owner);
    *view = (ArecView){0};
}
