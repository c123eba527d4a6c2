#include "kernel/uses.h"

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <glib.h>

/* One opening is enough to know, and then the watch is gone and costs nothing. */
#define WATCH (IN_OPEN | IN_ONESHOT | IN_ONLYDIR)

struct ArecfsUses {
    ArecfsServer *server;
    int events;
    uint64_t requests; /* before */
};

ArecfsUses *
arecfs_uses_new (ArecfsServer *server)
{
    int events = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
    ArecfsUses *uses;

    if (events < 0) {
        return NULL;
    }
    uses = g_new0 (ArecfsUses, 1);
    uses->server = server;
    uses->events = events;
    return uses;
}

void
arecfs_uses_free (ArecfsUses *uses)
{
    if (!uses) {
        return;
    }
    close (uses->events);
    g_free (uses);
}

/* Whether something was opened, or more than the kernel keeps. */
static bool
take_events (ArecfsUses *uses)
{
    alignas (struct inotify_event) char buffer[4096];
    bool opened = false;
    ssize_t n;

    while ((n = read (uses->events, buffer, sizeof buffer)) > 0) {
        for (const char *at = buffer; at < buffer + n;) {
            const struct inotify_event *event = (const void *)at;

            opened = opened || (event->mask & (IN_OPEN | IN_Q_OVERFLOW)) != 0;
            at += sizeof *event + event->len;
        }
    }
    return opened;
}

bool
arecfs_uses_watch (ArecfsUses *uses, const char *path)
{
    ArecfsTree *tree = uses->server->tree;

    take_events (uses);
    for (uint64_t slot = 1; slot <= arecfs_tree_n_slots (tree); slot++) {
        g_autofree char *below = arecfs_tree_open_path (tree, slot);
        g_autofree char *whole = below ? g_strconcat (path, below, NULL) : NULL;

        if (whole && inotify_add_watch (uses->events, whole, WATCH) < 0) {
            return false;
        }
    }
    /* After the look-ups, which are requests. */
    uses->requests = arecfs_counters_uses (&uses->server->counters);
    return true;
}

bool
arecfs_uses_seen (ArecfsUses *uses)
{
    return take_events (uses) ||
           arecfs_counters_uses (&uses->server->counters) != uses->requests;
}
