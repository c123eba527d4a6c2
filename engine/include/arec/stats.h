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

#include <stdbool.h>
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

/* What an engine counts of sources on servers. */
#define AREC_REMOTE_NUMBERS(X)                                                                 \
    X (bytes_received, COUNTER, "Bytes of answers that servers sent.")                         \
    X (bytes_wanted, COUNTER, "Bytes that reads of sources on servers asked for.")             \
    X (bytes_wasted, COUNTER, "Bytes received that left memory before they were read.")        \
    X (ranges_joined, COUNTER,                                                                 \
       "Times that a read found a range under way or asked for ahead.")                        \
    X (hedges, COUNTER, "Requests made once more because their first byte was late.")          \
    X (hedges_won, COUNTER, "Of these, those that were answered first.")                       \
    X (bought, COUNTER, "Bytes asked for because random reads had waited for long.")           \
    X (cancelled, COUNTER, "Requests cancelled because nobody wanted them any more.")          \
    X (throttled, COUNTER, "Answers by which a server wants fewer requests.")                  \
    X (changed, COUNTER, "Objects that were found changed after they were opened.")            \
    X (connections_opened, COUNTER, "Connections opened to servers.")                          \
    X (in_flight, GAUGE, "Requests in flight.")                                                \
    X (landed_bytes, GAUGE, "Bytes asked for ahead of readers that nobody has read yet.")      \
    X (window_bytes, GAUGE, "Bytes that should be on their way, of the last host.")            \
    X (rate_bytes_per_s, GAUGE, "Highest rate of delivery in 10 s, of the last host.")         \
    X (delay_us, GAUGE, "Least microseconds to a first byte in 10 s, of the last host.")

/* Counters in families, each with a label. F (FAMILY, LABEL, VALUES, HELP); the list of the
 * values has X (FAMILY, LABEL, VALUE). The member is FAMILY_VALUE. */
#define AREC_REMOTE_FAMILIES(F)                                                                \
    F (requests, kind, AREC_REMOTE_KINDS, "Requests sent to servers.")                         \
    F (retries, why, AREC_REMOTE_CAUSES, "Requests made again, by what came of the last try.") \
    F (errors, code, AREC_REMOTE_ENDS, "Requests that have ended without their bytes.")

#define AREC_REMOTE_KINDS(X, family, label)                                                    \
    X (family, label, open)                                                                    \
    X (family, label, range)                                                                   \
    X (family, label, list)                                                                    \
    X (family, label, token)

#define AREC_REMOTE_CAUSES(X, family, label)                                                   \
    X (family, label, connect)                                                                 \
    X (family, label, reset)                                                                   \
    X (family, label, stall)                                                                   \
    X (family, label, status)                                                                  \
    X (family, label, answer)

#define AREC_REMOTE_ENDS(X, family, label)                                                     \
    X (family, label, changed)                                                                 \
    X (family, label, no_ranges)                                                               \
    X (family, label, encoded)                                                                 \
    X (family, label, refused)                                                                 \
    X (family, label, failed)

/* The disk cache, of this process but for its size. A sector is 4 KiB. */
#define AREC_DISK_CACHE_NUMBERS(X)                                                             \
    X (hits, COUNTER, "Sectors that the disk cache gave.")                                     \
    X (misses, COUNTER, "Sectors that came from servers.")                                     \
    X (bad_sectors, COUNTER, "Sectors of the disk cache that did not match their hash.")       \
    X (written_bytes, COUNTER, "Bytes written to the disk cache.")                             \
    X (evicted_bytes, COUNTER, "Bytes of disk that were evicted from it.")                     \
    X (size, GAUGE, "Bytes of disk that it takes, as last measured.")

/* Histograms of microseconds: X (NAME, HELP). */
#define AREC_REMOTE_TIMES(X)                                                                   \
    X (first_byte, "Time from sending a request to the first byte of its answer.")             \
    X (request, "Time from asking for a range until it has come, all tries included.")         \
    X (wait, "Time that a read waited for servers.")

#define AREC_STATS_MEMBER(name, kind, help) uint64_t name;
#define AREC_STATS_VALUE(family, label, value) uint64_t family##_##value;
#define AREC_STATS_FAMILY(family, label, VALUES, help) VALUES (AREC_STATS_VALUE, family, label)
#define AREC_STATS_TIMES(name, help) ArecTimes name;

/* Bucket i holds times above AREC_TIMES_BOUND (i - 1) and up to AREC_TIMES_BOUND (i); the last
 * one has no upper bound. */
#define AREC_TIMES_BUCKETS 21
#define AREC_TIMES_BOUND(i) (UINT64_C (100) << (i)) /* microseconds */

typedef struct {
    uint64_t sum; /* microseconds */
    uint64_t max;
    uint64_t buckets[AREC_TIMES_BUCKETS];
} ArecTimes;

/* Since the engine was made. Each number is exact, but they are not of one moment. */
typedef struct {
    AREC_REMOTE_NUMBERS (AREC_STATS_MEMBER)
    AREC_REMOTE_FAMILIES (AREC_STATS_FAMILY)
    AREC_REMOTE_TIMES (AREC_STATS_TIMES)
} ArecRemoteStats;

/* Zeros without a disk cache. */
typedef struct {
    AREC_DISK_CACHE_NUMBERS (AREC_STATS_MEMBER)
} ArecDiskCacheStats;

/* As of ArecRemoteStats. */
typedef struct {
    AREC_ENGINE_NUMBERS (AREC_STATS_MEMBER)
    bool has_remote;        /* a source on a server was opened */
    ArecRemoteStats remote; /* else zeros */
    ArecDiskCacheStats disk_cache;
} ArecEngineStats;

typedef struct {
    AREC_MOUNT_NUMBERS (AREC_STATS_MEMBER)
} ArecMountNumbers;

#undef AREC_STATS_MEMBER
#undef AREC_STATS_VALUE
#undef AREC_STATS_FAMILY
#undef AREC_STATS_TIMES
