/* The profiles of AWS's shared files, `~/.aws/config` and `~/.aws/credentials`. Pure: the text
 * is an argument. One thread at a time.
 *
 *     # comment                        ; another
 *     [profile NAME]                   of the credentials file: [NAME]
 *     role_arn = arn:aws:iam::1:role/x # a comment behind a space
 *     s3 =
 *       addressing_style = path        nested: not read
 *
 * What AWS's tools take is taken: `:` for `=`, keys in any case, CR LF, a byte order mark,
 * names in quotes, sections more than once, of which later lines win. A line that is indented
 * further goes on with the one before, after a line feed. Sections that are no profile are
 * skipped. A comment behind a value ends it, as AWS's SDKs have it, but for
 * `credential_process`.
 *
 * All texts are secrets: they lie in memory for secrets, and no message has any of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#define AREC_AWS_MAX_FILE ((size_t)1 << 20)

typedef enum {
    AREC_AWS_CONFIG,
    AREC_AWS_CREDENTIALS, /* what it says of a profile goes before what the other one says */
} ArecAwsFile;

typedef struct ArecAwsProfiles ArecAwsProfiles;

ArecAwsProfiles *arec_aws_profiles_new (void);
void arec_aws_profiles_free (ArecAwsProfiles *profiles); /* takes NULL */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecAwsProfiles, arec_aws_profiles_free)

/* Adds the @size bytes of @text, which are copied.
 * @path  for messages: `PATH: line N: ...`.
 * Errors: INVALID, a line that is none of the above, or a NUL; LIMIT, the file is too large;
 * NOMEM. */
bool arec_aws_profiles_add (ArecAwsProfiles *profiles, ArecAwsFile file, const char *path,
                            const char *text, size_t size, GError **error);

/* Whether a file has the profile. */
bool arec_aws_profiles_has (const ArecAwsProfiles *profiles, const char *profile);

/* What the profile says of @key, or NULL. Belongs to @profiles. */
const char *arec_aws_profiles_get (const ArecAwsProfiles *profiles, const char *profile,
                                   const char *key);
