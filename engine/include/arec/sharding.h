/* Sharding: one sequence of records in several files, `OUT-00000-of-00004` and so on.
 *
 * All of them appear under their names together, or none. Pure but where it says so.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/outputs.h>
#include <arec/visibility.h>

G_BEGIN_DECLS

/* The most shards that a set may have. */
#define AREC_MAX_SHARDS 999999999

typedef enum {
    AREC_SHARDING_NONE,        /* no shards: one file, of the name OUT */
    AREC_SHARDING_EVEN,        /* @n shards: record i in shard i * n / n_records */
    AREC_SHARDING_ROUND_ROBIN, /* @n shards: record i in shard i mod n */
    AREC_SHARDING_BY_SIZE,     /* a shard ends with the group with which it has @n bytes */
    AREC_SHARDING_BY_RECORDS,  /* @n records in each shard but the last */
} ArecShardingRule;

/* All zeros: one file. */
typedef struct {
    ArecShardingRule rule;
    uint64_t n; /* at least 1; of shards at most AREC_MAX_SHARDS */
    /* EVEN: records that will come. More are an error; fewer leave the last shards smaller. */
    uint64_t n_records;
    /* The numbers stand before the extension: `t-00000-of-00004.array_record`. */
    bool before_extension;
} ArecSharding;

/* Whether @path names a shard of @out, of however many, in the same directory. Blocks on I/O.
 */
AREC_PUBLIC bool arec_sharding_has_shard (const ArecSharding *sharding, const char *out,
                                          const char *path);

/* What arec_writer_new_sharded () checks of the names that its files will get, for a caller
 * that has to open or read its input first. @sharding  its n_records may be missing. Blocks on
 * I/O. Errors: INVALID; IO, a file is in the way. */
AREC_PUBLIC bool arec_sharding_check_names (const ArecSharding *sharding, const char *out,
                                            const ArecOutputOptions *output, GError **error);

G_END_DECLS
