#include "writer/sharding.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include <arec/outputs.h>

#include "base/error.h"
#include "naming/shard_paths.h"

__extension__ typedef unsigned __int128 Wide;

bool
arec_sharding_check (const ArecSharding *sharding, const char *out, GError **error)
{
    uint64_t n_known = arec_sharding_n_known (sharding);

    if (sharding->rule == AREC_SHARDING_NONE) {
        return true;
    }
    if (sharding->n == 0 || n_known > AREC_MAX_SHARDS) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "%" PRIu64 " is no number of shards, or of what a shard may have",
                          sharding->n);
    }
    if (arec_output_is_stdout (out) || *out == '\0' || g_str_has_suffix (out, "/")) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "%s: is no name that shards could have with a number", out);
    }
    return true;
}

uint64_t
arec_sharding_n_known (const ArecSharding *sharding)
{
    switch (sharding->rule) {
    case AREC_SHARDING_NONE: return 1;
    case AREC_SHARDING_EVEN:
    case AREC_SHARDING_ROUND_ROBIN: return sharding->n;
    case AREC_SHARDING_BY_SIZE:
    case AREC_SHARDING_BY_RECORDS: break;
    }
    return 0;
}

uint64_t
arec_sharding_n_lanes (const ArecSharding *sharding)
{
    return sharding->rule == AREC_SHARDING_ROUND_ROBIN ? sharding->n : 1;
}

uint64_t
arec_sharding_lane (const ArecSharding *sharding, uint64_t record)
{
    return sharding->rule == AREC_SHARDING_ROUND_ROBIN ? record % sharding->n : 0;
}

/* The first record i of shard @shard: i * n / n_records is at least @shard. */
static uint64_t
begin_of_even (const ArecSharding *sharding, uint64_t shard)
{
    Wide product = (Wide)shard * sharding->n_records;

    return (uint64_t)((product + sharding->n - 1) / sharding->n);
}

uint64_t
arec_sharding_end_of_shard (const ArecSharding *sharding, uint64_t shard)
{
    switch (sharding->rule) {
    case AREC_SHARDING_EVEN: return begin_of_even (sharding, shard + 1);
    case AREC_SHARDING_BY_RECORDS:
        return shard < UINT64_MAX / sharding->n ? (shard + 1) * sharding->n : UINT64_MAX;
    case AREC_SHARDING_NONE:
    case AREC_SHARDING_ROUND_ROBIN:
    case AREC_SHARDING_BY_SIZE: break;
    }
    return UINT64_MAX;
}

/* The shard of record @record, where that is a matter of its number; else 0. */
static uint64_t
shard_of (const ArecSharding *sharding, uint64_t record)
{
    return sharding->rule == AREC_SHARDING_BY_RECORDS ? record / sharding->n
           : sharding->rule == AREC_SHARDING_EVEN
               ? (uint64_t)((Wide)record * sharding->n / sharding->n_records)
               : 0;
}

uint64_t
arec_sharding_begin_before (const ArecSharding *sharding, uint64_t record)
{
    if (sharding->rule == AREC_SHARDING_BY_RECORDS) {
        return record - record % sharding->n;
    }
    if (sharding->rule == AREC_SHARDING_EVEN) {
        return record < sharding->n_records
                   ? begin_of_even (sharding, shard_of (sharding, record))
                   : sharding->n_records;
    }
    return 0;
}

uint64_t
arec_sharding_end_after (const ArecSharding *sharding, uint64_t record)
{
    return sharding->rule == AREC_SHARDING_EVEN && record >= sharding->n_records
               ? UINT64_MAX
               : arec_sharding_end_of_shard (sharding, shard_of (sharding, record));
}

/* ---- names ---- */

static bool
is_same_folder (const char *path, const char *other)
{
    g_autofree char *folder = g_path_get_dirname (path);
    g_autofree char *other_folder = g_path_get_dirname (other);
    struct stat st, other_st;

    return stat (folder, &st) == 0 && stat (other_folder, &other_st) == 0 &&
           st.st_dev == other_st.st_dev && st.st_ino == other_st.st_ino;
}

bool
arec_sharding_has_shard (const ArecSharding *sharding, const char *out, const char *path)
{
    g_autofree char *stem = g_path_get_basename (out);
    g_autofree char *name = g_path_get_basename (path);
    ArecShardPaths names;
    uint64_t shard, n_shards;
    bool has_name;

    if (sharding->rule == AREC_SHARDING_NONE) {
        return false;
    }
    arec_shard_paths_init (&names, stem, sharding->before_extension);
    has_name = arec_shard_paths_parse (&names, name, &shard, &n_shards);
    arec_shard_paths_clear (&names);
    return has_name && is_same_folder (out, path);
}
