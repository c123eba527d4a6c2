/* arec bench WHAT: finds what is to be measured. */
#include <string.h>

#include "bench/bench.h"
#include "bench/bench_access.h"
#include "bench/bench_codecs.h"

static const ToolCommand kinds[] = {
    {.name = "bench codecs",
     .operands = "[FILE...]",
     .summary = "What codecs, levels and group sizes cost and save.",
     .run = tool_bench_codecs,
     .has_json = true,
     .is_of_inputs = true},
    {.name = "bench access",
     .operands = "FILE...",
     .summary = "What reading in order, at random and in batches costs.",
     .run = tool_bench_access,
     .has_json = true,
     .is_of_inputs = true},
    {.name = "bench mount",
     .operands = "FILE...",
     .summary = "What the same costs through a mount.",
     .run = tool_bench_access_mount,
     .has_json = true,
     .is_of_inputs = true},
};

/* The word of @kind after `bench`. */
static const char *
word_of (const ToolCommand *kind)
{
    return strchr (kind->name, ' ') + 1;
}

static const ToolCommand *
find_kind (const char *word)
{
    for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++) {
        if (strcmp (word_of (&kinds[i]), word) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

static int
print_help (void)
{
    g_autoptr (ToolOutput) out = tool_command_stdout();

    tool_output_text (out, "Usage:\n  arec bench WHAT [OPTION]...\n\nMeasures.\n\nWHAT:\n");
    for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++) {
        tool_output_format (out, "  %-8s%s\n", word_of (&kinds[i]), kinds[i].summary);
    }
    tool_output_text (out, "\n'arec bench WHAT --help' lists its options.\n");
    return tool_command_finish (out, NULL);
}

int
tool_cmd_bench (const ToolCommand *command, int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    const ToolCommand *kind = word ? find_kind (word) : NULL;

    if (word && (strcmp (word, "--help") == 0 || strcmp (word, "-h") == 0)) {
        return print_help();
    }
    if (kind) {
        return kind->run (kind, argc - 1, argv + 1);
    }
    return word
               ? tool_command_tell_usage (command, "%s: is none of codecs, access, mount", word)
               : tool_command_tell_usage (command, "one of codecs, access, mount is missing");
}
