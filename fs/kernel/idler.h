/* Unmounts the server's mount once it was not used for a time.
 *
 * By the kernel's own word where we may unmount: MNT_EXPIRE marks a mount, any use of it takes
 * the mark off, and what is still marked the next time is unmounted. A mount that came over
 * ours bears no mark, and is looked for before each call.
 *
 * By fusermount3 where we may not: it refuses while something is open or a working directory.
 * A reader of what is in the page cache asks us nothing. A watch (inotify) on each directory
 * whose records may be there sees such readers.
 */
#pragma once

#include "serve/server.h"

typedef struct ArecfsIdler ArecfsIdler;

/* Starts it for server->options->idle_unmount seconds. NULL: never asked for, or with a line of
 * the log, not possible. Stop with arecfs_idler_stop (). */
ArecfsIdler *arecfs_idler_start (ArecfsServer *server);

/* Ends and frees it. May be NULL. */
void arecfs_idler_stop (ArecfsIdler *idler);
