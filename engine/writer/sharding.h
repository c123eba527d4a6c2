/* Which record goes into which shard. Pure functions, any thread.
 *
 *     EVEN, 7 records, n = 3     0 1 2 | 3 4 | 5 6
 *     BY_RECORDS, n = 3          0 1 2 | 3 4 5 | 6
 *     ROUND_ROBIN, n = 3         0 3 6 | 1 4 | 2 5       one lane for each shard
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/sharding.h>

/* Errors: INVALID. */
bool arec_sharding_check (const ArecSharding *sharding, const char *out, GError **error);

/* Shards that there will be whatever comes; 0: that depends on the records. */
uint64_t arec_sharding_n_known (const ArecSharding *sharding);

/* Shards that are filled at the same time. */
uint64_t arec_sharding_n_lanes (const ArecSharding *sharding);
/* The one for record @record. */
uint64_t arec_sharding_lane (const ArecSharding *sharding, uint64_t record);

/* The number at or below @record at which a shard begins; 0: there is none, or it is not a
 * matter of their number. */
uint64_t arec_sharding_begin_before (const ArecSharding *sharding, uint64_t record);

/* One past the last record of shard @shard; UINT64_MAX: not a matter of its number. */
uint64_t arec_sharding_end_of_shard (const ArecSharding *sharding, uint64_t shard);

/* The first number above @record at which a shard ends; UINT64_MAX: there is none, or it is not
 * a matter of their number. */
uint64_t arec_sharding_end_after (const ArecSharding *sharding, uint64_t record);
