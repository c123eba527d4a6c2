#include "bench/bench_access_advice.h"

/* All thresholds. */
#define LEAST_SEQUENTIAL 0.5 /* of the speed at which the records are decoded */
#define MAX_RANDOM 10.0      /* times a read of a record in groups of 1 */
#define LEAST_BYTES 1e6      /* of the records of a row; with fewer, opening takes the time */

#define MEGA 1e6

/* Bytes in order by the time that is not the kernel's: what files cost that it keeps is no
 * fault of the reading. */
static double
sequential_speed (const ToolBenchAccessFigures *figures, bool is_mount)
{
    double seconds = figures->time_s - (is_mount ? figures->again_s : 0);

    return seconds > 0 ? figures->calls.bytes / MEGA / seconds : 0;
}

static char *
advise_sequential (const ToolBenchAccessFigures *figures, bool is_mount,
                   const ToolBenchSample *sample)
{
    double speed = sequential_speed (figures, is_mount);

    if (figures->calls.bytes < LEAST_BYTES || speed <= 0 ||
        speed >= LEAST_SEQUENTIAL * sample->decode_mb_s) {
        return NULL;
    }
    return g_strdup_printf (
        "sequential: %.0f MB/s%s, where one thread decodes %.0f: a larger buffer or more "
        "threads, as --profile linux has them",
        speed, is_mount ? " besides what the kernel takes" : "", sample->decode_mb_s);
}

/* Microseconds of a random read if the file had groups of 1. What a mount takes besides
 * decoding stays. */
static double
random_in_groups_of_one (const ToolBenchAccessFigures *figures, bool is_mount,
                         const ToolBenchSample *sample)
{
    double besides = is_mount ? figures->calls.mean_us - sample->own_us : 0;

    return sample->one_us + MAX (besides, 0);
}

static char *
advise_random (const ToolBenchAccessFigures *figures, bool is_mount,
               const ToolBenchSample *sample)
{
    double one = random_in_groups_of_one (figures, is_mount, sample);

    if (!sample->is_grouped || figures->calls.mean_us <= MAX_RANDOM * one) {
        return NULL;
    }
    return g_strdup_printf (
        "random: %.0f us a record, where one in groups of 1 takes %.1f us: smaller groups, "
        "as --profile random writes them",
        figures->calls.mean_us, one);
}

void
tool_bench_access_advice_make (const ToolBenchAccessRounds rows[TOOL_BENCH_N_ACCESSES],
                               bool is_mount, const ToolBenchSample *sample,
                               ToolBenchAccessAdvice advice[2])
{
    advice[0] = (ToolBenchAccessAdvice){
        "sequential",
        advise_sequential (&rows[TOOL_BENCH_SEQUENTIAL].median, is_mount, sample)};
    advice[1] = (ToolBenchAccessAdvice){
        "random", advise_random (&rows[TOOL_BENCH_RANDOM].median, is_mount, sample)};
}
