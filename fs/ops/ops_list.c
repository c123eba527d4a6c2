/* Directories. A position is 1 after `.`, 2 after `..`, and i + 3 after child i.
 *
 * What a listing of records gives the kernel besides names:
 *
 *     attributes of all          up to a size of the directory, see known.h
 *     of the first batch only,   in larger ones; and of one entry of each batch, the probe: if
 *                                the reader looks at it, of all of the next batch, see probes.h
 *
 * so that `ls -l` needs no look-ups, whatever is listed. Where sizes are costly, a reader that
 * did not stat the first probe gets names only. A size is given wherever a node is, also where
 * it costs a decode: a node without its size would be cut for a process that has it mapped, and
 * break one that maps it without asking for the size. */
#include "ops/ops.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "ops/entry.h"
#include "serve/lane.h"
#include "serve/openings.h"
#include "serve/request.h"
#include "serve/source_wait.h"
#include "tree/inodes.h"

/* One reply being filled. */
typedef struct {
    const ArecfsRequest *request;
    char *buffer;
    size_t size;
    size_t used;
} Batch;

/* ---- opening ---- */

static ArecfsListing *
listing_of (uint64_t handle)
{
    return (ArecfsListing *)(uintptr_t)handle; /* NULL of what is not a source's */
}

static void
reply_opened (const ArecfsRequest *request, ArecfsListing *listing)
{
    struct fuse_file_info info = {.fh = (uintptr_t)listing};

    if (!arecfs_reply_open (request, &info)) {
        arecfs_listing_end (request->server->probes, listing);
    }
}

static void
answer_opendir (const ArecfsRequest *request)
{
    ArecfsTree *tree = request->server->tree;
    ArecfsNode node;
    GError *error = NULL;

    if (!arecfs_tree_get (tree, request->ino, &node, &error) ||
        (node.kind == ARECFS_FILE && !arecfs_tree_open (tree, &node, &error))) {
        if (error) {
            arecfs_reply_error (request, error);
        } else {
            arecfs_reply_errno (request, ESTALE);
        }
        return;
    }
    reply_opened (request, node.kind == ARECFS_FILE ? arecfs_listing_begin() : NULL);
}

void
arecfs_op_opendir (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_OPENDIR, ino, NULL);

    (void)info;
    if (arecfs_ino_is_control (ino)) {
        reply_opened (&request, NULL);
    } else {
        arecfs_openings_serve (&request, answer_opendir);
    }
}

/* ---- filling ---- */

/* Appends an entry; false when there is no room. @full: NULL for a name without attributes. */
static bool
append (Batch *batch, const char *name, uint64_t ino, mode_t mode,
        const struct fuse_entry_param *full, off_t next)
{
    fuse_req_t req = batch->request->req; /* not looked at: it may have had its reply */
    char *at = batch->buffer + batch->used;
    size_t room = batch->size - batch->used;
    struct fuse_entry_param entry = {.attr = {.st_ino = ino, .st_mode = mode}};
    size_t length;

    if (batch->request->kind == ARECFS_READDIR) {
        length = fuse_add_direntry (req, at, room, name, &entry.attr, next);
    } else {
        /* An entry with node 0 gives the kernel the name and makes no inode. */
        length = fuse_add_direntry_plus (req, at, room, name, full ? full : &entry, next);
    }
    if (length > room) {
        return false;
    }
    batch->used += length;
    return true;
}

/* `.` and `..`, which the kernel never takes attributes of. */
static bool
append_dots (Batch *batch, uint64_t parent, off_t *offset)
{
    if (*offset == 0) {
        if (!append (batch, ".", batch->request->ino, S_IFDIR, NULL, 1)) {
            return false;
        }
        *offset = 1;
    }
    if (*offset == 1) {
        if (!append (batch, "..", parent, S_IFDIR, NULL, 2)) {
            return false;
        }
        *offset = 2;
    }
    return true;
}

static void
list_control (Batch *batch, off_t offset)
{
    const char *name;

    if (!append_dots (batch, ARECFS_INO_ROOT, &offset)) {
        return;
    }
    while ((name = arecfs_control_name ((size_t)offset - 2)) &&
           append (batch, name, ARECFS_INO_CONTROL + (uint64_t)offset, S_IFREG, NULL,
                   offset + 1)) {
        offset++;
    }
}

static void answer_list (const ArecfsRequest *request);

/* Bytes of an entry with attributes and the shortest name. */
#define MIN_ENTRY 152

/* Whether the sizes of all records that @batch has room for are known. */
static bool
sizes_are_ready (const Batch *batch, const ArecfsNode *node, uint64_t first)
{
    uint64_t n = arecfs_tree_n_children (batch->request->server->tree, node);
    uint64_t end = MIN (n, first + batch->size / MIN_ENTRY + 1), size;

    while (first < end && arec_reader_record_size_ready (node->file->reader, first, &size)) {
        first++;
    }
    return first == end;
}

/* Whether the batch is made in the lane, by a copy of the request. */
static bool
lane_takes (const Batch *batch, const ArecfsNode *node, uint64_t first)
{
    return batch->request->kind == ARECFS_READDIRPLUS &&
           arec_reader_is_remote (node->file->reader) && !batch->request->is_in_lane &&
           !sizes_are_ready (batch, node, first) &&
           arecfs_lane_takes (batch->request, node->file, answer_list);
}

/* Bytes that are read, at most, for sizes of a directory that were not asked for. */
#define MAX_SIZE_WORK (UINT64_C (64) << 20)

/* How the records of a batch are listed. */
typedef struct {
    bool all; /* with attributes, not the probe alone */
    bool has_probe;
    uint64_t probe; /* number of the record */
} ListingMode;

/* @first  the first record of the batch; there is one. */
static ListingMode
choose_mode (ArecfsServer *server, const ArecfsNode *node, ArecfsListing *listing,
             uint64_t first)
{
    uint64_t n = arecfs_tree_n_children (server->tree, node);
    bool sizes_are_costly = arec_reader_size_work (node->file->reader) > MAX_SIZE_WORK,
         is_looked_at;
    char name[NAME_MAX + 1];
    ArecfsNode probe;

    if (!sizes_are_costly && arecfs_known_allows_full_listing (server->known, node->slot, n)) {
        return (ListingMode){.all = true};
    }
    arecfs_tree_child (server->tree, node, first, &probe, name);
    is_looked_at = arecfs_listing_next (server->probes, listing, probe.ino);
    /* A probe has a size, too. If sizes are costly, a reader that did not stat the first probe
     * gets no other. */
    return (ListingMode){
        .all = is_looked_at, .has_probe = is_looked_at || !sizes_are_costly, .probe = first};
}

/* Returns whether @entry is filled; else the name alone is listed. A name whose attributes
 * cannot be had is listed all the same. */
static bool
fill_record (ArecfsServer *server, const ArecfsNode *child, const ListingMode *mode,
             ArecSizeCursor *sizes, struct fuse_entry_param *entry)
{
    bool is_probe = mode->has_probe && child->record == mode->probe;

    if ((!mode->all && !is_probe) || !arecfs_entry_fill (server, child, sizes, entry, NULL)) {
        return false;
    }
    entry->attr_timeout = is_probe ? 0 : ARECFS_FOREVER;
    return true;
}

/* Appends the records from @first on. Returns how many got attributes. */
static uint64_t
append_records (Batch *batch, const ArecfsNode *node, const ListingMode *mode,
                ArecSizeCursor *sizes, uint64_t first)
{
    ArecfsServer *server = batch->request->server;
    uint64_t n = arecfs_tree_n_children (server->tree, node), n_filled = 0;

    for (uint64_t i = first; i < n; i++) {
        char name[NAME_MAX + 1];
        struct fuse_entry_param entry;
        ArecfsNode child;
        bool filled;

        arecfs_tree_child (server->tree, node, i, &child, name);
        filled = sizes && fill_record (server, &child, mode, sizes, &entry);
        if (!append (batch, name, child.ino, S_IFREG, filled ? &entry : NULL, (off_t)(i + 3))) {
            break;
        }
        n_filled += filled;
    }
    return n_filled;
}

/* The same as list_node (), of a FILE. The listing may end with the reply. */
static bool
list_records (Batch *batch, const ArecfsNode *node, ArecfsListing *listing, uint64_t first)
{
    ArecfsServer *server = batch->request->server;
    g_autoptr (ArecSizeCursor) sizes = NULL; /* NULL: names alone are listed */
    ListingMode mode = {0};
    ArecfsSourceWait wait;
    uint64_t n_filled;

    if (lane_takes (batch, node, first)) {
        return false;
    }
    if (batch->request->kind == ARECFS_READDIRPLUS &&
        first < arecfs_tree_n_children (server->tree, node)) {
        mode = choose_mode (server, node, listing, first);
        sizes = arecfs_listing_take_sizes (listing, node->file->reader);
    }
    if (!arecfs_source_wait_begin (&wait, batch->request)) {
        return false;
    }
    n_filled = append_records (batch, node, &mode, sizes, first);
    if (!arecfs_source_wait_end (&wait)) {
        return false;
    }
    if (sizes) {
        arecfs_listing_give_sizes (listing, g_steal_pointer (&sizes));
    }
    arecfs_known_add (server->known, node->slot, n_filled);
    return true;
}

static void
append_directories (Batch *batch, const ArecfsNode *node, uint64_t first)
{
    ArecfsServer *server = batch->request->server;
    uint64_t n = arecfs_tree_n_children (server->tree, node);

    for (uint64_t i = first; i < n; i++) {
        char name[NAME_MAX + 1];
        struct fuse_entry_param entry;
        ArecfsNode child;
        bool filled;

        arecfs_tree_child (server->tree, node, i, &child, name);
        filled = batch->request->kind == ARECFS_READDIRPLUS &&
                 arecfs_entry_fill (server, &child, NULL, &entry, NULL);
        if (!append (batch, name, child.ino, S_IFDIR, filled ? &entry : NULL, (off_t)(i + 3))) {
            return;
        }
    }
}

static bool
list_directories (Batch *batch, const ArecfsNode *node, uint64_t first)
{
    ArecfsSourceWait wait;

    if (!arecfs_source_wait_begin (&wait, batch->request)) {
        return false;
    }
    append_directories (batch, node, first);
    return arecfs_source_wait_end (&wait);
}

/* Returns false where the request gets its reply otherwise: its caller was killed meanwhile, or
 * it goes to the lane. */
static bool
list_node (Batch *batch, const ArecfsNode *node, ArecfsListing *listing, off_t offset)
{
    ArecfsNode parent;

    arecfs_tree_parent (batch->request->server->tree, node, &parent);
    if (!append_dots (batch, parent.ino, &offset)) {
        return true;
    }
    return node->kind == ARECFS_FILE ? list_records (batch, node, listing, (uint64_t)offset - 2)
                                     : list_directories (batch, node, (uint64_t)offset - 2);
}

static void
answer_list (const ArecfsRequest *request)
{
    g_autofree char *buffer = g_try_malloc (request->size);
    Batch batch = {.request = request, .buffer = buffer, .size = request->size};
    ArecfsTree *tree = request->server->tree;
    ArecfsNode node;
    GError *error = NULL;

    if (!buffer) {
        arecfs_reply_errno (request, ENOMEM);
        return;
    }
    if (arecfs_ino_is_control (request->ino)) {
        list_control (&batch, request->offset);
    } else if (!arecfs_tree_get (tree, request->ino, &node, &error) ||
               (node.kind == ARECFS_FILE && !arecfs_tree_open (tree, &node, &error))) {
        if (error) {
            arecfs_reply_error (request, error);
        } else {
            arecfs_reply_errno (request, ESTALE);
        }
        return;
    } else if (!list_node (&batch, &node, listing_of (request->handle), request->offset)) {
        return;
    }
    arecfs_reply_data (request, buffer, batch.used);
}

static void
list (fuse_req_t req, ArecfsRequestKind kind, fuse_ino_t ino, size_t size, off_t offset,
      const struct fuse_file_info *info)
{
    ArecfsRequest request = arecfs_request_begin (req, kind, ino, NULL);

    request.size = size;
    request.offset = offset;
    request.handle = info->fh;
    if (offset < 0) {
        arecfs_reply_errno (&request, EINVAL);
    } else {
        arecfs_openings_serve (&request, answer_list);
    }
}

void
arecfs_op_readdir (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                   struct fuse_file_info *info)
{
    list (req, ARECFS_READDIR, ino, size, offset, info);
}

void
arecfs_op_readdirplus (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                       struct fuse_file_info *info)
{
    list (req, ARECFS_READDIRPLUS, ino, size, offset, info);
}

void
arecfs_op_releasedir (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_RELEASEDIR, ino, NULL);

    arecfs_listing_end (request.server->probes, listing_of (info->fh));
    arecfs_reply_errno (&request, 0);
}
