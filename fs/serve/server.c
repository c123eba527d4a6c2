#include "serve/server.h"

#include "start/cache_place.h"
#include "start/scan_progress.h"

static void
warn (const char *message, void *data)
{
    (void)data;
    g_warning ("%s", message);
}

/* Opened before the mount, which may cover the folder. */
static bool
open_index_dir (const ArecfsServer *server, GError **error)
{
    switch (server->options->reader.index_storage) {
    case AREC_INDEX_IN_MEMORY: return true;
    case AREC_INDEX_OFFLOADED: return arec_engine_open_index_dir (server->engine, error);
    case AREC_INDEX_AUTO:
        /* Where it fails, all indexes are in memory. */
        (void)arec_engine_open_index_dir (server->engine, NULL);
        return true;
    }
    g_return_val_if_reached (false);
}

static bool
make_tree (ArecfsServer *server, ArecSourceList *list, bool flat, GError **error)
{
    const ArecfsOptions *options = server->options;
    ArecReaderOptions reader = options->reader;
    ArecfsTreeOptions tree = {
        .strict = options->strict,
        .file = {.reader = &reader,
                 .readahead_buffer_size = reader.has_readahead_buffer_size
                                              ? reader.readahead_buffer_size
                                              : AREC_READAHEAD_AUTO,
                 .plain_names = options->plain_names,
                 .suffix = options->suffix,
                 .ownership = options->ownership}};
    ArecfsScanProgress progress;

    arecfs_scan_progress_begin (&progress, list, &reader);
    server->tree = arecfs_tree_new (server->engine, list, flat, options->sources, &tree, error);
    arecfs_scan_progress_end (&progress);
    return server->tree != NULL;
}

void
arecfs_server_make_engine (ArecfsServer *server)
{
    ArecEngineOptions engine = server->options->engine;

    engine.views_are_brief = true; /* a reply is made of each */
    engine.warn = warn;
    server->engine = arec_engine_new (&engine);
}

bool
arecfs_server_make (ArecfsServer *server, ArecSourceList *list, bool flat, GError **error)
{
    if (!arecfs_cache_place_check (server->options, error) || !open_index_dir (server, error) ||
        !arec_engine_open_cache_dir (server->engine, error) ||
        !make_tree (server, list, flat, error)) {
        return false;
    }
    arecfs_counters_start (&server->counters);
    server->damage = arecfs_damage_log_new();
    server->control =
        arecfs_control_new (&(ArecfsControlOptions){.counters = &server->counters,
                                                    .engine = server->engine,
                                                    .damage = server->damage,
                                                    .tree = server->tree,
                                                    .ownership = server->options->ownership});
    server->known =
        arecfs_known_new (arecfs_tree_n_slots (server->tree), ARECFS_MAX_FULL_DIRECTORY,
                          arec_engine_auto_cache_size() / ARECFS_NODE_COST);
    server->probes = arecfs_probes_new();
    return true;
}

void
arecfs_server_clear (ArecfsServer *server)
{
    arecfs_control_free (server->control);
    arecfs_damage_log_free (server->damage);
    arecfs_known_free (server->known);
    arecfs_probes_free (server->probes);
    arecfs_tree_free (server->tree);
    arec_engine_unref (server->engine);
}
