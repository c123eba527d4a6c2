#include "ops/ops.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ops/entry.h"
#include "serve/lane.h"
#include "serve/openings.h"
#include "serve/request.h"
#include "serve/source_wait.h"
#include "tree/inodes.h"

/* Attributes of @node, or *error. Returns false where @request gets its reply otherwise: its
 * caller was killed meanwhile, or @answer is called with a copy of it in the lane. */
static bool
stat_node (const ArecfsRequest *request, ArecfsAnswer answer, const ArecfsNode *node,
           struct stat *st, uint64_t *generation, GError **error)
{
    ArecfsTree *tree = request->server->tree;
    ArecfsSourceWait wait;

    if (arecfs_tree_stat_ready (tree, node, st, generation)) {
        return true;
    }
    if ((node->kind == ARECFS_RECORD && arecfs_lane_takes (request, node->file, answer)) ||
        !arecfs_source_wait_begin (&wait, request)) {
        return false;
    }
    arecfs_tree_stat (tree, node, st, generation, error);
    if (!arecfs_source_wait_end (&wait)) {
        g_clear_error (error);
        return false;
    }
    return true;
}

/* @answer  calls this, should @node be a record of a file that is open. */
static void
reply_node (const ArecfsRequest *request, ArecfsAnswer answer, const ArecfsNode *node)
{
    struct fuse_entry_param entry = arecfs_entry_of (node);
    GError *error = NULL;

    if (!stat_node (request, answer, node, &entry.attr, &entry.generation, &error)) {
        return;
    }
    if (!error) {
        if (node->kind == ARECFS_RECORD) {
            arecfs_known_add (request->server->known, node->slot, 1);
        }
        arecfs_reply_entry (request, &entry);
    } else {
        arecfs_reply_node_error (request, node, error);
    }
}

/* ---- .arecfs ---- */

/* @timeout  of the name: none for files, whose content is of the look-up. */
static void
reply_control (const ArecfsRequest *request, uint64_t ino, double timeout)
{
    struct fuse_entry_param entry = {
        .ino = ino, .attr_timeout = ARECFS_FOREVER, .entry_timeout = timeout};

    if (arecfs_control_stat (request->server->control, ino, &entry.attr)) {
        arecfs_reply_entry (request, &entry);
    } else {
        arecfs_reply_errno (request, ESTALE);
    }
}

static void
lookup_control (const ArecfsRequest *request, const char *name)
{
    pid_t caller = fuse_req_ctx (request->req)->pid;
    uint64_t ino;

    if (strcmp (name, ".") == 0) {
        reply_control (request, request->ino, ARECFS_FOREVER);
    } else if (strcmp (name, "..") == 0) {
        ArecfsNode root;

        arecfs_tree_get (request->server->tree, ARECFS_INO_ROOT, &root, NULL);
        reply_node (request, NULL, &root);
    } else if (request->ino == ARECFS_INO_CONTROL &&
               (ino = arecfs_control_lookup (request->server->control, name, caller)) != 0) {
        reply_control (request, ino, 0);
    } else {
        arecfs_reply_absent (request);
    }
}

/* ---- operations ---- */

/* Names within @parent; `.` and `..` come from file handles that are opened. */
static void
lookup_in (const ArecfsRequest *request, ArecfsAnswer answer, const ArecfsNode *parent,
           const char *name)
{
    ArecfsTree *tree = request->server->tree;
    ArecfsNode node;
    GError *error = NULL;

    if (strcmp (name, ".") == 0) {
        reply_node (request, answer, parent);
    } else if (strcmp (name, "..") == 0) {
        arecfs_tree_parent (tree, parent, &node);
        reply_node (request, answer, &node);
    } else if (arecfs_tree_lookup (tree, parent, name, &node, &error)) {
        reply_node (request, answer, &node);
    } else if (error) {
        arecfs_reply_error (request, error);
    } else {
        arecfs_reply_absent (request);
    }
}

static void
answer_lookup (const ArecfsRequest *request)
{
    ArecfsNode parent;
    GError *error = NULL;

    if (arecfs_tree_get (request->server->tree, request->ino, &parent, &error)) {
        lookup_in (request, answer_lookup, &parent, request->name);
    } else if (error) {
        arecfs_reply_error (request, error);
    } else {
        arecfs_reply_errno (request, ESTALE); /* a handle of another mount */
    }
}

/* Whether @name in the directory @parent means something whether its file is open or not. */
static bool
needs_no_file (uint64_t parent, const char *name)
{
    return arecfs_ino_low (parent) == 0 &&
           (strcmp (name, ".") == 0 || strcmp (name, "..") == 0);
}

void
arecfs_op_lookup (fuse_req_t req, fuse_ino_t parent, const char *name)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_LOOKUP, parent, name);

    if (arecfs_ino_is_control (parent)) {
        lookup_control (&request, name);
    } else if (parent == ARECFS_INO_ROOT && strcmp (name, ARECFS_CONTROL_NAME) == 0) {
        reply_control (&request, ARECFS_INO_CONTROL, ARECFS_FOREVER);
    } else if (needs_no_file (parent, name)) {
        answer_lookup (&request);
    } else {
        arecfs_openings_serve (&request, answer_lookup);
    }
}

static void
forget (ArecfsServer *server, fuse_ino_t ino, uint64_t n)
{
    uint64_t slot = arecfs_ino_slot (ino);

    if (arecfs_ino_is_control (ino)) {
        arecfs_control_forget (server->control, ino, n);
    } else if (slot > 0 && slot <= arecfs_tree_n_slots (server->tree) &&
               arecfs_ino_low (ino) > 0) {
        arecfs_known_forget (server->known, slot, n);
    }
}

void
arecfs_op_forget (fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_FORGET, ino, NULL);

    forget (request.server, ino, n);
    arecfs_reply_none (&request);
}

void
arecfs_op_forget_multi (fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_FORGET, 0, NULL);

    for (size_t i = 0; i < count; i++) {
        forget (request.server, forgets[i].ino, forgets[i].nlookup);
    }
    arecfs_reply_none (&request);
}

static void
answer_getattr (const ArecfsRequest *request)
{
    ArecfsTree *tree = request->server->tree;
    struct stat st;
    uint64_t generation;
    ArecfsNode node;
    GError *error = NULL;

    if (!arecfs_tree_get (tree, request->ino, &node, &error)) {
        if (error) {
            arecfs_reply_error (request, error);
        } else {
            arecfs_reply_errno (request, ESTALE);
        }
    } else if (stat_node (request, answer_getattr, &node, &st, &generation, &error)) {
        if (error) {
            arecfs_reply_node_error (request, &node, error);
        } else {
            arecfs_reply_attr (request, &st, ARECFS_FOREVER);
        }
    }
}

void
arecfs_op_getattr (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_GETATTR, ino, NULL);
    ArecfsServer *server = request.server;
    struct stat st;

    (void)info;
    arecfs_probes_look (server->probes, ino);
    if (arecfs_ino_is_control (ino)) {
        if (arecfs_control_stat (server->control, ino, &st)) {
            arecfs_reply_attr (&request, &st, ARECFS_FOREVER);
        } else {
            arecfs_reply_errno (&request, ESTALE);
        }
    } else if (arecfs_ino_low (ino) == 0) {
        answer_getattr (&request); /* of a directory: its file may be closed */
    } else {
        arecfs_openings_serve (&request, answer_getattr);
    }
}

/* Whether it is a file, by its number alone. */
static bool
is_file (uint64_t ino)
{
    return arecfs_ino_is_control (ino) ? ino != ARECFS_INO_CONTROL
                                       : arecfs_ino_slot (ino) > 0 && arecfs_ino_low (ino) > 0;
}

/* Comes only if the kernel does not check modes itself: then only the user who has mounted
 * may enter, and reads everything. No file can be executed. */
void
arecfs_op_access (fuse_req_t req, fuse_ino_t ino, int mask)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_ACCESS, ino, NULL);

    if ((mask & W_OK) != 0) {
        arecfs_reply_errno (&request, EROFS);
    } else {
        arecfs_reply_errno (&request, (mask & X_OK) != 0 && is_file (ino) ? EACCES : 0);
    }
}

void
arecfs_op_statfs (fuse_req_t req, fuse_ino_t ino)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_STATFS, ino, NULL);
    struct statvfs st;

    arecfs_tree_statvfs (request.server->tree, &st);
    arecfs_reply_statfs (&request, &st);
}
