/* The FUSE session of one server: mounting, the kernel's first request, the loop, idling,
 * unmounting. */
#pragma once

#include <stdbool.h>

#include "server.h"

typedef enum {
    ARECFS_MOUNT_OK,
    ARECFS_MOUNT_POINT_BAD,   /* exit code 7 */
    ARECFS_MOUNT_UNAVAILABLE, /* exit code 8 */
    ARECFS_MOUNT_FAILED,      /* exit code 1 */
} ArecfsMountResult;

/* Whether @path can be mounted on and FUSE is there, before anything is opened. */
ArecfsMountResult arecfs_session_check (const char *path, GError **error);

/* Mounts @server on the absolute @path and answers the kernel's INIT: when this returns OK, the
 * tree can be read as soon as arecfs_session_run () is called. Sets server->session. One
 * thread. */
ArecfsMountResult arecfs_session_mount (ArecfsServer *server, const char *path, GError **error);

/* Serves until unmounted or told to end by a signal; then unmounts. Returns whether that went
 * well. Starts threads. */
bool arecfs_session_run (ArecfsServer *server, const char *path);

/* Unmounts and frees the session; for a server that is mounted but does not run. */
void arecfs_session_end (ArecfsServer *server);
