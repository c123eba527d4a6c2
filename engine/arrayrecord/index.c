#include "arrayrecord/index.h"

#include "arrayrecord/index_frames.h"
#include "arrayrecord/index_rows.h"
#include "base/error.h"

struct ArecIndex {
    uint64_t n_chunks;
    uint64_t n_records;
    uint64_t decoded_size;
    uint64_t limit;
    uint64_t largest;    /* bytes of a chunk, decoded or stored */
    uint64_t group_size; /* records of the first chunk */
    bool uniform;        /* the other chunks have as many, the last at most that */
    /* One of both holds the rows. */
    ArecIndexFrames *frames;
    ArecIndexRows *rows;
};

struct ArecIndexBuilder {
    ArecIndex *index; /* what there is of it */
    uint64_t last_offset;
    bool last_is_short; /* the last chunk has fewer than group_size records */
};

/* ---- building ---- */

static ArecIndexBuilder *
new_builder (ArecIndexFrames *frames, ArecIndexRows *rows)
{
    ArecIndexBuilder *builder = g_new0 (ArecIndexBuilder, 1);

    builder->index = g_new0 (ArecIndex, 1);
    builder->index->uniform = true;
    builder->index->frames = frames;
    builder->index->rows = rows;
    return builder;
}

ArecIndexBuilder *
arec_index_builder_new (void)
{
    return new_builder (arec_index_frames_new(), NULL);
}

ArecIndexBuilder *
arec_index_builder_new_offloaded (ArecIndexFile *file, uint64_t n_chunks, GError **error)
{
    ArecIndexRows *rows = arec_index_rows_new (file, n_chunks, error);

    return rows ? new_builder (NULL, rows) : NULL;
}

void
arec_index_builder_free (ArecIndexBuilder *builder)
{
    if (!builder) {
        return;
    }
    arec_index_free (builder->index);
    g_free (builder);
}

/* The last chunk, if there is one, ends before @offset. */
static void
count_stored (ArecIndexBuilder *builder, uint64_t offset)
{
    ArecIndex *index = builder->index;

    if (index->n_chunks > 0) {
        index->largest = MAX (index->largest, offset - builder->last_offset);
    }
    builder->last_offset = offset;
}

static void
count_chunk (ArecIndexBuilder *builder, uint64_t decoded_size, uint64_t n_records)
{
    ArecIndex *index = builder->index;

    if (index->n_chunks == 0) {
        index->group_size = n_records;
    }
    index->largest = MAX (index->largest, decoded_size);
    index->uniform =
        index->uniform && !builder->last_is_short && n_records <= index->group_size;
    builder->last_is_short = n_records < index->group_size;
    index->n_chunks++;
    index->n_records += n_records;
    index->decoded_size += decoded_size;
}

static bool
fail_nomem (GError **error)
{
    return arec_fail (error, AREC_ERROR_NOMEM, "out of memory for the index");
}

bool
arec_index_builder_add (ArecIndexBuilder *builder, uint64_t offset, uint64_t decoded_size,
                        uint64_t n_records, GError **error)
{
    ArecIndex *index = builder->index;
    ArecIndexRow row = {offset, decoded_size, index->n_records};

    count_stored (builder, offset);
    count_chunk (builder, decoded_size, n_records);
    if (index->rows) {
        return arec_index_rows_add (index->rows, &row, error);
    }
    return arec_index_frames_add (index->frames, &row) || fail_nomem (error);
}

ArecIndex *
arec_index_builder_finish (ArecIndexBuilder *builder, uint64_t limit, GError **error)
{
    g_autoptr (ArecIndexBuilder) owned = builder;
    ArecIndex *index = owned->index;

    index->limit = limit;
    count_stored (owned, limit);
    if (index->frames) {
        if (!arec_index_frames_seal (index->frames)) {
            fail_nomem (error);
            return NULL;
        }
    } else if (!arec_index_rows_seal (index->rows, !index->uniform, error)) {
        return NULL;
    }
    return g_steal_pointer (&owned->index);
}

void
arec_index_free (ArecIndex *index)
{
    if (!index) {
        return;
    }
    arec_index_frames_free (index->frames);
    arec_index_rows_free (index->rows);
    g_free (index);
}

/* ---- asking ---- */

uint64_t
arec_index_n_chunks (const ArecIndex *index)
{
    return index->n_chunks;
}

uint64_t
arec_index_n_records (const ArecIndex *index)
{
    return index->n_records;
}

uint64_t
arec_index_decoded_size (const ArecIndex *index)
{
    return index->decoded_size;
}

uint64_t
arec_index_group_size (const ArecIndex *index)
{
    return index->group_size;
}

uint64_t
arec_index_largest_chunk (const ArecIndex *index)
{
    return index->largest;
}

uint64_t
arec_index_memory (const ArecIndex *index)
{
    return sizeof *index + (index->frames ? arec_index_frames_memory (index->frames)
                                          : arec_index_rows_memory (index->rows));
}

uint64_t
arec_index_offloaded_size (const ArecIndex *index)
{
    return index->rows ? arec_index_rows_size (index->rows) : 0;
}

/* The entry of @chunk from its row and the next one, unless it is the last. */
static void
fill_entry (const ArecIndex *index, uint64_t chunk, const ArecIndexRow pair[2],
            ArecIndexEntry *entry)
{
    bool is_last = chunk + 1 == index->n_chunks;

    *entry = (ArecIndexEntry){
        .chunk = chunk,
        .offset = pair[0].offset,
        .limit = is_last ? index->limit : pair[1].offset,
        .decoded_size = pair[0].decoded_size,
        .first_record = pair[0].first_record,
        .n_records = (is_last ? index->n_records : pair[1].first_record) - pair[0].first_record,
    };
}

/* Rows of @n chunks, and the one after them if there is one. */
static bool
get_rows (const ArecIndex *index, uint64_t first, uint64_t n, ArecIndexRow *rows,
          GError **error)
{
    g_assert (first < index->n_chunks && n <= index->n_chunks - first);
    n += first + n < index->n_chunks;
    if (index->frames) {
        arec_index_frames_get (index->frames, first, n, rows);
        return true;
    }
    return arec_index_rows_get (index->rows, first, n, rows, error);
}

bool
arec_index_get (const ArecIndex *index, uint64_t chunk, ArecIndexEntry *entry, GError **error)
{
    ArecIndexRow pair[2];

    if (!get_rows (index, chunk, 1, pair, error)) {
        return false;
    }
    fill_entry (index, chunk, pair, entry);
    return true;
}

bool
arec_index_get_many (const ArecIndex *index, uint64_t first, uint64_t n,
                     ArecIndexEntry *entries, GError **error)
{
    ArecIndexRow rows[AREC_INDEX_BATCH + 1];

    g_assert (n <= AREC_INDEX_BATCH);
    if (!get_rows (index, first, n, rows, error)) {
        return false;
    }
    for (uint64_t i = 0; i < n; i++) {
        fill_entry (index, first + i, &rows[i], &entries[i]);
    }
    return true;
}

bool
arec_index_find (const ArecIndex *index, uint64_t record, uint64_t *chunk,
                 ArecIndexEntry *entry, GError **error)
{
    ArecIndexRow pair[2];
    uint64_t found;

    g_assert (record < index->n_records);
    if (index->uniform || index->frames) {
        found = index->uniform ? record / index->group_size
                               : arec_index_frames_find (index->frames, record);
        if (!arec_index_get (index, found, entry, error)) {
            return false;
        }
    } else {
        if (!arec_index_rows_find (index->rows, record, &found, pair, error)) {
            return false;
        }
        fill_entry (index, found, pair, entry);
    }
    *chunk = found;
    return true;
}

bool
arec_index_chunk_end (const ArecIndex *index, uint64_t record, uint64_t *end, GError **error)
{
    ArecIndexEntry entry;
    uint64_t chunk;

    g_assert (record < index->n_records);
    if (index->uniform) {
        uint64_t first = record - record % index->group_size;

        *end = first + MIN (index->group_size, index->n_records - first);
        return true;
    }
    if (!arec_index_find (index, record, &chunk, &entry, error)) {
        return false;
    }
    *end = entry.first_record + entry.n_records;
    return true;
}
