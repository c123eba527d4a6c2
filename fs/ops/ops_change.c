#include "ops/ops.h"

#include <errno.h>

#include "serve/request.h"

/* Our own mounts are `ro`, so the kernel answers. A mount that another process has made
 * (/dev/fd/N) may not be. */
static void
refuse (fuse_req_t req, fuse_ino_t ino, const char *name)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_CHANGE, ino, name);

    arecfs_reply_errno (&request, EROFS);
}

void
arecfs_op_setattr (fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set,
                   struct fuse_file_info *info)
{
    (void)st;
    (void)to_set;
    (void)info;
    refuse (req, ino, NULL);
}

void
arecfs_op_mknod (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
    (void)mode;
    (void)device;
    refuse (req, parent, name);
}

void
arecfs_op_mkdir (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    (void)mode;
    refuse (req, parent, name);
}

void
arecfs_op_unlink (fuse_req_t req, fuse_ino_t parent, const char *name)
{
    refuse (req, parent, name);
}

void
arecfs_op_rmdir (fuse_req_t req, fuse_ino_t parent, const char *name)
{
    refuse (req, parent, name);
}

void
arecfs_op_symlink (fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
    (void)target;
    refuse (req, parent, name);
}

void
arecfs_op_rename (fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                  const char *new_name, unsigned flags)
{
    (void)new_parent;
    (void)new_name;
    (void)flags;
    refuse (req, parent, name);
}

void
arecfs_op_link (fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
    (void)new_parent;
    refuse (req, ino, new_name);
}

void
arecfs_op_create (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                  struct fuse_file_info *info)
{
    (void)mode;
    (void)info;
    refuse (req, parent, name);
}

void
arecfs_op_write (fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
                 struct fuse_file_info *info)
{
    (void)data;
    (void)size;
    (void)offset;
    (void)info;
    refuse (req, ino, NULL);
}

void
arecfs_op_setxattr (fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
                    size_t size, int flags)
{
    (void)value;
    (void)size;
    (void)flags;
    refuse (req, ino, name);
}

void
arecfs_op_removexattr (fuse_req_t req, fuse_ino_t ino, const char *name)
{
    refuse (req, ino, name);
}

void
arecfs_op_fallocate (fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
                     struct fuse_file_info *info)
{
    (void)mode;
    (void)offset;
    (void)length;
    (void)info;
    refuse (req, ino, NULL);
}
