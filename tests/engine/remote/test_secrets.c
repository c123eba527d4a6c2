/* Memory for secrets: what is in it, and what the system knows of it. */
#include "remote/secrets.h"

#include <stdio.h>
#include <stdint.h>
#include <string.h>

static void
test_add (void)
{
    g_auto (ArecSecrets) secrets = {0};
    size_t n = 0;
    char *one, *two;

    g_assert_true (arec_secrets_init (&secrets, 10));
    one = arec_secrets_add (&secrets, "one", 3);
    two = arec_secrets_add (&secrets, "two and more", 3);
    g_assert_cmpstr (one, ==, "one");
    g_assert_cmpstr (two, ==, "two");
    g_assert_cmpstr (arec_secrets_add (&secrets, "", 0), ==, "");
    while (arec_secrets_add (&secrets, "0123456789abcde", 15)) {
        n++;
    }
    g_assert_cmpuint (secrets.used, <=, secrets.size);
    g_assert_cmpuint (n, >=, (secrets.size - 10) / 16);
    g_assert_null (arec_secrets_add (&secrets, "", SIZE_MAX));
    g_assert_false (arec_secrets_init (&(ArecSecrets){0}, SIZE_MAX));
}

static void
test_clear (void)
{
    ArecSecrets secrets = {0};

    arec_secrets_clear (&secrets);
    g_assert_true (arec_secrets_init (&secrets, 0));
    arec_secrets_clear (&secrets);
    g_assert_null (secrets.memory);
    arec_secrets_clear (&secrets);
}

/* The kernel's flags of these pages: no dump. */
static void
test_not_dumped (void)
{
    g_auto (ArecSecrets) secrets = {0};
    g_autofree char *maps = NULL;
    g_auto (GStrv) lines = NULL;
    bool is_ours = false, is_seen = false;

    g_assert_true (arec_secrets_init (&secrets, 1));
    arec_secrets_add (&secrets, "x", 1);
    if (!g_file_get_contents ("/proc/self/smaps", &maps, NULL, NULL)) {
        g_test_skip ("no /proc/self/smaps");
        return;
    }
    lines = g_strsplit (maps, "\n", -1);
    for (size_t i = 0; lines[i]; i++) {
        unsigned long begin, end;

        if (sscanf (lines[i], "%lx-%lx ", &begin, &end) == 2) {
            is_ours =
                (unsigned long)secrets.memory >= begin && (unsigned long)secrets.memory < end;
        } else if (is_ours && g_str_has_prefix (lines[i], "VmFlags:")) {
            g_assert_nonnull (strstr (lines[i], " dd"));
            is_seen = true;
        }
    }
    g_assert_true (is_seen);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/secrets/add", test_add);
    g_test_add_func ("/secrets/clear", test_clear);
    g_test_add_func ("/secrets/not-dumped", test_not_dumped);
    return g_test_run();
}
