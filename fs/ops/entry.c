#include "ops/entry.h"

#include "serve/request.h"

struct fuse_entry_param
arecfs_entry_of (const ArecfsNode *node)
{
    return (struct fuse_entry_param){
        .ino = node->ino, .attr_timeout = ARECFS_FOREVER, .entry_timeout = ARECFS_FOREVER};
}

bool
arecfs_entry_fill (ArecfsServer *server, const ArecfsNode *node, ArecSizeCursor *sizes,
                   struct fuse_entry_param *entry, GError **error)
{
    *entry = arecfs_entry_of (node);
    return arecfs_tree_stat_in_order (server->tree, node, sizes, &entry->attr,
                                      &entry->generation, error);
}
