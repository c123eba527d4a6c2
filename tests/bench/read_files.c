/* Reads every file of a directory like a data loader: lists it, sorts the names, then opens,
 * reads to the end and closes each file in order.
 *
 *   read_files [-N TOTAL] [-r SEED] [-s START] [-n COUNT] DIR
 *
 * With -N nothing is listed: the names are the numbers below TOTAL, padded to the same width.
 * -r takes the files in a random order. START (default 0) is the position in the order to start
 * from; after the last file comes the first. COUNT (default all) files are read. Prints
 * `FILES BYTES LIST_SECONDS READ_SECONDS`. Neither time includes the sorting. Exits 1 with a
 * message on the first failure.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "records_order.h"

enum { LIST_BUFFER = 1 << 20, READ_BUFFER = 1 << 20 };

/* Names, one NUL-ended string after the other, and where each begins. */
typedef struct {
    char *text;
    size_t text_used, text_size;
    char **names;
    size_t n;
} Names;

static void
die (const char *what, const char *name)
{
    fprintf (stderr, "read_files: %s %s: %s\n", what, name, strerror (errno));
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
grow (void *memory, size_t size)
{
    void *grown = realloc (memory, size);

    if (!grown) {
        die ("memory for", "names");
    }
    return grown;
}

static void
add_name (Names *names, const char *name)
{
    size_t length = strlen (name) + 1;

    if (length > names->text_size - names->text_used) {
        names->text_size = (names->text_size + length) * 2;
        names->text = grow (names->text, names->text_size);
    }
    memcpy (names->text + names->text_used, name, length);
    names->text_used += length;
    names->n++;
}

/* getdents64 itself: readdir () would add its own work and calls. */
static void
list (int dir, const char *path, Names *names)
{
    char *buffer = grow (NULL, LIST_BUFFER);

    for (;;) {
        long got = syscall (SYS_getdents64, dir, buffer, (size_t)LIST_BUFFER);

        if (got < 0) {
            die ("list", path);
        }
        if (got == 0) {
            break;
        }
        for (long at = 0; at < got;) {
            const struct dirent64 *entry = (const struct dirent64 *)(buffer + at);

            if (entry->d_type != DT_DIR) {
                add_name (names, entry->d_name);
            }
            at += entry->d_reclen;
        }
    }
    free (buffer);
}

/* Makes the names, without a listing: the numbers below @total. */
static void
know (size_t total, Names *names)
{
    char name[24];
    int width = snprintf (NULL, 0, "%zu", total > 0 ? total - 1 : 0);

    for (size_t i = 0; i < total; i++) {
        snprintf (name, sizeof name, "%0*zu", width, i);
        add_name (names, name);
    }
}

static int
compare_names (const void *a, const void *b)
{
    return strcmp (*(char *const *)a, *(char *const *)b);
}

static void
sort (Names *names)
{
    char *at = names->text;

    names->names = grow (NULL, (names->n + 1) * sizeof *names->names);
    for (size_t i = 0; i < names->n; i++) {
        names->names[i] = at;
        at += strlen (at) + 1;
    }
    qsort (names->names, names->n, sizeof *names->names, compare_names);
}

static void
shuffle (Names *names, uint64_t seed)
{
    size_t *order = grow (NULL, (names->n + 1) * sizeof *order);
    char **sorted = names->names;

    for (size_t i = 0; i < names->n; i++) {
        order[i] = i;
    }
    records_order_shuffle (order, names->n, seed);
    names->names = grow (NULL, (names->n + 1) * sizeof *names->names);
    for (size_t i = 0; i < names->n; i++) {
        names->names[i] = sorted[order[i]];
    }
    free (order);
    free (sorted);
}

static uint64_t
read_file (int dir, const char *name, char *buffer)
{
    uint64_t bytes = 0;
    int file = openat (dir, name, O_RDONLY | O_CLOEXEC);

    if (file < 0) {
        die ("open", name);
    }
    for (;;) {
        ssize_t got = read (file, buffer, READ_BUFFER);

        if (got < 0) {
            die ("read", name);
        }
        if (got == 0) {
            break;
        }
        bytes += (uint64_t)got;
    }
    close (file);
    return bytes;
}

static size_t
number (const char *text)
{
    char *end = NULL;
    unsigned long long value;

    errno = 0;
    value = strtoull (text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') {
        fprintf (stderr, "read_files: not a number: %s\n", text);
        exit (2);
    }
    return (size_t)value;
}

int
main (int argc, char **argv)
{
    size_t start = 0, count = SIZE_MAX, total = 0, seed = 0;
    bool is_known = false, is_random = false;
    Names names = {0};
    uint64_t bytes = 0;
    double begin, listed, sorted, done;
    char *buffer;
    int dir, option;

    while ((option = getopt (argc, argv, "N:r:s:n:")) != -1) {
        switch (option) {
        case 'N': total = number (optarg), is_known = true; break;
        case 'r': seed = number (optarg), is_random = true; break;
        case 's': start = number (optarg); break;
        case 'n': count = number (optarg); break;
        default: return 2;
        }
    }
    if (optind != argc - 1) {
        fprintf (stderr, "usage: read_files [-N TOTAL] [-r SEED] [-s START] [-n COUNT] DIR\n");
        return 2;
    }
    dir = open (argv[optind], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        die ("open", argv[optind]);
    }
    buffer = grow (NULL, READ_BUFFER);

    begin = now();
    if (is_known) {
        know (total, &names);
    } else {
        list (dir, argv[optind], &names);
    }
    listed = now();
    sort (&names);
    if (is_random) {
        shuffle (&names, seed);
    }
    if (count > names.n) {
        count = names.n;
    }
    sorted = now();
    for (size_t i = 0; i < count; i++) {
        bytes += read_file (dir, names.names[(start + i) % names.n], buffer);
    }
    done = now();

    printf ("%zu %" PRIu64 " %.6f %.6f\n", count, bytes, listed - begin, done - sorted);
    return 0;
}
