#include "ops/ops.h"

#include <errno.h>
#include <fcntl.h>

#include "read/route.h"
#include "serve/openings.h"
#include "tree/inodes.h"

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

/* No ioctl is supported. It comes often: open () of Python asks whether each file is a
 * terminal, and the kernel offers no way to stop these requests. */
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

static void
answer_read (const ArecfsRequest *request)
{
    ArecfsRead read = {
        .request = *request, .size = request->size, .offset = (uint64_t)request->offset};
    GError *error = NULL;

    if (!arecfs_tree_get (request->server->tree, request->ino, &read.node, &error)) {
        if (error) {
            arecfs_reply_error (request, error);
        } else {
            arecfs_reply_errno (request, ESTALE);
        }
    } else if (read.node.kind != ARECFS_RECORD) {
        arecfs_reply_errno (request, EISDIR);
    } else {
        arecfs_route_read (&read);
    }
}

void
arecfs_op_read (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                struct fuse_file_info *info)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_READ, ino, NULL);

    request.size = size;
    request.offset = offset;
    request.is_direct = (info->flags & O_DIRECT) != 0;
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
