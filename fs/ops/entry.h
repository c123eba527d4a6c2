/* A node of the tree as an entry for the kernel, for look-ups and listings. */
#pragma once

#include <stdbool.h>

#include "serve/server.h"

/* The entry of @node without attributes and generation. */
struct fuse_entry_param arecfs_entry_of (const ArecfsNode *node);

/* Fills @entry with what @node is.
 * @sizes  as for arecfs_tree_stat_in_order (). Errors: those of arecfs_tree_stat (). */
bool arecfs_entry_fill (ArecfsServer *server, const ArecfsNode *node, ArecSizeCursor *sizes,
                        struct fuse_entry_param *entry, GError **error);
