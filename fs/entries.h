/* Nodes of the tree as entries for the kernel: shared by look-ups and listings. */
#pragma once

#include <stdbool.h>

#include "server.h"

/* Fills @entry with what @node is. Errors: those of arecfs_tree_stat (). */
bool arecfs_entry_fill (ArecfsServer *server, const ArecfsNode *node,
                        struct fuse_entry_param *entry, GError **error);

/* The same of a record, but its size is left open: the kernel asks when somebody wants it. */
void arecfs_entry_fill_but_size (const ArecfsNode *record, struct fuse_entry_param *entry);
