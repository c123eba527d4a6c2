/* fusermount3, which mounts and unmounts for users without privileges. */
#pragma once

#include <stdbool.h>

typedef enum {
    ARECFS_UNMOUNT_UNUSED, /* EBUSY while it is in use */
    ARECFS_UNMOUNT_LAZY,   /* at once; what is open goes on */
} ArecfsUnmountKind;

/* Unmounts whatever FUSE mount of this user is on top at @path. @reason (out, transfer full):
 * on failure, why, in one line. Starts a process and waits for it; any thread. */
bool arecfs_fusermount_unmount (const char *path, ArecfsUnmountKind kind, char **reason);

/* Between these two, what fusermount3 writes to stderr, started by libfuse, is kept. The second
 * returns it in one line, "" if it said nothing; what others wrote is passed on. */
typedef struct {
    int kept, stderr_copy;
} ArecfsSaid;

void arecfs_fusermount_listen (ArecfsSaid *said);
char *arecfs_fusermount_heard (ArecfsSaid *said);
