/* The names that a file keeps of its records, read when they are asked for. */
#include "arrayrecord/shard.h"
#include "arrayrecord/shard_inside.h"

/* The stretch that may hold names: from the last chunk of records on, up to the footer. */
static bool
find_stretch (ArecShard *shard, uint64_t *begin, uint64_t *end, GError **error)
{
    uint64_t n_chunks = arec_index_n_chunks (shard->index);
    ArecIndexEntry last = {.offset = AREC_SIGNATURE_END};

    if (n_chunks > 0 && !arec_index_get (shard->index, n_chunks - 1, &last, error)) {
        return false;
    }
    *begin = last.offset;
    *end = shard->footer_offset > last.offset ? shard->footer_offset : shard->source->size;
    return true;
}

/* What was read of the file in the meantime must still be there. */
static bool
check_unchanged (ArecShard *shard, uint64_t since, bool ok, GError **error)
{
    GError *change = NULL;

    if (arec_seen_chunks_check (shard->seen, since, 0, 0, &change)) {
        return ok;
    }
    g_clear_error (error);
    g_propagate_error (error, change);
    return false;
}

bool
arec_shard_find_names (ArecShard *shard, ArecNamesChunk *found, GError **error)
{
    uint64_t since = arec_seen_chunks_stamp (shard->seen);
    GError *cause = NULL;
    uint64_t begin, end;
    bool ok = find_stretch (shard, &begin, &end, &cause) &&
              arec_names_chunk_find (shard->source, begin, end, found, &cause);

    if (!check_unchanged (shard, since, ok, &cause)) {
        g_propagate_error (error, cause);
        return false;
    }
    return true;
}

bool
arec_shard_load_names (ArecShard *shard, const ArecNamesChunk *found, ArecNameTable **out,
                       GError **error)
{
    uint64_t since = arec_seen_chunks_stamp (shard->seen);
    ArecNameTable *table = NULL;
    GError *cause = NULL;
    bool ok = arec_names_chunk_read (shard->source, found, arec_index_n_records (shard->index),
                                     shard->limits.max_size, &table, &cause);

    if (ok) {
        arec_seen_chunks_note_other (shard->seen, AREC_SEEN_NAMES, found->begin,
                                     &found->header);
    }
    if (!check_unchanged (shard, since, ok, &cause)) {
        arec_name_table_free (table);
        g_propagate_error (error, cause);
        return false;
    }
    *out = table;
    return true;
}
