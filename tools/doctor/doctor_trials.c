#include "doctor/doctor_trials.h"

#include <inttypes.h>

#include "bench/bench_measure.h"
#include "doctor/doctor_rules.h"

/* Larger groups: so many records at most, in a chunk of about so many bytes. */
#define LARGE_RECORDS 1000
#define LARGE_SIZE (1024.0 * 1024.0)

#define SAMPLE_SIZE (UINT64_C (1) << 20)
#define SLOW_SAMPLE_SIZE (UINT64_C (256) << 10)

/* Levels from which on a codec takes more than a second for some MiB. */
#define SLOW_BROTLI 10
#define SLOW_ZSTD 13

#define BROTLI_LEVEL 9
#define TRIAL_PLACES 32

void
tool_doctor_trials_clear (ToolDoctorTrials *trials)
{
    for (size_t i = 0; i < G_N_ELEMENTS (trials->trials); i++) {
        g_clear_pointer (&trials->trials[i].label, g_free);
        g_clear_pointer (&trials->trials[i].arguments, g_ptr_array_unref);
    }
}

/* ---- which ---- */

static void
add_argument (ToolDoctorTrial *trial, const char *name, const char *value)
{
    g_ptr_array_add (trial->arguments, g_strdup (name));
    if (value) {
        g_ptr_array_add (trial->arguments, g_strdup (value));
    }
}

/* Begins a trial with the options @own, to be changed. */
static ToolDoctorTrial *
begin (ToolDoctorTrials *trials, ToolDoctorTrialKind kind, const ArecWriterOptions *own,
       char *label)
{
    ToolDoctorTrial *trial = &trials->trials[kind];

    trial->label = label;
    trial->options = *own;
    trial->arguments = g_ptr_array_new_with_free_func (g_free);
    return trial;
}

static void
set_group (ToolDoctorTrial *trial, uint64_t n)
{
    g_autofree char *text = g_strdup_printf ("%" PRIu64, n);

    trial->options.group_size = (uint32_t)n;
    add_argument (trial, "--group-size", text);
}

/* @codec  with its level, as in an option string. */
static void
set_codec (ToolDoctorTrial *trial, const char *codec)
{
    arec_writer_options_update (codec, &trial->options, NULL);
    add_argument (trial, "--codec", codec);
}

static void
plan_codecs (ToolDoctorTrials *trials, const ArecWriterOptions *own, uint64_t large)
{
    bool is_dense = own->codec == AREC_CODEC_BROTLI && own->level >= BROTLI_LEVEL;

    if (own->codec == AREC_CODEC_NONE || own->codec == AREC_CODEC_SNAPPY) {
        set_codec (begin (trials, TOOL_DOCTOR_ZSTD, own, g_strdup ("zstd:3")), "zstd:3");
    }
    if (!is_dense) {
        set_codec (begin (trials, TOOL_DOCTOR_BROTLI, own, g_strdup ("brotli:9")), "brotli:9");
    }
    if (!is_dense && large > 0) {
        ToolDoctorTrial *archive =
            begin (trials, TOOL_DOCTOR_ARCHIVE, own,
                   g_strdup_printf ("group_size:%" PRIu64 ",brotli:9", large));

        set_group (archive, large);
        set_codec (archive, "brotli:9");
    }
}

void
tool_doctor_trials_plan (ToolDoctorTrials *trials, const ArecWriterOptions *own,
                         double record_size, double per_chunk, bool may_transpose)
{
    const ArecProfile *random = arec_profile_find ("random", AREC_PROFILE_WRITER);
    uint64_t large = tool_doctor_rules_group (record_size, LARGE_SIZE, LARGE_RECORDS);
    ArecWriterOptions plain = *own;
    ToolDoctorTrial *trial;

    plain.pad_to_block_boundary = false;
    begin (trials, TOOL_DOCTOR_OWN, &plain, g_strdup ("as it is"));
    trial = begin (trials, TOOL_DOCTOR_ONE, &plain, g_strdup (random->writer));
    arec_writer_options_init (&trial->options);
    arec_writer_options_update (random->writer, &trial->options, NULL);
    add_argument (trial, "--profile", random->name);
    if (tool_doctor_rules_may_enlarge (per_chunk, large)) {
        set_group (begin (trials, TOOL_DOCTOR_LARGE, &plain,
                          g_strdup_printf ("group_size:%" PRIu64, large)),
                   large);
    } else {
        large = 0;
    }
    plan_codecs (trials, &plain, large);
    if (may_transpose) {
        trial = begin (trials, TOOL_DOCTOR_TRANSPOSED, &plain, g_strdup ("transpose"));
        trial->options.transpose = true;
        add_argument (trial, "--transpose", NULL);
    }
}

uint64_t
tool_doctor_trials_sample_size (const ArecWriterOptions *own)
{
    bool is_slow = (own->codec == AREC_CODEC_BROTLI && own->level >= SLOW_BROTLI) ||
                   (own->codec == AREC_CODEC_ZSTD && own->level >= SLOW_ZSTD);

    return is_slow ? SLOW_SAMPLE_SIZE : SAMPLE_SIZE;
}

/* ---- the work ---- */

/* Reads what was written, to its size and, of some, its times. */
static bool
read_back (ToolDoctorTrial *trial, const char *path, bool is_timed, GError **error)
{
    const ArecReaderOptions options = {0};
    g_autoptr (ArecSourceList) list = arec_source_list_new();
    g_autoptr (ArecEngine) engine = arec_engine_new (NULL);
    g_auto (ToolDoctorLayout) layout = {0};
    g_autoptr (ArecReader) reader = NULL;
    const ToolDoctorSource source = {.list = list, .options = &options};

    if (!arec_source_list_add_literal (list, path, error)) {
        return false;
    }
    reader = arec_reader_open_list (engine, list, 0, 1, &options, error);
    if (!reader || !tool_doctor_layout_walk (&layout, reader, TRIAL_PLACES, error) ||
        (is_timed && !tool_doctor_measure (&source, &layout, NULL, &trial->times, error))) {
        return false;
    }
    trial->size = (double)layout.stored_size;
    return true;
}

static bool
run_one (ToolDoctorTrial *trial, const ToolBenchData *data, bool is_timed, GError **error)
{
    g_auto (ToolBenchMeasure) measure = {.data = data, .threads = 1};
    double seconds;

    return tool_bench_measure_open_memory (&measure, error) &&
           tool_bench_measure_write (&measure, &trial->options, data->n_records, &seconds,
                                     error) &&
           read_back (trial, measure.path, is_timed, error);
}

void
tool_doctor_trials_run (ToolDoctorTrials *trials, const ToolBenchData *data)
{
    for (int i = 0; i < TOOL_DOCTOR_N_TRIALS; i++) {
        bool is_timed = i == TOOL_DOCTOR_ONE || i == TOOL_DOCTOR_LARGE;

        if (trials->trials[i].label) {
            run_one (&trials->trials[i], data, is_timed, NULL);
        }
    }
}
