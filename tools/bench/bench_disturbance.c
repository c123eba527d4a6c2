#include "bench/bench_disturbance.h"

#include <glib.h>

#include "bench/bench_machine.h"
#include "frame/command.h"

#define MAX_DISTURBANCE 0.2   /* CPUs that other processes may take on average */
#define LEAST_DISTURBED_S 0.5 /* of which the average is taken */

static double
own_work (void)
{
    return tool_bench_machine_own_cpu() + tool_bench_machine_children_cpu();
}

void
tool_bench_disturbance_begin (ToolBenchDisturbance *disturbance)
{
    *disturbance = (ToolBenchDisturbance){.start = tool_bench_machine_now(),
                                          .all = tool_bench_machine_all_cpu(),
                                          .own = own_work()};
}

void
tool_bench_disturbance_tell (const ToolBenchDisturbance *disturbance)
{
    double seconds = tool_bench_machine_now() - disturbance->start;
    double all = tool_bench_machine_all_cpu() - disturbance->all;
    double others = all - (own_work() - disturbance->own);
    g_autofree char *text = NULL;

    if (disturbance->all < 0 || seconds < LEAST_DISTURBED_S ||
        others <= MAX_DISTURBANCE * seconds) {
        return;
    }
    text =
        g_strdup_printf ("other processes took %.1f of %u CPUs meanwhile: the times say little",
                         others / seconds, g_get_num_processors());
    tool_command_tell (text);
}
