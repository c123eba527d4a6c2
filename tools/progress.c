#include "progress.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "output.h"

enum { INTERVAL = G_USEC_PER_SEC / 4 };

static volatile sig_atomic_t line_shown;

/* A failed write to the terminal loses a progress line and nothing else. */
static void
write_terminal (const char *text, size_t size)
{
    ssize_t ignored = write (STDERR_FILENO, text, size);

    (void)ignored;
}

void
arec_progress_start (ArecProgress *progress, bool quiet, ArecProgressUnit unit, uint64_t total)
{
    *progress = (ArecProgress){
        .enabled = !quiet && isatty (STDERR_FILENO) && !isatty (STDOUT_FILENO),
        .unit = unit,
        .total = total,
    };
    if (progress->enabled) {
        progress->start = g_get_monotonic_time();
        progress->next = progress->start + G_USEC_PER_SEC;
    }
}

/* `1234/10000 records` or `1.2 MiB/3.4 GiB` */
static char *
amount_text (const ArecProgress *progress)
{
    g_autofree char *done = NULL;
    g_autofree char *total = NULL;

    if (progress->unit == AREC_PROGRESS_RECORDS) {
        return g_strdup_printf ("%" PRIu64 "/%" PRIu64 " records", progress->done,
                                progress->total);
    }
    done = arec_output_human_size (progress->done);
    total = arec_output_human_size (progress->total);
    return g_strdup_printf ("%s/%s", done, total);
}

static char *
speed_text (const ArecProgress *progress, double seconds)
{
    uint64_t bytes = progress->unit == AREC_PROGRESS_BYTES ? progress->done : progress->bytes;
    g_autofree char *size = NULL;

    if (bytes == 0) {
        return g_strdup_printf ("%.0f records/s", (double)progress->done / seconds);
    }
    size = arec_output_human_size ((uint64_t)((double)bytes / seconds));
    return g_strdup_printf ("%s/s", size);
}

/* `1234/10000 records 12% 56.7 MiB/s ETA 0:12` */
static void
show (const ArecProgress *progress, int64_t now)
{
    double seconds = (double)(now - progress->start) / G_USEC_PER_SEC;
    double rate = (double)progress->done / seconds;
    uint64_t left = (uint64_t)((double)(progress->total - progress->done) / rate);
    g_autofree char *amount = amount_text (progress);
    g_autofree char *speed = speed_text (progress, seconds);
    g_autofree char *line =
        g_strdup_printf ("\r\033[K%s %d%% %s ETA %" PRIu64 ":%02" PRIu64, amount,
                         (int)(100.0 * (double)progress->done / (double)progress->total), speed,
                         left / 60, left % 60);

    line_shown = 1;
    write_terminal (line, strlen (line));
}

static void
show_when_due (ArecProgress *progress)
{
    int64_t now = g_get_monotonic_time();

    if (now >= progress->next) {
        progress->next = now + INTERVAL;
        show (progress, now);
    }
}

void
arec_progress_record (ArecProgress *progress, uint64_t bytes)
{
    if (progress->enabled) {
        progress->done++;
        progress->bytes += bytes;
        show_when_due (progress);
    }
}

void
arec_progress_reach (ArecProgress *progress, uint64_t done)
{
    if (progress->enabled && done > 0) {
        progress->done = done;
        show_when_due (progress);
    }
}

void
arec_progress_clear (void)
{
    static const char erase[] = "\r\033[K";

    if (line_shown) {
        line_shown = 0;
        write_terminal (erase, sizeof erase - 1);
    }
}
