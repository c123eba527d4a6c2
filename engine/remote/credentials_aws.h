/* The credentials of an account of AWS, looked for where AWS's tools look, in their order. The
 * first that is there is used; one that is broken is an error. README.md has the list.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "remote/credentials.h"
#include "remote/environment.h"

/* What options say. Zeroed: nothing. Texts are copied by those who keep them. */
typedef struct {
    ArecEnvironment environment;
    bool is_anonymous;   /* nothing is looked for, and nothing is signed */
    const char *profile; /* NULL: by the environment, else `default` */
    const char *region;  /* of STS; NULL: by the environment or the profile */
    const char *ca_file; /* NULL: by the environment, else the system's */
} ArecAwsAccount;

/* Looks nowhere yet, but keeps the working directory, where paths of variables begin. Returns
 * (transfer full) arec_credentials_free (). */
ArecCredentials *arec_credentials_aws_new (const ArecAwsAccount *account);

/* What the files say of @key (`region`, `endpoint_url`) of the account's profile.
 * @out  (transfer full) NULL: nothing, or there is no such file or profile.
 * Errors: NOT_FOUND, a file is not readable; INVALID, LIMIT, it is malformed; NOMEM. Blocks on
 * I/O. */
bool arec_credentials_aws_setting (const ArecAwsAccount *account, const char *key, char **out,
                                   GError **error);
