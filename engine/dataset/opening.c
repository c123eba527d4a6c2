#include "dataset/opening.h"

#include "naming/source_list.h"
#include "source/file_source.h"

ArecSource *
arec_open_source (ArecEngine *engine, const ArecSourceFile *file, GError **error)
{
    int directory = arec_source_file_directory (file);
    ArecSource *source =
        file->form == AREC_SOURCE_DIRECTORY
            ? arec_file_source_new_found (engine->fds, directory, file->name, file->path, error)
            : arec_file_source_new (engine->fds, directory, file->name, file->path, error);

    if (source) {
        source->counters = &engine->source_counters;
    }
    return source;
}

/* The file for the next index; NULL: it stays in memory. */
static ArecIndexFile *
index_file_of_choice (const ArecEngine *engine, ArecIndexStorage storage)
{
    switch (storage) {
    case AREC_INDEX_IN_MEMORY: return NULL;
    case AREC_INDEX_OFFLOADED: return engine->index_file;
    case AREC_INDEX_AUTO:
        return engine->index_used >= engine->cache_size / 2 &&
                       arec_index_file_spares_memory (engine->index_file)
                   ? engine->index_file
                   : NULL;
    }
    g_return_val_if_reached (NULL);
}

ArecShardOptions
arec_shard_options_of (const ArecEngine *engine, const ArecSourceFile *file,
                       const ArecReaderOptions *options)
{
    return (ArecShardOptions){
        .limits = engine->limits,
        .kind = options->kind,
        .name_is_array_record = arec_source_name_is_array_record (file->name),
        .offloaded = index_file_of_choice (engine, options->index_storage),
        .recover = options->recover,
        .progress = options->progress,
        .progress_data = options->progress_data,
        .cancel = options->cancel,
    };
}
