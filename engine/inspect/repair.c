#include <arec/repair.h>

#include <inttypes.h>
#include <string.h>

#include "arrayrecord/shard_writer.h"
#include "base/buffer.h"
#include "base/error.h"
#include "dataset/opening.h"
#include "inspect/inspector.h"
#include "source/output.h"
#include "writer/writer.h"
#include "writer/writer_options.h"

typedef struct {
    const ArecRepairOptions *options;
    ArecInspector *inspector;
    const ArecSource *source;
    ArecSink *sink;          /* the output; NULL once the writer has it */
    const ArecSink *written; /* the same, as long as this lives */
    /* One of them is made with the first chunk, whose codec the footer gets. */
    ArecShardWriter *copier; /* of chunks as they are */
    ArecWriter *reencoder;   /* of records */
    uint64_t group_size;     /* for records encoded anew: that of the source's first chunk */
    uint64_t max_chunk_size; /* bytes that one decoded chunk may take */
    uint64_t first_size;     /* records of the first chunk that was copied; 0: none yet */
    bool has_found;          /* a chunk of any kind */
    bool has_short;          /* a chunk with fewer was copied: only the last may have fewer */
    ArecNameTable *names;    /* of the source's records; NULL: none that can be used */
    ArecBuffer kept_names;   /* of the records that were copied as they are */
    ArecRepairResult result;
} Repair;

static bool
has_writer (const Repair *repair)
{
    return repair->copier || repair->reencoder;
}

static bool
make_copier (Repair *repair, ArecCompression compression, GError **error)
{
    ArecShard *shard = arec_inspector_shard (repair->inspector);
    const char *said = arec_shard_kind (shard) == AREC_KIND_ARRAY_RECORD
                           ? arec_shard_options (shard)
                           : NULL; /* other writers have other options */
    const ArecShardWriterOptions options = {
        .codec = arec_codec_options_default (compression),
        .pad_to_block_boundary = said && strstr (said, "pad_to_block_boundary:true"),
        .writer_options = said,
    };

    repair->copier = arec_shard_writer_new (g_steal_pointer (&repair->sink), &options, error);
    return repair->copier != NULL;
}

static bool
make_reencoder (Repair *repair, ArecCompression compression, GError **error)
{
    const ArecCodecOptions codec = arec_codec_options_default (compression);
    ArecWriterOptions options;

    arec_writer_options_init (&options);
    arec_writer_options_set_codec (&options, &codec);
    options.group_size = (uint32_t)repair->group_size;
    options.max_parallelism = repair->options->n_threads;
    options.max_chunk_size = repair->max_chunk_size;
    options.max_memory = arec_writer_auto_max_memory();
    repair->reencoder =
        arec_writer_new_for_sink (g_steal_pointer (&repair->sink), &options, error);
    return repair->reencoder != NULL;
}

/* @compression  of the first chunk. */
static bool
make_writer (Repair *repair, ArecCompression compression, GError **error)
{
    return repair->options->reencode ? make_reencoder (repair, compression, error)
                                     : make_copier (repair, compression, error);
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

/* ---- names ---- */

static void
note (const Repair *repair, const char *text)
{
    if (repair->options->note) {
        repair->options->note (repair->options->data, text);
    }
}

/* Names that cannot be used are left out, with a note. */
static bool
load_names (Repair *repair, GError **error)
{
    ArecShard *shard = arec_inspector_shard (repair->inspector);
    ArecNamesChunk found;
    GError *cause = NULL;

    if (!arec_shard_find_names (shard, &found, error)) {
        return false;
    }
    if (!found.is_there || arec_shard_load_names (shard, &found, &repair->names, &cause)) {
        return true;
    }
    if (arec_error_is_of_bytes (cause)) {
        g_autofree char *text =
            g_strdup_printf ("%s; the copy has no names of records", cause->message);

        note (repair, text);
        g_error_free (cause);
        return true;
    }
    g_propagate_error (error, cause);
    return false;
}

/* Names are by the numbers of the index. A chunk whose records it has not shows that they are
 * not those of this file. */
static void
check_numbers (Repair *repair, const ArecInspectedChunk *chunk)
{
    uint64_t n = repair->names ? arec_name_table_n (repair->names) : 0;

    if (repair->names &&
        (chunk->first_record > n || chunk->header.num_records > n - chunk->first_record)) {
        g_clear_pointer (&repair->names, arec_name_table_free);
        arec_buffer_clear (&repair->kept_names);
        note (repair, "names for fewer records than there are; the copy has none");
    }
}

static bool
keep_names (Repair *repair, const ArecInspectedChunk *chunk, GError **error)
{
    const char *names;
    size_t size;

    if (!repair->names) {
        return true;
    }
    names = arec_name_table_get_many (repair->names, chunk->first_record,
                                      chunk->header.num_records, &size);
    return arec_buffer_append (&repair->kept_names, names, size) ||
           arec_fail (error, AREC_ERROR_NOMEM, "%s: no memory for names", repair->source->name);
}

/* ---- chunks ---- */

static bool
add_records (Repair *repair, const ArecInspectedChunk *chunk, GError **error)
{
    for (uint64_t i = 0; i < chunk->header.num_records; i++) {
        ArecBytes record = arec_chunk_record (chunk->chunk, i);
        const char *name =
            repair->names ? arec_name_table_get (repair->names, chunk->first_record + i) : NULL;

        if (!arec_writer_write_named (repair->reencoder, record.at, arec_bytes_left (&record),
                                      name, error)) {
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
    check_numbers (repair, chunk);
    if (repair->options->reencode) {
        return add_records (repair, chunk, error);
    }
    return check_even (repair, chunk, error) && keep_names (repair, chunk, error) &&
           arec_shard_writer_put_chunk (repair->copier, &chunk->header, chunk->data, error);
}

static bool
copy_metadata (Repair *repair, const ArecInspectedChunk *chunk, GError **error)
{
    return repair->reencoder ? arec_writer_put_metadata (repair->reencoder, &chunk->header,
                                                         chunk->data, error)
                             : arec_shard_writer_put_metadata (repair->copier, &chunk->header,
                                                               chunk->data, error);
}

static bool
take_chunk (Repair *repair, const ArecInspectedChunk *chunk, GError **error)
{
    bool is_metadata = chunk->role == AREC_ROLE_METADATA;
    bool holds_records = chunk->role == AREC_ROLE_RECORDS && chunk->header.num_records > 0;

    if (!holds_records && (!is_metadata || has_writer (repair))) {
        return true; /* metadata counts only before all records */
    }
    /* The first byte of a body is its compression (FORMAT.md 6, 7.2). */
    if (!has_writer (repair) && !make_writer (repair, (ArecCompression)chunk->data[0], error)) {
        return false;
    }
    return is_metadata ? copy_metadata (repair, chunk, error)
                       : copy_records (repair, chunk, error);
}

static void
take_damage (Repair *repair, const ArecDamage *damage)
{
    repair->result.n_damages++;
    if (damage->is_restorable) {
        /* its chunk follows */
    } else if (damage->knows_n_records) {
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

/* A file without a single sound chunk is not replaced by a sound file without records. */
static bool
check_found (const Repair *repair, GError **error)
{
    return repair->has_found ||
           arec_fail (error, AREC_ERROR_CORRUPT,
                      "%s: at 0: no chunk of records was found, so nothing is written",
                      repair->source->name);
}

static bool
finish_copy (Repair *repair, GError **error)
{
    const ArecBytes names = arec_bytes (repair->kept_names.data, repair->kept_names.size);

    return (arec_bytes_left (&names) == 0 ||
            arec_shard_writer_put_names (repair->copier, names, error)) &&
           arec_shard_writer_finish (repair->copier, error);
}

static bool
finish (Repair *repair, GError **error)
{
    return repair->reencoder ? arec_writer_finish (repair->reencoder, error)
                             : finish_copy (repair, error);
}

static bool
repair_all (Repair *repair, GError **error)
{
    return load_names (repair, error) && copy_all (repair, error) &&
           check_found (repair, error) &&
           (has_writer (repair) || make_writer (repair, AREC_COMPRESSION_ZSTD, error)) &&
           finish (repair, error);
}

/* The output for the copy of @source. It must not be @source itself: the copy may lack records,
 * and would replace the original. */
static ArecSink *
open_output (const ArecSource *source, const char *out, const ArecOutputOptions *asked,
             GError **error)
{
    ArecOutputOptions options = *asked;

    if (!S_ISREG (source->st.st_mode)) {
        return arec_output_open (out, &options, error);
    }
    if (arec_output_is_file (out, &source->st)) {
        arec_fail (error, AREC_ERROR_INVALID,
                   "%s: the output is the same file as the damaged one: it would be lost", out);
        return NULL;
    }
    options.denied_mode |= arec_output_denied_mode (source->mode);
    return arec_output_open (out, &options, error);
}

static bool
open_inspector (Repair *repair, ArecSource *source, const ArecShardOptions *shard_options,
                GError **error)
{
    const ArecInspectorOptions options = {.n_threads = repair->options->n_threads,
                                          .keeps_data = true,
                                          .keeps_records = repair->options->reencode,
                                          .lenient = true};

    repair->inspector = arec_inspector_new (source, shard_options, &options, error);
    if (!repair->inspector) {
        return false;
    }
    repair->group_size = CLAMP (
        arec_index_group_size (arec_shard_index (arec_inspector_shard (repair->inspector))), 1,
        INT32_MAX);
    return true;
}

/* The output last: until then a signal knows that it is complete. */
static void
repair_clear (Repair *repair)
{
    arec_inspector_free (repair->inspector);
    arec_writer_free (repair->reencoder);
    arec_shard_writer_free (repair->copier);
    arec_sink_free (repair->sink);
    arec_name_table_free (repair->names);
    arec_buffer_clear (&repair->kept_names);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Repair, repair_clear)

/* The output is opened before the source is read. Without a commit nothing stays of it. */
static bool
repair_file (ArecEngine *engine, ArecSourceList *list, size_t file, const char *out,
             const ArecReaderOptions *reader_options, const ArecRepairOptions *options,
             ArecRepairResult *result, GError **error)
{
    const ArecSourceFile *from = arec_source_list_get (list, file);
    const ArecShardOptions shard_options = arec_shard_options_of (engine, from, reader_options);
    ArecSource *source = arec_open_source (engine, from, shard_options.cancel, error);
    g_auto (Repair) repair = {
        .options = options, .source = source, .max_chunk_size = engine->limits.max_size};

    if (!source) {
        return false;
    }
    repair.sink = open_output (source, out, &options->output, error);
    repair.written = repair.sink;
    if (!repair.sink) {
        arec_source_free (source);
        return false;
    }
    if (!open_inspector (&repair, source, &shard_options, error) ||
        !repair_all (&repair, error)) {
        return false;
    }
    repair.result.file_size = repair.written->position;
    *result = repair.result;
    return true;
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
