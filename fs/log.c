#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <arec/error.h>

bool arecfs_log_debug;

static ArecfsLogTarget current = ARECFS_LOG_STDERR;
static GLogLevelFlags wanted = G_LOG_LEVEL_MESSAGE;
static int log_fd = STDERR_FILENO;

static int
syslog_priority (GLogLevelFlags level)
{
    if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) {
        return LOG_ERR;
    }
    if (level & G_LOG_LEVEL_WARNING) {
        return LOG_WARNING;
    }
    if (level & G_LOG_LEVEL_MESSAGE) {
        return LOG_NOTICE;
    }
    return level & G_LOG_LEVEL_INFO ? LOG_INFO : LOG_DEBUG;
}

static const char *
message_of (const GLogField *fields, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        if (strcmp (fields[i].key, "MESSAGE") == 0) {
            return fields[i].value;
        }
    }
    return "";
}

/* One write for a line, so that lines of several threads do not mix. */
static void
write_line (const char *prefix, const char *message)
{
    g_autofree char *line = g_strconcat (prefix, message, "\n", NULL);
    ssize_t n;

    do {
        n = write (log_fd, line, strlen (line));
    } while (n < 0 && errno == EINTR);
}

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    const char *message = message_of (fields, n);
    char stamp[64];
    struct tm tm;
    time_t now;

    (void)data;
    if ((level & G_LOG_LEVEL_MASK) > wanted) {
        return G_LOG_WRITER_HANDLED;
    }
    switch (current) {
    case ARECFS_LOG_STDERR: write_line ("arecfs: ", message); break;
    case ARECFS_LOG_SYSLOG: syslog (syslog_priority (level), "%s", message); break;
    case ARECFS_LOG_FILE:
        now = time (NULL);
        localtime_r (&now, &tm);
        strftime (stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S%z arecfs: ", &tm);
        write_line (stamp, message);
        break;
    }
    return G_LOG_WRITER_HANDLED;
}

bool
arecfs_log_setup (ArecfsLogTarget target, const char *path, GLogLevelFlags level,
                  GError **error)
{
    static bool installed;

    if (target == ARECFS_LOG_FILE) {
        int fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);

        if (fd < 0) {
            g_set_error (error, AREC_ERROR, AREC_ERROR_INVALID, "option log-file: %s: %s", path,
                         g_strerror (errno));
            return false;
        }
        log_fd = fd;
    } else if (target == ARECFS_LOG_SYSLOG) {
        openlog ("arecfs", LOG_PID, LOG_DAEMON);
    }
    current = target;
    wanted = level;
    arecfs_log_debug = level >= G_LOG_LEVEL_DEBUG;
    if (!installed) {
        g_log_set_writer_func (write_log, NULL, NULL);
        installed = true;
    }
    return true;
}
