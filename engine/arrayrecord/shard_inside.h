/* The inside of a shard, for the files that implement it. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "arrayrecord/scan_index.h"
#include "arrayrecord/seen_chunks.h"
#include "arrayrecord/shard.h"

struct ArecShard {
    ArecSource *source;
    ArecSeenChunks *seen;
    ArecIndex *index;
    char *options;
    ArecDecodeLimits limits;
    ArecIndexFile *offloaded; /* not owned; NULL: the index is in memory */
    ArecKind kind;
    bool is_array_record; /* by postscript, name or the caller's word */
    bool is_recovered;
    bool is_listed;             /* the index comes from a footer */
    uint64_t footer_offset;     /* 0: none, or none known */
    uint64_t postscript_offset; /* 0: none */
    uint64_t announced_footer;  /* by a valid postscript; 0: none */
    ArecScanFindings findings;  /* its index has moved out */
    _Atomic bool walks_for_sizes;
};
