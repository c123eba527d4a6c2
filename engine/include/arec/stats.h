/* Every number that an engine or a mount counts, each listed once. Structs, texts and parsers
 * are made of these lists: a number that is added here appears in all of them.
 *
 *     X (NAME, KIND, HELP)
 *
 *     NAME  of the member of the struct, and in JSON and Prometheus texts
 *     KIND  COUNTER: only grows. GAUGE: goes up and down
 *     HELP  a sentence
 *
 * Programs that read the texts know the names: none changes or goes.
 */
#pragma once

#include <stdint.h>

/* What an engine counts: arec_engine_get_stats (). */
#define AREC_ENGINE_NUMBERS(X)                                                                 \
    X (cache_budget, GAUGE, "Bytes that the chunk cache may use.")                             \
    X (cache_used, GAUGE, "Bytes of chunks, size lists, indexes and loads in flight.")         \
    X (cache_alive, GAUGE,                                                                     \
       "Bytes of cache_used, evicted chunks still held, and what loads need besides.")         \
    X (index_used, GAUGE, "Bytes of memory that the indexes of open files take.")              \
    X (index_offloaded_bytes, GAUGE, "Bytes of indexes in the temporary file.")                \
    X (index_reads, COUNTER, "Reads of indexes in the temporary file.")                        \
    X (cache_entries, GAUGE, "Chunks and size lists in the cache.")                            \
    X (cache_hits, COUNTER, "Chunks and size lists asked for that the cache held.")            \
    X (cache_misses, COUNTER,                                                                  \
       "Chunks and size lists asked for that the asking thread loaded.")                       \
    X (cache_joins, COUNTER,                                                                   \
       "Chunks and size lists asked for that another thread was loading.")                     \
    X (cache_evictions, COUNTER, "Chunks and size lists evicted from the cache.")              \
    X (chunks_ahead, COUNTER, "Chunks that readahead loaded.")                                 \
    X (chunks_ahead_used, COUNTER, "Chunks of readahead that were asked for afterwards.")      \
    X (chunks_ahead_wasted, COUNTER, "Chunks of readahead that left the cache unused.")        \
    X (chunks_ahead_refused, COUNTER,                                                          \
       "Chunks that readahead did not load because enough was loaded ahead.")                  \
    X (chunks_decoded, COUNTER, "Chunks decoded, at once or as readers need them.")            \
    X (chunks_failed, COUNTER,                                                                 \
       "Loads of chunks and size lists that failed, and decodes that could not go on.")        \
    X (damages_known, GAUGE, "Chunks and size lists that are remembered as damaged.")          \
    X (damage_hits, COUNTER,                                                                   \
       "Reads of records and sizes refused because the chunk is known to be damaged.")         \
    X (size_lists_read, COUNTER, "Size lists read without their chunk.")                       \
    X (decoded_bytes, COUNTER, "Bytes of records made by decoding.")                           \
    X (source_reads, COUNTER, "Read calls on sources.")                                        \
    X (source_bytes, COUNTER, "Bytes read from sources.")                                      \
    X (files_open, GAUGE, "Open file descriptors of sources.")

/* What a mount of arecfs counts besides these and the requests of each kind. */
#define AREC_MOUNT_NUMBERS(X)                                                                  \
    X (errors, COUNTER, "Replies that report a failure; an absent name is not one.")           \
    X (read_bytes, COUNTER, "Bytes of records given to the kernel by READ.")                   \
    X (pushes_kept, COUNTER, "Records stored in the page cache before they were asked for.")   \
    X (pushes_refused, COUNTER, "Records that the kernel did not want to store.")              \
    X (pushes_dropped, COUNTER, "Records not pushed because too many requests waited.")        \
    X (pushed_bytes, COUNTER, "Bytes of the records stored in the page cache.")

#define AREC_STATS_MEMBER(name, kind, help) uint64_t name;

/* Since the engine was made. Each number is exact, but they are not of one moment. */
typedef struct {
    AREC_ENGINE_NUMBERS (AREC_STATS_MEMBER)
} ArecEngineStats;

typedef struct {
    AREC_MOUNT_NUMBERS (AREC_STATS_MEMBER)
} ArecMountNumbers;

#undef AREC_STATS_MEMBER
