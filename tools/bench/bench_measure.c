#include "bench/bench_measure.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/bench_machine.h"
#include "bench/bench_random.h"

#define LEAST_SECONDS 0.02 /* of the passes of a figure */
#define RANDOM_SECONDS 0.1
#define RANDOM_READS 1000

/* ---- the file ---- */

/* Like O_TMPFILE, where the file system lacks that: the name goes before a signal can come. */
static int
open_named (const char *dir)
{
    g_autofree char *path = g_build_filename (dir, ".arec-bench-XXXXXX", NULL);
    sigset_t all, before;
    int fd, saved_errno;

    sigfillset (&all);
    pthread_sigmask (SIG_BLOCK, &all, &before);
    fd = mkostemp (path, O_CLOEXEC);
    saved_errno = errno;
    if (fd >= 0) {
        unlink (path);
    }
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    errno = saved_errno;
    return fd;
}

/* The file once more, by its descriptor. */
static int
open_again (const ToolBenchMeasure *measure, int flags)
{
    return open (measure->path, flags | O_CLOEXEC);
}

/* Keeps a descriptor of the file @fd that cannot write. While one that can is open, readers
 * take the file for one that is being written, and compare it with what they have read. */
static bool
take (ToolBenchMeasure *measure, int fd, GError **error)
{
    g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);

    measure->fd = open (path, O_RDONLY | O_CLOEXEC);
    close (fd);
    if (measure->fd < 0) {
        return arec_fail (error, AREC_ERROR_IO, "%s: %s", path, g_strerror (errno));
    }
    measure->path = g_strdup_printf ("/proc/self/fd/%d", measure->fd);
    return true;
}

bool
tool_bench_measure_open (ToolBenchMeasure *measure, const char *dir, GError **error)
{
    const char *folder = dir ? dir : g_get_tmp_dir();
    int fd = open (folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0) {
        fd = open_named (folder);
    }
    if (fd < 0) {
        return arec_fail (error, errno == ENOENT ? AREC_ERROR_NOT_FOUND : AREC_ERROR_IO,
                          "%s: cannot make a file there: %s", folder, g_strerror (errno));
    }
    return take (measure, fd, error);
}

bool
tool_bench_measure_open_memory (ToolBenchMeasure *measure, GError **error)
{
    int fd = memfd_create ("arec", MFD_CLOEXEC);

    if (fd < 0) {
        return arec_fail (error, AREC_ERROR_IO, "cannot make a file in memory: %s",
                          g_strerror (errno));
    }
    return take (measure, fd, error);
}

void
tool_bench_measure_close (ToolBenchMeasure *measure)
{
    if (measure->path) {
        close (measure->fd);
        g_clear_pointer (&measure->path, g_free);
    }
}

/* ---- writing ---- */

/* @path  of an empty file. */
static bool
write_once (const ToolBenchMeasure *measure, const char *path, const ArecWriterOptions *options,
            size_t n, GError **error)
{
    ArecWriterOptions own = *options;
    g_autoptr (ArecWriter) writer = NULL;

    own.max_parallelism = measure->threads;
    own.max_memory = arec_writer_auto_max_memory();
    writer = arec_writer_new (path, &own, error);
    return writer && arec_writer_write_many (writer, measure->data->records, n, error) &&
           arec_writer_finish (writer, error);
}

bool
tool_bench_measure_write (const ToolBenchMeasure *measure, const ArecWriterOptions *options,
                          size_t n, double *seconds, GError **error)
{
    int fd = open_again (measure, O_WRONLY | O_TRUNC);
    g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
    double start = tool_bench_machine_now();
    bool is_written;

    if (fd < 0) {
        return arec_fail (error, AREC_ERROR_IO, "%s: %s", measure->path, g_strerror (errno));
    }
    is_written = write_once (measure, path, options, n, error);
    close (fd);
    *seconds = tool_bench_machine_now() - start;
    return is_written;
}

static bool
measure_write (const ToolBenchMeasure *measure, const ArecWriterOptions *options, size_t n,
               ToolBenchFigures *figures, GError **error)
{
    double seconds = 0, cpu = 0;
    struct stat st;
    unsigned passes = 0;

    for (; seconds < LEAST_SECONDS; passes++) {
        double pass, cpu_before = tool_bench_machine_own_cpu();

        if (!tool_bench_measure_write (measure, options, n, &pass, error)) {
            return false;
        }
        seconds += pass;
        cpu += tool_bench_machine_own_cpu() - cpu_before;
    }
    if (fstat (measure->fd, &st) != 0) {
        return arec_fail (error, AREC_ERROR_IO, "%s: %s", measure->path, g_strerror (errno));
    }
    figures->write_s = seconds / passes;
    figures->write_cpu_s = cpu / passes;
    figures->file_size = (double)st.st_size;
    return true;
}

/* ---- reading ---- */

static ArecReader *
open_reader (const ToolBenchMeasure *measure, unsigned threads, GError **error)
{
    const ArecEngineOptions options = {.max_parallelism = threads, .no_threads = threads <= 1};
    g_autoptr (ArecEngine) engine = arec_engine_new (&options);

    return arec_reader_open (engine, measure->path, NULL, error);
}

static bool
fail_other (size_t record, GError **error)
{
    return arec_fail (error, AREC_ERROR_CORRUPT, "record %zu was read otherwise than written",
                      record);
}

static bool
read_once (const ToolBenchMeasure *measure, size_t n, GError **error)
{
    g_autoptr (ArecReader) reader = open_reader (measure, measure->threads, error);
    g_autoptr (ArecCursor) cursor = reader ? arec_cursor_new (reader, 0, n) : NULL;

    for (size_t i = 0; cursor && i < n; i++) {
        const uint8_t *data = NULL;
        size_t size = 0;

        if (!arec_cursor_next (cursor, NULL, &data, &size, error)) {
            return false;
        }
        if (!data || size != measure->data->records[i].size) {
            return fail_other (i, error);
        }
    }
    return cursor != NULL;
}

static bool
measure_read (const ToolBenchMeasure *measure, size_t n, ToolBenchFigures *figures,
              GError **error)
{
    double start = tool_bench_machine_now();
    unsigned passes = 0;

    do {
        if (!read_once (measure, n, error)) {
            return false;
        }
        passes++;
    } while (tool_bench_machine_now() - start < LEAST_SECONDS);
    figures->read_s = (tool_bench_machine_now() - start) / passes;
    return true;
}

/* Random reads so far. */
typedef struct {
    double begin;   /* when the first reader was opened */
    double seconds; /* of the reads alone */
    size_t n;
} RandomReads;

static bool
are_enough (const RandomReads *reads)
{
    return reads->n >= RANDOM_READS ||
           (reads->n > 0 && tool_bench_machine_now() - reads->begin >= RANDOM_SECONDS);
}

/* Reads one record of each chunk in a random order, so that each read decodes a chunk. The
 * bytes are compared, too: outside of the time. */
static bool
read_chunks_once (const ToolBenchMeasure *measure, size_t n, size_t group_size,
                  RandomReads *reads, GError **error)
{
    g_autoptr (ArecReader) reader = open_reader (measure, 1, error);
    size_t n_chunks = (n - 1) / group_size + 1;
    g_autofree uint64_t *chunks =
        reader ? tool_bench_random_sample (n_chunks, n_chunks, 0) : NULL;

    for (size_t i = 0; chunks && i < n_chunks && !are_enough (reads); i++) {
        size_t number = MIN (chunks[i] * group_size + i % group_size, n - 1);
        const ArecWriterRecord *record = &measure->data->records[number];
        g_auto (ArecView) view = {0};
        double start = tool_bench_machine_now();

        if (!arec_reader_read (reader, number, &view, error)) {
            return false;
        }
        reads->seconds += tool_bench_machine_now() - start;
        reads->n++;
        if (view.size != record->size || memcmp (view.data, record->data, view.size) != 0) {
            return fail_other (number, error);
        }
    }
    return reader != NULL;
}

/* A file of few chunks is opened again and again, with an empty cache. */
static bool
measure_random (const ToolBenchMeasure *measure, size_t n, size_t group_size,
                ToolBenchFigures *figures, GError **error)
{
    RandomReads reads = {.begin = tool_bench_machine_now()};

    while (!are_enough (&reads)) {
        if (!read_chunks_once (measure, n, group_size, &reads, error)) {
            return false;
        }
    }
    figures->random_us = reads.seconds * 1e6 / (double)reads.n;
    return true;
}

bool
tool_bench_measure_run (const ToolBenchMeasure *measure, const ArecWriterOptions *options,
                        size_t n, ToolBenchFigures *figures, GError **error)
{
    double memory;

    malloc_trim (0);
    memory = tool_bench_machine_begin_peak();
    if (!measure_write (measure, options, n, figures, error) ||
        !measure_read (measure, n, figures, error) ||
        !measure_random (measure, n, options->group_size, figures, error)) {
        return false;
    }
    figures->rss_mb = MAX (tool_bench_machine_peak() - memory, 0) / 1e6;
    return true;
}
