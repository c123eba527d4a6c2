#include "dataset/fetch.h"

#include "dataset/chunk_walk.h"
#include "dataset/reader.h"
#include "dataset/reader_inside.h"

/* Ranges that are named by one call. */
#define BATCH 64

/* Bytes of a chunk's front. */
#define FRONT_SIZE 4096

/* Ranges of one file that are to be named; neighbours are one. */
typedef struct {
    ArecShard *shard;
    size_t n;
    ArecRange ranges[BATCH];
} Names;

uint64_t
arec_fetch_window (ArecReader *reader, uint64_t record)
{
    ArecShard *shard = reader->files[arec_reader_file_of (reader, record)].shard;
    uint64_t window = arec_shard_window (shard), record_size;

    if (window == 0) {
        return 0;
    }
    record_size = arec_shard_source (shard)->size /
                  MAX (arec_index_n_records (arec_shard_index (shard)), 1);
    return MAX (window / MAX (record_size, 1), 1);
}

static void
tell (Names *names)
{
    if (names->n > 0) {
        arec_shard_will_need (names->shard, names->ranges, names->n, AREC_URGENCY_AHEAD);
        names->n = 0;
    }
}

static void
add (Names *names, ArecShard *shard, const ArecIndexEntry *entry)
{
    if (shard != names->shard || names->n == BATCH) {
        tell (names);
        names->shard = shard;
    }
    if (names->n > 0 && names->ranges[names->n - 1].end == entry->offset) {
        names->ranges[names->n - 1].end = entry->limit;
        return;
    }
    names->ranges[names->n++] = (ArecRange){entry->offset, entry->limit};
}

uint64_t
arec_fetch_name (ArecReader *reader, uint64_t first, uint64_t end, uint64_t step)
{
    ArecChunkWalk walk;
    Names names = {0};
    uint64_t record = first;
    bool stands = false;

    while (record < end) {
        /* The next chunk costs less than looking for one. */
        stands = stands && record == walk.end
                     ? arec_reader_next_chunk (reader, &walk, NULL)
                     : arec_reader_find_chunk (reader, record, &walk, NULL);
        if (!stands) {
            break;
        }
        if (!arec_reader_has_chunk (reader, &walk)) {
            add (&names, reader->files[walk.file].shard, &walk.entries[walk.i]);
        }
        /* The first step past the chunk. */
        record += (walk.end - record + step - 1) / step * step;
    }
    tell (&names);
    return record;
}

void
arec_fetch_fronts (ArecShard *shard, const ArecIndexEntry *entries, size_t n)
{
    ArecRange ranges[BATCH];

    if (!arec_shard_source (shard)->is_slow) {
        return;
    }
    for (size_t done = 0; done < n; done += BATCH) {
        size_t here = MIN (n - done, BATCH);

        for (size_t i = 0; i < here; i++) {
            const ArecIndexEntry *entry = &entries[done + i];

            ranges[i].begin = entry->offset;
            ranges[i].end = MIN (entry->limit, entry->offset + FRONT_SIZE);
        }
        arec_shard_will_need (shard, ranges, here, AREC_URGENCY_FRONT);
    }
}
