#include <arec/reader_options.h>

#include "base/option_text.h"

enum {
    MAX_PARALLELISM,
    READAHEAD_BUFFER_SIZE,
    INDEX_STORAGE_OPTION,
    FOOTER_PREFETCH_BYTES,
    N_OPTIONS,
};

#define GIB UINT64_C (1073741824)

/* FORMAT.md 13. Only the reference's Python package knows footer_prefetch_bytes, and rejects it
 * together with an offloaded index; here it has no effect, so it is no reason to fail. */
static const ArecOptionRule rules[N_OPTIONS] = {
    [MAX_PARALLELISM] = {.key = "max_parallelism",
                         .kind = AREC_OPTION_INT,
                         .words = {"auto"},
                         .max = INT32_MAX},
    [READAHEAD_BUFFER_SIZE] = {.key = "readahead_buffer_size",
                               .kind = AREC_OPTION_BYTES,
                               .words = {"auto"},
                               .max = GIB},
    [INDEX_STORAGE_OPTION] = {.key = "index_storage_option",
                              .kind = AREC_OPTION_WORDS,
                              .words = {[AREC_INDEX_AUTO] = "",
                                        [AREC_INDEX_IN_MEMORY] = "in_memory",
                                        [AREC_INDEX_OFFLOADED] = "offloaded"}},
    [FOOTER_PREFETCH_BYTES] = {.key = "footer_prefetch_bytes",
                               .kind = AREC_OPTION_BYTES,
                               .words = {"auto"},
                               .max = GIB},
};

bool
arec_reader_options_update (const char *text, ArecReaderOptions *options, GError **error)
{
    ArecOptionValue values[N_OPTIONS];
    const ArecOptionValue *parallelism = &values[MAX_PARALLELISM];
    const ArecOptionValue *readahead = &values[READAHEAD_BUFFER_SIZE];
    const ArecOptionValue *storage = &values[INDEX_STORAGE_OPTION];
    const ArecOptionValue *prefetch = &values[FOOTER_PREFETCH_BYTES];

    if (!arec_option_text_parse (text, rules, N_OPTIONS, values, error)) {
        return false;
    }
    /* The number of `auto` is zero, which is the default. */
    if (parallelism->position > 0) {
        options->has_max_parallelism = parallelism->word < 0;
        options->max_parallelism = (uint32_t)parallelism->integer;
    }
    if (readahead->position > 0) {
        options->has_readahead_buffer_size = readahead->word < 0;
        options->readahead_buffer_size = readahead->bytes;
    }
    if (storage->position > 0) {
        options->index_storage = (ArecIndexStorage)storage->word;
    }
    if (prefetch->position > 0) {
        options->footer_prefetch_bytes = prefetch->bytes;
    }
    return true;
}

bool
arec_reader_options_parse (const char *text, ArecReaderOptions *options, GError **error)
{
    ArecReaderOptions parsed = {0};

    if (!arec_reader_options_update (text, &parsed, error)) {
        return false;
    }
    *options = parsed;
    return true;
}
