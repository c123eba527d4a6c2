/* How files are opened, and the option strings of the reference. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/cancel.h>
#include <arec/kind.h>
#include <arec/progress.h>
#include <arec/visibility.h>

G_BEGIN_DECLS

typedef enum {
    /* In memory, as long as all indexes of the engine together take less than half of its
     * cache_size; offloaded from then on, if the temporary file can be written and is not in
     * memory itself (tmpfs). */
    AREC_INDEX_AUTO,
    AREC_INDEX_IN_MEMORY, /* 2 to 8 bytes a chunk */
    AREC_INDEX_OFFLOADED, /* in the engine's temporary file, 24 bytes a chunk: opening takes
                             a few MiB for any number of chunks, and each access one read of
                             that file, which may fail (IO) */
} ArecIndexStorage;

/* The reader options of the reference (its grammar, its messages), plus the forms that its
 * guide prints: `16MB`, `512KB`, `auto`. Zero-initialised members are the defaults. */
typedef struct {
    bool has_max_parallelism;
    uint32_t max_parallelism;       /* 0: no thread but the caller's */
    bool has_readahead_buffer_size; /* false: the caller chooses */
    uint64_t readahead_buffer_size; /* bytes; 0: no readahead */
    ArecIndexStorage index_storage;
    uint64_t footer_prefetch_bytes; /* accepted, has no effect */
    /* Option strings do not have the members below. */
    ArecKind kind;             /* what to take files for */
    bool recover;              /* if an index is damaged or lost, take what a scan finds */
    ArecProgressFunc progress; /* of such scans, and of those of plain Riegeli/records files;
                                  nullable */
    void *progress_data;
    const ArecCancel *cancel; /* once set, opening ends with CANCELLED within one read; not
                                 used after opening has ended. NULL: none */
} ArecReaderOptions;

/* Parses `key:value,key:value`. Errors: INVALID with the reference's message. */
AREC_PUBLIC bool arec_reader_options_parse (const char *text, ArecReaderOptions *options,
                                            GError **error);

/* The same, but members that @text does not name stay. Errors: as above; @options are
 * untouched. */
AREC_PUBLIC bool arec_reader_options_update (const char *text, ArecReaderOptions *options,
                                             GError **error);

G_END_DECLS
