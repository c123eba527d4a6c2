/* ArecNewFile: a file that is made in a directory and gets its name there when it is complete.
 *
 *     nameless   --link-->                     NAME      nothing had the name
 *     nameless   --link-->  hidden --change--> NAME      a file had it
 *     hidden                --change-->        NAME      where there are no nameless files
 *
 * "Change" exchanges the two where an old file is to come back should its directory not be
 * synced; the old one, now hidden, is removed last. The hidden name is `.arec-` and 16 hex
 * digits.
 *
 * One thread at a time for each file. A signal's handler may call arec_outputs_abort () at any
 * moment. Failures set errno.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

typedef struct ArecUnfinished ArecUnfinished;

/* The moment from which names stay, whatever comes: one for all files that get theirs together.
 * Zeroed, it has not come. */
typedef struct {
    _Atomic bool has_come;
    /* A name was given that cannot be taken back, so a signal lets the others follow. */
    _Atomic bool is_bound;
} ArecCommitPoint;

typedef struct {
    int dir_fd;       /* not owned */
    const char *name; /* below it; not owned */
    int fd;           /* open for writing; -1: none */
    bool is_nameless;
    ArecCommitPoint *point;     /* not owned; NULL: the file gets its name alone */
    ArecUnfinished *unfinished; /* what a signal has to undo; NULL: nothing */
} ArecNewFile;

typedef enum {
    AREC_PLACE_NEW,     /* nothing may have the name */
    AREC_PLACE_OVER,    /* a regular file may, which is gone then */
    AREC_PLACE_SWAPPED, /* a regular file may, which a discard brings back */
} ArecPlacing;

/* Makes the file, with the mode @mode & ~umask, or as the directory's default access control
 * list says. Discard it also on failure. */
bool arec_new_file_create (ArecNewFile *file, int dir_fd, const char *name, mode_t mode);

/* The file is to get the name @name in @dir_fd, a descriptor of its directory. Before it is
 * placed. */
void arec_new_file_aim (ArecNewFile *file, int dir_fd, const char *name);

/* The file gets its name together with all others that join @point, which outlives it. Before
 * it is placed. */
void arec_new_file_join (ArecNewFile *file, ArecCommitPoint *point);

/* Gives the descriptor up, as there are too many. The file has a hidden name from then on. */
bool arec_new_file_park (ArecNewFile *file);

/* Opens a parked file again. */
bool arec_new_file_reopen (ArecNewFile *file);

/* Gives the file its name. A discard still undoes that. EEXIST and EISDIR: something has the
 * name that is not to be replaced. SWAPPED is OVER where the file system cannot exchange, then
 * its directory is synced before. */
bool arec_new_file_place (ArecNewFile *file, ArecPlacing placing);

/* Syncs the directory, so that the name is durable. */
bool arec_new_file_sync_name (const ArecNewFile *file);

/* The name stays, and the file that had it goes. No signal undoes that. A file that is alone is
 * counted as a complete output. */
bool arec_new_file_keep (ArecNewFile *file);

/* Undoes the place, unless the name stays. Returns whether the file has the name no more. */
bool arec_new_file_take_back (ArecNewFile *file);

/* Frees; undoes what was not kept. Takes a file that is freed already. */
void arec_new_file_discard (ArecNewFile *file);
