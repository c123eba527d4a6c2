#include "dataset/opening.h"

#include "base/error.h"
#include "naming/source_list.h"
#include "remote/object_cache.h"
#include "remote/object_stores.h"
#include "source/file_source.h"

#ifdef AREC_HAVE_LIBCURL
/* Only its size tells then whether it is still the same. One object is named, as a bucket of
 * such a server may have many. */
static void
warn_of_no_validator (ArecEngine *engine, const char *name)
{
    g_autofree char *message = NULL;

    if (engine->warn && !atomic_flag_test_and_set (&engine->has_warned)) {
        message = g_strdup_printf ("%s: the server gives neither an ETag nor a time: if the "
                                   "object changes, only another size shows it",
                                   name);
        engine->warn (message, engine->warn_data);
    }
}

/* Where requests for the object at @url go. Returns (transfer full); NULL: error. */
static ArecHttpTarget *
target_of (ArecEngine *engine, const ArecUrl *url, GError **error)
{
    g_autoptr (ArecObjectBucket) bucket = NULL;

    if (!url->bucket) {
        return arec_http_target_new (url);
    }
    bucket = arec_object_stores_bucket (engine->stores, url, error);
    if (!bucket) {
        g_autofree char *shown = arec_url_shown (url);

        g_prefix_error (error, "%s: ", shown);
        return NULL;
    }
    return arec_object_bucket_target (bucket, url->key);
}

/* @size  by a listing, or AREC_RANGE_UNKNOWN_SIZE. */
static ArecSource *
open_target (ArecEngine *engine, ArecHttpTarget *target, const char *name, uint64_t size,
             const ArecCancel *cancel, ArecObjectFacts *facts, GError **error)
{
    const ArecObjectHint hint = {.size = size};

    if (!arec_engine_open_cache_dir (engine, error)) {
        return NULL;
    }
    return engine->cache_dir ? arec_object_cache_open (engine->http, engine->cache_dir, target,
                                                       name, size, cancel, facts, error)
                             : arec_object_source_open (engine->http, target, name, &hint,
                                                        cancel, facts, error);
}

static ArecSource *
open_object (ArecEngine *engine, const ArecSourceObject *object, const ArecCancel *cancel,
             GError **error)
{
    uint64_t size = object->is_listed ? object->size : AREC_RANGE_UNKNOWN_SIZE;
    g_auto (ArecUrl) url = {0};
    g_autoptr (ArecHttpTarget) target = NULL;
    g_autofree char *shown = NULL;
    ArecObjectFacts facts;
    ArecSource *source;

    if (!arec_url_parse (object->url, AREC_URL_LITERAL, &url, error)) {
        return NULL;
    }
    target = target_of (engine, &url, error);
    if (!target) {
        return NULL;
    }
    arec_engine_note_remote (engine);
    shown = arec_url_shown (&url);
    source = open_target (engine, target, shown, size, cancel, &facts, error);
    if (source && source->size > 0 && arec_object_version_is_bare (&facts.version)) {
        warn_of_no_validator (engine, source->name);
    }
    return source;
}
#else
/* A list holds no URL then. */
static ArecSource *
open_object (ArecEngine *engine, const ArecSourceObject *object, const ArecCancel *cancel,
             GError **error)
{
    (void)engine;
    (void)object;
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
    const ArecSourceObject *object = arec_source_file_object (file);

    if (object) {
        return open_object (engine, object, cancel, error);
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
