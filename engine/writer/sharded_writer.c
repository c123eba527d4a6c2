#include "writer/sharded_writer.h"

#include <string.h>

#include "base/error.h"
#include "naming/shard_paths.h"
#include "source/file_set.h"
#include "source/file_sink.h"
#include "writer/earlier_shards.h"
#include "writer/record_names.h"
#include "writer/sharding.h"

/* One file. */
typedef struct {
    char *path;
    ArecShardWriter *writer; /* NULL: it is complete */
    ArecSink *sink;          /* which waits for its name alone; NULL: not yet, or in a set */
    ArecWriterTotals totals; /* the size when it is complete */
    ArecRecordNames names;   /* until it is complete */
} Shard;

struct ArecShardedWriter {
    ArecSharding sharding;
    ArecOutputOptions output;
    ArecShardWriterOptions options;
    char *writer_options;
    ArecShardPaths paths;
    ArecEarlierShards *earlier;
    char **others;
    GArray *shards;         /* of Shard, all that were begun */
    ArecRecordNames *names; /* of each lane: of records whose chunks are not put yet */
    ArecFileSet *files;     /* those that are complete */
    uint64_t n_records;     /* put so far */
    ArecChunkHeader metadata;
    uint8_t *metadata_body; /* NULL: none */
};

static void
clear_shard (void *data)
{
    Shard *shard = data;

    g_free (shard->path);
    arec_shard_writer_free (shard->writer);
    arec_sink_free (shard->sink);
    arec_record_names_clear (&shard->names);
}

static Shard *
shard_at (const ArecShardedWriter *writer, size_t i)
{
    return &g_array_index (writer->shards, Shard, i);
}

static ArecShardedWriter *
new_writer (const ArecSharding *sharding, const ArecShardWriterOptions *options)
{
    ArecShardedWriter *writer = g_new0 (ArecShardedWriter, 1);

    writer->sharding = *sharding;
    writer->options = *options;
    writer->writer_options = g_strdup (options->writer_options);
    writer->options.writer_options = writer->writer_options;
    writer->shards = g_array_new (FALSE, TRUE, sizeof (Shard));
    g_array_set_clear_func (writer->shards, clear_shard);
    writer->names = g_new0 (ArecRecordNames, arec_sharding_n_lanes (sharding));
    writer->files = arec_file_set_new();
    return writer;
}

void
arec_sharded_writer_free (ArecShardedWriter *writer)
{
    if (!writer) {
        return;
    }
    for (uint64_t lane = 0; lane < arec_sharding_n_lanes (&writer->sharding); lane++) {
        arec_record_names_clear (&writer->names[lane]);
    }
    g_free (writer->names);
    g_array_unref (writer->shards);
    arec_file_set_free (writer->files);
    arec_earlier_shards_free (writer->earlier);
    arec_shard_paths_clear (&writer->paths);
    g_strfreev (writer->others);
    g_free (writer->metadata_body);
    g_free (writer->writer_options);
    g_free (writer);
}

/* ---- one shard ---- */

/* Takes @sink over. */
static bool
begin_in (ArecShardedWriter *writer, ArecSink *sink, GError **error)
{
    Shard shard = {.path = g_strdup (sink->name)};

    shard.writer = arec_shard_writer_new (sink, &writer->options, error);
    g_array_append_val (writer->shards, shard);
    return shard.writer && (!writer->metadata_body ||
                            arec_shard_writer_put_metadata (shard.writer, &writer->metadata,
                                                            writer->metadata_body, error));
}

static bool
begin_shard (ArecShardedWriter *writer, GError **error)
{
    uint64_t n_known = arec_sharding_n_known (&writer->sharding);
    g_autofree char *path =
        arec_shard_paths_format (&writer->paths, writer->shards->len, n_known);
    ArecSink *sink =
        n_known > 0
            ? arec_file_sink_new (path, &writer->output, error)
            : arec_file_sink_new_unnamed (path, arec_earlier_shards_mode (writer->earlier),
                                          &writer->output, error);

    return sink && begin_in (writer, sink, error);
}

static bool
fail_names (const Shard *shard, GError **error)
{
    g_prefix_error (error, "%s: ", shard->path);
    return false;
}

/* After all chunks of records. A file in which no record has a name has no chunk of names. */
static bool
put_names (Shard *shard, GError **error)
{
    ArecBytes names;

    if (!arec_record_names_has_any (&shard->names)) {
        return true;
    }
    if (!arec_record_names_complete (&shard->names, &names, error)) {
        return fail_names (shard, error);
    }
    if (!arec_shard_writer_put_names (shard->writer, names, error)) {
        return false;
    }
    arec_record_names_clear (&shard->names);
    return true;
}

/* Of a file, in which everything is then. Returns (transfer full). */
static ArecSink *
complete_file (Shard *shard, GError **error)
{
    ArecSink *sink =
        put_names (shard, error) ? arec_shard_writer_complete (shard->writer, error) : NULL;

    if (sink) {
        shard->totals.file_size = sink->position;
        g_clear_pointer (&shard->writer, arec_shard_writer_free);
    }
    return sink;
}

static bool
complete_shard (ArecShardedWriter *writer, size_t i, GError **error)
{
    ArecSink *sink = complete_file (shard_at (writer, i), error);

    return sink && arec_file_set_add (writer->files, sink, error);
}

/* Whether shard @i, which is the last one that was begun, takes no more chunks. */
static bool
is_full (const ArecShardedWriter *writer, size_t i)
{
    const Shard *shard = shard_at (writer, i);

    if (writer->sharding.rule == AREC_SHARDING_BY_SIZE) {
        return shard->totals.n_records > 0 &&
               arec_shard_writer_position (shard->writer) >= writer->sharding.n;
    }
    return writer->n_records >= arec_sharding_end_of_shard (&writer->sharding, i);
}

/* Begins the shard to which the next chunk belongs. Those before it that get none are whole.
 */
static bool
begin_next (ArecShardedWriter *writer, GError **error)
{
    for (;;) {
        size_t i = writer->shards->len;

        if (!begin_shard (writer, error)) {
            return false;
        }
        if (!is_full (writer, i)) {
            return true;
        }
        if (!complete_shard (writer, i, error)) {
            return false;
        }
    }
}

/* ---- chunks ---- */

/* For the shards to come. */
static bool
keep_metadata (ArecShardedWriter *writer, const ArecChunkHeader *header, const uint8_t *data,
               GError **error)
{
    writer->metadata = *header;
    writer->metadata_body = g_try_malloc (MAX (header->data_size, 1));
    if (!writer->metadata_body) {
        return arec_fail (error, AREC_ERROR_NOMEM,
                          "%s: no memory for the metadata of all shards",
                          shard_at (writer, 0)->path);
    }
    if (header->data_size > 0) {
        memcpy (writer->metadata_body, data, header->data_size);
    }
    return true;
}

bool
arec_sharded_writer_put_metadata (ArecShardedWriter *writer, const ArecChunkHeader *header,
                                  const uint8_t *data, GError **error)
{
    g_assert (!writer->metadata_body);
    if (writer->sharding.rule != AREC_SHARDING_NONE &&
        !keep_metadata (writer, header, data, error)) {
        return false;
    }
    for (size_t i = 0; i < writer->shards->len; i++) {
        if (!arec_shard_writer_put_metadata (shard_at (writer, i)->writer, header, data,
                                             error)) {
            return false;
        }
    }
    return true;
}

bool
arec_sharded_writer_add_record (ArecShardedWriter *writer, size_t lane, const char *name,
                                GError **error)
{
    return arec_record_names_add (&writer->names[lane], name, error);
}

static bool
put (ArecShardedWriter *writer, size_t lane, size_t i, const ArecChunkHeader *header,
     const uint8_t *data, GError **error)
{
    Shard *shard = shard_at (writer, i);

    if (!arec_record_names_move (&writer->names[lane], header->num_records, &shard->names,
                                 error)) {
        return fail_names (shard, error);
    }
    if (!arec_shard_writer_put_chunk (shard->writer, header, data, error)) {
        return false;
    }
    shard->totals.n_records += header->num_records;
    shard->totals.n_chunks++;
    shard->totals.decoded_size += header->decoded_data_size;
    writer->n_records += header->num_records;
    return true;
}

bool
arec_sharded_writer_put_chunk (ArecShardedWriter *writer, size_t lane,
                               const ArecChunkHeader *header, const uint8_t *data,
                               GError **error)
{
    size_t i;

    if (writer->sharding.rule == AREC_SHARDING_NONE ||
        writer->sharding.rule == AREC_SHARDING_ROUND_ROBIN) {
        return put (writer, lane, lane, header, data, error);
    }
    if (!shard_at (writer, writer->shards->len - 1)->writer && !begin_next (writer, error)) {
        return false;
    }
    i = writer->shards->len - 1;
    return put (writer, lane, i, header, data, error) &&
           (!is_full (writer, i) || complete_shard (writer, i, error));
}

/* ---- the end ---- */

/* All files, as many as there have to be, so that only their names are missing. */
static bool
complete_all (ArecShardedWriter *writer, GError **error)
{
    uint64_t least = arec_sharding_n_known (&writer->sharding);

    for (size_t i = 0; i < writer->shards->len || i < least; i++) {
        if (i == writer->shards->len && !begin_shard (writer, error)) {
            return false;
        }
        if (shard_at (writer, i)->writer && !complete_shard (writer, i, error)) {
            return false;
        }
    }
    return true;
}

static bool
set_paths (ArecShardedWriter *writer, GError **error)
{
    for (size_t i = 0; i < writer->shards->len; i++) {
        Shard *shard = shard_at (writer, i);

        g_free (shard->path);
        shard->path = arec_shard_paths_format (&writer->paths, i, writer->shards->len);
        if (!arec_file_set_set_path (writer->files, i, shard->path, error)) {
            return false;
        }
    }
    return true;
}

static bool
complete_set (ArecShardedWriter *writer, GError **error)
{
    if (!complete_all (writer, error)) {
        return false;
    }
    if (writer->shards->len > AREC_MAX_SHARDS) {
        return arec_fail (error, AREC_ERROR_LIMIT, "%s: more than %d shards",
                          shard_at (writer, 0)->path, AREC_MAX_SHARDS);
    }
    return arec_sharding_n_known (&writer->sharding) > 0 || set_paths (writer, error);
}

static bool
commit_set (ArecShardedWriter *writer, GError **error)
{
    if (!arec_file_set_commit (writer->files, error)) {
        return false;
    }
    writer->others = arec_earlier_shards_others (writer->earlier, writer->shards->len);
    return true;
}

bool
arec_sharded_writer_complete (ArecShardedWriter *writer, GError **error)
{
    Shard *file = shard_at (writer, 0);

    if (writer->sharding.rule != AREC_SHARDING_NONE) {
        return complete_set (writer, error);
    }
    file->sink = complete_file (file, error);
    return file->sink != NULL;
}

bool
arec_sharded_writer_commit (ArecShardedWriter *writer, GError **error)
{
    return writer->sharding.rule == AREC_SHARDING_NONE
               ? arec_sink_commit (shard_at (writer, 0)->sink, error)
               : commit_set (writer, error);
}

uint64_t
arec_sharded_writer_n_files (const ArecShardedWriter *writer)
{
    return writer->shards->len;
}

const char *
arec_sharded_writer_get_file (const ArecShardedWriter *writer, uint64_t i,
                              ArecWriterTotals *totals)
{
    const Shard *shard = shard_at (writer, i);

    *totals = shard->totals;
    if (shard->writer) {
        totals->file_size = arec_shard_writer_position (shard->writer);
    }
    return shard->path;
}

const char *const *
arec_sharded_writer_others (const ArecShardedWriter *writer)
{
    static const char *const none[] = {NULL};

    return writer->others ? (const char *const *)writer->others : none;
}

/* ---- making ---- */

ArecShardedWriter *
arec_sharded_writer_new_for_sink (ArecSink *sink, const ArecShardWriterOptions *options,
                                  GError **error)
{
    const ArecSharding none = {.rule = AREC_SHARDING_NONE};
    g_autoptr (ArecShardedWriter) writer = new_writer (&none, options);

    return begin_in (writer, sink, error) ? g_steal_pointer (&writer) : NULL;
}

ArecShardedWriter *
arec_sharded_writer_new (const char *out, const ArecSharding *sharding,
                         const ArecOutputOptions *output, const ArecShardWriterOptions *options,
                         GError **error)
{
    g_autoptr (ArecShardedWriter) writer = new_writer (sharding, options);

    writer->output = *output;
    arec_shard_paths_init (&writer->paths, out, sharding->before_extension);
    writer->earlier = arec_earlier_shards_new (out, &writer->paths);
    if (!arec_earlier_shards_check (writer->earlier, sharding, &writer->paths, output, error)) {
        return NULL;
    }
    for (uint64_t i = 0; i < arec_sharding_n_lanes (sharding); i++) {
        if (!begin_shard (writer, error)) {
            return NULL;
        }
    }
    return g_steal_pointer (&writer);
}
