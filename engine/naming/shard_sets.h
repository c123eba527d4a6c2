/* Sets of shards by the names of their files: `t.array_record-00003-of-00005` is one of five.
 *
 * Collects names and reports the faults of the sets that they form: shards that are missing,
 * given twice, or numbered too high, and several totals for one name. Pure; one thread at a
 * time.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

typedef struct ArecShardSets ArecShardSets;

ArecShardSets *arec_shard_sets_new (void);
void arec_shard_sets_free (ArecShardSets *sets); /* takes NULL */

/* Takes the file @path if its name is that of a shard.
 * @directory  any text that identifies its directory.
 * @is_named   the user named this very file: a single named shard is no incomplete set.
 * @is_part    only a range of its records is given, so the same shard may come again. */
void arec_shard_sets_add (ArecShardSets *sets, const char *directory, const char *path,
                          bool is_named, bool is_part);

/* @pattern  the set: `dir/t.array_record-?????-of-00005`.
 * @reason   its faults. Both are valid during the call. */
typedef void (*ArecShardSetFault) (void *data, const char *pattern, const char *reason);

/* Calls @fault for each set with faults, in order of names. */
void arec_shard_sets_check (ArecShardSets *sets, ArecShardSetFault fault, void *data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecShardSets, arec_shard_sets_free)
