#include "remote/credential_file.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arec/error.h>

#include "files.h"

static void
check_broken (const char *path, int code, const char *message)
{
    ArecSecrets secrets;
    size_t size;
    g_autoptr (GError) error = NULL;

    g_assert_cmpint (arec_credential_file_read (path, &secrets, &size, &error), ==,
                     AREC_CREDENTIAL_BROKEN);
    g_assert_error (error, AREC_ERROR, code);
    g_assert_cmpstr (error->message, ==, message);
}

static void
check_text (const char *path, const char *text)
{
    g_auto (ArecSecrets) secrets = {0};
    size_t size;

    g_assert_cmpint (arec_credential_file_read (path, &secrets, &size, NULL), ==,
                     AREC_CREDENTIAL_PRESENT);
    g_assert_cmpstr (secrets.memory, ==, text);
    g_assert_cmpuint (size, ==, strlen (text));
}

static void
test_read (void)
{
    char *path = test_file_write ("x", "SECRETxyz", 9), *empty = test_file_write ("x", "", 0);

    check_text (path, "SECRETxyz");
    check_text (empty, "");
    check_text ("/dev/null", "");
    test_file_remove (path);
    test_file_remove (empty);
}

static void
test_absent (void)
{
    ArecSecrets secrets;
    size_t size;

    g_assert_cmpint (arec_credential_file_read ("/nonexistent/x", &secrets, &size, NULL), ==,
                     AREC_CREDENTIAL_ABSENT);
    g_assert_cmpint (arec_credential_file_read ("/dev/null/x", &secrets, &size, NULL), ==,
                     AREC_CREDENTIAL_ABSENT);
}

static void
test_largest (void)
{
    g_autofree char *text = g_strnfill (AREC_CREDENTIAL_FILE_MAX + 1, 'x');
    char *fits = test_file_write ("x", text, AREC_CREDENTIAL_FILE_MAX);
    char *does_not = test_file_write ("x", text, AREC_CREDENTIAL_FILE_MAX + 1);
    g_autofree char *message =
        g_strdup_printf ("%s: it grows, or has more than 1048576 bytes", does_not);

    text[AREC_CREDENTIAL_FILE_MAX] = '\0';
    check_text (fits, text);
    check_broken (does_not, AREC_ERROR_LIMIT, message);
    test_file_remove (fits);
    test_file_remove (does_not);
}

/* Nobody waits for what may never come, or never ends. */
static void
test_no_files (void)
{
    char *path = test_file_write ("x", "", 0);
    g_autofree char *fifo = g_strconcat (path, ".fifo", NULL);
    g_autofree char *message = g_strconcat (fifo, ": no regular file", NULL);

    g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
    check_broken (fifo, AREC_ERROR_NOT_FOUND, message);
    check_broken ("/", AREC_ERROR_NOT_FOUND, "/: no regular file");
    check_broken ("/dev/zero", AREC_ERROR_LIMIT,
                  "/dev/zero: it grows, or has more than 1048576 bytes");
    unlink (fifo);
    test_file_remove (path);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/remote/credential_file/read", test_read);
    g_test_add_func ("/remote/credential_file/absent", test_absent);
    g_test_add_func ("/remote/credential_file/largest", test_largest);
    g_test_add_func ("/remote/credential_file/no-files", test_no_files);
    return g_test_run();
}
