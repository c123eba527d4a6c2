/* ArecEngine: what the readers of one program share: the chunk cache with its byte budget, the
 * pool of file descriptors, and the limits.
 *
 * Thread-safe. Reference counted; every reader holds a reference.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/cancel.h>
#include <arec/remote_options.h>
#include <arec/sources.h>
#include <arec/stats.h>
#include <arec/visibility.h>

G_BEGIN_DECLS

typedef struct ArecEngine ArecEngine;

/* Upper bound of max_parallelism; larger values are taken as this. */
#define AREC_MAX_PARALLELISM 1024

typedef struct {
    /* Bytes of decoded chunks to keep; 0: arec_engine_auto_cache_size (). */
    uint64_t cache_size;
    /* Chunks loaded at the same time; 0: max (8, CPUs). A load that has taken a second no
     * longer counts. Also the threads of a cursor or a batch; 0 there: CPUs. */
    unsigned max_parallelism;
    /* The engine starts no threads of its own; max_parallelism is taken as 1. */
    bool no_threads;
    /* Bytes of one decoded chunk, and of what decoding it needs beside the stored chunk;
     * 0: min (4 GiB, memory for all chunks together). */
    uint64_t max_chunk_size;
    /* Largest decoded size, in bytes, of a chunk that is decoded all at once. Larger ones are
     * decoded from front to end as readers need them, if their codec allows that. 0: 4 MiB. */
    uint64_t max_whole_chunk;
    /* Callers clear each view soon, and read nothing before they did. A load then waits for
     * views to be cleared instead of exceeding the memory limit. */
    bool views_are_brief;
    /* Descriptors kept open for sources; 0: from RLIMIT_NOFILE. */
    unsigned max_open_files;
    ArecRemoteOptions remote;
    /* Takes one line about what somebody may act on and no call fails for: trouble of the disk
     * cache, an object whose changes would not be noticed. Any thread, no lock held.
     * Nullable. */
    void (*warn) (const char *message, void *data);
    void *warn_data;
    /* Folder of the one temporary file that holds all offloaded indexes; copied. NULL: $TMPDIR,
     * or /tmp. */
    const char *index_dir;
    /* A transposed chunk may have this many decompressed header bytes, plus 64 KiB, for each
     * byte and record of it, and a quarter as many transitions, plus 64. 0: 64, four times what
     * writers need. */
    uint64_t max_transposed_ratio;
    /* Depth of nested messages in a transposed chunk; 0: 65536. */
    uint64_t max_transposed_depth;
} ArecEngineOptions;

/* @options  NULL for the defaults. Cannot fail; aborts if out of memory, as GLib does. */
AREC_PUBLIC ArecEngine *arec_engine_new (const ArecEngineOptions *options);
AREC_PUBLIC ArecEngine *arec_engine_ref (ArecEngine *engine);
AREC_PUBLIC void arec_engine_unref (ArecEngine *engine); /* takes NULL */

/* For a program that ends, and whose sources may hang: no chunk is decoded ahead any more.
 * @until  by g_get_monotonic_time (): how long to wait for the threads that decode ahead.
 * Returns false if some of them still wait for a source then: nothing made with the engine, and
 * nothing that waits for those threads, may be freed. */
AREC_PUBLIC bool arec_engine_stop (ArecEngine *engine, int64_t until);

/* Creates the temporary file for offloaded indexes now instead of with the first such index: an
 * unusable folder is reported early, and the folder is found before a mount covers it.
 * Errors: NOT_FOUND, IO. */
AREC_PUBLIC bool arec_engine_open_index_dir (ArecEngine *engine, GError **error);

/* What is added to @list from now on may be prefixes and globs of buckets, which are listed by
 * what @engine knows of servers. Without, they are UNSUPPORTED. A bucket is listed when its
 * prefix or glob is added, and never again.
 * @engine  outlives the additions.
 * @cancel  nullable, outlives the additions: once it is set, they end with CANCELLED. */
AREC_PUBLIC void arec_engine_list_buckets (ArecEngine *engine, ArecSourceList *list,
                                           const ArecCancel *cancel);

/* Opens the disk cache of the options, if there is one, now instead of with the first source on
 * a server: an unusable directory is reported early, and is found before a mount covers it.
 * Errors: INVALID, it is a link or no directory, or others may write there; NOT_FOUND, IO. */
AREC_PUBLIC bool arec_engine_open_cache_dir (ArecEngine *engine, GError **error);

/* The most chunks loaded at the same time, at least 1: max_parallelism, or its default. */
AREC_PUBLIC unsigned arec_engine_max_loads (const ArecEngine *engine);

AREC_PUBLIC void arec_engine_get_stats (ArecEngine *engine, ArecEngineStats *stats);

/* An eighth of the memory that this process may use (the cgroup's limit or the machine's,
 * whichever is less), at least 32 MiB and at most 1 GiB. */
AREC_PUBLIC uint64_t arec_engine_auto_cache_size (void);

/* What 0 stands for in max_chunk_size: 4 GiB, or what chunks may take of the memory of this
 * process. */
AREC_PUBLIC uint64_t arec_engine_auto_max_chunk_size (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecEngine, arec_engine_unref)

G_END_DECLS
