#include "base/crash.h"

#include <signal.h>
#include <sys/socket.h>

#include <glib.h>

const int arecfs_crashes[] = {SIGABRT, SIGBUS,  SIGFPE, SIGILL,
                              SIGQUIT, SIGSEGV, SIGSYS, SIGTRAP};
const size_t arecfs_n_crashes = G_N_ELEMENTS (arecfs_crashes);

static int watcher_socket = -1;

static void
on_crash (int number)
{
    (void)send (watcher_socket, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    raise (number); /* SA_RESETHAND: the kernel's own action now */
}

void
arecfs_crash_tell (int socket)
{
    const struct sigaction action = {.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND};

    watcher_socket = socket;
    for (size_t i = 0; i < arecfs_n_crashes; i++) {
        struct sigaction before;

        if (sigaction (arecfs_crashes[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL) {
            sigaction (arecfs_crashes[i], &action, NULL);
        }
    }
}
