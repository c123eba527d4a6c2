/* arec COMMAND [OPTION]...: the command table and what every command needs before it starts. */
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "command.h"
#include "progress.h"

enum { MMAP_THRESHOLD = 1024 * 1024 };

static const ArecCommand commands[] = {
    {.name = "info",
     .operands = "FILE...",
     .summary = "What a file holds: records, chunks, sizes, codec, options.",
     .run = arec_cmd_info,
     .has_json = true},
    {.name = "ls",
     .operands = "FILE [RANGE]...",
     .summary = "The numbers and sizes of records, one a line.",
     .run = arec_cmd_ls,
     .has_ranges = true,
     .has_json = true},
    {.name = "cat",
     .operands = "FILE [RANGE]...",
     .summary = "The bytes of records, in the order asked.",
     .run = arec_cmd_cat,
     .has_ranges = true},
    {.name = "verify",
     .operands = "FILE...",
     .summary = "Reads and checks everything, and names each damage.",
     .run = arec_cmd_verify,
     .has_json = true},
    {.name = "repair",
     .operands = "-o OUT FILE",
     .summary = "Copies every sound chunk and makes a new index.",
     .run = arec_cmd_repair,
     .has_json = true},
    {.name = "mount",
     .operands = "[OPTION]... SOURCE... MOUNTPOINT",
     .summary = "Mounts files as directories; this is arecfs.",
     .run = arec_cmd_mount},
    {.name = "stats",
     .operands = "MNT",
     .summary = "What a running mount counts, and how long its requests take.",
     .run = arec_cmd_stats,
     .has_json = true,
     .is_of_mount = true},
    {.name = "pack"},
    {.name = "unpack"},
    {.name = "convert"},
    {.name = "bench"},
    {.name = "doctor"},
};

static const ArecCommand *
find_command (const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS (commands); i++) {
        if (strcmp (commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

/* Were 0, 1 or 2 closed, the next file opened would get that number, and output would go into
 * it. An opened stand-in that fails on use, as the closed one would have, prevents that. */
static void
fill_standard_descriptors (void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl (fd, F_GETFD) < 0 && open ("/dev/null", modes[fd]) != fd) {
            _exit (AREC_EXIT_FAILED);
        }
    }
}

static void
on_interrupt (int number)
{
    static const char message[] = "arec: interrupted\n";
    ssize_t ignored;

    (void)number;
    arec_outputs_abort();
    arec_progress_clear();
    ignored = write (STDERR_FILENO, message, sizeof message - 1);
    (void)ignored;
    _exit (AREC_EXIT_FAILED);
}

static void
set_signals (void)
{
    static const int interrupts[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction interrupt = {.sa_handler = on_interrupt};
    const struct sigaction plain = {.sa_handler = SIG_DFL};

    /* A reader that has seen enough ends us silently, even under a parent that ignores SIGPIPE.
     */
    sigaction (SIGPIPE, &plain, NULL);
    signal (SIGXFSZ, SIG_IGN); /* a file that grows too large is an error to tell */
    for (size_t i = 0; i < G_N_ELEMENTS (interrupts); i++) {
        struct sigaction before;

        /* What nohup or a shell ignores for a job in the background stays ignored. */
        if (sigaction (interrupts[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            sigaction (interrupts[i], &interrupt, NULL);
        }
    }
}

static int
print_help (void)
{
    g_autoptr (ArecOutput) out = arec_command_stdout();

    arec_output_text (out, "Usage:\n  arec COMMAND [OPTION]...\n\n"
                           "Reads ArrayRecord files.\n\nCommands:\n");
    for (size_t i = 0; i < G_N_ELEMENTS (commands); i++) {
        if (commands[i].run) {
            arec_output_format (out, "  %-8s%s\n", commands[i].name, commands[i].summary);
        }
    }
    arec_output_text (
        out, "\nRANGE: 7, 5:9 (half-open), :100, -10: (negative counts from the end).\n"
             "FILE may end in [a:b]: only these records, renumbered from 0.\n"
             "'arec COMMAND --help' tells the options of a command.\n");
    return arec_command_finish (out, NULL);
}

static int
run_command (const char *name, int argc, char **argv)
{
    const ArecCommand *command = find_command (name);
    g_autofree char *message = NULL;

    if (command && command->run) {
        return command->run (command, argc, argv);
    }
    if (command) {
        message = g_strdup_printf ("%s: not in this build", name);
        arec_command_tell (message);
        return AREC_EXIT_UNSUPPORTED;
    }
    message = g_strdup_printf ("%s: unknown %s; try 'arec --help'", name,
                               name[0] == '-' ? "option" : "command");
    arec_command_tell (message);
    return AREC_EXIT_USAGE;
}

/* `arec help COMMAND` is `arec COMMAND --help`. */
static int
run_help (const char *name)
{
    char *argv[] = {(char *)name, (char *)"--help", NULL};

    return name ? run_command (name, 2, argv) : print_help();
}

int
main (int argc, char **argv)
{
    fill_standard_descriptors();
    set_signals();
    /* Fixed, so that a freed chunk goes back to the system; glibc would raise it to 32 MiB by
     * and by. */
    mallopt (M_MMAP_THRESHOLD, MMAP_THRESHOLD);
    if (argc < 2) {
        arec_command_tell ("COMMAND is missing; try 'arec --help'");
        return AREC_EXIT_USAGE;
    }
    if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0) {
        return print_help();
    }
    if (strcmp (argv[1], "--version") == 0 || strcmp (argv[1], "-V") == 0) {
        return arec_command_print_version();
    }
    if (strcmp (argv[1], "help") == 0) {
        return run_help (argc > 2 ? argv[2] : NULL);
    }
    return run_command (argv[1], argc - 1, argv + 1);
}
