/* Nodes of the tree as entries for the kernel: shared by look-ups and listings. */
#pragma once

#include <stdbool.h>

#include "server.h"

/* Fills @entry with what @node is.
 * @sizes  as for arecfs_tree_stat_in_order (). Errors: those of arecfs_tree_stat (). */
bool arecfs_entry_fill (ArecfsServer *server, const ArecfsNode *node, ArecSizeCursor *sizes,
                        struct fuse_entry_param *entry, GError **error);
