#include "writer/earlier_shards.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include <glib.h>

#include "source/file_sink.h"
#include "writer/sharding.h"

typedef struct {
    char *path;
    uint64_t n_shards;
} Earlier;

struct ArecEarlierShards {
    GArray *found; /* of Earlier, in order of paths */
    mode_t mode;
};

static void
clear_one (void *data)
{
    g_free (((Earlier *)data)->path);
}

static int
compare_paths (const void *a, const void *b)
{
    return strcmp (((const Earlier *)a)->path, ((const Earlier *)b)->path);
}

static void
add (ArecEarlierShards *earlier, const ArecShardPaths *names, char *path)
{
    Earlier one = {.path = path};
    uint64_t shard;
    struct stat st;

    if (!arec_shard_paths_parse (names, path, &shard, &one.n_shards)) {
        g_free (path);
        return;
    }
    if (stat (path, &st) == 0) {
        earlier->mode &= st.st_mode;
    }
    g_array_append_val (earlier->found, one);
}

ArecEarlierShards *
arec_earlier_shards_new (const char *out, const ArecShardPaths *names)
{
    ArecEarlierShards *earlier = g_new0 (ArecEarlierShards, 1);
    const char *slash = strrchr (out, '/');
    g_autofree char *folder = g_strndup (out, slash ? (size_t)(slash - out) + 1 : 0);
    DIR *dir = opendir (slash ? folder : ".");
    struct dirent *entry;

    earlier->mode = 0666;
    earlier->found = g_array_new (FALSE, FALSE, sizeof (Earlier));
    g_array_set_clear_func (earlier->found, clear_one);
    while (dir && (entry = readdir (dir))) {
        add (earlier, names, g_strconcat (folder, entry->d_name, NULL));
    }
    if (dir) {
        closedir (dir);
    }
    g_array_sort (earlier->found, compare_paths);
    return earlier;
}

void
arec_earlier_shards_free (ArecEarlierShards *earlier)
{
    if (earlier) {
        g_array_unref (earlier->found);
        g_free (earlier);
    }
}

mode_t
arec_earlier_shards_mode (const ArecEarlierShards *earlier)
{
    return earlier->mode;
}

bool
arec_earlier_shards_check (const ArecEarlierShards *earlier, const ArecSharding *sharding,
                           const ArecShardPaths *paths, const ArecOutputOptions *output,
                           GError **error)
{
    uint64_t n_known = arec_sharding_n_known (sharding);

    if (n_known == 0) {
        return earlier->found->len == 0 ||
               arec_file_sink_check (g_array_index (earlier->found, Earlier, 0).path, output,
                                     error);
    }
    for (uint64_t i = 0; i < n_known; i++) {
        g_autofree char *path = arec_shard_paths_format (paths, i, n_known);

        if (!arec_file_sink_check (path, output, error)) {
            return false;
        }
    }
    return true;
}

char **
arec_earlier_shards_others (const ArecEarlierShards *earlier, uint64_t n_shards)
{
    g_autoptr (GPtrArray) paths = g_ptr_array_new();

    for (guint i = 0; i < earlier->found->len; i++) {
        const Earlier *one = &g_array_index (earlier->found, Earlier, i);

        if (one->n_shards != n_shards) {
            g_ptr_array_add (paths, g_strdup (one->path));
        }
    }
    g_ptr_array_add (paths, NULL);
    return (char **)g_ptr_array_free (g_steal_pointer (&paths), FALSE);
}

bool
arec_sharding_check_names (const ArecSharding *sharding, const char *out,
                           const ArecOutputOptions *output, GError **error)
{
    ArecEarlierShards *earlier;
    ArecShardPaths paths;
    bool are_free;

    if (!arec_sharding_check (sharding, out, error)) {
        return false;
    }
    if (sharding->rule == AREC_SHARDING_NONE) {
        return arec_output_check (out, output, error);
    }
    arec_shard_paths_init (&paths, out, sharding->before_extension);
    earlier = arec_earlier_shards_new (out, &paths);
    are_free = arec_earlier_shards_check (earlier, sharding, &paths, output, error);
    arec_earlier_shards_free (earlier);
    arec_shard_paths_clear (&paths);
    return are_free;
}
