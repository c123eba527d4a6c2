#include "bench/bench_access_figures.h"

#define MEGA 1e6

void
tool_bench_access_figures_add (ToolBenchAccessRounds *rounds,
                               const ToolBenchAccessFigures *figures)
{
    double *medians = (double *)&rounds->median;

    rounds->rounds = g_renew (ToolBenchAccessFigures, rounds->rounds, rounds->n_rounds + 1);
    rounds->rounds[rounds->n_rounds++] = *figures;
    for (size_t i = 0; i < sizeof *figures / sizeof (double); i++) {
        const double *first = (const double *)rounds->rounds + i;

        medians[i] = tool_bench_spread_of (first, rounds->n_rounds, sizeof *figures).median;
    }
    rounds->time =
        tool_bench_spread_of (&rounds->rounds->time_s, rounds->n_rounds, sizeof *figures);
}

void
tool_bench_access_figures_clear (ToolBenchAccessRounds *rounds)
{
    g_clear_pointer (&rounds->rounds, g_free);
    rounds->n_rounds = 0;
}

static double
in_time (const ToolBenchAccessFigures *figures, double amount)
{
    return figures->time_s > 0 ? amount / figures->time_s : 0;
}

double
tool_bench_access_figures_speed (const ToolBenchAccessFigures *figures)
{
    return in_time (figures, figures->calls.bytes / MEGA);
}

double
tool_bench_access_figures_rate (const ToolBenchAccessFigures *figures)
{
    return in_time (figures, figures->calls.records);
}

double
tool_bench_access_figures_cpu_percent (const ToolBenchAccessFigures *figures)
{
    return in_time (figures, figures->cpu_s * 100);
}

double
tool_bench_access_figures_requests (const ToolBenchAccessFigures *figures)
{
    return figures->calls.records > 0 ? figures->requests / figures->calls.records : 0;
}
