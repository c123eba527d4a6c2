#include "ops.h"

#include <errno.h>

#include "inodes.h"
#include "long_reads.h"
#include "openings.h"
#include "push.h"
#include "reading.h"

/* Opening needs no state, so the kernel is told once that it need not ask. */
void
arecfs_op_open (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_OPEN, ino, NULL);

    if (request.server->no_open) {
        arecfs_reply_errno (&request, ENOSYS);
        return;
    }
    /* The place of such bits has changed between versions that claim to be compatible. */
    info->keep_cache = !request.server->other_fuse;
    arecfs_reply_open (&request, info);
}

void
arecfs_op_flush (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_FLUSH, ino, NULL);

    (void)info;
    arecfs_reply_errno (&request, ENOSYS);
}

void
arecfs_op_release (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_RELEASE, ino, NULL);

    (void)info;
    arecfs_reply_errno (&request, 0);
}

/* Nothing is known here. It comes often: open () of Python asks of each file whether it is a
 * terminal, and the kernel cannot be told not to ask us. */
void
arecfs_op_ioctl (fuse_req_t req, fuse_ino_t ino, unsigned command, void *arg,
                 struct fuse_file_info *info, unsigned flags, const void *in, size_t in_size,
                 size_t out_size)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_IOCTL, ino, NULL);

    (void)command, (void)arg, (void)info, (void)flags, (void)in, (void)in_size, (void)out_size;
    arecfs_reply_errno (&request, ENOTTY);
}

static void
read_control (const ArecfsRequest *request, size_t size, off_t offset)
{
    size_t got = 0;
    g_autofree char *text = arecfs_control_read (request->server->control, request->ino,
                                                 (uint64_t)offset, size, &got);

    if (text) {
        arecfs_reply_data (request, text, got);
    } else {
        arecfs_reply_errno (request, ESTALE);
    }
}

/* A read failed: what was told of the record's size may be wrong too. Of a damaged chunk the
 * kernel is told so once: it asks at least twice for each of its records, ahead and by page. */
static void
reply_failure (const ArecfsRequest *request, const ArecfsNode *node, GError *error)
{
    ArecfsServer *server = request->server;

    if (arecfs_damage_log_report_node (server->damage, server->tree, node, error)) {
        fuse_lowlevel_notify_inval_inode (server->session, request->ino, -1, 0);
    }
    arecfs_reply_logged_error (request, error);
}

void
arecfs_read_reply (const ArecfsRequest *request, const ArecfsNode *node, const ArecView *view,
                   GError *error)
{
    if (error) {
        reply_failure (request, node, error);
        return;
    }
    arecfs_counters_add_read (&request->server->counters, view->size);
    arecfs_reply_data (request, view->data, view->size);
}

void
arecfs_read_record (const ArecfsRequest *request, const ArecfsNode *node, size_t size,
                    uint64_t offset)
{
    g_auto (ArecView) view = {0};
    GError *error = NULL;

    arec_reader_read_range (node->file->reader, node->record, offset, size, &view, &error);
    arecfs_read_reply (request, node, &view, error);
}

/* Notes who goes in order: by the first bytes of records, as of those that are pushed no others
 * are asked for. */
static ArecUpcoming
note (const ArecfsNode *node, uint64_t offset)
{
    return offset == 0 ? arec_readahead_note (node->file->readahead, node->record)
                       : (ArecUpcoming){0};
}

/* What follows is decoded, too, and pushed once a READ comes that is not that long. */
static void
note_long (const ArecfsNode *node, uint64_t offset)
{
    ArecUpcoming upcoming = note (node, offset);

    if (upcoming.first < upcoming.end) {
        arec_readahead_retract (node->file->readahead, upcoming.first);
    }
}

/* Whether the push thread will answer. */
static bool
hand_over (const ArecfsRequest *request, const ArecfsNode *node, size_t size, uint64_t offset)
{
    ArecfsPush *push = request->server->push;
    ArecUpcoming upcoming;
    bool taken;

    if (push && arecfs_push_join (push, request, node, size, offset, &taken)) {
        return taken;
    }
    upcoming = note (node, offset);
    return push && upcoming.first < upcoming.end &&
           arecfs_push_begin (push, request, node, size, offset, &upcoming);
}

static void
answer_read (const ArecfsRequest *request)
{
    uint64_t offset = (uint64_t)request->offset;
    size_t size = request->size;
    ArecfsNode node;
    GError *error = NULL;

    if (!arecfs_tree_get (request->server->tree, request->ino, &node, &error)) {
        if (error) {
            arecfs_reply_error (request, error);
        } else {
            arecfs_reply_errno (request, ESTALE);
        }
    } else if (node.kind != ARECFS_RECORD) {
        arecfs_reply_errno (request, EISDIR);
    } else if (arec_reader_read_is_long (node.file->reader, node.record, offset, size)) {
        note_long (&node, offset);
        arecfs_long_reads_take (request->server->long_reads, request, &node, size, offset);
    } else if (!hand_over (request, &node, size, offset)) {
        arecfs_read_record (request, &node, size, offset);
    }
}

void
arecfs_op_read (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                struct fuse_file_info *info)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_READ, ino, NULL);

    (void)info;
    request.size = size;
    request.offset = offset;
    if (offset < 0) {
        arecfs_reply_errno (&request, EINVAL);
    } else if (arecfs_ino_is_control (ino)) {
        read_control (&request, size, offset);
    } else if (arecfs_ino_low (ino) == 0) {
        answer_read (&request);
    } else {
        arecfs_openings_serve (&request, answer_read);
    }
}
