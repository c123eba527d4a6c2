/* What the command line says. Immutable after parsing. */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include <arec/arec.h>

#include "base/ownership.h"

typedef enum {
    ARECFS_RUN,
    ARECFS_HELP,
    ARECFS_VERSION,
    ARECFS_UNMOUNT,
} ArecfsAction;

typedef struct {
    ArecfsAction action;
    char *help;         /* the text of --help, with ARECFS_HELP */
    char **sources;     /* those that were typed, and after them those of files_from */
    char *files_from;   /* a list of sources; NULL: none */
    size_t n_typed;     /* sources that were typed */
    GArray *list_lines; /* of uint64_t: where the others stand in files_from; NULL: none */
    char *mount_point;
    char **unmounts; /* the mount points, with ARECFS_UNMOUNT */
    bool foreground;
    bool debug;

    const ArecProfile *profile; /* NULL: none; its settings are in the members below already */
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

    ArecfsOwnership ownership;
    bool allow_other;
    bool asked_rw;            /* and is mounted read-only all the same */
    bool remount;             /* of what is mounted already */
    unsigned max_read;        /* bytes; 0: not given */
    char *fsname;             /* NULL: made of the sources */
    GPtrArray *mount_options; /* strings for libfuse, unescaped */

    GLogLevelFlags log_level; /* this and everything graver */
    char *log_file;           /* NULL: stderr or syslog */
} ArecfsOptions;
