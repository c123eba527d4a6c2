/* One running mount: what every operation needs. Made by one thread, then shared by all. */
#pragma once

#include <fuse_lowlevel.h>

#include "control.h"
#include "counters.h"
#include "damage_log.h"
#include "known.h"
#include "mount.h"
#include "options.h"
#include "probes.h"
#include "tree.h"

typedef struct ArecfsPush ArecfsPush;
typedef struct ArecfsLongReads ArecfsLongReads;
typedef struct ArecfsOpenings ArecfsOpenings;
typedef struct ArecfsWatcher ArecfsWatcher;

typedef struct {
    const ArecfsOptions *options;
    ArecEngine *engine;
    ArecfsTree *tree;
    ArecfsCounters counters;
    ArecfsControl *control;
    ArecfsDamageLog *damage;
    ArecfsKnown *known;
    ArecfsProbes *probes;
    ArecfsMount *mount;
    struct fuse_session *session;
    ArecfsPush *push;       /* NULL: nothing is pushed */
    ArecfsWatcher *watcher; /* NULL: nobody aborts the connection if we are killed */
    ArecfsLongReads *long_reads;
    ArecfsOpenings *openings; /* NULL: files are opened by the thread that serves */
    bool is_left;             /* at the end, threads wait for a source: nothing may be freed */
    bool may_push;
    bool mounted;
    bool initialized;             /* INIT is answered */
    bool no_open;                 /* the kernel takes ENOSYS for: never ask again */
    bool may_look_up_in_parallel; /* the kernel offers to, and has not been told */
    bool other_fuse;              /* libfuse is not of the version that this was built with */
} ArecfsServer;
