#include "doctor/doctor_measure.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/bench_machine.h"
#include "bench/bench_random.h"

/* Passes go on for so many seconds, or until there are enough reads. */
#define RANDOM_SECONDS 0.1
#define RANDOM_READS 1000
#define SEQUENTIAL_SECONDS 0.05
#define MAX_PASSES 200

/* Opening a file that takes longer, for lack of an index, is done once. */
#define MAX_OPEN_SECONDS 0.02

/* With this many chunks read from a slow device it is enough after so many seconds. */
#define LEAST_READS 32
#define PREAD_SECONDS 0.5

#define BUFFER_SIZE (UINT64_C (1) << 20)
#define MEGA 1e6

static ArecReader *
open_reader (const ToolDoctorSource *source, const ArecEngineOptions *engine_options,
             const ArecReaderOptions *options, GError **error)
{
    g_autoptr (ArecEngine) engine = arec_engine_new (engine_options);

    return arec_reader_open_list (engine, source->list, source->file, 1, options, error);
}

/* Keeps what is about bytes of the file in @damages. false: it is about something else. */
static bool
take_damage (GPtrArray *damages, GError *failure, GError **error)
{
    if (!arec_error_is_of_bytes (failure)) {
        g_propagate_error (error, failure);
        return false;
    }
    if (damages) {
        g_ptr_array_add (damages, failure);
    } else {
        g_error_free (failure);
    }
    return true;
}

/* ---- from the file ---- */

/* Reads the chunk of @read. Returns the seconds. */
static double
pread_chunk (int fd, uint8_t *buffer, const ToolDoctorRead *read)
{
    double start = tool_bench_machine_now();

    for (uint64_t at = read->begin; at < read->limit;) {
        ssize_t n = pread (fd, buffer, MIN (BUFFER_SIZE, read->limit - at), (off_t)at);

        if (n <= 0) {
            break;
        }
        at += (uint64_t)n;
    }
    return tool_bench_machine_now() - start;
}

/* Reads the chunks of the reads, from a slow device not all of them.
 * @n_reads  (out) how many. Returns microseconds of each. */
static double
measure_pread (const char *path, const ToolDoctorLayout *layout, guint *n_reads)
{
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    g_autofree uint8_t *buffer = g_malloc (BUFFER_SIZE);
    g_autofree uint64_t *order =
        tool_bench_random_sample (layout->reads->len, layout->reads->len, 0);
    double seconds = 0;
    guint n = 0;

    while (fd >= 0 && n < layout->reads->len && (n < LEAST_READS || seconds < PREAD_SECONDS)) {
        seconds += pread_chunk (fd, buffer,
                                &g_array_index (layout->reads, ToolDoctorRead, order[n++]));
    }
    if (fd >= 0) {
        close (fd);
    }
    *n_reads = n > 0 ? n : layout->reads->len;
    return n > 0 ? seconds * 1e6 / n : 0;
}

/* ---- at random ---- */

/* As the profile `random` reads. */
static ArecReader *
open_random (const ToolDoctorSource *source, GError **error)
{
    const ArecProfile *profile = arec_profile_find ("random", AREC_PROFILE_READER);
    const ArecEngineOptions engine = {.cache_size = profile->cache_size, .max_parallelism = 1};
    ArecReaderOptions options = *source->options;

    return arec_reader_options_update (profile->reader, &options, error)
               ? open_reader (source, &engine, &options, error)
               : NULL;
}

/* One pass over the first @n reads in that random order. */
static bool
read_once (ArecReader *reader, const ToolDoctorLayout *layout, guint n, GArray *seconds,
           GPtrArray *damages, GError **error)
{
    g_autofree uint64_t *order =
        tool_bench_random_sample (layout->reads->len, layout->reads->len, 0);

    for (guint i = 0; i < n; i++) {
        uint64_t record = g_array_index (layout->reads, ToolDoctorRead, order[i]).record;
        double start = tool_bench_machine_now();
        g_auto (ArecView) view = {0};
        GError *failure = NULL;

        if (arec_reader_read (reader, record, &view, &failure)) {
            double took = tool_bench_machine_now() - start;

            g_array_append_val (seconds, took);
        } else if (!take_damage (damages, failure, error)) {
            return false;
        }
    }
    return true;
}

static int
compare_doubles (const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
median_us (GArray *seconds)
{
    g_array_sort (seconds, compare_doubles);
    return seconds->len > 0 ? g_array_index (seconds, double, seconds->len / 2) * 1e6 : 0;
}

/* Each pass opens the file anew: the cache is empty then. Damages are those of the first. */
static bool
measure_random (const ToolDoctorSource *source, const ToolDoctorLayout *layout, guint n,
                GPtrArray *damages, double *us, GError **error)
{
    g_autoptr (GArray) seconds = g_array_new (FALSE, FALSE, sizeof (double));
    double begin = tool_bench_machine_now(), opening = 0;

    for (unsigned pass = 0; pass < MAX_PASSES; pass++) {
        double start = tool_bench_machine_now();
        g_autoptr (ArecReader) reader = open_random (source, error);

        opening = tool_bench_machine_now() - start;
        if (!reader ||
            !read_once (reader, layout, n, seconds, pass == 0 ? damages : NULL, error)) {
            return false;
        }
        if (seconds->len == 0 || seconds->len >= RANDOM_READS || opening > MAX_OPEN_SECONDS ||
            tool_bench_machine_now() - begin >= RANDOM_SECONDS) {
            break;
        }
    }
    *us = median_us (seconds);
    return true;
}

/* ---- in order ---- */

/* Bytes of the records in [first, end) that can be read. */
static bool
read_records (ArecReader *reader, uint64_t first, uint64_t end, GPtrArray *damages,
              uint64_t *bytes, GError **error)
{
    g_autoptr (ArecCursor) cursor = arec_cursor_new (reader, first, end);

    for (;;) {
        const uint8_t *data;
        GError *failure = NULL;
        size_t size;

        if (!arec_cursor_next (cursor, NULL, &data, &size, &failure)) {
            if (!take_damage (damages, failure, error)) {
                return false;
            }
        } else if (!data) {
            return true;
        } else {
            *bytes += size;
        }
    }
}

static ArecReader *
open_alone (const ToolDoctorSource *source, GError **error)
{
    const ArecEngineOptions engine = {.max_parallelism = 1, .no_threads = true};

    return open_reader (source, &engine, source->options, error);
}

/* Reads all places once. @seconds  (out) that it takes. */
static bool
read_places (ArecReader *reader, const ToolDoctorLayout *layout, GPtrArray *damages,
             uint64_t *bytes, double *seconds, GError **error)
{
    double start = tool_bench_machine_now();

    *bytes = 0;
    for (guint i = 0; i < layout->places->len; i++) {
        const ToolDoctorPlace *place = &g_array_index (layout->places, ToolDoctorPlace, i);

        if (!read_records (reader, place->first, place->end, damages, bytes, error)) {
            return false;
        }
    }
    *seconds = MAX (tool_bench_machine_now() - start, 1e-9);
    return true;
}

/* The best of the passes: others are disturbed, or find the device slow. */
static bool
measure_order (const ToolDoctorSource *source, const ToolDoctorLayout *layout,
               GPtrArray *damages, double *mb_s, GError **error)
{
    g_autoptr (ArecReader) reader = open_alone (source, error);
    double total = 0, seconds;
    uint64_t bytes;

    for (unsigned pass = 0; reader && pass < MAX_PASSES && total < SEQUENTIAL_SECONDS; pass++) {
        if (!read_places (reader, layout, pass == 0 ? damages : NULL, &bytes, &seconds,
                          error)) {
            return false;
        }
        total += seconds;
        *mb_s = MAX (*mb_s, (double)bytes / MEGA / seconds);
    }
    return reader != NULL;
}

bool
tool_doctor_measure (const ToolDoctorSource *source, const ToolDoctorLayout *layout,
                     GPtrArray *damages, ToolDoctorTimes *times, GError **error)
{
    const char *path = arec_source_list_get (source->list, source->file)->path;

    guint n_reads;

    *times = (ToolDoctorTimes){.pread_us = measure_pread (path, layout, &n_reads)};
    return layout->reads->len == 0 ||
           (measure_random (source, layout, n_reads, damages, &times->random_us, error) &&
            measure_order (source, layout, damages, &times->mb_s, error));
}

bool
tool_doctor_measure_all (const ToolDoctorSource *source, GPtrArray *damages, GError **error)
{
    g_autoptr (ArecReader) reader = open_alone (source, error);
    uint64_t bytes = 0;

    return reader &&
           read_records (reader, 0, arec_reader_n_records (reader), damages, &bytes, error);
}
