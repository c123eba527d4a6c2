/* Programs that print credentials, and those that do not. */
#include "remote/credentials_process.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <arec/error.h>

#include "files.h"

#define S G_USEC_PER_SEC
#define KEYS "\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"SECRETxyz\""
#define JSON                                                                                   \
    "{\"Version\":1," KEYS ",\"SessionToken\":\"t\",\"Expiration\":\"2026-11-29T19:30:00Z\"}"

/* @seconds  to wait for it. */
static ArecCredentialFound
run_for (const char *command, int64_t seconds, const ArecCancel *cancel, ArecCredential **out,
         GError **error)
{
    const ArecPatience patience = {.deadline = g_get_monotonic_time() + seconds * S,
                                   .cancel = cancel};
    const ArecEnvironment environment = {.directory = "/usr"};
    const ArecCredentialSearch search = {.environment = &environment, .patience = &patience};

    return arec_credentials_process_run (&search, command, out, error);
}

static void
check (const char *command)
{
    g_autoptr (ArecCredential) credential = NULL;
    GError *error = NULL;
    ArecCredentialFound found = run_for (command, 60, NULL, &credential, &error);

    g_assert_no_error (error);
    g_assert_cmpint (found, ==, AREC_CREDENTIAL_PRESENT);
    g_assert_cmpstr (credential->parts.keys.access_key, ==, "a");
    g_assert_cmpstr (credential->parts.keys.secret_key, ==, "SECRETxyz");
    g_assert_cmpstr (credential->parts.keys.session_token, ==, "t");
    g_assert_cmpint (credential->parts.ends, ==, 1795980600);
}

static void
test_output (void)
{
    check ("printf %s '" JSON "'");
    check ("/bin/echo '" JSON "'");
    /* A shell only where it is asked for; quotes as for one. */
    check (
        "sh -c \"printf '%s' '{\\\"Version\\\":1,'; sleep 0.1; printf '%s' "
        "'\\\"AccessKeyId\\\":\\\"a\\\",\\\"SecretAccessKey\\\":\\\"SECRETxyz\\\","
        "\\\"SessionToken\\\":\\\"t\\\",\\\"Expiration\\\":\\\"2026-11-29T19:30:00Z\\\"}'\"");
}

static void
test_surroundings (void)
{
    g_setenv ("AREC_TEST_KEYS", JSON, TRUE);
    check ("sh -c 'cat; printf %s \"$AREC_TEST_KEYS\"'"); /* its input is empty */
    /* In a group of its own, and with no descriptor but the three. */
    check (
        "sh -c 'test \"$(cut -d \" \" -f 5 /proc/$$/stat)\" = $$ && test ! -e /proc/$$/fd/3 &&"
        " printf %s \"$AREC_TEST_KEYS\"'");
    check ("sh -c 'test \"$(pwd)\" = /usr && printf %s \"$AREC_TEST_KEYS\"'");
    /* It need not be the last one that has its output open. */
    check ("sh -c 'sleep 2 & printf %s \"$AREC_TEST_KEYS\"'");
    g_unsetenv ("AREC_TEST_KEYS");
}

static void
test_failures (void)
{
    static const struct {
        const char *command;
        int code;
        const char *message;
    } cases[] = {
        {"", AREC_ERROR_INVALID, "credential_process: its quotes do not match, or it is empty"},
        {"echo 'SECRETxyz", AREC_ERROR_INVALID,
         "credential_process: its quotes do not match, or it is empty"},
        {"/nonexistent/x SECRETxyz", AREC_ERROR_NOT_FOUND,
         "credential_process: /nonexistent/x: No such file or directory"},
        {"sh -c 'echo SECRETxyz; exit 3'", AREC_ERROR_NOT_FOUND,
         "credential_process: it ended with code 3"},
        {"sh -c 'kill -9 $$'", AREC_ERROR_NOT_FOUND, "credential_process: signal 9 ended it"},
        {"echo SECRETxyz", AREC_ERROR_CORRUPT,
         "credential_process: what it prints is no JSON from byte 0 on"},
        {"true", AREC_ERROR_CORRUPT,
         "credential_process: what it prints is no JSON from byte 0 on"},
        {"echo '{" KEYS "}'", AREC_ERROR_UNSUPPORTED,
         "credential_process: what it prints has not the Version 1"},
        {"echo '{\"Version\":1,\"AccessKeyId\":\"SECRETxyz\"}'", AREC_ERROR_CORRUPT,
         "credential_process: the answer has no AccessKeyId or no SecretAccessKey"},
        {"yes SECRETxyz", AREC_ERROR_LIMIT,
         "credential_process: it prints more than 65536 bytes"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        ArecCredential *credential = NULL;
        g_autoptr (GError) error = NULL;

        g_test_message ("%s", cases[i].command);
        g_assert_cmpint (run_for (cases[i].command, 60, NULL, &credential, &error), ==,
                         AREC_CREDENTIAL_BROKEN);
        g_assert_error (error, AREC_ERROR, cases[i].code);
        g_assert_cmpstr (error->message, ==, cases[i].message);
    }
}

/* ---- ends ---- */

static bool
is_running (int pid)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid), *text = NULL;

    return g_file_get_contents (path, &text, NULL, NULL) && !strstr (text, ") Z ");
}

/* The process that a shell wrote down in @path. */
static int
pid_in (const char *path)
{
    g_autofree char *text = NULL;

    g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
    return (int)g_ascii_strtoll (text, NULL, 10);
}

static void
check_end (int pid)
{
    g_assert_cmpint (pid, >, 1);
    while (is_running (pid)) {
        g_usleep (1000);
    }
}

static void *
cancel_when_written (void *data)
{
    void **arguments = data;
    g_autofree char *text = NULL;

    while (!g_file_get_contents (arguments[0], &text, NULL, NULL) || !strchr (text, '\n')) {
        g_clear_pointer (&text, g_free);
        g_usleep (1000);
    }
    arec_cancel_set (arguments[1]);
    return NULL;
}

/* What it started goes with it. */
static void
test_cancelled (void)
{
    char *path = test_file_write ("pid", "", 0);
    g_autofree char *command = g_strdup_printf ("sh -c 'sleep 1000 & echo $! >%s; wait'", path);
    ArecCancel cancel = {0};
    void *arguments[] = {path, &cancel};
    GThread *thread = g_thread_new ("cancel", cancel_when_written, arguments);
    ArecCredential *credential = NULL;
    g_autoptr (GError) error = NULL;

    g_assert_cmpint (run_for (command, 60, &cancel, &credential, &error), ==,
                     AREC_CREDENTIAL_BROKEN);
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CANCELLED);
    g_thread_join (thread);
    check_end (pid_in (path));
    test_file_remove (path);
}

static void
test_late (void)
{
    static const char *const commands[] = {"sleep 1000", "sh -c 'exec >&-; exec sleep 1000'"};

    for (size_t i = 0; i < G_N_ELEMENTS (commands); i++) {
        ArecCredential *credential = NULL;
        g_autoptr (GError) error = NULL;

        g_assert_cmpint (run_for (commands[i], 1, NULL, &credential, &error), ==,
                         AREC_CREDENTIAL_BROKEN);
        g_assert_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND);
        g_assert_cmpstr (error->message, ==,
                         "credential_process: it did not end within 60 seconds");
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/remote/credentials_process/output", test_output);
    g_test_add_func ("/remote/credentials_process/surroundings", test_surroundings);
    g_test_add_func ("/remote/credentials_process/failures", test_failures);
    g_test_add_func ("/remote/credentials_process/cancelled", test_cancelled);
    g_test_add_func ("/remote/credentials_process/late", test_late);
    return g_test_run();
}
