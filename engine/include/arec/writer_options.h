/* How files are written, and the option strings of the reference's writer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/kind.h>
#include <arec/outputs.h>
#include <arec/visibility.h>

G_BEGIN_DECLS

/* How a file is written. The defaults are not zero: arec_writer_options_init (). */
typedef struct {
    uint32_t group_size;      /* records of a chunk, from 1; the last chunk may have fewer */
    uint32_t max_parallelism; /* groups that are encoded at the same time; 0: auto */
    /* Accepted, has no effect: milliseconds, from 1. */
    uint32_t saturation_delay_ms;
    bool transpose; /* records are messages, whose equal fields lie together */
    /* Bytes that are compressed together in a transposed chunk, from 1. */
    uint64_t transpose_bucket_size;
    bool pad_to_block_boundary; /* every chunk begins with a block of 64 KiB */
    ArecCodecName codec;        /* not MIXED */
    int level;                  /* brotli 0 .. 11, zstd -131072 .. 22, snappy 1 or 2, else 0 */
    /* log2 of the codec's window: brotli 10 .. 30, zstd 10 .. 31; 0: the codec's own, and the
     * only choice of the others. */
    int window_log;
    /* Option strings do not have the members below. */
    ArecOutputOptions output;
    uint64_t max_chunk_size; /* bytes of one chunk as it is read; 0: what a reader of this
                                process takes by default, see ArecEngineOptions */
    uint64_t max_memory;     /* bytes of all groups that are not written yet and of the codec
                                while it compresses them; one group may always be; 0: any */
} ArecWriterOptions;

/* What an empty string says: groups of one record by zstd, level 3, window_log 20; of the other
 * members the zeros. */
AREC_PUBLIC void arec_writer_options_init (ArecWriterOptions *options);

/* Parses `key:value,key:value` in the reference's grammar, plus the forms that its guide
 * prints, `16MB`, `512KB`, and sets all of @options.
 * Errors: INVALID with the reference's message. */
AREC_PUBLIC bool arec_writer_options_parse (const char *text, ArecWriterOptions *options,
                                            GError **error);

/* The same for @options that are in their ranges already: members that @text does not name
 * stay. A codec in @text replaces the earlier one with its level and window; a window_log alone
 * is one of the codec that stays. Errors: as above; @options are untouched. */
AREC_PUBLIC bool arec_writer_options_update (const char *text, ArecWriterOptions *options,
                                             GError **error);

/* The string that the reference would keep in a file that was written with @options; parsing it
 * gives the same file again. max_parallelism is left out if it is 0, a level of Snappy and
 * saturation_delay_ms always. Returns (transfer full). */
AREC_PUBLIC char *arec_writer_options_to_string (const ArecWriterOptions *options);

/* Whether the members are in their ranges, for options that were not parsed.
 * Errors: INVALID with the message that the string would get. */
AREC_PUBLIC bool arec_writer_options_check (const ArecWriterOptions *options, GError **error);

/* What a program may set max_memory to: an eighth of the memory that this process may use, at
 * least 256 MiB, but at most half of it. */
AREC_PUBLIC uint64_t arec_writer_auto_max_memory (void);

G_END_DECLS
