#include <arec/verify.h>

#include "dataset/opening.h"
#include "inspect/inspector.h"

static void
count_chunk (const ArecInspectedChunk *chunk, ArecVerifyResult *result)
{
    if (chunk->role == AREC_ROLE_RECORDS && chunk->header.num_records > 0) {
        result->n_chunks++;
        result->n_records += chunk->header.num_records;
        result->decoded_size += chunk->header.decoded_data_size;
    }
}

static bool
inspect_all (ArecInspector *inspector, const ArecVerifyOptions *options,
             ArecVerifyResult *result, GError **error)
{
    for (;;) {
        ArecInspectStep step;
        ArecInspectedChunk chunk;
        ArecDamage damage;

        if (!arec_inspector_next (inspector, &step, &chunk, &damage, error)) {
            return false;
        }
        switch (step) {
        case AREC_INSPECT_CHUNK: count_chunk (&chunk, result); break;
        case AREC_INSPECT_DAMAGE:
            result->n_damages++;
            if (options->damage) {
                options->damage (options->data, &damage);
            }
            break;
        case AREC_INSPECT_END: return true;
        }
        if (options->progress) {
            options->progress (options->data, arec_inspector_position (inspector),
                               result->file_size);
        }
    }
}

/* The records that @from selects. The range is only checked: all of the file is read anyway. */
static bool
resolve_range (const ArecSourceFile *from, const ArecShard *shard, ArecVerifyResult *result,
               GError **error)
{
    result->end_record = arec_index_n_records (arec_shard_index (shard));
    if (!from->has_range ||
        arec_range_resolve (&from->range, result->end_record, &result->first_record,
                            &result->end_record, error)) {
        return true;
    }
    g_prefix_error (error, "%s: ", from->path);
    return false;
}

static bool
verify_file (ArecEngine *engine, ArecSourceList *list, size_t file,
             const ArecReaderOptions *reader_options, const ArecVerifyOptions *options,
             ArecVerifyResult *out, GError **error)
{
    const ArecSourceFile *from = arec_source_list_get (list, file);
    const ArecShardOptions shard_options = arec_shard_options_of (engine, from, reader_options);
    const ArecInspectorOptions inspector_options = {.n_threads = options->n_threads};
    ArecSource *source = arec_open_source (engine, from, shard_options.cancel, error);
    g_autoptr (ArecInspector) inspector = NULL;
    ArecVerifyResult result = {0};

    if (!source) {
        return false;
    }
    inspector = arec_inspector_new (source, &shard_options, &inspector_options, error);
    if (!inspector) {
        return false;
    }
    result.kind = arec_shard_kind (arec_inspector_shard (inspector)) == AREC_KIND_RIEGELI
                      ? AREC_KIND_RIEGELI
                      : AREC_KIND_ARRAY_RECORD;
    result.file_size = source->size;
    if (!resolve_range (from, arec_inspector_shard (inspector), &result, error) ||
        !inspect_all (inspector, options, &result, error)) {
        return false;
    }
    *out = result;
    return true;
}

bool
arec_verify_file (ArecEngine *engine, ArecSourceList *list, size_t file,
                  const ArecReaderOptions *reader_options, const ArecVerifyOptions *options,
                  ArecVerifyResult *result, GError **error)
{
    static const ArecReaderOptions reading = {0};
    static const ArecVerifyOptions verifying = {0};

    return verify_file (engine, list, file, reader_options ? reader_options : &reading,
                        options ? options : &verifying, result, error);
}
