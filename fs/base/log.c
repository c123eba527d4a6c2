#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <arec/error.h>
#include <arec/text.h>

#include "base/log_ring.h"
#include "base/thread.h"

/* What may wait to be written. */
#define MAX_LINES 4096
#define MAX_BYTES ((size_t)1 << 20)

/* Seconds that the end of a start or of the server waits for its last lines. */
#define PATIENCE 1

/* Columns of a terminal that does not report its width. */
#define USUAL_WIDTH 80

#define ERASE "\r\033[K"

bool arecfs_log_debug;

static ArecfsLogTarget current = ARECFS_LOG_STDERR;
static GLogLevelFlags wanted = G_LOG_LEVEL_MESSAGE;
static int log_fd = STDERR_FILENO;

typedef struct {
    ArecfsLogTarget target;
    int fd;       /* not for syslog */
    int priority; /* for syslog */
    bool is_progress;
    char *text; /* escaped; with its newline where it goes to a descriptor */
} Line;

/* What the lock guards. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t come = PTHREAD_COND_INITIALIZER;
static pthread_cond_t written;      /* by the monotonic clock; made with the thread */
static GQueue lines = G_QUEUE_INIT; /* of Line */
static size_t n_bytes;              /* of their texts */
static uint64_t n_lost;             /* since the last line that found room */
static bool is_writing;             /* the thread has a line that it took out */
static bool has_thread;
static ArecfsLogRing last;

/* ---- writing one line, by one thread at a time ---- */

/* A descriptor that takes nothing now is waited for; what cannot be written is lost. */
static void
write_fully (int fd, const char *text)
{
    size_t left = strlen (text);

    while (left > 0) {
        ssize_t n = write (fd, text, left);

        if (n < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};

            (void)poll (&wait, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            return;
        }
        text += MAX (n, 0);
        left -= (size_t)MAX (n, 0);
    }
}

static void
write_line (Line *line)
{
    static bool progress_is_shown;

    if (line->target == ARECFS_LOG_SYSLOG) {
        syslog (line->priority, "%s", line->text);
        return;
    }
    if (progress_is_shown && line->target == ARECFS_LOG_STDERR) {
        write_fully (line->fd, ERASE);
        progress_is_shown = false;
    }
    /* One call for a line, so that it does not mix with those of other programs. */
    write_fully (line->fd, line->text);
    if (line->is_progress) {
        progress_is_shown = line->text[0] != '\0';
    }
}

static void
free_line (Line *line)
{
    g_free (line->text);
    g_free (line);
}

/* ---- the queue ---- */

static Line *
new_line (ArecfsLogTarget target, int priority, const char *before, const char *text)
{
    Line *line = g_new0 (Line, 1);

    line->target = target;
    line->priority = priority;
    line->fd = target == ARECFS_LOG_FILE ? log_fd : STDERR_FILENO;
    line->text =
        target == ARECFS_LOG_SYSLOG ? g_strdup (text) : g_strconcat (before, text, "\n", NULL);
    return line;
}

static void
push_locked (Line *line)
{
    g_queue_push_tail (&lines, line);
    n_bytes += strlen (line->text);
}

static Line *
loss_line (const Line *like, uint64_t n)
{
    g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT
                                             " lines of the log are missing here: nothing took "
                                             "them in time",
                                             n);

    return new_line (like->target, LOG_WARNING, "arecfs: ", text);
}

/* Takes over @line. */
static void
push (Line *line)
{
    pthread_mutex_lock (&lock);
    if (lines.length >= MAX_LINES || n_bytes >= MAX_BYTES) {
        n_lost++;
        free_line (line);
    } else {
        if (n_lost > 0) {
            push_locked (loss_line (line, n_lost));
            n_lost = 0;
        }
        push_locked (line);
        pthread_cond_signal (&come);
    }
    pthread_mutex_unlock (&lock);
}

/* The next line to be written; NULL: there is none. After the last one, how many were lost
 * since it found room. */
static Line *
pop_locked (const Line *before)
{
    Line *line = g_queue_pop_head (&lines);

    if (line) {
        n_bytes -= strlen (line->text);
    } else if (n_lost > 0 && before) {
        line = loss_line (before, n_lost);
        n_lost = 0;
    }
    return line;
}

static void *
write_lines (void *data)
{
    Line *line = NULL;

    (void)data;
    pthread_mutex_lock (&lock);
    for (;;) {
        Line *next = pop_locked (line);

        g_clear_pointer (&line, free_line);
        is_writing = next != NULL;
        if (!next) {
            pthread_cond_broadcast (&written);
            pthread_cond_wait (&come, &lock);
            continue;
        }
        pthread_mutex_unlock (&lock);
        write_line (next);
        pthread_mutex_lock (&lock);
        line = next;
    }
    return NULL;
}

/* Without a thread, in the caller's. */
static void
write_all (void)
{
    Line *line;

    while ((line = pop_locked (NULL))) {
        write_line (line);
        free_line (line);
    }
}

void
arecfs_log_start (void)
{
    pthread_condattr_t attributes;
    pthread_t thread;

    pthread_condattr_init (&attributes);
    pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
    pthread_cond_init (&written, &attributes);
    pthread_condattr_destroy (&attributes);
    /* It is never joined: it may be in a write that does not end. */
    has_thread = arecfs_thread_start (&thread, write_lines, NULL) == 0;
    if (has_thread) {
        pthread_detach (thread);
    }
}

void
arecfs_log_flush (void)
{
    struct timespec until;

    if (!has_thread) {
        write_all();
        return;
    }
    clock_gettime (CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE;
    pthread_mutex_lock (&lock);
    while ((lines.length > 0 || is_writing) &&
           pthread_cond_timedwait (&written, &lock, &until) != ETIMEDOUT) {
    }
    pthread_mutex_unlock (&lock);
}

/* ---- from events to lines ---- */

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

static void
remember (const char *stamp, const char *message)
{
    g_autofree char *line = g_strconcat (stamp, message, NULL);

    pthread_mutex_lock (&lock);
    arecfs_log_ring_append (&last, line);
    pthread_mutex_unlock (&lock);
}

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    g_autofree char *message = NULL;
    char stamp[64];
    struct tm tm;
    time_t now;

    (void)data;
    if ((level & G_LOG_LEVEL_MASK) > wanted) {
        return G_LOG_WRITER_HANDLED;
    }
    message = arec_text_printable (message_of (fields, n));
    now = time (NULL);
    localtime_r (&now, &tm);
    strftime (stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S%z arecfs: ", &tm);
    remember (stamp, message);
    push (new_line (current, syslog_priority (level),
                    current == ARECFS_LOG_FILE ? stamp : "arecfs: ", message));
    if (level & (G_LOG_FLAG_FATAL | G_LOG_LEVEL_ERROR)) {
        arecfs_log_flush(); /* GLib ends the process now */
    }
    return G_LOG_WRITER_HANDLED;
}

void
arecfs_log_repeat (const char *message)
{
    g_autofree char *printable = arec_text_printable (message);

    if (G_LOG_LEVEL_WARNING <= wanted) {
        push (new_line (current, LOG_WARNING, "arecfs: ", printable));
    }
}

void
arecfs_log_note (const char *message)
{
    g_autofree char *printable = arec_text_printable (message);

    push (new_line (ARECFS_LOG_STDERR, 0, "arecfs: ", printable));
}

void
arecfs_log_tell (const char *message)
{
    arecfs_log_note (message);
    arecfs_log_flush();
}

int
arecfs_log_complain (GError *error, int exit_code)
{
    arecfs_log_tell (error->message);
    g_error_free (error);
    return exit_code;
}

static unsigned
terminal_width (void)
{
    struct winsize size;

    return ioctl (STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                            : USUAL_WIDTH;
}

void
arecfs_log_show_progress (const char *text)
{
    g_autofree char *printable = arec_text_printable (text ? text : "");
    g_autofree char *cut = arec_text_cut (printable, terminal_width() - 1);
    Line *line = g_new0 (Line, 1);
    bool is_behind;

    line->target = ARECFS_LOG_STDERR;
    line->fd = STDERR_FILENO;
    line->is_progress = true;
    line->text = g_steal_pointer (&cut);
    pthread_mutex_lock (&lock);
    is_behind = lines.length > 0 || is_writing;
    pthread_mutex_unlock (&lock);
    /* The end is never left out: nothing else may come that removes the line before. */
    if (is_behind && text) {
        free_line (line);
        return;
    }
    push (line);
    if (!has_thread) {
        write_all();
    }
}

char *
arecfs_log_text (void)
{
    char *text;

    pthread_mutex_lock (&lock);
    text = arecfs_log_ring_text (&last);
    pthread_mutex_unlock (&lock);
    return text;
}

/* ---- setting up ---- */

/* A FIFO is opened for reading, too: so it needs no reader, and one that leaves is no failure.
 * Returns -1 with errno set. */
static int
open_file (const char *path)
{
    const int flags = O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    struct stat st;

    if (stat (path, &st) == 0 && S_ISFIFO (st.st_mode)) {
        return open (path, O_RDWR | flags, 0644);
    }
    return open (path, O_WRONLY | flags, 0644);
}

bool
arecfs_log_setup (ArecfsLogTarget target, const char *path, GLogLevelFlags level,
                  GError **error)
{
    static bool installed;

    if (target == ARECFS_LOG_FILE) {
        int fd = open_file (path);

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

/* As syslog () itself tries it. */
static bool
can_connect (int type)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    int fd = socket (AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool can;

    if (fd < 0) {
        return false;
    }
    can = connect (fd, (const struct sockaddr *)&address, sizeof address) == 0 ||
          errno == EAGAIN || errno == EINPROGRESS;
    close (fd);
    return can;
}

bool
arecfs_log_has_syslog (void)
{
    return can_connect (SOCK_DGRAM) || can_connect (SOCK_STREAM);
}
