/* The FUSE session of one server: mounting, the kernel's first request, the loop,
 * unmounting. */
#pragma once

#include <stdbool.h>

#include "mount.h"
#include "server.h"

/* Mounts @server on server->mount and answers the kernel's INIT: when this returns OK, the tree
 * can be read as soon as arecfs_session_run () is called. Sets server->session. Signals that
 * end are held already (arecfs_loop_hold_signals ()). One thread. */
ArecfsMountResult arecfs_session_mount (ArecfsServer *server, GError **error);

/* Serves until unmounted or told to end by a signal; then unmounts. Returns whether that went
 * well. Starts threads. */
bool arecfs_session_run (ArecfsServer *server);

/* Ends the connection, unmounts what is still ours and frees the session; for a server that is
 * mounted but does not run. */
void arecfs_session_end (ArecfsServer *server);
