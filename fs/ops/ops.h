/* The operations, by family; contracts are libfuse's (fuse_lowlevel.h). */
#pragma once

#include <fuse_lowlevel.h>

/* All of them but `init`: what makes a session copies this and adds its own. */
extern const struct fuse_lowlevel_ops arecfs_operations;

/* ops_names.c: what is where */
void arecfs_op_lookup (fuse_req_t req, fuse_ino_t parent, const char *name);
void arecfs_op_forget (fuse_req_t req, fuse_ino_t ino, uint64_t n);
void arecfs_op_forget_multi (fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void arecfs_op_getattr (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info);
void arecfs_op_access (fuse_req_t req, fuse_ino_t ino, int mask);
void arecfs_op_statfs (fuse_req_t req, fuse_ino_t ino);

/* ops_list.c: directories */
void arecfs_op_opendir (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info);
void arecfs_op_readdir (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                        struct fuse_file_info *info);
void arecfs_op_readdirplus (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                            struct fuse_file_info *info);
void arecfs_op_releasedir (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info);

/* ops_read.c: contents */
void arecfs_op_open (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info);
void arecfs_op_read (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                     struct fuse_file_info *info);
void arecfs_op_flush (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info);
void arecfs_op_release (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info);
void arecfs_op_ioctl (fuse_req_t req, fuse_ino_t ino, unsigned command, void *arg,
                      struct fuse_file_info *info, unsigned flags, const void *in,
                      size_t in_size, size_t out_size);

/* ops_xattr.c: extended attributes */
void arecfs_op_getxattr (fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void arecfs_op_listxattr (fuse_req_t req, fuse_ino_t ino, size_t size);

/* ops_change.c: everything that would change something */
void arecfs_op_setattr (fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set,
                        struct fuse_file_info *info);
void arecfs_op_mknod (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                      dev_t device);
void arecfs_op_mkdir (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void arecfs_op_unlink (fuse_req_t req, fuse_ino_t parent, const char *name);
void arecfs_op_rmdir (fuse_req_t req, fuse_ino_t parent, const char *name);
void arecfs_op_symlink (fuse_req_t req, const char *target, fuse_ino_t parent,
                        const char *name);
void arecfs_op_rename (fuse_req_t req, fuse_ino_t parent, const char *name,
                       fuse_ino_t new_parent, const char *new_name, unsigned flags);
void arecfs_op_link (fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent,
                     const char *new_name);
void arecfs_op_create (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                       struct fuse_file_info *info);
void arecfs_op_write (fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
                      off_t offset, struct fuse_file_info *info);
void arecfs_op_setxattr (fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
                         size_t size, int flags);
void arecfs_op_removexattr (fuse_req_t req, fuse_ino_t ino, const char *name);
void arecfs_op_fallocate (fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
                          struct fuse_file_info *info);
