#include "naming/shard_paths.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

enum { MIN_DIGITS = 5 };

#define OF "-of-"

/* Where the extension of the last part of @path begins: a dot that is not its first character.
 */
static size_t
find_extension (const char *path)
{
    const char *slash = strrchr (path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr (name, '.');

    return dot && dot > name ? (size_t)(dot - path) : strlen (path);
}

void
arec_shard_paths_init (ArecShardPaths *names, const char *out, bool before_extension)
{
    size_t split = before_extension ? find_extension (out) : strlen (out);

    names->front = g_strndup (out, split);
    names->back = g_strdup (out + split);
}

void
arec_shard_paths_clear (ArecShardPaths *names)
{
    g_clear_pointer (&names->front, g_free);
    g_clear_pointer (&names->back, g_free);
}

char *
arec_shard_paths_format (const ArecShardPaths *names, uint64_t shard, uint64_t n_shards)
{
    char total[32] = "?????";
    int width = MIN_DIGITS;

    if (n_shards > 0) {
        width = snprintf (total, sizeof total, "%0*" PRIu64, MIN_DIGITS, n_shards);
    }
    return g_strdup_printf ("%s-%0*" PRIu64 OF "%s%s", names->front, width, shard, total,
                            names->back);
}

bool
arec_shard_paths_parse (const ArecShardPaths *names, const char *path, uint64_t *shard,
                        uint64_t *n_shards)
{
    g_autofree char *again = NULL;
    guint64 number, total;
    char *end;

    if (!g_str_has_prefix (path, names->front)) {
        return false;
    }
    path += strlen (names->front);
    if (path[0] != '-' || !g_ascii_isdigit (path[1])) {
        return false;
    }
    number = g_ascii_strtoull (path + 1, &end, 10);
    if (!g_str_has_prefix (end, OF) || !g_ascii_isdigit (end[strlen (OF)])) {
        return false;
    }
    total = g_ascii_strtoull (end + strlen (OF), NULL, 10);
    /* Any other spelling of the same numbers is another name. */
    again = arec_shard_paths_format (names, number, total);
    if (number >= total || strcmp (again + strlen (names->front), path) != 0) {
        return false;
    }
    *shard = number;
    *n_shards = total;
    return true;
}
