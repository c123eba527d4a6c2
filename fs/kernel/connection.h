/* The connection to the kernel: mounting, the kernel's first request, and the end of both. One
 * thread.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "mount/mount.h"
#include "serve/server.h"

/* Whether the options fit server->mount: what another process has mounted is not ours to
 * unmount, nor to bring options with it. Errors: INVALID. */
bool arecfs_connection_check (const ArecfsServer *server, GError **error);

/* Mounts @server on server->mount and answers the kernel's INIT: when this returns OK, the tree
 * can be read as soon as arecfs_session_run () is called. Sets server->session. Signals that
 * end are held already (arecfs_loop_hold_signals ()). */
ArecfsMountResult arecfs_connection_open (ArecfsServer *server, GError **error);

/* Ends the connection, unmounts what is still ours and frees the session; for a server that
 * does not run, or no more. The connection ends first: then no user of a mount that is left
 * hangs. */
void arecfs_connection_close (ArecfsServer *server);

/* The same while threads that cannot be ended may still use the session: its descriptor leads
 * nowhere from now on, and keeps its number. */
void arecfs_connection_leave (ArecfsServer *server);
