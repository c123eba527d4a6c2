/* AWS's shared files where they lie: which ones, and what a profile says there. One thread at a
 * time.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "remote/aws_profiles.h"
#include "remote/environment.h"

typedef struct {
    ArecAwsProfiles *profiles;
    char *places; /* `FILE, FILE (no such file)`, for messages */
} ArecAwsConfig;

/* Reads both files, by `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE`, else
 * `~/.aws/credentials` and `~/.aws/config`. One that does not exist is empty.
 * @out  (out) arec_aws_config_clear (); nothing to clear after a failure.
 * Errors: NOT_FOUND, not readable; INVALID, LIMIT, malformed; IO, NOMEM. Blocks on I/O. */
bool arec_aws_config_read (const ArecEnvironment *environment, ArecAwsConfig *out,
                           GError **error);
void arec_aws_config_clear (ArecAwsConfig *config); /* takes a zeroed one */

/* The profile that @option, else `AWS_PROFILE`, names; else `default`.
 * @is_named  (out) it was named. */
const char *arec_aws_config_profile (const ArecEnvironment *environment, const char *option,
                                     bool *is_named);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecAwsConfig, arec_aws_config_clear)
