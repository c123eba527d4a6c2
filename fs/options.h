/* The command line of arecfs: one table serves `--name value` and `-o name=value`.
 *
 * Immutable after parsing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <glib.h>

#include <arec/arec.h>

typedef enum {
    ARECFS_RUN,
    ARECFS_HELP,
    ARECFS_VERSION,
    ARECFS_UNMOUNT,
} ArecfsAction;

typedef struct {
    ArecfsAction action;
    char *help; /* the text of --help, with ARECFS_HELP */
    char **sources;
    char *mount_point;
    char **unmounts; /* the mount points, with ARECFS_UNMOUNT */
    bool foreground;
    bool debug;

    ArecEngineOptions engine;
    ArecReaderOptions reader;
    char *index_dir; /* absolute; what engine points to */
    bool merge;
    bool plain_names;
    char *suffix; /* NULL: none; "auto": by magic bytes */
    GPtrArray *patterns;
    bool strict;
    bool no_push;
    unsigned idle_unmount; /* seconds; 0: never */

    bool has_uid, has_gid, has_umask;
    uid_t uid;
    gid_t gid;
    mode_t umask;
    bool has_fmask, has_dmask; /* these two win over umask, for records and for directories */
    mode_t fmask, dmask;
    bool allow_other;
    bool asked_rw;            /* and is mounted read-only all the same */
    bool remount;             /* of what is mounted already */
    unsigned max_read;        /* bytes; 0: not given */
    char *fsname;             /* NULL: made of the sources */
    GPtrArray *mount_options; /* strings for libfuse, unescaped */

    GLogLevelFlags log_level; /* this and everything graver */
    char *log_file;           /* NULL: stderr or syslog */
} ArecfsOptions;

/* Errors: INVALID (usage), UNSUPPORTED (an option that this build has not). NULL with @error
 * set. */
ArecfsOptions *arecfs_options_parse (int argc, char **argv, GError **error);
void arecfs_options_free (ArecfsOptions *options); /* takes NULL */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecfsOptions, arecfs_options_free)
