/* The files where AWS's tools keep credentials, as users and programs write them.
 *
 * - No text crashes the parser. A refusal names the file, and a line unless the text has a NUL,
 *   and is the same whatever letters and digits the text has: no secret gets out.
 * - A value is made of pieces of the text, one a line, none of which begins or ends with a
 *   blank.
 * - A profile that says something is there.
 *
 * Input: which file, the length of a profile's name, the name, the text.
 */
#include <string.h>

#include <arec/error.h>

#include "fuzz.h"
#include "remote/aws_profiles.h"

static const char *const keys[] = {"aws_access_key_id",  "aws_secret_access_key",
                                   "aws_session_token",  "role_arn",
                                   "source_profile",     "credential_source",
                                   "credential_process", "region",
                                   "endpoint_url",       "k"};

static void
check_refusal (const GError *error, const char *text, size_t size)
{
    g_assert_true (g_str_has_prefix (error->message, "FILE: "));
    g_assert_cmpuint (strlen (error->message), <=, 100);
    if (!memchr (text, '\0', size)) {
        g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
        g_assert_true (g_str_has_prefix (error->message, "FILE: line "));
    }
}

static void
check_value (const char *value, const char *text)
{
    g_auto (GStrv) lines = g_strsplit (value, "\n", -1);

    for (size_t i = 0; lines[i]; i++) {
        const size_t size = strlen (lines[i]);

        g_assert_nonnull (strstr (text, lines[i]));
        g_assert_true (size == 0 || !strchr (" \t", lines[i][0]));
        g_assert_true (size == 0 || !strchr (" \t", lines[i][size - 1]));
    }
}

static void
check_profile (const ArecAwsProfiles *profiles, const char *profile, const char *text)
{
    for (size_t i = 0; i < G_N_ELEMENTS (keys); i++) {
        const char *value = arec_aws_profiles_get (profiles, profile, keys[i]);

        if (value) {
            g_assert_true (arec_aws_profiles_has (profiles, profile));
            check_value (value, text);
        }
    }
}

/* What is refused is refused in the same words with other letters. */
static void
check_masked (ArecAwsFile file, const char *text, size_t size, const char *message)
{
    g_autoptr (ArecAwsProfiles) profiles = arec_aws_profiles_new();
    g_autofree char *masked = g_malloc (size + 1);
    g_autoptr (GError) error = NULL;

    for (size_t i = 0; i < size; i++) {
        masked[i] = g_ascii_isalnum (text[i]) ? 'x' : text[i];
    }
    g_assert_false (arec_aws_profiles_add (profiles, file, "FILE", masked, size, &error));
    g_assert_cmpstr (error->message, ==, message);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    ArecBytes input = arec_bytes (data, size);
    ArecAwsFile file = fuzz_take_u8 (&input) % 2 ? AREC_AWS_CREDENTIALS : AREC_AWS_CONFIG;
    uint64_t length = fuzz_take_number (&input);
    g_autofree char *profile = fuzz_take_text (&input, length);
    const size_t n = arec_bytes_left (&input);
    g_autofree char *text = g_malloc0 (n + 1);
    g_autoptr (ArecAwsProfiles) profiles = arec_aws_profiles_new();
    g_autoptr (GError) error = NULL;

    memcpy (text, input.at, n);
    fuzz_memory_bound (FUZZ_MAX_MEMORY);
    if (arec_aws_profiles_add (profiles, file, "FILE", text, n, &error)) {
        check_profile (profiles, profile, text);
        check_profile (profiles, "default", text);
    } else {
        check_refusal (error, text, n);
        check_masked (file, text, n, error->message);
    }
    fuzz_memory_unbound();
    return 0;
}
