/* Reads all records of a file through libarec.
 *
 *   decode_file [-t THREADS] [-p PARTS] FILE
 *
 * THREADS is how many chunks the engine loads at the same time; the file is scanned in PARTS
 * (default 1), each by a thread of its own. Prints `RECORDS BYTES SECONDS`, the opening of the
 * file included.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <arec/arec.h>

typedef struct {
    pthread_t thread;
    ArecReader *reader;
    uint64_t first, end;
    uint64_t records, bytes;
} Part;

static void
die (const char *what)
{
    fprintf (stderr, "decode_file: %s\n", what);
    exit (1);
}

static double
now (void)
{
    struct timespec time;

    clock_gettime (CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void *
scan_part (void *data)
{
    Part *part = data;
    ArecScan *scan = arec_scan_new (part->reader, part->first, part->end);
    const uint8_t *bytes;
    size_t size;
    GError *error = NULL;

    for (;;) {
        if (!arec_scan_next (scan, NULL, &bytes, &size, &error)) {
            die (error->message);
        }
        if (!bytes) {
            break;
        }
        part->records++;
        part->bytes += size;
    }
    arec_scan_free (scan);
    return NULL;
}

static void
decode (const char *path, unsigned threads, unsigned n_parts)
{
    const ArecEngineOptions options = {.max_parallelism = threads};
    Part *parts = g_new0 (Part, n_parts);
    uint64_t records = 0, bytes = 0, n;
    double begin = now();
    ArecEngine *engine = arec_engine_new (&options);
    GError *error = NULL;
    ArecReader *reader = arec_reader_open (engine, path, NULL, &error);

    if (!reader) {
        die (error->message);
    }
    n = arec_reader_n_records (reader);
    for (unsigned i = 0; i < n_parts; i++) {
        parts[i].reader = reader;
        parts[i].first = n * i / n_parts;
        parts[i].end = n * (i + 1) / n_parts;
        if (pthread_create (&parts[i].thread, NULL, scan_part, &parts[i]) != 0) {
            die ("cannot start a thread");
        }
    }
    for (unsigned i = 0; i < n_parts; i++) {
        pthread_join (parts[i].thread, NULL);
        records += parts[i].records;
        bytes += parts[i].bytes;
    }
    printf ("%" PRIu64 " %" PRIu64 " %.6f\n", records, bytes, now() - begin);
    arec_reader_unref (reader);
    arec_engine_unref (engine);
    g_free (parts);
}

int
main (int argc, char **argv)
{
    unsigned threads = 1, parts = 1;
    int option;

    while ((option = getopt (argc, argv, "t:p:")) != -1) {
        switch (option) {
        case 't': threads = (unsigned)atoi (optarg); break;
        case 'p': parts = (unsigned)atoi (optarg); break;
        default: return 2;
        }
    }
    if (optind != argc - 1 || threads == 0 || parts == 0) {
        fprintf (stderr, "usage: decode_file [-t THREADS] [-p PARTS] FILE\n");
        return 2;
    }
    decode (argv[optind], threads, parts);
    return 0;
}
