#include <arec/reader.h>

#include <string.h>

#include "base/option_text.h"

enum {
    MAX_PARALLELISM,
    READAHEAD_BUFFER_SIZE,
    INDEX_STORAGE_OPTION,
    FOOTER_PREFETCH_BYTES,
    N_OPTIONS,
};

#define GIB UINT64_C (1073741824)

/* container.md 9.4. footer_prefetch_bytes is known to the reference's Python package only,
 * which rejects it together with an offloaded index; an option without effect is no reason to
 * fail here. */
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
arec_reader_options_parse (const char *text, ArecReaderOptions *options, GError **error)
{
    ArecOptionValue values[N_OPTIONS];
    const ArecOptionValue *parallelism = &values[MAX_PARALLELISM];
    const ArecOptionValue *storage = &values[INDEX_STORAGE_OPTION];

    if (!arec_option_text_parse (text, rules, N_OPTIONS, values, error)) {
        return false;
    }
    memset (options, 0, sizeof *options);
    /* The members of an absent option and of `auto` are zero, which is the default. */
    options->has_max_parallelism = parallelism->position > 0 && parallelism->word < 0;
    options->max_parallelism = (uint32_t)parallelism->integer;
    options->has_readahead_buffer_size =
        values[READAHEAD_BUFFER_SIZE].position > 0 && values[READAHEAD_BUFFER_SIZE].word < 0;
    options->readahead_buffer_size = values[READAHEAD_BUFFER_SIZE].bytes;
    if (storage->position > 0) {
        options->index_storage = (ArecIndexStorage)storage->word;
    }
    options->footer_prefetch_bytes = values[FOOTER_PREFETCH_BYTES].bytes;
    return true;
}
