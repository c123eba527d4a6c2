/* A process that stands for a caller and can be killed. */
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

/* Waits for ever. emulated_caller_kill (). */
static inline pid_t
emulated_caller_start (void)
{
    pid_t process = fork();

    g_assert_cmpint (process, >=, 0);
    if (process == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            pause();
        }
    }
    return process;
}

static inline void
emulated_caller_kill (pid_t process)
{
    g_assert_cmpint (kill (process, SIGKILL), ==, 0);
    g_assert_cmpint (waitpid (process, NULL, 0), ==, process);
}
