/* A process that aborts the mount's connection if the server is killed, or crashes.
 *
 * The kernel aborts a connection when its last descriptor is closed, which frees all callers
 * that wait for a reply. But a push thread that waits for a page, held by a reader whose READ
 * died with the server, can neither be killed nor close anything: both would wait for ever. So
 * where records are pushed, a process must be left that can abort.
 *
 * Started before there are threads or anything large: it is a fork, and keeps what it is born
 * with.
 */
#pragma once

#include <stdbool.h>

typedef struct ArecfsWatcher ArecfsWatcher;

/* Starts it. It ends with the thread that calls this. @argc and @argv are those of main (),
 * which the process that it is overwrites in its own memory. Returns NULL where it cannot be,
 * or could do nothing. Free with arecfs_watcher_free (). */
ArecfsWatcher *arecfs_watcher_start (int argc, char **argv);

/* From now on the connection of the mount on device 0:@minor is aborted. Returns whether we are
 * allowed to: it takes the kernel's fusectl filesystem, mounted where it usually is, or
 * CAP_SYS_ADMIN of the first user namespace. */
bool arecfs_watcher_arm (ArecfsWatcher *watcher, unsigned minor);

/* Whether it still runs; if not, it is reaped. Any thread but that which frees it. */
bool arecfs_watcher_is_there (ArecfsWatcher *watcher);

/* Ends it without aborting anything. May be NULL. */
void arecfs_watcher_free (ArecfsWatcher *watcher);
