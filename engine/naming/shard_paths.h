/* Names of the files of a set of shards: `t.array_record-00003-of-00008`, or with the numbers
 * before the extension `t-00003-of-00008.array_record`. Both have as many digits as the number
 * of shards, but five at least. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *front; /* what comes before the numbers */
    char *back;  /* what comes after them */
} ArecShardPaths;

/* The names of the shards of @out. Clear them. */
void arec_shard_paths_init (ArecShardPaths *names, const char *out, bool before_extension);
void arec_shard_paths_clear (ArecShardPaths *names); /* takes zeroed ones */

/* @n_shards  0: not known, which `?????` stands for. Returns (transfer full). */
char *arec_shard_paths_format (const ArecShardPaths *names, uint64_t shard, uint64_t n_shards);

/* The way back. false: @path is no shard's name. */
bool arec_shard_paths_parse (const ArecShardPaths *names, const char *path, uint64_t *shard,
                             uint64_t *n_shards);
