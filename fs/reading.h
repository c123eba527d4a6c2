/* Answering a READ of a record, in whatever thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "request.h"

/* Replies with @view of the record @node, or with @error, which it frees. For those who read by
 * themselves. */
void arecfs_read_reply (const ArecfsRequest *request, const ArecfsNode *node,
                        const ArecView *view, GError *error);

/* Replies with up to @size bytes from @offset of the record @node, or with the error. */
void arecfs_read_record (const ArecfsRequest *request, const ArecfsNode *node, size_t size,
                         uint64_t offset);
