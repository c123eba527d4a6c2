#include "writer/writer_options.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/memory_limit.h"
#include "base/option_text.h"

/* In the order in which messages list the keys. */
enum {
    DEFAULT,
    GROUP_SIZE,
    MAX_PARALLELISM,
    SATURATION_DELAY_MS,
    TRANSPOSE,
    TRANSPOSE_BUCKET_SIZE,
    UNCOMPRESSED,
    BROTLI,
    ZSTD,
    SNAPPY,
    WINDOW_LOG,
    PAD_TO_BLOCK_BOUNDARY,
    N_OPTIONS,
};

/* The words of boolean options: what an empty value means is the option's own affair. */
enum { EMPTY, TRUE_WORD };

#define WORD_AUTO 0
#define MAX_BROTLI_WINDOW_LOG 30

/* FORMAT.md 13. What is for later is judged when the codec is known. */
static const ArecOptionRule rules[N_OPTIONS] = {
    [DEFAULT] = {.key = "default", .kind = AREC_OPTION_ANY, .must_be_first = true},
    [GROUP_SIZE] = {.key = "group_size", .kind = AREC_OPTION_INT, .min = 1, .max = INT32_MAX},
    [MAX_PARALLELISM] = {.key = "max_parallelism",
                         .kind = AREC_OPTION_INT,
                         .words = {[WORD_AUTO] = "auto"},
                         .min = 1,
                         .max = INT32_MAX},
    [SATURATION_DELAY_MS] = {.key = "saturation_delay_ms",
                             .kind = AREC_OPTION_INT,
                             .min = 1,
                             .max = INT32_MAX},
    [TRANSPOSE] = {.key = "transpose",
                   .kind = AREC_OPTION_WORDS,
                   .words = {[EMPTY] = "", [TRUE_WORD] = "true", "false"}},
    [TRANSPOSE_BUCKET_SIZE] = {.key = "transpose_bucket_size",
                               .kind = AREC_OPTION_BYTES,
                               .words = {[WORD_AUTO] = "auto"},
                               .min = 1,
                               .max = UINT64_MAX},
    [UNCOMPRESSED] = {.key = "uncompressed",
                      .kind = AREC_OPTION_WORDS,
                      .words = {""},
                      .later = true},
    [BROTLI] = {.key = "brotli",
                .kind = AREC_OPTION_INT,
                .words = {""},
                .min = 0,
                .max = 11,
                .later = true},
    [ZSTD] = {.key = "zstd",
              .kind = AREC_OPTION_INT,
              .words = {""},
              .min = -131072,
              .max = 22,
              .later = true},
    [SNAPPY] = {.key = "snappy",
                .kind = AREC_OPTION_INT,
                .words = {""},
                .min = 1,
                .max = 2,
                .later = true},
    [WINDOW_LOG] = {.key = "window_log",
                    .kind = AREC_OPTION_INT,
                    .words = {[WORD_AUTO] = "auto"},
                    .min = 10,
                    .max = 31, /* of zstd */
                    .later = true},
    [PAD_TO_BLOCK_BOUNDARY] = {.key = "pad_to_block_boundary",
                               .kind = AREC_OPTION_WORDS,
                               .words = {[EMPTY] = "", [TRUE_WORD] = "true", "false"}},
};

static const ArecWriterOptions defaults = {
    .group_size = 1,
    .max_parallelism = 0,
    .saturation_delay_ms = 10,
    .transpose_bucket_size = 256,
    .codec = AREC_CODEC_ZSTD,
    .level = 3,
    .window_log = 20,
};

/* The codecs by their public names; a level is the one of a key without a value. */
static const struct {
    ArecCompression compression;
    int key;
    bool has_window, has_level;
} codecs[] = {
    [AREC_CODEC_NONE] = {AREC_COMPRESSION_NONE, UNCOMPRESSED, false, false},
    [AREC_CODEC_BROTLI] = {AREC_COMPRESSION_BROTLI, BROTLI, true, true},
    [AREC_CODEC_ZSTD] = {AREC_COMPRESSION_ZSTD, ZSTD, true, true},
    [AREC_CODEC_SNAPPY] = {AREC_COMPRESSION_SNAPPY, SNAPPY, false, false},
};

void
arec_writer_options_init (ArecWriterOptions *options)
{
    *options = defaults;
}

ArecCodecOptions
arec_writer_options_codec (const ArecWriterOptions *options)
{
    return (ArecCodecOptions){.compression = codecs[options->codec].compression,
                              .level = options->level,
                              .has_window_log = options->window_log > 0,
                              .window_log = options->window_log};
}

void
arec_writer_options_set_codec (ArecWriterOptions *options, const ArecCodecOptions *codec)
{
    unsigned name = 0;

    while (codecs[name].compression != codec->compression) {
        name++;
    }
    options->codec = (ArecCodecName)name;
    options->level = codec->level;
    options->window_log = codec->has_window_log ? codec->window_log : 0;
}

/* ---- the codec ---- */

/* A codec's options in the order of the string. */
typedef struct {
    int keys[WINDOW_LOG - UNCOMPRESSED + 1];
    size_t n;
} CodecKeys;

static CodecKeys
sort_codec_keys (const ArecOptionValue *values)
{
    CodecKeys sorted = {.n = 0};

    for (int key = UNCOMPRESSED; key <= WINDOW_LOG; key++) {
        size_t i = sorted.n;

        if (values[key].position == 0) {
            continue;
        }
        for (; i > 0 && values[sorted.keys[i - 1]].position > values[key].position; i--) {
            sorted.keys[i] = sorted.keys[i - 1];
        }
        sorted.keys[i] = key;
        sorted.n++;
    }
    return sorted;
}

/* The one codec that is named; without any the earlier one stays, with its level and window. */
static bool
choose_codec (const CodecKeys *sorted, ArecWriterOptions *options, GError **error)
{
    int first = N_OPTIONS;

    for (size_t i = 0; i < sorted->n; i++) {
        int key = sorted->keys[i];

        if (key == WINDOW_LOG) {
            continue;
        }
        if (first < N_OPTIONS) {
            return arec_option_text_fail_conflict (error, rules[key].key, rules[first].key);
        }
        first = key;
    }
    for (unsigned name = 0; name < G_N_ELEMENTS (codecs); name++) {
        if (codecs[name].key == first) {
            options->codec = (ArecCodecName)name;
            options->window_log = 0;
        }
    }
    return true;
}

/* A codec without a window excludes window_log, whatever its value: the later one is wrong. A
 * codec that the string does not name is earlier than all of it. */
static bool
check_conflict (const ArecOptionValue *values, int key, const ArecWriterOptions *options,
                GError **error)
{
    int codec = codecs[options->codec].key, other = key == WINDOW_LOG ? codec : WINDOW_LOG;

    return codecs[options->codec].has_window ||
           (key != WINDOW_LOG && values[WINDOW_LOG].position == 0) ||
           values[other].position > values[key].position ||
           arec_option_text_fail_conflict (error, rules[key].key, rules[other].key);
}

static bool
take_window_log (ArecOptionValue *value, ArecWriterOptions *options, GError **error)
{
    ArecOptionRule rule = rules[WINDOW_LOG];

    if (!codecs[options->codec].has_window) {
        return true; /* the codec comes later, and is what is wrong */
    }
    if (options->codec == AREC_CODEC_BROTLI) {
        rule.max = MAX_BROTLI_WINDOW_LOG;
    }
    if (!arec_option_text_parse_value (&rule, value, error)) {
        return false;
    }
    options->window_log = value->word == WORD_AUTO ? 0 : (int)value->integer;
    return true;
}

static bool
take_level (int key, ArecOptionValue *value, ArecWriterOptions *options, GError **error)
{
    if (!arec_option_text_parse_value (&rules[key], value, error)) {
        return false;
    }
    options->level = value->word == EMPTY
                         ? arec_codec_options_default (codecs[options->codec].compression).level
                         : (int)value->integer;
    return true;
}

/* Second stage: which codec, then each of its options, left to right. */
static bool
take_codec (ArecOptionValue *values, ArecWriterOptions *options, GError **error)
{
    CodecKeys sorted = sort_codec_keys (values);

    if (!choose_codec (&sorted, options, error)) {
        return false;
    }
    for (size_t i = 0; i < sorted.n; i++) {
        int key = sorted.keys[i];

        if (!check_conflict (values, key, options, error) ||
            !(key == WINDOW_LOG ? take_window_log (&values[key], options, error)
                                : take_level (key, &values[key], options, error))) {
            return false;
        }
    }
    /* The reference always sets a window of zstd. */
    if (options->codec == AREC_CODEC_ZSTD && options->window_log == 0) {
        options->window_log = defaults.window_log;
    }
    return true;
}

/* ---- both ways ---- */

/* What an absent option leaves as it is. */
static void
take_others (const ArecOptionValue *values, ArecWriterOptions *options)
{
    const ArecOptionValue *bucket = &values[TRANSPOSE_BUCKET_SIZE];

    if (values[GROUP_SIZE].position > 0) {
        options->group_size = (uint32_t)values[GROUP_SIZE].integer;
    }
    if (values[MAX_PARALLELISM].position > 0) {
        options->max_parallelism = values[MAX_PARALLELISM].word == WORD_AUTO
                                       ? defaults.max_parallelism
                                       : (uint32_t)values[MAX_PARALLELISM].integer;
    }
    if (values[SATURATION_DELAY_MS].position > 0) {
        options->saturation_delay_ms = (uint32_t)values[SATURATION_DELAY_MS].integer;
    }
    if (values[TRANSPOSE].position > 0) {
        options->transpose =
            values[TRANSPOSE].word == EMPTY || values[TRANSPOSE].word == TRUE_WORD;
    }
    if (bucket->position > 0) {
        options->transpose_bucket_size =
            bucket->word == WORD_AUTO ? defaults.transpose_bucket_size : bucket->bytes;
    }
    if (values[PAD_TO_BLOCK_BOUNDARY].position > 0) {
        options->pad_to_block_boundary = values[PAD_TO_BLOCK_BOUNDARY].word == TRUE_WORD;
    }
}

bool
arec_writer_options_update (const char *text, ArecWriterOptions *options, GError **error)
{
    ArecOptionValue values[N_OPTIONS];
    ArecWriterOptions updated = *options;

    if (!arec_option_text_parse (text, rules, N_OPTIONS, values, error) ||
        !take_codec (values, &updated, error)) {
        return false;
    }
    take_others (values, &updated);
    *options = updated;
    return true;
}

bool
arec_writer_options_parse (const char *text, ArecWriterOptions *options, GError **error)
{
    ArecWriterOptions parsed = defaults;

    if (!arec_writer_options_update (text, &parsed, error)) {
        return false;
    }
    *options = parsed;
    return true;
}

static const char *
text_of (bool value)
{
    return value ? "true" : "false";
}

/* FORMAT.md 13 has the order. */
char *
arec_writer_options_to_string (const ArecWriterOptions *options)
{
    GString *text = g_string_new (NULL);
    const char *codec;

    g_return_val_if_fail ((size_t)options->codec < G_N_ELEMENTS (codecs), NULL);
    codec = rules[codecs[options->codec].key].key;
    g_string_append_printf (text,
                            "group_size:%" PRIu32 ",transpose:%s,pad_to_block_boundary:%s",
                            options->group_size, text_of (options->transpose),
                            text_of (options->pad_to_block_boundary));
    if (options->transpose) {
        g_string_append_printf (text, ",transpose_bucket_size:%" PRIu64,
                                options->transpose_bucket_size);
    }
    g_string_append_printf (text, ",%s", codec);
    if (codecs[options->codec].has_level) {
        g_string_append_printf (text, ":%d", options->level);
    }
    if (options->window_log != 0) {
        g_string_append_printf (text, ",window_log:%d", options->window_log);
    }
    if (options->max_parallelism > 0) {
        g_string_append_printf (text, ",max_parallelism:%" PRIu32, options->max_parallelism);
    }
    return g_string_free (text, FALSE);
}

bool
arec_writer_options_check (const ArecWriterOptions *options, GError **error)
{
    g_autofree char *text = NULL;
    ArecWriterOptions parsed;

    if ((size_t)options->codec >= G_N_ELEMENTS (codecs)) {
        return arec_fail (error, AREC_ERROR_INVALID, "no codec has the number %d",
                          (int)options->codec);
    }
    text = arec_writer_options_to_string (options);
    return arec_writer_options_parse (text, &parsed, error);
}

uint64_t
arec_writer_auto_max_memory (void)
{
    const uint64_t least = UINT64_C (256) * 1024 * 1024;
    uint64_t memory = arec_memory_limit();

    return MIN (MAX (memory / 8, least), memory / 2);
}
