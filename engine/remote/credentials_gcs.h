/* The credentials of an account of Google Cloud, looked for where Google's libraries look, in
 * their order. The first that is there is used; one that is broken is an error. README.md has
 * the list.
 */
#pragma once

#include <stdbool.h>

#include "remote/credentials.h"
#include "remote/environment.h"

/* What options say. Zeroed: nothing. Texts are copied by those who keep them. */
typedef struct {
    ArecEnvironment environment;
    bool is_anonymous;   /* nothing is looked for, and nothing is signed */
    const char *ca_file; /* NULL: by the environment, else the system's */
} ArecGcsAccount;

/* Looks nowhere yet, but keeps the working directory, where paths of variables begin. A
 * credential has `token`, and `quota_project` if its file has. Returns (transfer full)
 * arec_credentials_free (). */
ArecCredentials *arec_credentials_gcs_new (const ArecGcsAccount *account);
