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
} ArecfsAction;

typedef struct {
    ArecfsAction action;
    char *help; /* the text of --help, with ARECFS_HELP */
    char **sources;
    char *mount_point;
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
    bool allow_other;
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
