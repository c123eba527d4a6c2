/* arec stats MNT: what a running mount counts, once or again and again. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <glib.h>

#include <arec/arec.h>

#include "command.h"
#include "mount_probe.h"
#include "mount_stats.h"

#define MIN_INTERVAL 0.01
#define MAX_INTERVAL 86400.0

#define HISTOGRAM_WIDTH 40

/* What is shown of a mount: counts since the mount, and a period for rates, shares and times.
 */
typedef struct {
    const char *path;
    ArecMountStats total;
    ArecMountStats period;
    bool is_whole; /* the period is all the time since the mount */
} View;

/* ---- numbers for people ---- */

static char *
duration_text (double seconds)
{
    if (isnan (seconds)) {
        return g_strdup ("-");
    }
    if (seconds < 999.5e-9) {
        return g_strdup_printf ("%.0f ns", seconds * 1e9);
    }
    if (seconds < 999.5e-6) {
        return g_strdup_printf ("%.3g us", seconds * 1e6);
    }
    if (seconds < 999.5e-3) {
        return g_strdup_printf ("%.3g ms", seconds * 1e3);
    }
    return g_strdup_printf ("%.3g s", seconds);
}

/* `0:01:02`, `3 d 0:01:02` */
static char *
uptime_text (double seconds)
{
    uint64_t s = (uint64_t)seconds, days = s / 86400;
    g_autofree char *prefix = days > 0 ? g_strdup_printf ("%" PRIu64 " d ", days) : NULL;

    return g_strdup_printf ("%s%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, prefix ? prefix : "",
                            s / 3600 % 24, s / 60 % 60, s % 60);
}

static double
rate (const View *view, uint64_t grown)
{
    return (double)grown / view->period.uptime;
}

static char *
rate_text (const View *view, uint64_t grown)
{
    double a_second = rate (view, grown);

    return g_strdup_printf (a_second < 99.95 ? "%.1f" : "%.0f", a_second);
}

/* `1.5 MiB (0.2 MiB/s)` */
static char *
bytes_text (const View *view, uint64_t total, uint64_t grown)
{
    g_autofree char *size = arec_text_size (total);
    g_autofree char *a_second = arec_text_size ((uint64_t)rate (view, grown));

    return g_strdup_printf ("%s (%s/s)", size, a_second);
}

/* NAN when there is nothing to take a share of. */
static double
share (uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : NAN;
}

static char *
percent_text (double part)
{
    return isnan (part) ? g_strdup ("-") : g_strdup_printf ("%.1f %%", 100 * part);
}

static double
hit_rate (const View *view)
{
    const ArecMountStats *period = &view->period;

    return share (period->cache_hits,
                  period->cache_hits + period->cache_misses + period->cache_joins);
}

static double
waste_rate (const View *view)
{
    const ArecMountStats *period = &view->period;

    return share (period->chunks_ahead_wasted,
                  period->chunks_ahead_used + period->chunks_ahead_wasted);
}

/* Requests that wait for their answer, but for the look-up that made these numbers. */
static uint64_t
under_way (const ArecMountStats *stats)
{
    uint64_t received = 0, answered = 1;

    for (unsigned i = 0; i < stats->n_kinds; i++) {
        received += stats->kinds[i].n_received;
        answered += stats->kinds[i].n_answered;
    }
    return received > answered ? received - answered : 0;
}

/* NAN when there was no request. */
static double
max_of (const ArecMountRequests *requests)
{
    return requests->n_answered > 0 ? requests->max : NAN;
}

/* ---- the table ---- */

static void
put_requests (ArecOutput *out, const View *view, unsigned i)
{
    const ArecMountRequests *period = &view->period.kinds[i];
    g_autofree char *a_second = rate_text (view, period->n_received);
    g_autofree char *p50 = duration_text (arec_mount_stats_quantile (period, 0.5));
    g_autofree char *p90 = duration_text (arec_mount_stats_quantile (period, 0.9));
    g_autofree char *p99 = duration_text (arec_mount_stats_quantile (period, 0.99));
    g_autofree char *max = duration_text (max_of (period));

    arec_output_format (out, "%-12s %12" PRIu64 " %9s %9s %9s %9s %9s\n", period->name,
                        view->total.kinds[i].n_received, a_second, p50, p90, p99, max);
}

static void
put_header (ArecOutput *out, const View *view)
{
    g_autofree char *path = arec_text_printable (view->path);
    g_autofree char *uptime = uptime_text (view->total.uptime);
    g_autofree char *period = view->is_whole
                                  ? g_strdup ("since the mount")
                                  : g_strdup_printf ("of the last %.1f s", view->period.uptime);

    arec_output_format (out, "%s: arecfs %s, up %s; rates, shares and times %s\n\n", path,
                        view->total.version, uptime, period);
    arec_output_format (out, "%-12s %12s %9s %9s %9s %9s %9s\n", "requests", "count", "/s",
                        "p50", "p90", "p99", "max");
}

static void
put_cache (ArecOutput *out, const View *view)
{
    const ArecMountStats *total = &view->total;
    g_autofree char *hits = percent_text (hit_rate (view));
    g_autofree char *used = arec_text_size (total->cache_used);
    g_autofree char *budget = arec_text_size (total->cache_budget);

    arec_output_format (out,
                        "%-12s hit rate %s (%" PRIu64 " hits, %" PRIu64 " misses, %" PRIu64
                        " joins); %s of %s used by %" PRIu64 " entries, %" PRIu64 " evicted\n",
                        "cache", hits, total->cache_hits, total->cache_misses,
                        total->cache_joins, used, budget, total->cache_entries,
                        total->cache_evictions);
}

static void
put_decodes (ArecOutput *out, const View *view)
{
    const ArecMountStats *total = &view->total;
    g_autofree char *a_second = rate_text (view, view->period.chunks_decoded);
    g_autofree char *bytes =
        bytes_text (view, total->decoded_bytes, view->period.decoded_bytes);

    arec_output_format (out,
                        "%-12s %" PRIu64 " chunks (%s/s), %s; %" PRIu64 " failed, %" PRIu64
                        " size lists\n",
                        "decodes", total->chunks_decoded, a_second, bytes, total->chunks_failed,
                        total->size_lists_read);
}

static void
put_ahead (ArecOutput *out, const View *view)
{
    const ArecMountStats *total = &view->total;
    g_autofree char *wasted = percent_text (waste_rate (view));
    g_autofree char *a_second = rate_text (view, view->period.pushes_kept);
    g_autofree char *bytes = bytes_text (view, total->pushed_bytes, view->period.pushed_bytes);

    arec_output_format (out,
                        "%-12s %" PRIu64 " chunks, %" PRIu64 " used, %" PRIu64 " wasted (%s)\n",
                        "readahead", total->chunks_ahead, total->chunks_ahead_used,
                        total->chunks_ahead_wasted, wasted);
    arec_output_format (
        out, "%-12s %" PRIu64 " records (%s/s), %s; %" PRIu64 " refused, %" PRIu64 " dropped\n",
        "pushes", total->pushes_kept, a_second, bytes, total->pushes_refused,
        total->pushes_dropped);
}

static void
put_bytes (ArecOutput *out, const View *view)
{
    const ArecMountStats *total = &view->total;
    g_autofree char *in = bytes_text (view, total->source_bytes, view->period.source_bytes);
    g_autofree char *read = bytes_text (view, total->read_bytes, view->period.read_bytes);

    arec_output_format (out, "%-12s %s in %" PRIu64 " reads of sources, %" PRIu64 " open\n",
                        "bytes in", in, total->source_reads, total->files_open);
    arec_output_format (out, "%-12s %s to readers, besides what is pushed\n", "bytes out",
                        read);
    arec_output_format (out, "%-12s %" PRIu64 "; %" PRIu64 " requests under way\n", "errors",
                        total->errors, under_way (total));
}

static void
put_histogram (ArecOutput *out, const ArecMountRequests *requests)
{
    uint64_t most = 0;

    for (unsigned i = 0; i < requests->n_buckets; i++) {
        most = MAX (most, requests->counts[i]);
    }
    arec_output_format (out, "\n%s\n", requests->name);
    for (unsigned i = 0; i < requests->n_buckets; i++) {
        bool is_last = !isfinite (requests->bounds[i]);
        g_autofree char *bound =
            duration_text (is_last && i > 0 ? requests->bounds[i - 1] : requests->bounds[i]);
        int width = (int)ceil (HISTOGRAM_WIDTH * share (requests->counts[i], most));
        g_autofree char *bar = g_strnfill ((gsize)width, '#');

        if (requests->counts[i] > 0) {
            arec_output_format (out, "  %s %8s %12" PRIu64 " %s\n",
                                is_last ? "> " : "<=", bound, requests->counts[i], bar);
        }
    }
}

static void
put_table (ArecOutput *out, const View *view, bool verbose)
{
    put_header (out, view);
    for (unsigned i = 0; i < view->total.n_kinds; i++) {
        if (view->total.kinds[i].n_received > 0) {
            put_requests (out, view, i);
        }
    }
    arec_output_byte (out, '\n');
    put_cache (out, view);
    put_decodes (out, view);
    put_ahead (out, view);
    put_bytes (out, view);
    for (unsigned i = 0; i < view->period.n_kinds && verbose; i++) {
        if (view->period.kinds[i].n_answered > 0) {
            put_histogram (out, &view->period.kinds[i]);
        }
    }
}

/* ---- JSON ---- */

/* JSON has no NAN: null. */
static void
put_json_double (ArecOutput *out, const char *name, double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    arec_output_format (out, ", \"%s\": %s", name,
                        isnan (number) ? "null"
                                       : g_ascii_formatd (text, sizeof text, "%.9g", number));
}

static void
put_json_count (ArecOutput *out, const char *name, uint64_t number)
{
    arec_output_format (out, ", \"%s\": %" PRIu64, name, number);
}

static void
put_requests_json (ArecOutput *out, const View *view, unsigned i)
{
    const ArecMountRequests *period = &view->period.kinds[i];

    arec_output_text (out, i > 0 ? ", " : "");
    arec_output_json_string (out, period->name);
    arec_output_format (out, ": {\"count\": %" PRIu64, view->total.kinds[i].n_received);
    put_json_double (out, "rate", rate (view, period->n_received));
    put_json_double (out, "p50", arec_mount_stats_quantile (period, 0.5));
    put_json_double (out, "p90", arec_mount_stats_quantile (period, 0.9));
    put_json_double (out, "p99", arec_mount_stats_quantile (period, 0.99));
    put_json_double (out, "max", max_of (period));
    arec_output_byte (out, '}');
}

static void
put_engine_json (ArecOutput *out, const View *view)
{
    const ArecMountStats *total = &view->total, *period = &view->period;

    arec_output_format (out, ", \"cache\": {\"used\": %" PRIu64, total->cache_used);
    put_json_count (out, "budget", total->cache_budget);
    put_json_count (out, "entries", total->cache_entries);
    put_json_count (out, "hits", total->cache_hits);
    put_json_count (out, "misses", total->cache_misses);
    put_json_count (out, "joins", total->cache_joins);
    put_json_count (out, "evictions", total->cache_evictions);
    put_json_double (out, "hit_rate", hit_rate (view));
    arec_output_format (out, "}, \"decodes\": {\"chunks\": %" PRIu64, total->chunks_decoded);
    put_json_double (out, "rate", rate (view, period->chunks_decoded));
    put_json_count (out, "bytes", total->decoded_bytes);
    put_json_count (out, "failed", total->chunks_failed);
    put_json_count (out, "size_lists", total->size_lists_read);
    arec_output_format (out, "}, \"readahead\": {\"chunks\": %" PRIu64, total->chunks_ahead);
    put_json_count (out, "used", total->chunks_ahead_used);
    put_json_count (out, "wasted", total->chunks_ahead_wasted);
    put_json_double (out, "waste_rate", waste_rate (view));
    arec_output_format (out, "}, \"pushes\": {\"records\": %" PRIu64, total->pushes_kept);
    put_json_double (out, "rate", rate (view, period->pushes_kept));
    put_json_count (out, "bytes", total->pushed_bytes);
    put_json_count (out, "refused", total->pushes_refused);
    put_json_count (out, "dropped", total->pushes_dropped);
    arec_output_format (out, "}, \"in\": {\"bytes\": %" PRIu64, total->source_bytes);
    put_json_double (out, "rate", rate (view, period->source_bytes));
    put_json_count (out, "reads", total->source_reads);
    put_json_count (out, "files_open", total->files_open);
    arec_output_format (out, "}, \"out\": {\"bytes\": %" PRIu64, total->read_bytes);
    put_json_double (out, "rate", rate (view, period->read_bytes));
    arec_output_byte (out, '}');
}

/* An object on one line. Times in seconds, rates a second. */
static void
put_json (ArecOutput *out, const View *view)
{
    arec_output_text (out, "{\"mount\": ");
    arec_output_json_string (out, view->path);
    arec_output_text (out, ", \"version\": ");
    arec_output_json_string (out, view->total.version);
    put_json_double (out, "uptime", view->total.uptime);
    put_json_double (out, "period", view->period.uptime);
    arec_output_text (out, ", \"requests\": {");
    for (unsigned i = 0; i < view->total.n_kinds; i++) {
        put_requests_json (out, view, i);
    }
    arec_output_byte (out, '}');
    put_engine_json (out, view);
    put_json_count (out, "errors", view->total.errors);
    put_json_count (out, "under_way", under_way (&view->total));
    arec_output_text (out, "}\n");
}

/* ---- once, or again and again ---- */

typedef struct {
    ArecOutput *out;
    const ArecCommandLine *line;
    bool redraws;     /* a terminal shows the last table only */
    int interrupt_fd; /* -1: a signal ends us */
    unsigned n_shown;
    View view;
} Watch;

/* Brings the view up to date. */
static ArecMountAnswer
look (Watch *watch, GError **error)
{
    View *view = &watch->view;
    g_autofree char *text = NULL;
    g_autofree ArecMountStats *now = g_new (ArecMountStats, 1);
    ArecMountAnswer answer = arec_mount_probe (view->path, watch->interrupt_fd, &text, error);

    if (answer != AREC_MOUNT_ANSWERED) {
        return answer;
    }
    if (!arec_mount_stats_parse (now, text, error)) {
        g_prefix_error (error, "%s/.arecfs/metrics: ", view->path);
        return AREC_MOUNT_FAILED;
    }
    view->is_whole =
        watch->n_shown == 0 || !arec_mount_stats_between (&view->period, &view->total, now);
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
        put_json (watch->out, &watch->view);
    } else {
        /* Home, and clear to the end; or an empty line between two tables. */
        arec_output_text (watch->out, watch->redraws       ? "\033[H\033[J"
                                      : watch->n_shown > 0 ? "\n"
                                                           : "");
        put_table (watch->out, &watch->view, watch->line->verbose);
    }
    watch->n_shown++;
    arec_output_flush (watch->out);
    return arec_output_check (watch->out, error);
}

/* Whether the time @until came, and no interrupt. */
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

/* Returns when it was interrupted or the mount is gone. */
static bool
repeat (Watch *watch, double interval, GError **error)
{
    const int64_t step = (int64_t)(interval * G_USEC_PER_SEC);
    int64_t next = g_get_monotonic_time();

    for (;;) {
        g_autoptr (GError) reason = NULL;
        ArecMountAnswer answer = look (watch, &reason);

        if (answer == AREC_MOUNT_INTERRUPTED) {
            return true;
        }
        if (answer == AREC_MOUNT_ABSENT && watch->n_shown > 0) {
            g_autofree char *message =
                g_strdup_printf ("%s: no longer mounted", watch->view.path);

            arec_command_tell (message);
            return true;
        }
        if (answer != AREC_MOUNT_ANSWERED) {
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

/* SIGINT ends a watch as it should end. -1 if it is ignored, as by nohup or a shell for a job
 * in the background, and stays so. */
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
arec_cmd_stats (const ArecCommand *command, int argc, char **argv)
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
    g_auto (ArecCommandLine) line = {0};
    g_autoptr (ArecOutput) out = NULL;
    g_autoptr (GError) error = NULL;
    g_autofree Watch *watch = g_new0 (Watch, 1);
    double interval = 1;
    int exit_code;

    if (!arec_command_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    if (line.n_operands > 1) {
        return arec_command_tell_usage (command, "one MNT is expected");
    }
    if (interval_text && !parse_interval (interval_text, &interval)) {
        return arec_command_tell_usage (
            command, "--interval: invalid value: %s, expected seconds in [%g..%g]",
            interval_text, MIN_INTERVAL, MAX_INTERVAL);
    }
    watches = watches || interval_text;
    out = arec_command_stdout();
    *watch = (Watch){.out = out,
                     .line = &line,
                     .redraws = watches && isatty (STDOUT_FILENO),
                     .interrupt_fd = watches ? take_interrupts() : -1,
                     .view = {.path = line.operands[0]}};
    if (watches) {
        repeat (watch, interval, &error);
    } else if (look (watch, &error) == AREC_MOUNT_ANSWERED) {
        show (watch, &error);
    }
    return arec_command_finish (out, error);
}
