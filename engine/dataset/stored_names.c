/* Names of records through the cache: once for all that ask, counted in the budget. */
#include <arec/stored_names.h>

#include <inttypes.h>

#include "base/error.h"
#include "base/limits.h"
#include "cache/chunk_cache.h"
#include "dataset/reader_inside.h"

struct ArecStoredNames {
    ArecCacheEntry *entry; /* of a Names with a table */
};

/* What the cache holds of a file, also of one without usable names: it is not searched again.
 */
typedef struct {
    ArecNameTable *table; /* NULL: there are no names, or they cannot be used */
    GError *failure;      /* why they cannot */
} Names;

typedef struct {
    ArecEngine *engine;
    ArecReaderFile *file;
    ArecNamesChunk found;
} Load;

static void
free_names (void *value)
{
    Names *names = value;

    arec_name_table_free (names->table);
    g_clear_error (&names->failure);
    g_free (names);
}

static bool
load_names (void *data, void **value, uint64_t *cost, GError **error)
{
    const Load *load = data;
    Names *names = g_new0 (Names, 1);

    if (load->found.is_there &&
        !arec_shard_load_names (load->file->shard, &load->found, &names->table,
                                &names->failure) &&
        !arec_error_is_of_bytes (names->failure)) {
        g_propagate_error (error, g_steal_pointer (&names->failure));
        free_names (names);
        return false;
    }
    *cost = AREC_CACHE_ENTRY_OVERHEAD + sizeof *names +
            (names->table ? arec_name_table_memory (names->table) : 0);
    *value = names;
    return true;
}

static bool
keep_size (void *data, ArecCacheSize *size, GError **error)
{
    (void)data;
    (void)size;
    (void)error;
    return true;
}

static void
refuse_load (void *data, uint64_t needed, uint64_t room, bool ever, GError **error)
{
    const Load *load = data;

    arec_fail_place (error, ever ? AREC_ERROR_LIMIT : AREC_ERROR_NOMEM,
                     arec_shard_source (load->file->shard)->name, load->found.begin,
                     "reading the names needs %" PRIu64
                     " bytes of memory, this process may use %" PRIu64 " for that%s",
                     needed, room, ever ? "" : ", and they are in use");
}

static const ArecCacheLoader loader = {
    .load = load_names, .free_value = free_names, .measure = keep_size, .refuse = refuse_load};

/* As far as the chunk says. What is beyond the limits is refused before it takes memory. */
static ArecCacheSize
size_of (const Load *load)
{
    uint64_t most = MIN (load->engine->limits.max_size, AREC_MAX_NAMES_SIZE);
    uint64_t n =
        MIN (arec_index_n_records (arec_shard_index (load->file->shard)), load->found.size);
    bool is_taken = load->found.size <= most && load->found.header.data_size <= most;

    return (ArecCacheSize){
        .cost = AREC_CACHE_ENTRY_OVERHEAD + sizeof (Names) +
                (is_taken ? arec_name_table_cost (n, load->found.size) : 0),
        .passing = is_taken ? load->found.header.data_size : 0,
    };
}

/* NULL with @error set: the system failed. */
static ArecCacheEntry *
get_names (ArecEngine *engine, ArecReaderFile *file, GError **error)
{
    const ArecCacheKey key = {file->names_owner, 0};
    Load load = {.engine = engine, .file = file};
    ArecCacheEntry *entry;

    if (!arec_shard_check_known (file->shard, error)) {
        return NULL;
    }
    entry = arec_chunk_cache_hit (engine->cache, key);
    if (entry || !arec_shard_find_names (file->shard, &load.found, error)) {
        return entry;
    }
    return arec_chunk_cache_get (engine->cache, key, &loader, &load, size_of (&load), error);
}

bool
arec_stored_names_load (ArecReader *reader, size_t number, ArecStoredNames **out,
                        GError **error)
{
    g_autoptr (ArecCacheEntry) entry =
        get_names (reader->engine, &reader->files[number], error);
    const Names *names;

    if (!entry) {
        return false;
    }
    names = arec_cache_entry_value (entry);
    if (names->failure) {
        g_propagate_error (error, g_error_copy (names->failure));
        return false;
    }
    *out = NULL;
    if (names->table) {
        *out = g_new0 (ArecStoredNames, 1);
        (*out)->entry = g_steal_pointer (&entry);
    }
    return true;
}

void
arec_stored_names_free (ArecStoredNames *names)
{
    if (names) {
        arec_cache_entry_unref (names->entry);
        g_free (names);
    }
}

const char *
arec_stored_names_get (const ArecStoredNames *names, uint64_t file_record)
{
    const Names *value = arec_cache_entry_value (names->entry);

    return arec_name_table_get (value->table, file_record);
}
