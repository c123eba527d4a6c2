/* Callers that are followed: which of them are found killed. */
#include "serve/caller.h"

#include <stdatomic.h>

#include "emulated_caller.h"

/* Longer than the time between two checks. */
#define A_LOOK 300000

typedef struct {
    ArecfsCaller caller; /* first */
    atomic_bool may_end;
    atomic_bool is_told, has_ended;
} Follower;

static void
on_killed (ArecfsCaller *caller)
{
    Follower *follower = (Follower *)caller;

    follower->is_told = true;
    while (!follower->may_end) {
        g_usleep (1000);
    }
    follower->has_ended = true;
}

static Follower
follower_of (pid_t thread)
{
    return (Follower){.caller = {.thread = thread, .on_killed = on_killed}, .may_end = true};
}

static void
wait_until_told (Follower *follower)
{
    while (!follower->is_told) {
        g_usleep (1000);
    }
}

static void
test_is_killed (void)
{
    pid_t process = emulated_caller_start();

    g_assert_false (arecfs_caller_is_killed (0)); /* not visibly */
    g_assert_false (arecfs_caller_is_killed (getpid()));
    g_assert_false (arecfs_caller_is_killed (process));
    emulated_caller_kill (process);
    g_assert_true (arecfs_caller_is_killed (process));
}

/* A caller that dies soon, one that does not, and one that dies after the thread has ended
 * because it had nothing to do. */
static void
test_killed (void)
{
    pid_t processes[] = {emulated_caller_start(), emulated_caller_start()};
    Follower others = follower_of (getpid()), first = follower_of (processes[0]),
             second = follower_of (processes[1]);

    arecfs_caller_follow (&others.caller);
    arecfs_caller_follow (&first.caller);
    emulated_caller_kill (processes[0]);
    wait_until_told (&first);
    g_assert_false (others.is_told);
    arecfs_caller_leave (&first.caller);
    arecfs_caller_leave (&others.caller);
    g_usleep (A_LOOK);
    arecfs_caller_follow (&second.caller);
    emulated_caller_kill (processes[1]);
    wait_until_told (&second);
    arecfs_caller_leave (&second.caller);
}

static void
test_left (void)
{
    pid_t process = emulated_caller_start();
    Follower left = follower_of (process), dropped = left;

    arecfs_caller_follow (&left.caller);
    arecfs_caller_leave (&left.caller);
    arecfs_caller_leave (&left.caller);
    arecfs_caller_follow (&dropped.caller);
    arecfs_callers_leave_all();
    emulated_caller_kill (process);
    g_usleep (A_LOOK);
    g_assert_false (left.is_told);
    g_assert_false (dropped.is_told);
    arecfs_caller_leave (&dropped.caller);
}

static void *
let_end (void *data)
{
    g_usleep (A_LOOK);
    ((Follower *)data)->may_end = true;
    return NULL;
}

/* Neither a reported caller nor what it uses may be freed. */
static void
check_waits (bool all)
{
    Follower follower = follower_of (0);
    pthread_t thread;

    follower.may_end = false; /* and counts as killed after a while */
    arecfs_caller_follow (&follower.caller);
    wait_until_told (&follower);
    g_assert_cmpint (pthread_create (&thread, NULL, let_end, &follower), ==, 0);
    if (all) {
        arecfs_callers_leave_all();
    } else {
        arecfs_caller_leave (&follower.caller);
    }
    g_assert_true (follower.has_ended);
    pthread_join (thread, NULL);
}

static void
test_waits (void)
{
    check_waits (false);
    check_waits (true);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/caller/is-killed", test_is_killed);
    g_test_add_func ("/caller/killed", test_killed);
    g_test_add_func ("/caller/left", test_left);
    g_test_add_func ("/caller/waits", test_waits);
    return g_test_run();
}
