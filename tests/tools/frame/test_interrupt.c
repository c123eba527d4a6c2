/* What a signal does before, between and after the outputs of a command. */
#include "frame/interrupt.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/command.h"

/* A command of @n_expected outputs, which gets @number when @n_complete of them are there. */
typedef struct {
    uint64_t n_expected, n_complete;
    const char *folder, *state;
    int code;         /* with which it ends; 0: it went on */
    const char *text; /* what it writes */
} Case;

static const Case cases[] = {
    {1, 0, NULL, NULL, TOOL_EXIT_FAILED, "arec: interrupted\n"},
    {1, 1, NULL, NULL, TOOL_EXIT_DONE, ""},
    {3, 0, "d", "are done", TOOL_EXIT_FAILED,
     "arec: d: 0 of 3 files are done\narec: interrupted\n"},
    {13, 12, "a\nb", "are there", TOOL_EXIT_FAILED,
     "arec: a\\x0Ab: 12 of 13 files are there\narec: interrupted\n"},
    {3, 2, NULL, "are done", TOOL_EXIT_FAILED,
     "arec: 2 of 3 files are done\narec: interrupted\n"},
    {3, 3, NULL, "are done", TOOL_EXIT_DONE, ""},
    {0, 0, "d", "are there", TOOL_EXIT_DONE, ""},
};

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

/* Runs @command, with stderr in a pipe. *text is what it writes. Returns its exit code. */
static int
run (void (*command) (const Case *, int), const Case *row, int number, char **text)
{
    char bytes[256];
    int ends[2], status;
    ssize_t n;
    pid_t child;

    g_assert_cmpint (pipe (ends), ==, 0);
    child = fork();
    g_assert_cmpint (child, >=, 0);
    if (child == 0) {
        dup2 (ends[1], STDERR_FILENO);
        tool_interrupt_begin();
        command (row, number);
        _exit (TOOL_EXIT_DONE);
    }
    close (ends[1]);
    g_assert_cmpint (waitpid (child, &status, 0), ==, child);
    n = read (ends[0], bytes, sizeof bytes);
    close (ends[0]);
    g_assert_cmpint (n, >=, 0);
    *text = g_strndup (bytes, (size_t)n);
    g_assert_true (WIFEXITED (status));
    return WEXITSTATUS (status);
}

static void
make_some (const Case *row, int number)
{
    tool_interrupt_expect (row->n_expected, row->folder, row->state);
    for (uint64_t i = 0; i < row->n_complete; i++) {
        arec_outputs_add_complete();
    }
    raise (number);
}

static void
make_fewer (const Case *row, int number)
{
    tool_interrupt_expect (row->n_expected, row->folder, row->state);
    tool_interrupt_expect_no_more();
    raise (number);
}

/* What is counted while signals are held comes before the signal. */
static void
make_held (const Case *row, int number)
{
    sigset_t before;

    tool_interrupt_expect (row->n_expected, row->folder, row->state);
    tool_interrupt_hold (&before);
    raise (number);
    for (uint64_t i = 0; i < row->n_complete; i++) {
        arec_outputs_add_complete();
    }
    tool_interrupt_release (&before);
}

static void
clean_up (void)
{
    static const char line[] = "arec: cleaned\n";

    g_assert_cmpint (write (STDERR_FILENO, line, sizeof line - 1), ==, sizeof line - 1);
}

static void
make_with_cleanup (const Case *row, int number)
{
    tool_interrupt_set_cleanup (clean_up);
    make_some (row, number);
}

static void
check (void (*command) (const Case *, int), const Case *row, int code, const char *text)
{
    for (size_t i = 0; i < G_N_ELEMENTS (numbers); i++) {
        g_autofree char *found = NULL;

        g_assert_cmpint (run (command, row, numbers[i], &found), ==, code);
        g_assert_cmpstr (found, ==, text);
    }
}

static void
test_outputs (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *text =
            g_strconcat (cases[i].code ? "arec: cleaned\n" : "", cases[i].text, NULL);

        check (make_some, &cases[i], cases[i].code, cases[i].text);
        check (make_held, &cases[i], cases[i].code, cases[i].text);
        check (make_fewer, &cases[i], TOOL_EXIT_DONE, "");
        check (make_with_cleanup, &cases[i], cases[i].code, text);
    }
}

static void
ignore_and_make (const Case *row, int number)
{
    signal (number, SIG_IGN);
    tool_interrupt_begin();
    make_some (row, number);
}

/* As nohup wants it. */
static void
test_ignored (void)
{
    check (ignore_and_make, &cases[0], TOOL_EXIT_DONE, "");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/interrupt/outputs", test_outputs);
    g_test_add_func ("/interrupt/ignored", test_ignored);
    return g_test_run();
}
