/* Directories. A position is 1 behind `.`, 2 behind `..`, and i + 3 behind child i. */
#include "ops.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "entries.h"
#include "inodes.h"
#include "request.h"

/* Up to here a listing gives attributes with every name, so that `ls -l` costs no look-ups;
 * each costs the kernel about 1 KiB of memory, so larger directories give names only. */
#define MAX_FULL_ENTRIES 100000

/* One reply being filled. */
typedef struct {
    const ArecfsRequest *request;
    char *buffer;
    size_t size;
    size_t used;
} Listing;

void
arecfs_op_opendir (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_OPENDIR, ino, NULL);
    ArecfsNode node;
    GError *error = NULL;

    if (arecfs_ino_is_control (ino)) {
        arecfs_reply_open (&request, info);
    } else if (arecfs_tree_get (request.server->tree, ino, &node, &error) &&
               (node.kind != ARECFS_FILE ||
                arecfs_tree_open (request.server->tree, &node, &error))) {
        arecfs_reply_open (&request, info);
    } else if (error) {
        arecfs_reply_error (&request, error);
    } else {
        arecfs_reply_errno (&request, ESTALE);
    }
}

/* Appends an entry; false when there is no room. @full: NULL for a name without attributes. */
static bool
append (Listing *listing, const char *name, uint64_t ino, mode_t mode,
        const struct fuse_entry_param *full, off_t next)
{
    fuse_req_t req = listing->request->req;
    char *at = listing->buffer + listing->used;
    size_t room = listing->size - listing->used;
    struct fuse_entry_param entry = {.attr = {.st_ino = ino, .st_mode = mode}};
    size_t length;

    if (listing->request->kind == ARECFS_READDIR) {
        length = fuse_add_direntry (req, at, room, name, &entry.attr, next);
    } else {
        /* An entry with node 0 gives the kernel the name and makes no inode. */
        length = fuse_add_direntry_plus (req, at, room, name, full ? full : &entry, next);
    }
    if (length > room) {
        return false;
    }
    listing->used += length;
    return true;
}

/* `.` and `..`, which the kernel never takes attributes of. */
static bool
append_dots (Listing *listing, uint64_t parent, off_t *offset)
{
    if (*offset == 0) {
        if (!append (listing, ".", listing->request->ino, S_IFDIR, NULL, 1)) {
            return false;
        }
        *offset = 1;
    }
    if (*offset == 1) {
        if (!append (listing, "..", parent, S_IFDIR, NULL, 2)) {
            return false;
        }
        *offset = 2;
    }
    return true;
}

static void
list_control (Listing *listing, off_t offset)
{
    const char *name;

    if (!append_dots (listing, ARECFS_INO_ROOT, &offset)) {
        return;
    }
    while ((name = arecfs_control_name ((size_t)offset - 2)) &&
           append (listing, name, ARECFS_INO_CONTROL + (uint64_t)offset, S_IFREG, NULL,
                   offset + 1)) {
        offset++;
    }
}

static void
list_node (Listing *listing, const ArecfsNode *node, off_t offset)
{
    ArecfsServer *server = listing->request->server;
    uint64_t n = arecfs_tree_n_children (server->tree, node);
    bool wants_full = listing->request->kind == ARECFS_READDIRPLUS && n <= MAX_FULL_ENTRIES;
    char name[NAME_MAX + 1];
    ArecfsNode child;

    arecfs_tree_parent (server->tree, node, &child);
    if (!append_dots (listing, child.ino, &offset)) {
        return;
    }
    for (uint64_t i = (uint64_t)offset - 2; i < n; i++) {
        struct fuse_entry_param entry;
        bool full;

        arecfs_tree_child (server->tree, node, i, &child, name);
        /* A name whose attributes cannot be had is listed all the same. */
        full = wants_full && arecfs_entry_fill (server, &child, &entry, NULL);
        if (!append (listing, name, child.ino, child.kind == ARECFS_RECORD ? S_IFREG : S_IFDIR,
                     full ? &entry : NULL, (off_t)(i + 3))) {
            return;
        }
    }
}

static void
list (fuse_req_t req, ArecfsRequestKind kind, fuse_ino_t ino, size_t size, off_t offset)
{
    ArecfsRequest request = arecfs_request_begin (req, kind, ino, NULL);
    g_autofree char *buffer = g_try_malloc (size);
    Listing listing = {.request = &request, .buffer = buffer, .size = size};
    ArecfsNode node;
    GError *error = NULL;

    if (!buffer) {
        arecfs_reply_errno (&request, ENOMEM);
        return;
    }
    if (offset < 0) {
        arecfs_reply_errno (&request, EINVAL);
        return;
    }
    if (arecfs_ino_is_control (ino)) {
        list_control (&listing, offset);
    } else if (!arecfs_tree_get (request.server->tree, ino, &node, &error) ||
               (node.kind == ARECFS_FILE &&
                !arecfs_tree_open (request.server->tree, &node, &error))) {
        if (error) {
            arecfs_reply_error (&request, error);
        } else {
            arecfs_reply_errno (&request, ESTALE);
        }
        return;
    } else {
        list_node (&listing, &node, offset);
    }
    arecfs_reply_data (&request, buffer, listing.used);
}

void
arecfs_op_readdir (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                   struct fuse_file_info *info)
{
    (void)info;
    list (req, ARECFS_READDIR, ino, size, offset);
}

void
arecfs_op_readdirplus (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                       struct fuse_file_info *info)
{
    (void)info;
    list (req, ARECFS_READDIRPLUS, ino, size, offset);
}

void
arecfs_op_releasedir (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_RELEASEDIR, ino, NULL);

    (void)info;
    arecfs_reply_errno (&request, 0);
}
