#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads may ask for this many bytes beyond the end. */
#define BEYOND (64 * 1024)
#define PAGE 4096

/* ---- random numbers ---- */

/* splitmix64 */
static uint64_t
next (uint64_t *state)
{
    uint64_t z = *state += UINT64_C (0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C (0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void
worker_begin (Worker *worker, uint64_t operation, const char *doing)
{
    uint64_t state = worker->setup->seed;

    state = next (&state) ^ worker->thread;
    state = next (&state) ^ operation;
    worker->random = next (&state);
    worker->operation = operation;
    worker->doing = doing;
}

uint64_t
worker_random (Worker *worker, uint64_t n)
{
    return next (&worker->random) % n;
}

/* ---- life ---- */

Worker *
worker_new (const Setup *setup, unsigned thread)
{
    Worker *worker = g_new0 (Worker, 1);

    worker->setup = setup;
    worker->thread = thread;
    worker->buffer_size = (setup->model->largest + BEYOND) / PAGE * PAGE;
    worker->buffer = aligned_alloc (PAGE, worker->buffer_size);
    g_assert_nonnull (worker->buffer);
    return worker;
}

void
worker_free (Worker *worker)
{
    for (int i = 0; i < HELD_FILES; i++) {
        if (worker->files[i].entry) {
            close (worker->files[i].fd);
        }
    }
    for (int i = 0; i < HELD_PLACES; i++) {
        if (worker->places[i].directory) {
            close (worker->places[i].fd);
        }
    }
    free (worker->buffer);
    g_free (worker);
}

/* ---- picking ---- */

ModelEntry *
worker_pick_record (Worker *worker, const char **name)
{
    const GPtrArray *records = worker->setup->model->records;
    uint64_t neighbourhood = worker->operation / 64 * 7919;
    uint64_t i = worker_random (worker, 2) ? neighbourhood + worker_random (worker, 50)
                                           : worker_random (worker, records->len);
    ModelEntry *entry = records->pdata[i % records->len];

    if (name) {
        *name = entry->alias && worker_random (worker, 3) == 0 ? entry->alias : entry->name;
    }
    return entry;
}

const ModelDirectory *
worker_pick_directory (Worker *worker)
{
    const GPtrArray *directories = worker->setup->model->directories;

    return directories->pdata[worker_random (worker, directories->len)];
}

int
worker_open (Worker *worker, const ModelEntry *entry, const char *name, int flags)
{
    g_autofree char *path = model_path (entry, name);
    int fd = openat (worker->setup->root, path, flags | O_CLOEXEC);

    if (fd < 0) {
        worker_complain (worker, entry, "opened as %s: found %s, expected a descriptor", path,
                         strerrorname_np (errno));
    }
    return fd;
}

/* ---- complaints ---- */

void
worker_complain (const Worker *worker, const ModelEntry *entry, const char *format, ...)
{
    static atomic_flag complaining = ATOMIC_FLAG_INIT;
    const Setup *setup = worker->setup;
    g_autofree char *path = model_path (entry, NULL);
    g_autofree char *text = NULL;
    va_list args;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    while (atomic_flag_test_and_set (&complaining)) {
        pause(); /* the first thread that complains ends the program */
    }
    fprintf (stderr,
             "arec_hammer: seed %" PRIu64 ", thread %u, operation %" PRIu64 " (%s): %s: %s\n",
             setup->seed, worker->thread, worker->operation, worker->doing, path, text);
    fprintf (stderr,
             "replay: arec_hammer --seed %" PRIu64 " --threads %u --operations %" PRIu64
             " %s %s %s\n",
             setup->seed, setup->n_threads, worker->operation + 1, setup->model_file,
             setup->bytes_file, setup->mount_point);
    fflush (NULL);
    _exit (1);
}

void
worker_expect_errno (const Worker *worker, const ModelEntry *entry, const char *what,
                     long result, int expected)
{
    int number = errno;

    if (result >= 0) {
        worker_complain (worker, entry, "%s: found success (%ld), expected %s", what, result,
                         strerrorname_np (expected));
    }
    if (number != expected) {
        worker_complain (worker, entry, "%s: found %s, expected %s", what,
                         strerrorname_np (number), strerrorname_np (expected));
    }
}
