/* Runs a fuzz target over files: `replay_NAME FILE-OR-FOLDER...`. Linked with each target
 * where there is no libFuzzer. A folder that is absent counts as empty; if no file is run at
 * all, that is a failure. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

/* Seconds that one input may take: some hundred times what any does, sanitizers included. */
#define TIME_LIMIT 20

/* Present where a sanitizer is, which ends the process without a signal. */
extern void __sanitizer_set_death_callback (void (*callback) (void)) __attribute__ ((weak));

static const char *current; /* file being run */

static void
name_current (void)
{
    if (current && (write (STDERR_FILENO, "replay: failed on ", 18) < 0 ||
                    write (STDERR_FILENO, current, strlen (current)) < 0 ||
                    write (STDERR_FILENO, "\n", 1) < 0)) {
        _exit (EXIT_FAILURE);
    }
    current = NULL;
}

static void
on_signal (int number)
{
    if (number == SIGALRM && write (STDERR_FILENO, "replay: out of time\n", 20) < 0) {
        _exit (EXIT_FAILURE);
    }
    name_current();
    raise (number); /* by default now, and blocked until here */
}

static void
watch_signals (void)
{
    static const int watched[] = {SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};

    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback (name_current);
    }
    for (size_t i = 0; i < G_N_ELEMENTS (watched); i++) {
        /* A sanitizer reports more about a bad access than its signal does. */
        if (!__sanitizer_set_death_callback || watched[i] == SIGABRT || watched[i] == SIGALRM) {
            sigaction (watched[i], &action, NULL);
        }
    }
}

static void
run_file (const char *path)
{
    g_autofree char *data = NULL;
    g_autofree uint8_t *exact = NULL; /* nothing after the last byte, not even a NUL */
    g_autoptr (GError) error = NULL;
    gsize size;

    if (!g_file_get_contents (path, &data, &size, &error)) {
        fprintf (stderr, "replay: %s\n", error->message);
        exit (EXIT_FAILURE);
    }
    exact = g_memdup2 (data, size);
    current = path;
    alarm (TIME_LIMIT);
    LLVMFuzzerTestOneInput (exact ? exact : (const uint8_t *)"", size);
    alarm (0);
    current = NULL;
}

static int
compare_names (const void *a, const void *b)
{
    return strcmp (*(char *const *)a, *(char *const *)b);
}

/* Returns the number of files run. */
static unsigned
run_folder (const char *path)
{
    g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
    GDir *folder = g_dir_open (path, 0, NULL);
    const char *name;

    if (!folder) {
        return 0;
    }
    while ((name = g_dir_read_name (folder))) {
        g_ptr_array_add (files, g_build_filename (path, name, NULL));
    }
    g_dir_close (folder);
    g_ptr_array_sort (files, compare_names);
    for (guint i = 0; i < files->len; i++) {
        run_file (g_ptr_array_index (files, i));
    }
    return files->len;
}

int
main (int argc, char **argv)
{
    unsigned n = 0;

    watch_signals();
    for (int i = 1; i < argc; i++) {
        if (g_file_test (argv[i], G_FILE_TEST_IS_REGULAR)) {
            run_file (argv[i]);
            n++;
        } else {
            n += run_folder (argv[i]);
        }
    }
    printf ("%s: %u inputs\n", argv[0], n);
    return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
