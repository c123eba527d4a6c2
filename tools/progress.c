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
arec_progress_start (ArecProgress *progress, bool quiet, uint64_t total)
{
    *progress = (ArecProgress){
        .enabled = !quiet && isatty (STDERR_FILENO) && !isatty (STDOUT_FILENO),
        .total = total,
    };
    if (progress->enabled) {
        progress->start = g_get_monotonic_time();
        progress->next = progress->start + G_USEC_PER_SEC;
    }
}

/* `1234/10000 records 12% 56.7 MiB/s ETA 0:12` */
static void
show (const ArecProgress *progress, int64_t now)
{
    double seconds = (double)(now - progress->start) / G_USEC_PER_SEC;
    double rate = (double)progress->done / seconds;
    uint64_t left = (uint64_t)((double)(progress->total - progress->done) / rate);
    g_autofree char *speed = NULL;
    g_autofree char *line = NULL;

    if (progress->bytes > 0) {
        uint64_t bytes_per_second = (uint64_t)((double)progress->bytes / seconds);
        g_autofree char *size = arec_output_human_size (bytes_per_second);

        speed = g_strdup_printf ("%s/s", size);
    } else {
        speed = g_strdup_printf ("%.0f records/s", rate);
    }
    line = g_strdup_printf ("\r\033[K%" PRIu64 "/%" PRIu64 " records %d%% %s ETA %" PRIu64
                            ":%02" PRIu64,
                            progress->done, progress->total,
                            (int)(100.0 * (double)progress->done / (double)progress->total),
                            speed, left / 60, left % 60);
    line_shown = 1;
    write_terminal (line, strlen (line));
}

void
arec_progress_record (ArecProgress *progress, uint64_t bytes)
{
    int64_t now;

    if (!progress->enabled) {
        return;
    }
    progress->done++;
    progress->bytes += bytes;
    now = g_get_monotonic_time();
    if (now >= progress->next) {
        progress->next = now + INTERVAL;
        show (progress, now);
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
