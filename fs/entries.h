/* Nodes of the tree as entries for the kernel: shared by look-ups and listings. */
#pragma once

#include <stdbool.h>

#include "server.h"

/* Fills @entry with what @node is. Errors: those of arecfs_tree_stat (). */
bool arecfs_entry_fill (ArecfsServer *server, const ArecfsNode *node,
                        struct fuse_entry_param *entry, GError **error);
