#include "serve/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/thread.h"

/* Microseconds between looks at a caller. */
#define LOOK_INTERVAL 100000

/* Microseconds after its signal until one that cannot be seen is taken for killed. */
#define UNSEEN_PATIENCE 1000000

typedef enum { LIVES, KILLED, UNSEEN } State;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;

/* Guarded by the lock. */
static struct {
    GQueue queue;          /* of ArecfsCaller */
    ArecfsCaller *current; /* taken out of it, as it is being looked at: it must stay */
    bool has_cond;         /* `changed` is made */
    bool has_thread;
} followed;

/* Of a thread whose file in /proc cannot be opened. */
static State
state_of_hidden (pid_t thread)
{
    return kill (thread, 0) == 0 || errno == EPERM ? UNSEEN : KILLED;
}

static State
state_of (pid_t thread)
{
    static const char pending[] = "\nSigPnd:\t";
    char path[32], text[4096];
    const char *at;
    ssize_t n;
    int fd;

    if (thread == 0) {
        return UNSEEN;
    }
    g_snprintf (path, sizeof path, "/proc/%d/status", (int)thread);
    fd = open (path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return state_of_hidden (thread);
    }
    n = read (fd, text, sizeof text - 1);
    close (fd);
    text[MAX (n, 0)] = '\0';
    at = strstr (text, pending);
    return !at || g_ascii_strtoull (at + strlen (pending), NULL, 16) >> (SIGKILL - 1) & 1
               ? KILLED
               : LIVES;
}

bool
arecfs_caller_is_killed (pid_t thread)
{
    return state_of (thread) == KILLED;
}

/* The same of one that is followed. */
static bool
is_gone (const ArecfsCaller *caller)
{
    State state = state_of (caller->thread);

    return state == KILLED ||
           (state == UNSEEN && g_get_monotonic_time() >= caller->since + UNSEEN_PATIENCE);
}

static void
add_locked (ArecfsCaller *caller)
{
    caller->link.data = caller;
    g_queue_push_tail_link (&followed.queue, &caller->link);
}

/* Looks at the first one, which goes to the end unless it is killed. */
static void
look_at_first_locked (void)
{
    ArecfsCaller *caller = g_queue_pop_head_link (&followed.queue)->data;
    bool has_gone;

    caller->link.data = NULL;
    followed.current = caller;
    pthread_mutex_unlock (&lock);
    has_gone = is_gone (caller);
    if (has_gone) {
        caller->on_killed (caller);
    }
    pthread_mutex_lock (&lock);
    followed.current = NULL;
    if (!has_gone) {
        add_locked (caller);
    }
    pthread_cond_broadcast (&changed);
}

static void *
look (void *data)
{
    (void)data;
    pthread_mutex_lock (&lock);
    while (followed.queue.length > 0) {
        int64_t next = g_get_monotonic_time() + LOOK_INTERVAL;

        while (followed.queue.length > 0 && arecfs_wait_until (&changed, &lock, next)) {
        }
        for (guint n = followed.queue.length; n > 0 && followed.queue.length > 0; n--) {
            look_at_first_locked();
        }
    }
    followed.has_thread = false;
    pthread_cond_broadcast (&changed);
    pthread_mutex_unlock (&lock);
    return NULL;
}

void
arecfs_caller_follow (ArecfsCaller *caller)
{
    pthread_t thread;

    caller->since = g_get_monotonic_time();
    pthread_mutex_lock (&lock);
    if (!followed.has_cond) {
        arecfs_cond_init (&changed);
        followed.has_cond = true;
    }
    add_locked (caller);
    if (!followed.has_thread && arecfs_thread_start (&thread, look, NULL) == 0) {
        pthread_detach (thread);
        followed.has_thread = true;
    }
    pthread_mutex_unlock (&lock);
}

static void
drop_locked (ArecfsCaller *caller)
{
    g_queue_unlink (&followed.queue, &caller->link);
    caller->link.data = NULL;
}

void
arecfs_caller_leave (ArecfsCaller *caller)
{
    pthread_mutex_lock (&lock);
    while (followed.current == caller) {
        pthread_cond_wait (&changed, &lock);
    }
    if (caller->link.data) {
        drop_locked (caller);
    }
    pthread_mutex_unlock (&lock);
}

void
arecfs_callers_leave_all (void)
{
    pthread_mutex_lock (&lock);
    while (followed.has_thread) {
        while (followed.queue.head) {
            drop_locked (followed.queue.head->data);
        }
        pthread_cond_broadcast (&changed);
        pthread_cond_wait (&changed, &lock);
    }
    pthread_mutex_unlock (&lock);
}
