#include "start/scan_progress.h"

#include <unistd.h>

#include <glib.h>

#include "base/log.h"

/* Microseconds before the first progress line of a scan and between lines. */
#define INTERVAL G_USEC_PER_SEC

static void
show_scan (void *data, const char *path, uint64_t done, uint64_t total)
{
    ArecfsScanProgress *scans = data;
    int64_t now = g_get_monotonic_time();
    g_autofree char *progress = NULL;
    g_autofree char *line = NULL;

    (void)total;
    done = arec_source_tally_reach (&scans->tally, path, done);
    if (now < scans->next) {
        return;
    }
    scans->next = now + INTERVAL;
    progress = arec_text_progress (done, scans->tally.total,
                                   (double)(now - scans->started) / G_USEC_PER_SEC);
    line = g_strdup_printf ("arecfs: scanning: %s", progress);
    arecfs_log_show_progress (line);
}

void
arecfs_scan_progress_begin (ArecfsScanProgress *progress, const ArecSourceList *list,
                            ArecReaderOptions *options)
{
    *progress = (ArecfsScanProgress){.started = g_get_monotonic_time(), .tally.list = list};
    if (isatty (STDERR_FILENO)) {
        progress->next = progress->started + INTERVAL;
        options->progress = show_scan;
        options->progress_data = progress;
    }
}

void
arecfs_scan_progress_end (ArecfsScanProgress *progress)
{
    if (progress->next > progress->started + INTERVAL) {
        arecfs_log_show_progress (NULL);
    }
}
