/* The process that waits for a reply, and whether it is killed. The kernel reports only the
 * first signal of a request, so a caller that goes on waiting after one is followed: a thread,
 * which exists as long as any caller is followed, checks every 0.1 s whether it has been killed
 * since. Some callers cannot be seen (another PID namespace, a /proc that hides processes):
 * such a caller counts as killed once it has been followed for a second.
 *
 * Thread-safe. Its lock is held alone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <glib.h>

typedef struct ArecfsCaller ArecfsCaller;

/* @caller is killed, and not followed any more. What it is embedded in may be freed here. */
typedef void (*ArecfsCallerKilled) (ArecfsCaller *caller);

/* Embedded in what waits for the reply. */
struct ArecfsCaller {
    pid_t thread; /* 0: it cannot be seen from here */
    ArecfsCallerKilled on_killed;
    int64_t since; /* when it was followed, by g_get_monotonic_time () */
    GList link; /* with those that are followed, whose lock guards it; data NULL: it is not */
};

/* Whether SIGKILL, or what amounts to it, awaits @thread, or there is no such thread. false
 * where it cannot be seen. Reads a file of /proc. */
bool arecfs_caller_is_killed (pid_t thread);

/* Follows @caller, which is not followed. Where no thread can be started, the next one that is
 * followed has it started. */
void arecfs_caller_follow (ArecfsCaller *caller);

/* Follows @caller no more, if it did. Waits while it is being looked at: `on_killed` has been
 * called or will not be. */
void arecfs_caller_leave (ArecfsCaller *caller);

/* At the end, when no requests are served: none is followed any more, and no `on_killed` runs.
 */
void arecfs_callers_leave_all (void);
