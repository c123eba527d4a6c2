#include "writer/writer.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/limits.h"
#include "dataset/engine.h"
#include "source/output.h"
#include "writer/groups.h"
#include "writer/sharded_writer.h"
#include "writer/sharding.h"
#include "writer/writer_options.h"

struct ArecWriter {
    char *name;                /* of the output, for messages */
    ArecWriterOptions options; /* resolved */
    ArecSharding sharding;
    ArecShardedWriter *files;
    ArecGroups *groups;
    uint64_t n_records; /* taken so far */
    uint64_t group_end; /* at this number of records a group ends, however many it has */
    GError *failure;    /* what every further call returns; NULL: none yet */
    bool lacks_name;    /* only: the finish may follow all the same */
};

/* ---- failures ---- */

static bool
check_usable (const ArecWriter *writer, GError **error)
{
    if (writer->failure) {
        g_propagate_error (error, g_error_copy (writer->failure));
    }
    return !writer->failure;
}

/* Remembers the failure @cause (taken over) of a call. */
static bool
fail (ArecWriter *writer, GError *cause, GError **error)
{
    writer->failure = cause;
    return check_usable (writer, error);
}

/* ---- making ---- */

/* @options with every 0 that stands for a default replaced. */
static ArecWriterOptions
resolve (const ArecWriterOptions *options)
{
    ArecWriterOptions resolved = *options;

    if (resolved.max_parallelism == 0) {
        resolved.max_parallelism = g_get_num_processors();
    }
    resolved.max_parallelism = MIN (resolved.max_parallelism, AREC_MAX_PARALLELISM);
    if (resolved.max_chunk_size == 0) {
        resolved.max_chunk_size = arec_engine_auto_max_chunk_size();
    }
    resolved.max_chunk_size = MIN (resolved.max_chunk_size, AREC_MAX_SIZE_SUMMED);
    if (resolved.codec == AREC_CODEC_ZSTD && resolved.window_log == 0) {
        ArecWriterOptions defaults;

        arec_writer_options_init (&defaults);
        resolved.window_log = defaults.window_log; /* the reference always sets one */
    }
    return resolved;
}

/* The string that is kept with the file. Threads do not change it: it has what the reference
 * keeps of a file that one thread wrote. */
static char *
describe (const ArecWriterOptions *options)
{
    ArecWriterOptions described = *options;

    described.max_parallelism = 1;
    return arec_writer_options_to_string (&described);
}

/* @description  what describe () gives; outlives them. */
static ArecShardWriterOptions
options_of_files (const ArecWriterOptions *options, const char *description)
{
    return (ArecShardWriterOptions){
        .codec = arec_writer_options_codec (options),
        .pad_to_block_boundary = options->pad_to_block_boundary,
        .writer_options = description,
    };
}

static bool
put_chunk (void *data, size_t lane, const ArecChunkHeader *header, const uint8_t *body,
           GError **error)
{
    return arec_sharded_writer_put_chunk (((ArecWriter *)data)->files, lane, header, body,
                                          error);
}

/* @files    (transfer full)
 * @options  resolved */
static ArecWriter *
new_for_files (const char *name, ArecShardedWriter *files, const ArecSharding *sharding,
               const ArecWriterOptions *options)
{
    ArecWriter *writer = g_new0 (ArecWriter, 1);
    ArecGroupsOptions groups_options = {.writer = *options,
                                        .put = put_chunk,
                                        .data = writer,
                                        .n_lanes = arec_sharding_n_lanes (sharding)};

    writer->name = g_strdup (name);
    writer->options = *options;
    writer->sharding = *sharding;
    writer->files = files;
    writer->group_end = arec_sharding_end_after (sharding, 0);
    groups_options.name = writer->name;
    writer->groups = arec_groups_new (&groups_options);
    return writer;
}

static ArecWriter *
new_for_sink (ArecSink *sink, const ArecWriterOptions *options, GError **error)
{
    const ArecSharding one_file = {.rule = AREC_SHARDING_NONE};
    g_autofree char *name = g_strdup (sink->name);
    const ArecWriterOptions resolved = resolve (options);
    g_autofree char *description = describe (&resolved);
    const ArecShardWriterOptions of_file = options_of_files (&resolved, description);
    ArecShardedWriter *files = arec_sharded_writer_new_for_sink (sink, &of_file, error);

    return files ? new_for_files (name, files, &one_file, &resolved) : NULL;
}

ArecWriter *
arec_writer_new_for_sink (ArecSink *sink, const ArecWriterOptions *options, GError **error)
{
    if (!arec_writer_options_check (options, error)) {
        arec_sink_free (sink);
        return NULL;
    }
    return new_for_sink (sink, options, error);
}

static ArecWriter *
new_for_shards (const char *out, const ArecSharding *sharding, const ArecWriterOptions *options,
                GError **error)
{
    const ArecWriterOptions resolved = resolve (options);
    g_autofree char *description = describe (&resolved);
    const ArecShardWriterOptions of_files = options_of_files (&resolved, description);
    ArecShardedWriter *files =
        arec_sharded_writer_new (out, sharding, &options->output, &of_files, error);

    return files ? new_for_files (out, files, sharding, &resolved) : NULL;
}

ArecWriter *
arec_writer_new_sharded (const char *out, const ArecWriterOptions *options,
                         const ArecSharding *sharding, GError **error)
{
    ArecWriterOptions chosen;
    ArecSink *sink;

    arec_writer_options_init (&chosen);
    if (options) {
        chosen = *options;
    }
    if (!arec_writer_options_check (&chosen, error) ||
        !arec_sharding_check (sharding, out, error)) {
        return NULL;
    }
    if (sharding->rule != AREC_SHARDING_NONE) {
        return new_for_shards (out, sharding, &chosen, error);
    }
    sink = arec_output_open (out, &chosen.output, error);
    return sink ? new_for_sink (sink, &chosen, error) : NULL;
}

ArecWriter *
arec_writer_new (const char *out, const ArecWriterOptions *options, GError **error)
{
    const ArecSharding one_file = {.rule = AREC_SHARDING_NONE};

    return arec_writer_new_sharded (out, options, &one_file, error);
}

/* The groups end first: their threads may still be at work. */
void
arec_writer_free (ArecWriter *writer)
{
    if (!writer) {
        return;
    }
    arec_groups_free (writer->groups);
    arec_sharded_writer_free (writer->files);
    g_clear_error (&writer->failure);
    g_free (writer->name);
    g_free (writer);
}

/* ---- writing ---- */

bool
arec_writer_put_metadata (ArecWriter *writer, const ArecChunkHeader *header,
                          const uint8_t *data, GError **error)
{
    GError *cause = NULL;

    if (!check_usable (writer, error)) {
        return false;
    }
    return arec_sharded_writer_put_metadata (writer->files, header, data, &cause) ||
           fail (writer, cause, error);
}

/* Whether @n more records are as many as were to come. */
static bool
check_count (const ArecWriter *writer, uint64_t n, GError **error)
{
    const ArecSharding *sharding = &writer->sharding;

    return sharding->rule != AREC_SHARDING_EVEN ||
           n <= sharding->n_records - writer->n_records ||
           arec_fail (error, AREC_ERROR_CHANGED,
                      "%s: more records than the %" PRIu64 " that were to come", writer->name,
                      sharding->n_records);
}

/* Counts @n records that were taken. A shard ends with a group, which then is smaller than
 * others. */
static bool
count_records (ArecWriter *writer, uint64_t n, GError **error)
{
    writer->n_records += n;
    if (writer->n_records < writer->group_end) {
        return true;
    }
    writer->group_end = arec_sharding_end_after (&writer->sharding, writer->n_records);
    return arec_groups_end_group (writer->groups, error);
}

/* Before the chunk of record @record is put. @name  nullable. */
static bool
name_record (ArecWriter *writer, size_t lane, uint64_t record, const char *name, GError **error)
{
    if (!arec_sharded_writer_add_record (writer->files, lane, name, error)) {
        g_prefix_error (error, "%s: record %" PRIu64 ": ", writer->name, record);
        return false;
    }
    return true;
}

/* The name is there first: the chunk may be put at once. */
static bool
add_record (ArecWriter *writer, const void *data, size_t size, const char *name, GError **error)
{
    size_t lane = arec_sharding_lane (&writer->sharding, writer->n_records);

    if (!check_count (writer, 1, error) ||
        !name_record (writer, lane, writer->n_records, name, error)) {
        return false;
    }
    arec_groups_select (writer->groups, lane);
    return arec_groups_add (writer->groups, data, size, error) &&
           count_records (writer, 1, error);
}

bool
arec_writer_write_named (ArecWriter *writer, const void *data, size_t size, const char *name,
                         GError **error)
{
    GError *cause = NULL;

    if (!check_usable (writer, error)) {
        return false;
    }
    return add_record (writer, data, size, name, &cause) || fail (writer, cause, error);
}

bool
arec_writer_write (ArecWriter *writer, const void *data, size_t size, GError **error)
{
    return arec_writer_write_named (writer, data, size, NULL, error);
}

bool
arec_writer_write_many (ArecWriter *writer, const ArecWriterRecord *records, size_t n,
                        GError **error)
{
    if (!check_usable (writer, error)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!arec_writer_write (writer, records[i].data, records[i].size, error)) {
            return false;
        }
    }
    return true;
}

/* ---- chunks of other files ---- */

bool
arec_writer_makes_group (const ArecWriter *writer, uint64_t n_before, uint64_t n, bool is_last)
{
    const ArecSharding *sharding = &writer->sharding;
    uint64_t group_size = writer->options.group_size;
    uint64_t at = writer->n_records + n_before;
    uint64_t left = arec_sharding_end_after (sharding, at) - at;

    return sharding->rule != AREC_SHARDING_ROUND_ROBIN &&
           (at - arec_sharding_begin_before (sharding, at)) % group_size == 0 && n <= left &&
           (n == group_size || (n < group_size && (is_last || n == left)));
}

static bool
name_chunk (ArecWriter *writer, uint64_t n, const ArecChunkNames *names, GError **error)
{
    for (uint64_t i = 0; i < n; i++) {
        const char *name = names ? names->get (names->data, i) : NULL;

        if (!name_record (writer, 0, writer->n_records + i, name, error)) {
            return false;
        }
    }
    return true;
}

static bool
add_chunk (ArecWriter *writer, const ArecChunkHeader *header, const uint8_t *data,
           const ArecChunkNames *names, GError **error)
{
    return check_count (writer, header->num_records, error) &&
           arec_groups_pass (writer->groups, header->num_records, error) &&
           name_chunk (writer, header->num_records, names, error) &&
           put_chunk (writer, 0, header, data, error) &&
           count_records (writer, header->num_records, error);
}

bool
arec_writer_put_chunk (ArecWriter *writer, const ArecChunkHeader *header, const uint8_t *data,
                       const ArecChunkNames *names, GError **error)
{
    GError *cause = NULL;

    if (!check_usable (writer, error)) {
        return false;
    }
    return add_chunk (writer, header, data, names, &cause) || fail (writer, cause, error);
}

const ArecWriterOptions *
arec_writer_options (const ArecWriter *writer)
{
    return &writer->options;
}

/* ---- the end ---- */

bool
arec_writer_complete (ArecWriter *writer, GError **error)
{
    GError *cause = NULL;

    if (!check_usable (writer, error)) {
        return false;
    }
    if (!arec_groups_finish (writer->groups, &cause) ||
        !arec_sharded_writer_complete (writer->files, &cause)) {
        return fail (writer, cause, error);
    }
    writer->lacks_name = true;
    writer->failure = g_error_new (AREC_ERROR, AREC_ERROR_INVALID,
                                   "%s: the file is finished already", writer->name);
    return true;
}

bool
arec_writer_finish (ArecWriter *writer, GError **error)
{
    GError *cause = NULL;

    if (!writer->lacks_name && !arec_writer_complete (writer, error)) {
        return false;
    }
    writer->lacks_name = false;
    if (!arec_sharded_writer_commit (writer->files, &cause)) {
        g_clear_error (&writer->failure);
        return fail (writer, cause, error);
    }
    return true;
}

void
arec_writer_get_totals (const ArecWriter *writer, ArecWriterTotals *totals)
{
    *totals = (ArecWriterTotals){0};
    for (uint64_t i = 0; i < arec_sharded_writer_n_files (writer->files); i++) {
        ArecWriterTotals of_file;

        arec_sharded_writer_get_file (writer->files, i, &of_file);
        totals->n_records += of_file.n_records;
        totals->n_chunks += of_file.n_chunks;
        totals->decoded_size += of_file.decoded_size;
        totals->file_size += of_file.file_size;
    }
}

uint64_t
arec_writer_n_files (const ArecWriter *writer)
{
    return arec_sharded_writer_n_files (writer->files);
}

const char *
arec_writer_get_file (const ArecWriter *writer, uint64_t i, ArecWriterTotals *totals)
{
    return arec_sharded_writer_get_file (writer->files, i, totals);
}

const char *const *
arec_writer_other_shards (const ArecWriter *writer)
{
    return arec_sharded_writer_others (writer->files);
}
