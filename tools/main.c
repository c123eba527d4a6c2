/* arec COMMAND [OPTION]...: the command table and what every command needs before it starts. */
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include <arec/sources.h>

#include "bench/bench.h"
#include "doctor/doctor.h"
#include "frame/command.h"
#include "frame/interrupt.h"
#include "look/look.h"
#include "pack/pack.h"
#include "stats/stats.h"

enum { MMAP_THRESHOLD = 1024 * 1024 };

static const ToolCommand commands[] = {
    {.name = "info",
     .operands = "FILE...",
     .summary = "What a file holds: records, chunks, sizes, codec, options.",
     .run = tool_cmd_info,
     .has_list = true,
     .has_json = true},
    {.name = "ls",
     .operands = "FILE [RANGE]...",
     .summary = "The numbers and sizes of records, one a line.",
     .run = tool_cmd_ls,
     .has_list = true,
     .has_ranges = true,
     .has_json = true},
    {.name = "cat",
     .operands = "FILE [RANGE]...",
     .summary = "The bytes of records, in the order asked.",
     .run = tool_cmd_cat,
     .has_list = true,
     .has_ranges = true,
     .has_timing = true},
    {.name = "verify",
     .operands = "FILE...",
     .summary = "Reads and checks everything, and names each damage.",
     .run = tool_cmd_verify,
     .has_list = true,
     .has_json = true,
     .has_timing = true},
    {.name = "repair",
     .operands = "-o OUT FILE",
     .summary = "Copies every sound chunk and makes a new index.",
     .run = tool_cmd_repair,
     .has_json = true},
    {.name = "mount",
     .operands = "[OPTION]... SOURCE... MOUNTPOINT",
     .summary = "Mounts files as directories; this is arecfs.",
     .run = tool_cmd_mount},
    {.name = "stats",
     .operands = "MNT",
     .summary = "What a running mount counts, and how long its requests take.",
     .run = tool_cmd_stats,
     .has_json = true,
     .is_of_mount = true},
    {.name = "pack",
     .operands = "-o OUT INPUT...",
     .summary = "Makes a file of files, lines or TFRecord files.",
     .run = tool_cmd_pack,
     .has_json = true,
     .is_of_inputs = true,
     .has_timing = true},
    {.name = "unpack",
     .operands = "FILE DIR [RANGE]... | --tar FILE [RANGE]...",
     .summary = "Writes records as files into a folder, or as a tar archive.",
     .run = tool_cmd_unpack,
     .has_ranges = true},
    {.name = "convert",
     .operands = "-o OUT FILE... | --in-place FILE...",
     .summary = "Writes records of files anew: other options, records or order.",
     .run = tool_cmd_convert,
     .has_list = true,
     .has_json = true,
     .has_timing = true},
    {.name = "bench",
     .operands = "codecs|access|mount [OPTION]... [FILE...]",
     .summary = "Measures codecs, levels and group sizes, or ways of reading.",
     .run = tool_cmd_bench},
    {.name = "doctor",
     .operands = "FILE...",
     .summary = "What a file's layout suits, and what would make it better.",
     .run = tool_cmd_doctor,
     .has_list = true,
     .has_json = true},
};

static const ToolCommand *
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
            _exit (TOOL_EXIT_FAILED);
        }
    }
}

static int
print_help (void)
{
    g_autoptr (ToolOutput) out = tool_command_stdout();

    tool_output_text (out, "Usage:\n  arec COMMAND [OPTION]...\n\n"
                           "Reads and makes ArrayRecord files.\n\nCommands:\n");
    for (size_t i = 0; i < G_N_ELEMENTS (commands); i++) {
        tool_output_format (out, "  %-8s%s\n", commands[i].name, commands[i].summary);
    }
    tool_output_text (
        out, "\nRANGE: 7, 5:9 (half-open), :100, -10: (negative counts from the end).\n"
             "FILE may end in [a:b]: only these records, renumbered from 0.\n"
             "'arec COMMAND --help' lists the options of a command.\n");
    return tool_command_finish (out, NULL);
}

static int
run_command (const char *name, int argc, char **argv)
{
    const ToolCommand *command = find_command (name);
    g_autofree char *message = NULL;

    if (command) {
        return command->run (command, argc, argv);
    }
    message = g_strdup_printf ("%s: unknown %s; try 'arec --help'", name,
                               name[0] == '-' ? "option" : "command");
    tool_command_tell (message);
    return TOOL_EXIT_USAGE;
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
    g_auto (GStrv) arguments = arec_source_hide_queries (argc, argv);

    fill_standard_descriptors();
    signal (SIGXFSZ, SIG_IGN); /* a file that grows too large is an error to report */
    tool_interrupt_begin();
    /* Fixed, so that a freed chunk goes back to the system: glibc would raise the threshold
     * step by step to 32 MiB. */
    mallopt (M_MMAP_THRESHOLD, MMAP_THRESHOLD);
    if (argc < 2) {
        tool_command_tell ("COMMAND is missing; try 'arec --help'");
        return TOOL_EXIT_USAGE;
    }
    if (strcmp (arguments[1], "--help") == 0 || strcmp (arguments[1], "-h") == 0) {
        return print_help();
    }
    if (strcmp (arguments[1], "--version") == 0 || strcmp (arguments[1], "-V") == 0) {
        return tool_command_print_version();
    }
    if (strcmp (arguments[1], "help") == 0) {
        return run_help (argc > 2 ? arguments[2] : NULL);
    }
    return run_command (arguments[1], argc - 1, arguments + 1);
}
