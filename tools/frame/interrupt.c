#include "frame/interrupt.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/command.h"
#include "frame/progress.h"

#define U64_DIGITS 20

static const int interrupts[] = {SIGINT, SIGTERM, SIGHUP};

/* What the line is made of; whole while has_line holds. */
static char *front, *back;
static _Atomic bool has_line;
static void (*_Atomic clean_up) (void);

void
tool_interrupt_expect (uint64_t n, const char *folder, const char *state)
{
    g_autofree char *printable = folder ? arec_text_printable (folder) : NULL;

    arec_outputs_expect (n);
    has_line = false;
    g_free (front);
    g_free (back);
    front = g_strdup_printf ("arec: %s%s", printable ? printable : "", printable ? ": " : "");
    back = g_strdup_printf (" of %" PRIu64 " files %s\n", n, state ? state : "");
    has_line = state != NULL;
}

void
tool_interrupt_expect_no_more (void)
{
    arec_outputs_expect (0);
}

void
tool_interrupt_set_cleanup (void (*cleanup) (void))
{
    clean_up = cleanup;
}

void
tool_interrupt_hold (sigset_t *before)
{
    sigset_t ending;

    sigemptyset (&ending);
    for (size_t i = 0; i < G_N_ELEMENTS (interrupts); i++) {
        sigaddset (&ending, interrupts[i]);
    }
    pthread_sigmask (SIG_BLOCK, &ending, before);
}

void
tool_interrupt_release (const sigset_t *before)
{
    pthread_sigmask (SIG_SETMASK, before, NULL);
}

/* ---- the handlers ---- */

/* Async-signal-safe. */
static void
write_line (void)
{
    char digits[U64_DIGITS];
    size_t at = sizeof digits;
    ssize_t ignored;

    for (uint64_t n = arec_outputs_n_complete(); n > 0 || at == sizeof digits; n /= 10) {
        digits[--at] = (char)('0' + n % 10);
    }
    ignored = writev (STDERR_FILENO,
                      (const struct iovec[]){{front, strlen (front)},
                                             {digits + at, sizeof digits - at},
                                             {back, strlen (back)}},
                      3);
    (void)ignored;
}

static void
on_interrupt (int number)
{
    static const char text[] = "arec: interrupted\n";
    void (*undo) (void) = clean_up;
    ssize_t ignored;

    (void)number;
    if (!arec_outputs_abort()) {
        return; /* the outputs are there, or will be at once */
    }
    tool_progress_clear();
    if (undo) {
        undo();
    }
    if (has_line) {
        write_line();
    }
    ignored = write (STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit (TOOL_EXIT_FAILED);
}

/* Ends the process as the signal itself does, once the handler is left. */
static void
on_broken_pipe (int number)
{
    arec_outputs_abort();
    raise (number);
}

void
tool_interrupt_begin (void)
{
    const struct sigaction interrupt = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
    const struct sigaction broken_pipe = {.sa_handler = on_broken_pipe,
                                          .sa_flags = (int)SA_RESETHAND};

    /* When the reader of a pipe closes it we end silently, even under a parent that ignores
     * SIGPIPE. It may be the pipe of messages, while an output is written. */
    sigaction (SIGPIPE, &broken_pipe, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS (interrupts); i++) {
        struct sigaction before;

        /* What nohup or a shell ignores for a job in the background stays ignored. */
        if (sigaction (interrupts[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            sigaction (interrupts[i], &interrupt, NULL);
        }
    }
}

void
tool_interrupt_tell (void)
{
    if (has_line) {
        tool_progress_clear();
        write_line();
    }
}
