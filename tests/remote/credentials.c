/* Prints credentials of this process's environment, for test_credentials.py.
 *
 *     credentials aws|gcs [PROFILE]      KEY SECRET SESSION-TOKEN TOKEN PROJECT SECONDS-LEFT
 *
 * What there is not is `-`; `anonymous` if requests are to be unsigned. A failure is a line on
 * standard error, with the exit code of arec.
 */
#include <stdio.h>
#include <string.h>

#include <arec/error.h>

#include "remote/credentials_aws.h"
#include "remote/credentials_gcs.h"

static const char *
shown (const char *text)
{
    return text ? text : "-";
}

static void
print (const ArecCredential *credential)
{
    const ArecCredentialParts *parts = &credential->parts;
    const int64_t now = g_get_real_time() / G_USEC_PER_SEC;

    printf ("%s %s %s %s %s ", shown (parts->keys.access_key), shown (parts->keys.secret_key),
            shown (parts->keys.session_token), shown (parts->token),
            shown (parts->quota_project));
    printf (parts->ends > 0 ? "%lld\n" : "-\n", (long long)(parts->ends - now));
}

int
main (int argc, char **argv)
{
    const bool is_aws = argc > 1 && strcmp (argv[1], "aws") == 0;
    g_autoptr (ArecCredentials) credentials =
        is_aws
            ? arec_credentials_aws_new (&(ArecAwsAccount){.profile = argc > 2 ? argv[2] : NULL})
            : arec_credentials_gcs_new (&(ArecGcsAccount){0});
    g_autoptr (ArecCredential) credential = NULL;
    g_autoptr (GError) error = NULL;

    if (!arec_credentials_get (credentials, NULL, &credential, &error)) {
        fprintf (stderr, "%s\n", error->message);
        return arec_error_exit_code (error);
    }
    if (credential) {
        print (credential);
    } else {
        puts ("anonymous");
    }
    return 0;
}
