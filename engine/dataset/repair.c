#include <arec/repair.h>

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "arrayrecord/shard_writer.h"
#include "base/error.h"
#include "dataset/inspector.h"
#include "dataset/opening.h"
#include "source/file_sink.h"

typedef struct {
    const char *out;
    const ArecRepairOptions *options;
    ArecInspector *inspector;
    const ArecSource *source;
    ArecShardWriter *writer; /* made with the first chunk, whose codec the footer gets */
    uint64_t group_size;     /* of records encoded anew: those of the source's first chunk */
    uint64_t first_size;     /* records of the first chunk that was copied; 0: none yet */
    bool has_found;          /* a chunk of whatever kind */
    bool has_short;          /* a chunk with fewer has been copied: only the last may be one */
    ArecRepairResult result;
} Repair;

/* The writer's option string for records encoded anew, in the reference's words. */
static char *
describe (const ArecCodecOptions *codec, uint64_t group_size)
{
    g_autofree char *name = NULL;

    switch (codec->compression) {
    case AREC_COMPRESSION_NONE: name = g_strdup ("uncompressed"); break;
    case AREC_COMPRESSION_BROTLI: name = g_strdup_printf ("brotli:%d", codec->level); break;
    case AREC_COMPRESSION_ZSTD: name = g_strdup_printf ("zstd:%d", codec->level); break;
    case AREC_COMPRESSION_SNAPPY: name = g_strdup ("snappy"); break;
    }
    return g_strdup_printf (
        "group_size:%" PRIu64
        ",transpose:false,pad_to_block_boundary:false,%s%s,max_parallelism:1",
        group_size, name, codec->has_window_log ? ",window_log:20" : "");
}

/* @compression  of the first chunk. */
static bool
make_writer (Repair *repair, ArecCompression compression, GError **error)
{
    ArecShard *shard = arec_inspector_shard (repair->inspector);
    const char *said = arec_shard_kind (shard) == AREC_SHARD_ARRAY_RECORD
                           ? arec_shard_options (shard)
                           : NULL; /* other writers have other options */
    ArecShardWriterOptions options = {
        .codec = arec_codec_options_default (compression),
        .group_size = repair->group_size,
        .pad_to_block_boundary = said && strstr (said, "pad_to_block_boundary:true"),
        .writer_options = said,
    };
    g_autofree char *described = NULL;
    ArecSink *sink;

    if (repair->options->reencode) {
        described = describe (&options.codec, options.group_size);
        options.writer_options = described;
        options.pad_to_block_boundary = false;
    }
    sink = arec_file_sink_new (repair->out,
                               repair->options->replace ? AREC_FILE_SINK_REPLACE : 0, error);
    if (!sink) {
        return false;
    }
    repair->writer = arec_shard_writer_new (sink, &options, error);
    return repair->writer != NULL;
}

static bool
check_even (Repair *repair, const ArecInspectedChunk *chunk, GError **error)
{
    uint64_t n = chunk->header.num_records;

    if (repair->first_size == 0) {
        repair->first_size = n;
    }
    if (repair->has_short || n > repair->first_size) {
        return arec_fail_place (
            error, AREC_ERROR_LIMIT, repair->source->name, chunk->begin,
            "a chunk of %" PRIu64 " records, those before it have %" PRIu64
            " and some fewer: the reference would misread the copy; --reencode"
            " makes even groups",
            n, repair->first_size);
    }
    repair->has_short = n < repair->first_size;
    return true;
}

static bool
add_records (Repair *repair, const ArecChunk *chunk, GError **error)
{
    for (uint64_t i = 0; i < chunk->ends.n; i++) {
        ArecBytes record = arec_chunk_record (chunk, i);

        if (!arec_shard_writer_add (repair->writer, record.at, arec_bytes_left (&record),
                                    error)) {
            return false;
        }
    }
    return true;
}

static bool
copy_records (Repair *repair, const ArecInspectedChunk *chunk, GError **error)
{
    repair->result.n_chunks++;
    repair->result.n_records += chunk->header.num_records;
    if (repair->options->reencode) {
        return add_records (repair, chunk->chunk, error);
    }
    return check_even (repair, chunk, error) &&
           arec_shard_writer_copy_chunk (repair->writer, &chunk->header, chunk->data, error);
}

static bool
take_chunk (Repair *repair, const ArecInspectedChunk *chunk, GError **error)
{
    bool is_metadata = chunk->role == AREC_ROLE_METADATA;
    bool holds_records = chunk->role == AREC_ROLE_RECORDS && chunk->header.num_records > 0;

    if (!holds_records && (!is_metadata || repair->writer)) {
        return true; /* metadata is at the begin, or it says nothing */
    }
    /* The first byte of a body is its compression (spec/container 5, spec/transpose 2). */
    if (!repair->writer && !make_writer (repair, (ArecCompression)chunk->data[0], error)) {
        return false;
    }
    return is_metadata ? arec_shard_writer_copy_metadata (repair->writer, &chunk->header,
                                                          chunk->data, error)
                       : copy_records (repair, chunk, error);
}

static void
take_damage (Repair *repair, const ArecDamage *damage)
{
    repair->result.n_damages++;
    if (damage->knows_n_records) {
        repair->result.n_records_lost += damage->n_records;
    } else {
        repair->result.lost_unknown = true;
    }
    if (repair->options->damage) {
        repair->options->damage (repair->options->data, damage);
    }
}

static bool
copy_all (Repair *repair, GError **error)
{
    for (;;) {
        ArecInspectStep step;
        ArecInspectedChunk chunk;
        ArecDamage damage;

        if (!arec_inspector_next (repair->inspector, &step, &chunk, &damage, error)) {
            return false;
        }
        switch (step) {
        case AREC_INSPECT_CHUNK:
            repair->has_found = true;
            if (!take_chunk (repair, &chunk, error)) {
                return false;
            }
            break;
        case AREC_INSPECT_DAMAGE: take_damage (repair, &damage); break;
        case AREC_INSPECT_END: return true;
        }
        if (repair->options->progress) {
            repair->options->progress (repair->options->data,
                                       arec_inspector_position (repair->inspector),
                                       repair->source->size);
        }
    }
}

/* A file in which there is nothing to keep is not replaced by a sound one without records. */
static bool
check_found (const Repair *repair, GError **error)
{
    return repair->has_found ||
           arec_fail (error, AREC_ERROR_CORRUPT,
                      "%s: at 0: no chunk of records was found, so nothing is written",
                      repair->source->name);
}

static bool
repair_all (Repair *repair, GError **error)
{
    return copy_all (repair, error) && check_found (repair, error) &&
           (repair->writer || make_writer (repair, AREC_COMPRESSION_ZSTD, error)) &&
           arec_shard_writer_finish (repair->writer, error);
}

/* Whether @out is @source itself: what it is replaced by may be less than what it was. */
static bool
check_other_file (const ArecSource *source, const char *out, GError **error)
{
    struct stat st;

    return stat (out, &st) != 0 || st.st_dev != source->st.st_dev ||
           st.st_ino != source->st.st_ino ||
           arec_fail (error, AREC_ERROR_INVALID,
                      "%s: the output is the same file as the damaged one: it would be lost",
                      out);
}

static bool
repair_file (ArecEngine *engine, ArecSourceList *list, size_t file, const char *out,
             const ArecReaderOptions *reader_options, const ArecRepairOptions *options,
             ArecRepairResult *result, GError **error)
{
    const ArecSourceFile *from = arec_source_list_get (list, file);
    const ArecShardOptions shard_options = arec_shard_options_of (engine, from, reader_options);
    const ArecInspectorOptions inspector_options = {.n_threads = options->n_threads,
                                                    .keeps_data = true,
                                                    .keeps_records = options->reencode,
                                                    .lenient = true};
    ArecSource *source = arec_open_source (engine, from, error);
    g_autoptr (ArecInspector) inspector = NULL;
    Repair repair = {.out = out, .options = options, .source = source};
    bool ok;

    if (!source) {
        return false;
    }
    if (!check_other_file (source, out, error)) {
        arec_source_free (source);
        return false;
    }
    inspector = arec_inspector_new (source, &shard_options, &inspector_options, error);
    if (!inspector) {
        return false;
    }
    repair.inspector = inspector;
    repair.group_size =
        MAX (arec_index_group_size (arec_shard_index (arec_inspector_shard (inspector))), 1);
    ok = repair_all (&repair, error);
    arec_shard_writer_free (repair.writer);
    if (ok) {
        *result = repair.result;
    }
    return ok;
}

bool
arec_repair_file (ArecEngine *engine, ArecSourceList *list, size_t file, const char *out,
                  const ArecReaderOptions *reader_options, const ArecRepairOptions *options,
                  ArecRepairResult *result, GError **error)
{
    static const ArecReaderOptions reading = {0};
    static const ArecRepairOptions repairing = {0};

    return repair_file (engine, list, file, out, reader_options ? reader_options : &reading,
                        options ? options : &repairing, result, error);
}
