/* ArecEngine: what the readers of one program share: the chunk cache with its byte budget, the
 * pool of file descriptors, and the limits.
 *
 * Thread-safe. Reference counted; every reader holds a reference.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

typedef struct ArecEngine ArecEngine;

/* The most that max_parallelism may be; more is taken as this. */
#define AREC_MAX_PARALLELISM 1024

typedef struct {
    uint64_t
        cache_size; /* bytes of decoded chunks to keep; 0: arec_engine_auto_cache_size () */
    unsigned max_parallelism; /* chunks loaded at the same time; 0: max (8, CPUs). Threads of a
                                 scan or a batch, too; 0: CPUs */
    bool no_threads;         /* no thread but the callers' own does anything; max_parallelism is
                                taken as 1 */
    uint64_t max_chunk_size; /* bytes of one decoded chunk and of what decoding it needs beside
                                the stored chunk; 0: min (4 GiB, what chunks may take in all) */
    uint64_t max_whole_chunk; /* bytes of a decoded chunk that is decoded all at once; larger
                                 ones are decoded from front to end as readers need them, where
                                 their codec allows it. 0: 4 MiB */
    bool views_are_brief;     /* who reads clears each view soon, and reads nothing meanwhile:
                                 what readers hold is waited for instead of going beyond what
                                 memory allows */
    unsigned max_open_files;  /* descriptors kept open for sources; 0: from RLIMIT_NOFILE */
    const char *index_dir;    /* folder of the one temporary file that holds all offloaded
                                 indexes; copied. NULL: $TMPDIR, or /tmp */
    uint64_t max_transposed_ratio; /* decompressed header bytes that a transposed chunk may have
                                      for each byte and record of it (and 64 KiB), and four
                                      times its transitions (and 64); 0: 64, 4 times what
                                      writers need */
    uint64_t max_transposed_depth; /* messages within messages of a transposed chunk; 0: 65536
                                    */
} ArecEngineOptions;

/* Counters since the engine was made; each is exact, together they are not a snapshot. */
typedef struct {
    uint64_t cache_budget; /* bytes */
    uint64_t cache_used;   /* bytes of chunks, size lists, indexes and loads in flight */
    uint64_t cache_alive;  /* the same, with chunks that left and are held, and with what loads
                              need meanwhile */
    uint64_t index_used;   /* bytes of memory of the indexes of open files */
    uint64_t index_offloaded_bytes; /* bytes of them in the temporary file */
    uint64_t index_reads;           /* reads of that file */
    uint64_t cache_entries;
    uint64_t cache_hits;   /* wanted and there */
    uint64_t cache_misses; /* wanted and loaded by the asking thread */
    uint64_t cache_joins;  /* wanted while another thread was loading it */
    uint64_t cache_evictions;
    uint64_t chunks_ahead;         /* loaded by readahead */
    uint64_t chunks_ahead_used;    /* of these, those that were asked for then */
    uint64_t chunks_ahead_wasted;  /* and those that left the cache without */
    uint64_t chunks_ahead_refused; /* not loaded, as too much was ahead already */
    uint64_t chunks_decoded;  /* decodes that succeeded, or that go on as readers need it */
    uint64_t chunks_failed;   /* loads that failed, size lists included, and decodes that
                                 could not go on */
    uint64_t damages_known;   /* chunks and size lists that are remembered as damaged */
    uint64_t damage_hits;     /* reads and sizes that were refused because of that */
    uint64_t size_lists_read; /* size lists read without their chunk */
    uint64_t decoded_bytes;   /* record bytes made by decodes */
    uint64_t source_reads;    /* read calls on sources */
    uint64_t source_bytes;    /* bytes that these gave */
    uint64_t files_open;      /* descriptors of sources open now */
} ArecEngineStats;

/* @options  NULL for the defaults. Never fails but by lack of memory, which aborts as in GLib.
 */
AREC_PUBLIC ArecEngine *arec_engine_new (const ArecEngineOptions *options);
AREC_PUBLIC ArecEngine *arec_engine_ref (ArecEngine *engine);
AREC_PUBLIC void arec_engine_unref (ArecEngine *engine); /* takes NULL */

/* Makes the temporary file for offloaded indexes now, and not when the first file with one is
 * opened: tells early that the folder is unusable, and finds it before a mount covers it.
 * Errors: NOT_FOUND, IO. */
AREC_PUBLIC bool arec_engine_open_index_dir (ArecEngine *engine, GError **error);

/* Chunks loaded at the same time at most, at least 1: max_parallelism, or what 0 stands for. */
AREC_PUBLIC unsigned arec_engine_max_loads (const ArecEngine *engine);

AREC_PUBLIC void arec_engine_get_stats (ArecEngine *engine, ArecEngineStats *stats);

/* An eighth of the memory that this process may use (the cgroup's limit or the machine's,
 * whichever is less), at least 32 MiB and at most 1 GiB. */
AREC_PUBLIC uint64_t arec_engine_auto_cache_size (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecEngine, arec_engine_unref)

G_END_DECLS
