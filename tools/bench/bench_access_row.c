#include "bench/bench_access_row.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arec/arec.h>

#include "bench/bench_files.h"
#include "bench/bench_machine.h"
#include "bench/bench_random.h"

#define MEGA 1e6

/* What the process reports: less than a pipe takes at once. */
typedef struct {
    int code; /* of the error; -1: none */
    char message[2048];
    ToolBenchAccessFigures figures;
} Answer;

/* The work of one row. */
typedef struct {
    const ToolBenchAccessWork *work;
    ArecEngine *engine;
    ArecReader *reader;
    uint64_t count;
    double *calls; /* seconds of each */
    size_t n_calls;
    uint64_t bytes;
} Row;

static void
row_clear (Row *row)
{
    g_free (row->calls);
    g_clear_pointer (&row->reader, arec_reader_unref);
    g_clear_pointer (&row->engine, arec_engine_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Row, row_clear)

/* ---- the ways of reading ---- */

static bool
read_sequential (Row *row, GError **error)
{
    g_autoptr (ArecCursor) cursor = arec_cursor_new (row->reader, 0, row->count);

    for (uint64_t i = 0; i < row->count; i++) {
        double start = tool_bench_machine_now();
        const uint8_t *data;
        size_t size;

        if (!arec_cursor_next (cursor, NULL, &data, &size, error)) {
            return false;
        }
        row->bytes += size;
        row->calls[row->n_calls++] = tool_bench_machine_now() - start;
    }
    return true;
}

static bool
read_random (Row *row, GError **error)
{
    g_autofree uint64_t *numbers = tool_bench_random_sample (
        arec_reader_n_records (row->reader), row->count, row->work->seed);

    for (uint64_t i = 0; i < row->count; i++) {
        double start = tool_bench_machine_now();
        g_auto (ArecView) view = {0};

        if (!arec_reader_read (row->reader, numbers[i], &view, error)) {
            return false;
        }
        row->bytes += view.size;
        row->calls[row->n_calls++] = tool_bench_machine_now() - start;
    }
    return true;
}

static bool
read_one_batch (Row *row, uint64_t first, size_t n, GError **error)
{
    g_autofree uint64_t *numbers = g_new (uint64_t, n);
    g_autofree ArecView *views = g_new0 (ArecView, n);

    for (size_t i = 0; i < n; i++) {
        numbers[i] = first + i;
    }
    if (!arec_reader_read_many (row->reader, numbers, n, views, error)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        row->bytes += views[i].size;
        arec_view_clear (&views[i]);
    }
    return true;
}

static bool
read_batches (Row *row, GError **error)
{
    for (uint64_t first = 0; first < row->count;) {
        uint64_t n = MIN (row->work->batch, row->count - first);
        double start = tool_bench_machine_now();

        if (!read_one_batch (row, first, n, error)) {
            return false;
        }
        row->calls[row->n_calls++] = tool_bench_machine_now() - start;
        first += n;
    }
    return true;
}

static const struct {
    const char *name;
    bool (*read) (Row *row, GError **error);
} accesses[TOOL_BENCH_N_ACCESSES] = {
    [TOOL_BENCH_SEQUENTIAL] = {"sequential", read_sequential},
    [TOOL_BENCH_RANDOM] = {"random", read_random},
    [TOOL_BENCH_BATCH] = {"batch", read_batches},
};

const char *
tool_bench_access_row_name (ToolBenchAccess access)
{
    return accesses[access].name;
}

/* ---- one row ---- */

/* Opens the files with the settings of @profile. */
static bool
open_files (Row *row, const ArecProfile *profile, GError **error)
{
    ArecReaderOptions reader = {0};
    ArecEngineOptions engine = {.cache_size = profile->cache_size};

    if (!arec_reader_options_update (profile->reader, &reader, error)) {
        return false;
    }
    if (reader.has_max_parallelism) {
        engine.max_parallelism = MAX (reader.max_parallelism, 1);
        engine.no_threads = reader.max_parallelism == 0;
    }
    row->engine = arec_engine_new (&engine);
    row->reader = tool_bench_files_open (row->work->files, row->work->n_files, row->engine,
                                         &reader, error);
    return row->reader != NULL;
}

static int
compare_doubles (const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Microseconds that @part of all calls take at most. */
static double
percentile (const Row *row, double part)
{
    size_t at = (size_t)((double)row->n_calls * part);

    return row->calls[MIN (at, row->n_calls - 1)] * 1e6;
}

static void
sum_up (Row *row, ToolBenchAccessFigures *figures)
{
    ArecEngineStats stats;

    arec_engine_get_stats (row->engine, &stats);
    qsort (row->calls, row->n_calls, sizeof *row->calls, compare_doubles);
    for (size_t i = 0; i < row->n_calls; i++) {
        figures->mean_us += row->calls[i] * 1e6 / (double)row->n_calls;
    }
    figures->p50_us = percentile (row, 0.5);
    figures->p99_us = percentile (row, 0.99);
    figures->max_us = percentile (row, 1);
    figures->records = row->count;
    figures->bytes = row->bytes;
    figures->chunks_decoded = stats.chunks_decoded;
    figures->bytes_read = stats.source_bytes;
}

static bool
measure (ToolBenchAccess access, const ToolBenchAccessWork *work,
         ToolBenchAccessFigures *figures, GError **error)
{
    const ArecProfile *profile = arec_profile_find (accesses[access].name, AREC_PROFILE_READER);
    double memory = tool_bench_machine_memory(), cpu = tool_bench_machine_own_cpu();
    double start = tool_bench_machine_now();
    g_auto (Row) row = {.work = work};

    if (!open_files (&row, profile, error)) {
        return false;
    }
    row.count = MIN (work->count, arec_reader_n_records (row.reader));
    row.calls = g_new (double, row.count);
    if (!accesses[access].read (&row, error)) {
        return false;
    }
    figures->time_s = tool_bench_machine_now() - start;
    figures->cpu_s = tool_bench_machine_own_cpu() - cpu;
    figures->rss_mb = tool_bench_machine_memory() / MEGA;
    figures->rss_delta_mb = figures->rss_mb - memory / MEGA;
    sum_up (&row, figures);
    return true;
}

/* ---- the process ---- */

/* Ends silently by any signal, and with its parent, which says what there is to say.
 * @mask  of signals, which were all blocked, so that none met a handler of the parent. */
static void
prepare_child (pid_t parent, const sigset_t *mask)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

    for (size_t i = 0; i < G_N_ELEMENTS (signals); i++) {
        signal (signals[i], SIG_DFL);
    }
    pthread_sigmask (SIG_SETMASK, mask, NULL);
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit (EXIT_FAILURE);
    }
}

static void
answer (int fd, ToolBenchAccess access, const ToolBenchAccessWork *work)
{
    g_autoptr (GError) error = NULL;
    Answer found = {.code = -1};
    bool is_told;

    if (!measure (access, work, &found.figures, &error)) {
        found.code = error->code;
        g_strlcpy (found.message, error->message, sizeof found.message);
    }
    is_told = write (fd, &found, sizeof found) == (ssize_t)sizeof found;
    _exit (is_told ? EXIT_SUCCESS : EXIT_FAILURE);
}

static bool
take_answer (int fd, Answer *found)
{
    size_t size = 0;

    while (size < sizeof *found) {
        ssize_t n = read (fd, (char *)found + size, sizeof *found - size);

        if (n == 0 || (n < 0 && errno != EINTR)) {
            return false;
        }
        size += n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool
tool_bench_access_row_run (ToolBenchAccess access, const ToolBenchAccessWork *work,
                           ToolBenchAccessFigures *figures, GError **error)
{
    Answer found;
    pid_t parent = getpid(), child;
    sigset_t all, mask;
    bool is_answered;
    int fds[2];

    if (pipe2 (fds, O_CLOEXEC) != 0) {
        return arec_fail (error, AREC_ERROR_IO, "cannot make a pipe: %s", g_strerror (errno));
    }
    sigfillset (&all);
    pthread_sigmask (SIG_BLOCK, &all, &mask);
    child = fork();
    if (child == 0) {
        prepare_child (parent, &mask);
        answer (fds[1], access, work);
    }
    pthread_sigmask (SIG_SETMASK, &mask, NULL);
    close (fds[1]);
    is_answered = child > 0 && take_answer (fds[0], &found);
    close (fds[0]);
    while (child > 0 && waitpid (child, NULL, 0) < 0 && errno == EINTR) {
    }
    if (!is_answered) {
        return arec_fail (error, AREC_ERROR_IO, "%s: the process that reads did not end well",
                          accesses[access].name);
    }
    if (found.code >= 0) {
        return arec_fail (error, (ArecError)found.code, "%s", found.message);
    }
    *figures = found.figures;
    return true;
}
