/* Records to chunks: gathers records into groups, encodes several groups at the same time, and
 * gives their chunks in the order of the records. It knows no file: where a chunk comes to lie
 * has no part in its bytes, so any thread may encode any group.
 *
 *     add ->  [ group ]  ->  [ group | group | group ]  ->  put, in order
 *              is filled        threads encode
 *
 * Groups of several lanes may be filled in turn, each of which gets the records that are added
 * while it is selected; all share threads and memory.
 *
 * One thread at a time, in which `put` is called. The chunks do not depend on the number of
 * threads. After a failure nothing but freeing makes sense. Memory: the groups that are not put
 * yet, as records and as chunks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/writer_options.h>

#include "riegeli/chunk_reader.h"

typedef struct {
    const char *name;         /* of the output, for messages; outlives the groups */
    ArecWriterOptions writer; /* checked, limits resolved; max_parallelism at least 1 */
    /* Takes the next chunk; @body has header->data_size bytes. Its errors are complete. */
    bool (*put) (void *data, size_t lane, const ArecChunkHeader *header, const uint8_t *body,
                 GError **error);
    void *data;
    size_t n_lanes; /* at least 1 */
} ArecGroupsOptions;

typedef struct ArecGroups ArecGroups;

ArecGroups *arec_groups_new (const ArecGroupsOptions *options);
/* Drops what is not put yet. Takes NULL. */
void arec_groups_free (ArecGroups *groups);

/* Adds a record, which is copied. Waits while as many groups as may be are in work, or memory
 * is used up.
 * Errors: LIMIT, before it is copied: its group would decode to more than a chunk may, or (of
 * an earlier group) is more than the codec takes; NOMEM; INVALID; and those of `put`. */
bool arec_groups_add (ArecGroups *groups, const void *data, size_t size, GError **error);

/* From now on records are added to @lane; at first it is 0. */
void arec_groups_select (ArecGroups *groups, size_t lane);

/* Ends the group that the selected lane is filling, however many records it has. Same errors.
 */
bool arec_groups_end_group (ArecGroups *groups, GError **error);

/* Puts all chunks, as the caller then puts one of @n records itself, past the groups. No group
 * of the selected lane is begun. Same errors. */
bool arec_groups_pass (ArecGroups *groups, uint64_t n, GError **error);

/* Ends the groups that are being filled, those of lower lanes first, and puts all chunks. Same
 * errors. */
bool arec_groups_finish (ArecGroups *groups, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecGroups, arec_groups_free)
