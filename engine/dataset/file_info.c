/* Facts about one file from its index and its metadata. */
#include <inttypes.h>

#include <arec/file_info.h>

#include "arrayrecord/metadata.h"
#include "base/error.h"
#include "codec/codec.h"
#include "dataset/fetch.h"
#include "dataset/reader_inside.h"

/* Chunks whose first bytes show how a file is coded. */
#define CODING_SAMPLES 64

void
arec_reader_file_info (const ArecReader *reader, size_t number, ArecFileInfo *info)
{
    const ArecReaderFile *file = &reader->files[number];
    const ArecSource *source = arec_shard_source (file->shard);
    const ArecIndex *index = arec_shard_index (file->shard);
    ArecShardOrigin origin;

    arec_shard_origin (file->shard, &origin);
    *info = (ArecFileInfo){
        .path = source->name,
        .etag = source->etag,
        .kind = arec_shard_kind (file->shard),
        .file_size = source->size,
        .n_records = arec_index_n_records (index),
        .n_chunks = arec_index_n_chunks (index),
        .group_size = arec_index_group_size (index),
        .decoded_size = arec_index_decoded_size (index),
        .index_size = arec_index_memory (index),
        .index_offloaded_size = arec_index_offloaded_size (index),
        .options = arec_shard_options (file->shard),
        .first_record = file->first,
        .end_record = file->end,
        .is_recovered = origin.is_recovered,
        .n_gaps = origin.gaps.n,
        .gap_bytes = origin.gaps.bytes,
        .first_fault = origin.gaps.first_fault,
        .first_gap_record = origin.gaps.first_record,
        .first_reason = origin.gaps.first_reason,
    };
}

char *
arec_file_info_gaps (const ArecFileInfo *info)
{
    g_autofree char *places =
        info->n_gaps > 1 ? g_strdup_printf (" in %" PRIu64 " places", info->n_gaps) : NULL;

    return info->gap_bytes == 1 ? g_strdup ("one byte holds no sound chunk")
                                : g_strdup_printf ("%" PRIu64 " bytes%s hold no sound chunk",
                                                   info->gap_bytes, places ? places : "");
}

void
arec_reader_file_stat (const ArecReader *reader, size_t file, struct stat *st)
{
    const ArecSource *source = arec_shard_source (reader->files[file].shard);

    *st = source->st;
    st->st_mode = (st->st_mode & S_IFMT) | source->mode;
}

/* Bytes of those records of @entry that are in [first, end), by their average. */
static uint64_t
size_within (const ArecIndexEntry *entry, uint64_t first, uint64_t end)
{
    uint64_t from = MAX (first, entry->first_record);
    uint64_t to = MIN (end, entry->first_record + entry->n_records);

    if (to - from == entry->n_records) {
        return entry->decoded_size;
    }
    return (uint64_t)((double)entry->decoded_size / (double)entry->n_records *
                      (double)(to - from));
}

/* Adds the bytes in [first, end) of the chunks from @chunk on. */
static bool
add_sizes (const ArecIndex *index, uint64_t chunk, uint64_t first, uint64_t end, uint64_t *size,
           GError **error)
{
    ArecIndexEntry entries[AREC_INDEX_BATCH];

    while (chunk < arec_index_n_chunks (index)) {
        uint64_t n = MIN (AREC_INDEX_BATCH, arec_index_n_chunks (index) - chunk);

        if (!arec_index_get_many (index, chunk, n, entries, error)) {
            return false;
        }
        for (uint64_t i = 0; i < n; i++) {
            if (entries[i].first_record >= end) {
                return true;
            }
            *size += size_within (&entries[i], first, end);
        }
        chunk += n;
    }
    return true;
}

bool
arec_reader_file_range_size (const ArecReader *reader, size_t number, uint64_t *size,
                             GError **error)
{
    const ArecReaderFile *file = &reader->files[number];
    const ArecIndex *index = arec_shard_index (file->shard);
    ArecIndexEntry entry;
    uint64_t chunk, sum = 0;

    if (file->first == file->end || file->end - file->first == arec_index_n_records (index)) {
        *size = file->first == file->end ? 0 : arec_index_decoded_size (index);
        return true;
    }
    if (!arec_index_find (index, file->first, &chunk, &entry, error) ||
        !add_sizes (index, chunk, file->first, file->end, &sum, error)) {
        return false;
    }
    *size = sum;
    return true;
}

uint64_t
arec_reader_stored_end (ArecReader *reader, const ArecSpot *spot)
{
    return arec_shard_chunk_end (reader->files[spot->place.file].shard, &spot->entry);
}

static char *
own_text (const ArecMetadataText *text)
{
    return text->at ? g_strndup ((const char *)text->at, text->size) : NULL;
}

bool
arec_reader_file_metadata (ArecReader *reader, size_t file, ArecMetadata *out, GError **error)
{
    g_autoptr (ArecChunk) chunk = NULL;
    ArecMetadataMessage metadata = {0};

    if (!arec_shard_load_metadata (reader->files[file].shard, &metadata, &chunk, error)) {
        return false;
    }
    *out = (ArecMetadata){
        .is_there = chunk != NULL,
        .file_comment = own_text (&metadata.file_comment),
        .record_type_name = own_text (&metadata.record_type_name),
        .record_writer_options = own_text (&metadata.record_writer_options),
        .n_file_descriptors = metadata.n_file_descriptors,
        .has_num_records = metadata.has_num_records,
        .num_records = metadata.num_records,
    };
    return true;
}

void
arec_metadata_clear (ArecMetadata *metadata)
{
    g_free (metadata->file_comment);
    g_free (metadata->record_type_name);
    g_free (metadata->record_writer_options);
    *metadata = (ArecMetadata){0};
}

static ArecCodecName
codec_name (uint8_t compression)
{
    switch (compression) {
    case AREC_COMPRESSION_BROTLI: return AREC_CODEC_BROTLI;
    case AREC_COMPRESSION_ZSTD: return AREC_CODEC_ZSTD;
    case AREC_COMPRESSION_SNAPPY: return AREC_CODEC_SNAPPY;
    default: return AREC_CODEC_NONE;
    }
}

/* Sample @i of @n: from the first chunk to the last in even steps. */
static uint64_t
sample_chunk (uint64_t i, uint64_t n, uint64_t n_chunks)
{
    return n > 1 ? i * (n_chunks - 1) / (n - 1) : 0;
}

static void
fetch_samples (ArecShard *shard, uint64_t n, uint64_t n_chunks)
{
    ArecIndexEntry entries[CODING_SAMPLES];
    size_t found = 0;

    for (uint64_t i = 0; i < n; i++) {
        found += arec_index_get (arec_shard_index (shard), sample_chunk (i, n, n_chunks),
                                 &entries[found], NULL);
    }
    arec_fetch_fronts (shard, entries, found);
}

bool
arec_reader_file_coding (ArecReader *reader, size_t number, ArecCodecName *out,
                         bool *transposed, GError **error)
{
    ArecShard *shard = reader->files[number].shard;
    uint64_t n_chunks = arec_index_n_chunks (arec_shard_index (shard));
    uint64_t n_samples = MIN (n_chunks, CODING_SAMPLES);
    ArecCodecName codec = AREC_CODEC_NONE;
    bool any_transposed = false, is_known = false;
    g_autoptr (GError) damage = NULL;

    if (arec_shard_source (shard)->is_slow) {
        fetch_samples (shard, n_samples, n_chunks);
    }
    for (uint64_t i = 0; i < n_samples && codec != AREC_CODEC_MIXED; i++) {
        uint64_t chunk = sample_chunk (i, n_samples, n_chunks);
        uint8_t compression;
        bool is_transposed;
        ArecCodecName name;

        g_clear_error (&damage);
        if (!arec_shard_read_coding (shard, chunk, &compression, &is_transposed, &damage)) {
            if (!reader->recovers ||
                !g_error_matches (damage, AREC_ERROR, AREC_ERROR_CORRUPT)) {
                g_propagate_error (error, g_steal_pointer (&damage));
                return false;
            }
            continue; /* the other samples show it */
        }
        name = codec_name (compression);
        codec = !is_known || name == codec ? name : AREC_CODEC_MIXED;
        is_known = true;
        any_transposed = any_transposed || is_transposed;
    }
    if (damage && !is_known) {
        g_propagate_error (error, g_steal_pointer (&damage));
        return false;
    }
    *out = codec;
    *transposed = any_transposed;
    return true;
}
