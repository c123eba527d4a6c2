/* Writes a sample of the records anew with other options, in memory, to see what these would
 * save and cost.
 *
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/arec.h>

#include "bench/bench_data.h"
#include "doctor/doctor_measure.h"

typedef enum {
    TOOL_DOCTOR_OWN,        /* as the file is, without padding */
    TOOL_DOCTOR_ONE,        /* profile random: groups of one */
    TOOL_DOCTOR_LARGE,      /* larger groups */
    TOOL_DOCTOR_ZSTD,       /* zstd:3 */
    TOOL_DOCTOR_BROTLI,     /* brotli:9 */
    TOOL_DOCTOR_ARCHIVE,    /* larger groups and brotli:9 */
    TOOL_DOCTOR_TRANSPOSED, /* transposed */
    TOOL_DOCTOR_N_TRIALS,
} ToolDoctorTrialKind;

typedef struct {
    char *label;          /* `group_size:1000`; NULL: it is not tried */
    GPtrArray *arguments; /* of arec convert, that make such a file of this one; strings */
    ArecWriterOptions options;
    double size;           /* bytes of the chunks; 0: it could not be written */
    ToolDoctorTimes times; /* of ONE, LARGE; else zeros */
} ToolDoctorTrial;

typedef struct {
    ToolDoctorTrial trials[TOOL_DOCTOR_N_TRIALS];
} ToolDoctorTrials;

/* Which trials are worth while. Pure.
 * @own          as the file was written.
 * @record_size  average bytes.
 * @per_chunk    average records of a chunk.
 * @may_transpose  whether transposing is tried. */
void tool_doctor_trials_plan (ToolDoctorTrials *trials, const ArecWriterOptions *own,
                              double record_size, double per_chunk, bool may_transpose);

/* Writes and measures them with @data, of which there is at least one record. One that cannot
 * be written, by whatever error, keeps its size of 0. */
void tool_doctor_trials_run (ToolDoctorTrials *trials, const ToolBenchData *data);

/* Bytes of a sample that a writer with @own takes no more than a few seconds for. */
uint64_t tool_doctor_trials_sample_size (const ArecWriterOptions *own);

void tool_doctor_trials_clear (ToolDoctorTrials *trials); /* takes zeroed ones */

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolDoctorTrials, tool_doctor_trials_clear)
