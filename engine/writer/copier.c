#include <arec/copier.h>

#include <arec/file_options.h>

#include "dataset/chunk_walk.h"
#include "dataset/reader.h"
#include "riegeli/chunk.h"
#include "writer/writer.h"
#include "writer/writer_options.h"

struct ArecCopier {
    ArecReader *reader;
    ArecWriter *writer;
    ArecChunkWalk walk;
    bool stands;   /* the walk is at the chunk of record `at` */
    uint64_t at;   /* in that chunk the first record that is looked at */
    bool is_known; /* `fits` is of `file` */
    bool fits;
    size_t file;
    uint64_t n_copied;
    const char *(*name) (void *data, uint64_t record); /* NULL: records have none */
    void *name_data;
};

ArecCopier *
arec_copier_new (ArecReader *reader, ArecWriter *writer)
{
    ArecCopier *copier = g_new0 (ArecCopier, 1);

    copier->reader = arec_reader_ref (reader);
    copier->writer = writer;
    return copier;
}

void
arec_copier_free (ArecCopier *copier)
{
    if (copier) {
        arec_reader_unref (copier->reader);
        g_free (copier);
    }
}

void
arec_copier_set_names (ArecCopier *copier, const char *(*name) (void *data, uint64_t record),
                       void *data)
{
    copier->name = name;
    copier->name_data = data;
}

uint64_t
arec_copier_n_copied (const ArecCopier *copier)
{
    return copier->n_copied;
}

bool
arec_copier_put_metadata (ArecCopier *copier, GError **error)
{
    g_auto (ArecStoredCopy) copy = {0};

    return arec_shard_copy_metadata (arec_reader_shard (copier->reader, 0), &copy, error) &&
           (!copy.data ||
            arec_writer_put_metadata (copier->writer, &copy.header, copy.data, error));
}

/* ---- how files are coded ---- */

/* Whether files written with @a and @b have chunks of the same coding. */
static bool
are_alike (const ArecWriterOptions *a, const ArecWriterOptions *b)
{
    return a->codec == b->codec && a->level == b->level && a->window_log == b->window_log &&
           a->transpose == b->transpose &&
           (!a->transpose || a->transpose_bucket_size == b->transpose_bucket_size);
}

bool
arec_copier_fits (ArecCopier *copier, size_t file)
{
    ArecWriterOptions options;

    if (!copier->is_known || copier->file != file) {
        copier->file = file;
        copier->is_known = true;
        copier->fits = arec_file_options_of (copier->reader, file, &options, NULL) &&
                       are_alike (&options, arec_writer_options (copier->writer));
    }
    return copier->fits;
}

/* Whether the chunk is coded as its file says. */
static bool
is_as_told (const ArecCopier *copier, const ArecStoredCopy *copy)
{
    const ArecWriterOptions *options = arec_writer_options (copier->writer);
    ArecChunkType type = options->transpose ? AREC_CHUNK_TRANSPOSED : AREC_CHUNK_SIMPLE;

    /* The first byte of a body is its compression (FORMAT.md 6, 7.2). */
    return copy->header.type == type && copy->header.data_size > 0 &&
           copy->data[0] == arec_writer_options_codec (options).compression;
}

/* ---- from chunk to chunk ---- */

static const ArecIndexEntry *
current_entry (const ArecCopier *copier)
{
    return &copier->walk.entries[copier->walk.i];
}

/* Goes to the chunk of @record. */
static bool
go_to (ArecCopier *copier, uint64_t record, GError **error)
{
    if (copier->stands && copier->at == record) {
        return true;
    }
    copier->stands =
        copier->stands && copier->walk.end == record
            ? arec_reader_next_chunk (copier->reader, &copier->walk, error)
            : arec_reader_find_chunk (copier->reader, record, &copier->walk, error);
    copier->at = record;
    return copier->stands;
}

/* Whether the current chunk becomes a group, with @n_before records before it, of which up to
 * @end come. */
static bool
is_group (const ArecCopier *copier, uint64_t n_before, uint64_t end, bool is_last)
{
    const ArecChunkWalk *walk = &copier->walk;
    uint64_t n = current_entry (copier)->n_records;

    return walk->chunk_record == 0 && walk->end <= end && walk->end - copier->at == n &&
           arec_writer_makes_group (copier->writer, n_before, n, is_last && walk->end == end);
}

/* Finds the first chunk of [first, end) that may be copied; *until is where it begins, or
 * @end. */
static bool
find_group (ArecCopier *copier, uint64_t first, uint64_t end, bool is_last, uint64_t *until,
            GError **error)
{
    uint64_t at = first;

    while (at < end) {
        if (!go_to (copier, at, error)) {
            return false;
        }
        if (is_group (copier, at - first, end, is_last) &&
            arec_copier_fits (copier, copier->walk.file)) {
            break;
        }
        at = MIN (copier->walk.end, end);
    }
    *until = at;
    return true;
}

static const char *
name_of (void *data, uint64_t i)
{
    const ArecCopier *copier = data;

    return copier->name (copier->name_data, copier->at + i);
}

/* Copies the current chunk, if it is what its file says. */
static bool
copy_chunk (ArecCopier *copier, bool *copied, GError **error)
{
    ArecShard *shard = arec_reader_shard (copier->reader, copier->walk.file);
    uint64_t most = arec_writer_options (copier->writer)->max_chunk_size;
    const ArecChunkNames names = {.get = name_of, .data = copier};
    g_auto (ArecStoredCopy) copy = {0};

    *copied = false;
    if (!arec_shard_copy_chunk_at (shard, current_entry (copier), &copy, NULL) ||
        !arec_chunk_is_within (&copy.header, most)) {
        return true;
    }
    if (!is_as_told (copier, &copy)) {
        copier->fits = false; /* nor will the other chunks of the file be */
        return true;
    }
    if (!arec_writer_put_chunk (copier->writer, &copy.header, copy.data,
                                copier->name ? &names : NULL, error)) {
        return false;
    }
    copier->n_copied++;
    *copied = true;
    return true;
}

bool
arec_copier_next (ArecCopier *copier, uint64_t first, uint64_t end, bool is_last,
                  uint64_t *until, bool *copied, GError **error)
{
    uint64_t found;

    g_return_val_if_fail (first < end && end <= arec_reader_n_records (copier->reader), false);
    if (!find_group (copier, first, end, is_last, &found, error)) {
        return false;
    }
    if (found > first) {
        *copied = false;
        *until = found;
        return true;
    }
    if (!copy_chunk (copier, copied, error)) {
        return false;
    }
    *until = copier->walk.end;
    return true;
}
