/* A request from its receipt to its one reply: counting, timing, tracing, and errors as errno.
 *
 * Lives on the stack of the thread that serves it, or as a copy with another thread that will
 * answer it. Each operation begins with arecfs_request_begin () and ends in exactly one of the
 * replies below.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serve/server.h"

typedef struct {
    ArecfsServer *server;
    fuse_req_t req;
    ArecfsRequestKind kind;
    uint64_t ino;
    uint64_t begun; /* by arecfs_counters_now () */
    /* Arguments, of requests that have them. */
    const char *name; /* libfuse's, as long as the operation runs: a copy of the request has
                         none, or its own */
    size_t size;
    off_t offset;
    bool is_direct;  /* a READ whose bytes pass by the page cache: O_DIRECT */
    bool is_in_lane; /* of a copy: its thread may wait for a network */
    uint64_t handle; /* of an open directory */
} ArecfsRequest;

/* Replies to a request. */
typedef void (*ArecfsAnswer) (const ArecfsRequest *request);

/* @name  of LOOKUP and GETXATTR, else NULL. */
ArecfsRequest arecfs_request_begin (fuse_req_t req, ArecfsRequestKind kind, uint64_t ino,
                                    const char *name);

void arecfs_reply_errno (const ArecfsRequest *request, int number);
/* Logs @error once, replies with its errno and frees it. */
void arecfs_reply_error (const ArecfsRequest *request, GError *error);
/* The same for a failure to read @node, or to find its size: the line names the records that
 * are lost. */
void arecfs_reply_node_error (const ArecfsRequest *request, const ArecfsNode *node,
                              GError *error);
/* The same for one that is logged already. */
void arecfs_reply_logged_error (const ArecfsRequest *request, GError *error);
/* There is no such name: the kernel may remember that for ever. */
void arecfs_reply_absent (const ArecfsRequest *request);
void arecfs_reply_entry (const ArecfsRequest *request, const struct fuse_entry_param *entry);
void arecfs_reply_attr (const ArecfsRequest *request, const struct stat *st, double timeout);
void arecfs_reply_data (const ArecfsRequest *request, const void *data, size_t size);
void arecfs_reply_xattr_size (const ArecfsRequest *request, size_t size);
void arecfs_reply_statfs (const ArecfsRequest *request, const struct statvfs *st);
/* Returns whether the kernel has taken it; if not, there will be no release. */
bool arecfs_reply_open (const ArecfsRequest *request, const struct fuse_file_info *info);
void arecfs_reply_none (const ArecfsRequest *request);

/* Seconds for which the kernel may trust an answer: for ever, because nothing here changes. */
#define ARECFS_FOREVER 1e9
