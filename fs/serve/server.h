/* One running mount: what every operation needs. Made by one thread, then shared by all. */
#pragma once

#include <fuse_lowlevel.h>

#include "count/control.h"
#include "count/counters.h"
#include "count/damage_log.h"
#include "mount/mount.h"
#include "serve/known.h"
#include "serve/probes.h"
#include "start/options.h"
#include "tree/tree.h"

typedef struct ArecfsPush ArecfsPush;
typedef struct ArecfsLongReads ArecfsLongReads;
typedef struct ArecfsLane ArecfsLane;
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
    ArecfsWatcher *watcher; /* NULL: no process aborts the connection if we are killed */
    ArecfsLongReads *long_reads;
    ArecfsLane *lane;         /* NULL: what waits for a network keeps the thread that serves */
    ArecfsOpenings *openings; /* NULL: files are opened by the thread that serves */
    bool is_left;             /* at the end, threads wait for a source: nothing may be freed */
    bool may_push;
    bool mounted;
    bool initialized;             /* INIT is answered */
    bool no_open;                 /* the kernel takes ENOSYS for: never ask again */
    bool may_look_up_in_parallel; /* the kernel offers it, and it was not asked for */
    bool other_fuse;              /* libfuse is not of the version that this was built with */
} ArecfsServer;

/* Makes the engine. server->options is set. */
void arecfs_server_make_engine (ArecfsServer *server);

/* Makes what else requests need: the folder of offloaded indexes, the tree of @list with
 * the files that are opened before the mount, counters, .arecfs.
 * Errors: those of opening. On failure arecfs_server_clear () still has to be called. */
bool arecfs_server_make (ArecfsServer *server, ArecSourceList *list, bool flat, GError **error);

/* Frees all of that, once no request is served any more. */
void arecfs_server_clear (ArecfsServer *server);
