#include "frame/progress.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <glib.h>

#include <arec/arec.h>

#define ERASE "\r\033[K"

enum {
    INTERVAL = G_USEC_PER_SEC / 4,
    USUAL_WIDTH = 80, /* columns, where the terminal does not say */
};

static volatile sig_atomic_t line_shown;

/* A failed write to the terminal loses a progress line and nothing else. */
static void
write_terminal (const char *text, size_t size)
{
    ssize_t ignored = write (STDERR_FILENO, text, size);

    (void)ignored;
}

void
tool_progress_start (ToolProgress *progress, bool hidden, ToolProgressUnit unit, uint64_t total)
{
    *progress = (ToolProgress){
        .enabled = !hidden && isatty (STDERR_FILENO),
        .unit = unit,
        .total = total,
    };
    if (progress->enabled) {
        progress->start = g_get_monotonic_time();
        progress->next = progress->start + G_USEC_PER_SEC;
    }
}

bool
tool_progress_meets_output (void)
{
    return isatty (STDOUT_FILENO);
}

/* `1234/10000 records 12% 56.7 MiB/s ETA 0:12`; without a total `1234 records 56.7 MiB/s` */
static char *
records_text (const ToolProgress *progress, double seconds)
{
    g_autofree char *size = arec_text_size ((uint64_t)((double)progress->bytes / seconds));
    g_autofree char *speed =
        progress->bytes > 0
            ? g_strdup_printf ("%s/s", size)
            : g_strdup_printf ("%.0f records/s", (double)progress->done / seconds);
    g_autofree char *advance =
        progress->total == 0
            ? NULL
            : arec_text_advance (progress->done, progress->total, seconds, speed);

    if (!advance) {
        return g_strdup_printf ("%" PRIu64 " records %s", progress->done, speed);
    }
    return g_strdup_printf ("%" PRIu64 "/%" PRIu64 " records %s", progress->done,
                            progress->total, advance);
}

static unsigned
terminal_width (void)
{
    struct winsize size;

    return ioctl (STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                            : USUAL_WIDTH;
}

static void
show (const ToolProgress *progress, int64_t now)
{
    double seconds = (double)(now - progress->start) / G_USEC_PER_SEC;
    g_autofree char *text = progress->unit == TOOL_PROGRESS_RECORDS
                                ? records_text (progress, seconds)
                                : arec_text_progress (progress->done, progress->total, seconds);
    /* Without the last column, where some terminals begin a new line. */
    g_autofree char *cut = arec_text_cut (text, terminal_width() - 1);
    g_autofree char *line = g_strconcat (ERASE, cut, NULL);

    line_shown = 1;
    write_terminal (line, strlen (line));
}

static void
show_when_due (ToolProgress *progress)
{
    int64_t now = g_get_monotonic_time();

    if (now >= progress->next) {
        progress->next = now + INTERVAL;
        show (progress, now);
    }
}

void
tool_progress_record (ToolProgress *progress, uint64_t bytes)
{
    if (progress->enabled) {
        progress->done++;
        progress->bytes += bytes;
        show_when_due (progress);
    }
}

void
tool_progress_reach (ToolProgress *progress, uint64_t done)
{
    if (progress->enabled && done > 0) {
        progress->done = done;
        show_when_due (progress);
    }
}

void
tool_progress_clear (void)
{
    if (line_shown) {
        line_shown = 0;
        write_terminal (ERASE, sizeof ERASE - 1);
    }
}
