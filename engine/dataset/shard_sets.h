/* Sets of shards, told by the names of files: `t.array_record-00003-of-00005` is one of five.
 *
 * Collects names and says what is wrong with the sets that they make: shards that are missing,
 * there twice, or numbered too high, and sets of several totals. Pure; one thread at a time.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

typedef struct ArecShardSets ArecShardSets;

ArecShardSets *arec_shard_sets_new (void);
void arec_shard_sets_free (ArecShardSets *sets); /* takes NULL */

/* Takes the file @path, which stands in the directory @directory (whatever tells directories
 * apart), if its name is that of a shard.
 * @is_named  somebody named this very file; who names one shard alone wants that one.
 * @is_part   only some of its records are meant, so it may well come again. */
void arec_shard_sets_add (ArecShardSets *sets, const char *directory, const char *path,
                          bool is_named, bool is_part);

/* @pattern  the set: `dir/t.array_record-?????-of-00005`.
 * @reason   what is wrong with it. Both are valid during the call. */
typedef void (*ArecShardSetFault) (void *data, const char *pattern, const char *reason);

/* Calls @fault for each thing that is wrong, in order of names. */
void arec_shard_sets_check (ArecShardSets *sets, ArecShardSetFault fault, void *data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecShardSets, arec_shard_sets_free)
