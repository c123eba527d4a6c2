/* arec stats MNT: what a running mount counts, once or again and again. */
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/command_line.h"
#include "frame/mount_probe.h"
#include "frame/mount_stats.h"
#include "stats/stats.h"
#include "stats/stats_json.h"
#include "stats/stats_table.h"
#include "stats/stats_view.h"

#define MIN_INTERVAL 0.01
#define MAX_INTERVAL 86400.0

/* ---- once, or again and again ---- */

typedef struct {
    ToolOutput *out;
    const ToolCommandLine *line;
    bool redraws;     /* a terminal shows the last table only */
    int interrupt_fd; /* -1: a signal ends us */
    unsigned n_shown;
    ToolStatsView view;
} Watch;

/* Brings the view up to date. */
static ToolMountAnswer
look (Watch *watch, GError **error)
{
    ToolStatsView *view = &watch->view;
    g_autofree char *text = NULL;
    g_autofree ToolMountStats *now = g_new (ToolMountStats, 1);
    ToolMountAnswer answer = tool_mount_probe (view->path, watch->interrupt_fd, &text, error);

    if (answer != TOOL_MOUNT_ANSWERED) {
        return answer;
    }
    if (!tool_mount_stats_parse (now, text, error)) {
        g_prefix_error (error, "%s/.arecfs/metrics: ", view->path);
        return TOOL_MOUNT_FAILED;
    }
    view->is_whole =
        watch->n_shown == 0 || !tool_mount_stats_between (&view->period, &view->total, now);
    if (view->is_whole) {
        view->period = *now;
    }
    view->total = *now;
    return answer;
}

static bool
show (Watch *watch, GError **error)
{
    if (watch->line->json) {
        tool_stats_json_put (watch->out, &watch->view);
    } else {
        /* On a terminal home and clear; else an empty line between two tables. */
        tool_output_text (watch->out, watch->redraws       ? "\033[H\033[J"
                                      : watch->n_shown > 0 ? "\n"
                                                           : "");
        tool_stats_table_put (watch->out, &watch->view, watch->line->verbose);
    }
    watch->n_shown++;
    tool_output_flush (watch->out);
    return tool_output_check (watch->out, error);
}

/* Waits until the time @until. false: an interrupt came first. */
static bool
wait_until (const Watch *watch, int64_t until)
{
    struct pollfd fd = {.fd = watch->interrupt_fd, .events = POLLIN};
    int64_t left;

    while ((left = until - g_get_monotonic_time()) > 0) {
        if (poll (&fd, 1, (int)((left + 999) / 1000)) > 0) {
            return false;
        }
    }
    return true;
}

/* Returns true when it was interrupted or the mount is gone. */
static bool
repeat (Watch *watch, double interval, GError **error)
{
    const int64_t step = (int64_t)(interval * G_USEC_PER_SEC);
    int64_t next = g_get_monotonic_time();

    for (;;) {
        g_autoptr (GError) reason = NULL;
        ToolMountAnswer answer = look (watch, &reason);

        if (answer == TOOL_MOUNT_INTERRUPTED) {
            return true;
        }
        if (answer == TOOL_MOUNT_ABSENT && watch->n_shown > 0) {
            g_autofree char *message =
                g_strdup_printf ("%s: no longer mounted", watch->view.path);

            tool_command_tell (message);
            return true;
        }
        if (answer != TOOL_MOUNT_ANSWERED) {
            g_propagate_error (error, g_steal_pointer (&reason));
            return false;
        }
        if (!show (watch, error)) {
            return false;
        }
        next = MAX (next + step, g_get_monotonic_time());
        if (!wait_until (watch, next)) {
            return true;
        }
    }
}

/* A descriptor that is readable after SIGINT, which ends a watch with code 0. -1: SIGINT is
 * ignored, as under nohup and in a shell's background jobs, and stays so. */
static int
take_interrupts (void)
{
    struct sigaction now;
    sigset_t interrupt;

    if (sigaction (SIGINT, NULL, &now) != 0 || now.sa_handler == SIG_IGN) {
        return -1;
    }
    sigemptyset (&interrupt);
    sigaddset (&interrupt, SIGINT);
    sigprocmask (SIG_BLOCK, &interrupt, NULL);
    return signalfd (-1, &interrupt, SFD_CLOEXEC);
}

/* ---- the command ---- */

static bool
parse_interval (const char *text, double *seconds)
{
    char *end;

    *seconds = g_ascii_strtod (text, &end);
    return g_ascii_isdigit (text[0]) && *end == '\0' && *seconds >= MIN_INTERVAL &&
           *seconds <= MAX_INTERVAL;
}

int
tool_cmd_stats (const ToolCommand *command, int argc, char **argv)
{
    gboolean watches = FALSE;
    g_autofree char *interval_text = NULL;
    const GOptionEntry entries[] = {
        {"watch", 'w', 0, G_OPTION_ARG_NONE, &watches, "Again each second, until interrupted",
         NULL},
        {"interval", 0, 0, G_OPTION_ARG_FILENAME, &interval_text,
         "The same each SECONDS, a decimal number", "SECONDS"},
        G_OPTION_ENTRY_NULL,
    };
    g_auto (ToolCommandLine) line = {0};
    g_autoptr (ToolOutput) out = NULL;
    g_autoptr (GError) error = NULL;
    g_autofree Watch *watch = g_new0 (Watch, 1);
    double interval = 1;
    int exit_code;

    if (!tool_command_line_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    if (line.n_operands > 1) {
        return tool_command_tell_usage (command, "one MNT is expected");
    }
    if (interval_text && !parse_interval (interval_text, &interval)) {
        return tool_command_tell_usage (
            command, "--interval: invalid value: %s, expected seconds in [%g..%g]",
            interval_text, MIN_INTERVAL, MAX_INTERVAL);
    }
    watches = watches || interval_text;
    out = tool_command_stdout();
    *watch = (Watch){.out = out,
                     .line = &line,
                     .redraws = watches && isatty (STDOUT_FILENO),
                     .interrupt_fd = watches ? take_interrupts() : -1,
                     .view = {.path = line.operands[0]}};
    if (watches) {
        repeat (watch, interval, &error);
    } else if (look (watch, &error) == TOOL_MOUNT_ANSWERED) {
        show (watch, &error);
    }
    return tool_command_finish (out, error);
}
