/* Performs random operations on a mount by several threads and compares all results with a
 * model.
 *
 *   arec_hammer [--seed N] [--threads N] [--seconds N] [--operations N] MODEL BYTES MOUNTPOINT
 *
 * MODEL and BYTES describe what the mount must show (model.h). Each thread goes on until the
 * time is over or its number of operations is reached; operation n of thread t is the same for
 * the same seed and model. Prints how many operations of each kind were done, as a JSON object.
 * After a failure it prints what was wrong and the command that replays it, and ends with code
 * 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "operations.h"

typedef struct {
    const char *name;
    void (*run) (Worker *worker);
    unsigned weight;
} Operation;

static const Operation operations[] = {
    {"read", op_read, 2500},
    {"read_held", op_read_held, 2500},
    {"read_steps", op_read_steps, 600},
    {"read_direct", op_read_direct, 800},
    {"map", op_map, 600},
    {"stat", op_stat, 1200},
    {"absent", op_absent, 600},
    {"list", op_list, 20},
    {"list_on", op_list_on, 500},
    {"handle", op_handle, 600},
    {"attribute", op_attribute, 700},
    {"refused", op_refused, 300},
    {"control", op_control, 20},
    {"drop_caches", op_drop_caches, 2},
};

enum { N_KINDS = G_N_ELEMENTS (operations), MAX_THREADS = 64 };

typedef struct {
    Worker *worker;
    pthread_t thread;
    int64_t end; /* monotonic time in us */
    uint64_t n;  /* operations at most */
    uint64_t done[N_KINDS];
} Run;

/* ---- threads ---- */

static unsigned
pick_kind (Worker *worker)
{
    unsigned sum = 0, kind = 0, at;

    for (unsigned i = 0; i < N_KINDS; i++) {
        sum += operations[i].weight;
    }
    at = (unsigned)worker_random (worker, sum);
    while (at >= operations[kind].weight) {
        at -= operations[kind++].weight;
    }
    return kind;
}

static void *
hammer (void *data)
{
    Run *run = data;

    for (uint64_t i = 0; i < run->n && g_get_monotonic_time() < run->end; i++) {
        unsigned kind;

        worker_begin (run->worker, i, "picking");
        kind = pick_kind (run->worker);
        run->worker->doing = operations[kind].name;
        operations[kind].run (run->worker);
        run->done[kind]++;
    }
    return NULL;
}

static void
print_counts (const Run *runs, unsigned n_threads)
{
    for (unsigned kind = 0; kind < N_KINDS; kind++) {
        uint64_t sum = 0;

        for (unsigned i = 0; i < n_threads; i++) {
            sum += runs[i].done[kind];
        }
        printf ("%s\"%s\": %" PRIu64, kind ? ", " : "{", operations[kind].name, sum);
    }
    printf ("}\n");
}

/* ---- start ---- */

static int
open_root (const char *path)
{
    int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        fprintf (stderr, "arec_hammer: %s: %s\n", path, strerror (errno));
        exit (2);
    }
    return fd;
}

/* open_by_handle_at () needs a privilege; an invalid handle shows whether we have it. */
static bool
may_open_handles (int root)
{
    union {
        struct file_handle handle;
        uint8_t room[sizeof (struct file_handle) + 8];
    } none = {.handle = {.handle_bytes = 8, .handle_type = 0x7f}};
    bool may = open_by_handle_at (root, &none.handle, O_RDONLY) >= 0 ||
               (errno != EPERM && errno != ENOSYS && errno != EOPNOTSUPP);

    if (!may) {
        fprintf (stderr, "arec_hammer: no file handles: %s\n", strerror (errno));
    }
    return may;
}

static int
open_drop_caches (void)
{
    int fd = open ("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

    if (fd < 0) {
        fprintf (stderr, "arec_hammer: caches are not dropped: %s\n", strerror (errno));
    }
    return fd;
}

static void
run_all (Setup *setup, double seconds, uint64_t n)
{
    Run runs[MAX_THREADS] = {0};
    int64_t end = g_get_monotonic_time() + (int64_t)(seconds * 1e6);
    g_autofree char *one = NULL, *two = NULL;

    for (unsigned i = 0; i < setup->n_threads; i++) {
        runs[i] = (Run){.worker = worker_new (setup, i), .end = end, .n = n};
        if (pthread_create (&runs[i].thread, NULL, hammer, &runs[i]) != 0) {
            g_error ("no thread");
        }
    }
    for (unsigned i = 0; i < setup->n_threads; i++) {
        pthread_join (runs[i].thread, NULL);
        worker_free (runs[i].worker);
    }
    if (model_find_equal_inodes (setup->model, &one, &two)) {
        fprintf (stderr, "arec_hammer: seed %" PRIu64 ": %s and %s have one inode number\n",
                 setup->seed, one, two);
        exit (1);
    }
    print_counts (runs, setup->n_threads);
}

int
main (int argc, char **argv)
{
    gint64 seed = 1, n = G_MAXINT64;
    int threads = 4;
    double seconds = 1e6;
    g_auto (GStrv) files = NULL;
    const GOptionEntry entries[] = {
        {"seed", 0, 0, G_OPTION_ARG_INT64, &seed, "seed of the random numbers", "N"},
        {"threads", 0, 0, G_OPTION_ARG_INT, &threads, "threads (4)", "N"},
        {"seconds", 0, 0, G_OPTION_ARG_DOUBLE, &seconds, "end after this time", "N"},
        {"operations", 0, 0, G_OPTION_ARG_INT64, &n, "operations of each thread", "N"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, NULL},
        {0}};
    g_autoptr (GOptionContext) context = g_option_context_new ("MODEL BYTES MOUNTPOINT");
    g_autoptr (GError) error = NULL;
    Setup setup = {0};

    g_option_context_add_main_entries (context, entries, NULL);
    if (!g_option_context_parse (context, &argc, &argv, &error) || !files ||
        g_strv_length (files) != 3 || threads < 1 || threads > MAX_THREADS || n < 1) {
        fprintf (stderr, "arec_hammer: %s\n", error ? error->message : "see --help");
        return 2;
    }
    setup = (Setup){.model = model_load (files[0], files[1]),
                    .mount_point = files[2],
                    .root = open_root (files[2]),
                    .drop_caches = open_drop_caches(),
                    .seed = (uint64_t)seed,
                    .n_threads = (unsigned)threads,
                    .model_file = files[0],
                    .bytes_file = files[1]};
    setup.has_handles = may_open_handles (setup.root);
    run_all (&setup, seconds, (uint64_t)n);
    close (setup.root);
    if (setup.drop_caches >= 0) {
        close (setup.drop_caches);
    }
    model_free ((Model *)setup.model);
    return 0;
}
