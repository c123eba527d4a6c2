/* One thread of the hammer: its random numbers, the files that it holds open, its complaints.
 *
 * Each operation starts with a generator of its own, seeded by seed, thread and number, so what
 * it does depends only on these and on the files that the thread holds. Used by its own thread
 * only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <glib.h>

#include "model.h"

enum { HELD_FILES = 16, HELD_PLACES = 4, HELD_HANDLES = 16, HANDLE_SIZE = 128 };

/* What all threads share. Immutable while they run. */
typedef struct {
    const Model *model;
    const char *mount_point;
    int root;         /* its descriptor */
    int drop_caches;  /* /proc/sys/vm/drop_caches, or -1: may not be written */
    bool has_handles; /* open_by_handle_at () may be called */
    uint64_t seed;
    unsigned n_threads;
    const char *model_file, *bytes_file;
} Setup;

typedef struct {
    const ModelEntry *entry; /* NULL: empty */
    int fd;
} HeldFile;

/* An open directory and a position in it. */
typedef struct {
    const ModelDirectory *directory; /* NULL: empty */
    int fd;
    int64_t cookie;
    char next[256]; /* the name that follows; empty: the end */
} HeldPlace;

typedef struct {
    ModelEntry *entry; /* NULL: empty */
    unsigned size;
    int type;
    uint8_t bytes[HANDLE_SIZE];
} HeldHandle;

typedef struct {
    const Setup *setup;
    unsigned thread;
    uint64_t operation; /* number of the one under way */
    const char *doing;  /* its name */
    uint64_t random;
    uint8_t *buffer;    /* page-aligned */
    size_t buffer_size; /* above the largest record's */
    HeldFile files[HELD_FILES];
    HeldPlace places[HELD_PLACES];
    HeldHandle handles[HELD_HANDLES];
} Worker;

Worker *worker_new (const Setup *setup, unsigned thread);
void worker_free (Worker *worker);

/* Makes the random numbers those of operation @operation. */
void worker_begin (Worker *worker, uint64_t operation, const char *doing);

/* In [0, n), n > 0. */
uint64_t worker_random (Worker *worker, uint64_t n);

/* A record and one of its names. Records near each other are picked more often. */
ModelEntry *worker_pick_record (Worker *worker, const char **name);
const ModelDirectory *worker_pick_directory (Worker *worker);

/* Opens the file or directory @entry by @name (NULL: its own name), and complains if that
 * fails. */
int worker_open (Worker *worker, const ModelEntry *entry, const char *name, int flags);

/* Prints what is wrong with @entry and how to replay it, and ends the program with code 1.
 */
void worker_complain (const Worker *worker, const ModelEntry *entry, const char *format, ...)
    G_GNUC_PRINTF (3, 4) G_GNUC_NORETURN;

/* Complains unless @result is -1 with errno @expected. */
void worker_expect_errno (const Worker *worker, const ModelEntry *entry, const char *what,
                          long result, int expected);
