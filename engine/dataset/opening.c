#include "dataset/opening.h"

#include "base/error.h"
#include "naming/source_list.h"
#include "remote/object_cache.h"
#include "source/file_source.h"

#ifdef AREC_HAVE_LIBCURL
/* Only its size tells then whether it is still the same. */
static void
warn_of_no_validator (const ArecEngine *engine, const char *name)
{
    g_autofree char *message = NULL;

    if (engine->warn) {
        message = g_strdup_printf ("%s: the server gives neither an ETag nor a time: if the "
                                   "object changes, only another size shows it",
                                   name);
        engine->warn (message, engine->warn_data);
    }
}

static ArecSource *
open_cached_or_not (ArecEngine *engine, const ArecUrl *url, const ArecCancel *cancel,
                    ArecObjectFacts *facts, GError **error)
{
    if (!arec_engine_open_cache_dir (engine, error)) {
        return NULL;
    }
    return engine->cache_dir
               ? arec_object_cache_open (engine->http, engine->cache_dir, url, cancel, facts,
                                         error)
               : arec_object_source_renew (engine->http, url, NULL, cancel, facts, error);
}

static ArecSource *
open_object (ArecEngine *engine, const char *text, const ArecCancel *cancel, GError **error)
{
    g_auto (ArecUrl) url = {0};
    ArecObjectFacts facts;
    ArecSource *source;

    if (!arec_url_parse (text, AREC_URL_LITERAL, &url, error)) {
        return NULL;
    }
    arec_engine_note_remote (engine);
    source = open_cached_or_not (engine, &url, cancel, &facts, error);
    if (source && source->size > 0 && arec_object_version_is_bare (&facts.version)) {
        warn_of_no_validator (engine, source->name);
    }
    return source;
}
#else
/* A list holds no URL then. */
static ArecSource *
open_object (ArecEngine *engine, const char *text, const ArecCancel *cancel, GError **error)
{
    (void)engine;
    (void)text;
    (void)cancel;
    arec_fail (error, AREC_ERROR_UNSUPPORTED, "URLs need libcurl");
    return NULL;
}
#endif

static ArecSource *
open_any (ArecEngine *engine, const ArecSourceFile *file, const ArecCancel *cancel,
          GError **error)
{
    int directory = arec_source_file_directory (file);
    const char *url = arec_source_file_url (file);

    if (url) {
        return open_object (engine, url, cancel, error);
    }
    return file->form == AREC_SOURCE_DIRECTORY
               ? arec_file_source_new_found (engine->fds, directory, file->name, file->path,
                                             error)
               : arec_file_source_new (engine->fds, directory, file->name, file->path, error);
}

ArecSource *
arec_open_source (ArecEngine *engine, const ArecSourceFile *file, const ArecCancel *cancel,
                  GError **error)
{
    ArecSource *source = open_any (engine, file, cancel, error);

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
