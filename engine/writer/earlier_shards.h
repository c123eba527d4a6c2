/* ArecEarlierShards: the files that have names of shards of OUT before any is written.
 *
 * Immutable after creation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <glib.h>

#include <arec/outputs.h>
#include <arec/sharding.h>

#include "naming/shard_paths.h"

typedef struct ArecEarlierShards ArecEarlierShards;

/* Looks into the folder. One that cannot be listed counts as empty: a name that is taken is
 * found when a file is to get it. Blocks on I/O. */
ArecEarlierShards *arec_earlier_shards_new (const char *out, const ArecShardPaths *names);
void arec_earlier_shards_free (ArecEarlierShards *earlier); /* takes NULL */

/* Says now what the commit would say only after all the work: whether a file may have each name
 * of the set @paths. While the number of shards is not known, any of an earlier set may be in
 * the way. Blocks on I/O. Errors: IO. */
bool arec_earlier_shards_check (const ArecEarlierShards *earlier, const ArecSharding *sharding,
                                const ArecShardPaths *paths, const ArecOutputOptions *output,
                                GError **error);

/* Permission bits that each of them has, at most 0666. */
mode_t arec_earlier_shards_mode (const ArecEarlierShards *earlier);

/* The paths of those that are of a set of another number than @n_shards, in order of bytes,
 * NULL-terminated. g_strfreev (). */
char **arec_earlier_shards_others (const ArecEarlierShards *earlier, uint64_t n_shards);
