#include "remote/credentials_profile.h"

#include <string.h>

#include "base/error.h"
#include "remote/credentials_container.h"
#include "remote/credentials_environment.h"
#include "remote/credentials_instance.h"
#include "remote/credentials_process.h"
#include "remote/credentials_sts.h"

/* Roles that are assumed one by another. */
#define MAX_ROLES 5

typedef struct {
    ArecCredentialSearch *search;
    const ArecAwsProfiles *profiles;
    const char *name;
    unsigned n_roles; /* on the way to here */
} Profile;

static const char *
get (const Profile *profile, const char *key)
{
    const char *value = arec_aws_profiles_get (profile->profiles, profile->name, key);

    return value && *value ? value : NULL;
}

static ArecCredentialFound
fail (const Profile *profile, ArecError code, const char *what, GError **error)
{
    return arec_fail (error, code, "profile %s: %s", profile->name, what);
}

/* An error of what it leads to says by which profile. */
static ArecCredentialFound
name_profile (const Profile *profile, ArecCredentialFound found, GError **error)
{
    if (found == AREC_CREDENTIAL_BROKEN) {
        g_prefix_error (error, "profile %s: ", profile->name);
    }
    return found;
}

/* ---- keys and programs ---- */

static ArecCredentialFound
look_for_keys (const Profile *profile, ArecCredential **out, GError **error)
{
    const ArecS3Keys keys = {get (profile, "aws_access_key_id"),
                             get (profile, "aws_secret_access_key"),
                             get (profile, "aws_session_token")};

    if (!keys.access_key && !keys.secret_key) {
        return AREC_CREDENTIAL_ABSENT;
    }
    if (!keys.access_key || !keys.secret_key) {
        return fail (profile, AREC_ERROR_NOT_FOUND,
                     "of aws_access_key_id and aws_secret_access_key it has only one", error);
    }
    return arec_credential_search_take (&(ArecCredentialParts){.keys = keys}, out, error);
}

static ArecCredentialFound
look_for_process (const Profile *profile, ArecCredential **out, GError **error)
{
    const char *command = get (profile, "credential_process");

    return command
               ? name_profile (
                     profile,
                     arec_credentials_process_run (profile->search, command, out, error), error)
               : AREC_CREDENTIAL_ABSENT;
}

static ArecCredentialFound
look_for_sso (const Profile *profile, ArecCredential **out, GError **error)
{
    static const char *const keys[] = {"sso_session", "sso_start_url", "sso_account_id",
                                       "login_session"};

    (void)out;
    for (size_t i = 0; i < G_N_ELEMENTS (keys); i++) {
        if (get (profile, keys[i])) {
            return arec_fail (error, AREC_ERROR_UNSUPPORTED,
                              "profile %s: %s is not supported; another profile with"
                              " `credential_process = aws configure export-credentials"
                              " --profile %s` is",
                              profile->name, keys[i], profile->name);
        }
    }
    return AREC_CREDENTIAL_ABSENT;
}

/* ---- roles ---- */

static const struct {
    const char *name;
    ArecCredentialPlace look;
} sources[] = {
    {"Environment", arec_credentials_environment_look},
    {"EcsContainer", arec_credentials_container_look},
    {"Ec2InstanceMetadata", arec_credentials_instance_look},
};

/* credential_source: a place that is not a profile. */
static ArecCredentialFound
look_at_source (const Profile *profile, const char *name, ArecCredential **out, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS (sources); i++) {
        if (strcmp (sources[i].name, name) == 0) {
            return sources[i].look (profile->search, NULL, out, error);
        }
    }
    return fail (profile, AREC_ERROR_UNSUPPORTED,
                 "its credential_source is none of Environment, EcsContainer,"
                 " Ec2InstanceMetadata",
                 error);
}

static ArecCredentialFound look_at_profile (const Profile *profile, ArecCredential **out,
                                            GError **error);

/* source_profile: another profile, or the keys of this one. */
static ArecCredentialFound
look_at_source_profile (const Profile *profile, const char *name, ArecCredential **out,
                        GError **error)
{
    const Profile source = {profile->search, profile->profiles, name, profile->n_roles + 1};

    if (strcmp (name, profile->name) == 0) {
        return look_for_keys (profile, out, error);
    }
    if (!arec_aws_profiles_has (profile->profiles, name)) {
        return fail (profile, AREC_ERROR_NOT_FOUND, "there is no profile as its source_profile",
                     error);
    }
    if (source.n_roles > MAX_ROLES) {
        return fail (profile, AREC_ERROR_LIMIT,
                     "its source_profile leads through more than 5 roles", error);
    }
    return look_at_profile (&source, out, error);
}

static ArecCredentialFound
look_for_source (const Profile *profile, ArecCredential **out, GError **error)
{
    const char *other = get (profile, "source_profile");
    const char *place = get (profile, "credential_source");
    ArecCredentialFound found;

    if (!other == !place) {
        return fail (profile, AREC_ERROR_NOT_FOUND,
                     "with role_arn, it needs either source_profile or credential_source",
                     error);
    }
    found = other ? look_at_source_profile (profile, other, out, error)
                  : look_at_source (profile, place, out, error);
    return found == AREC_CREDENTIAL_ABSENT
               ? fail (profile, AREC_ERROR_NOT_FOUND,
                       "where its role is to be taken from there are no credentials", error)
               : found;
}

static ArecCredentialFound
assume (const Profile *profile, const ArecAwsRole *role, ArecCredential **out, GError **error)
{
    g_autoptr (ArecCredential) source = NULL;
    ArecCredentialFound found = look_for_source (profile, &source, error);

    return found == AREC_CREDENTIAL_PRESENT
               ? name_profile (
                     profile,
                     arec_credentials_sts_assume (profile->search, role, source, out, error),
                     error)
               : found;
}

static ArecCredentialFound
look_for_role (const Profile *profile, ArecCredential **out, GError **error)
{
    const ArecAwsRole role = {.arn = get (profile, "role_arn"),
                              .session = get (profile, "role_session_name"),
                              .external_id = get (profile, "external_id"),
                              .seconds = get (profile, "duration_seconds")};
    const char *token = get (profile, "web_identity_token_file");

    if (!role.arn) {
        return AREC_CREDENTIAL_ABSENT;
    }
    if (get (profile, "mfa_serial")) {
        return fail (profile, AREC_ERROR_UNSUPPORTED, "mfa_serial is not supported", error);
    }
    return token ? name_profile (profile,
                                 arec_credentials_sts_exchange (profile->search, &role, token,
                                                                out, error),
                                 error)
                 : assume (profile, &role, out, error);
}

/* ---- the whole ---- */

/* In the order of AWS's tools, but for keys, which need nobody else. */
static ArecCredentialFound
look_at_profile (const Profile *profile, ArecCredential **out, GError **error)
{
    static ArecCredentialFound (*const looks[]) (const Profile *, ArecCredential **,
                                                 GError **) = {look_for_role, look_for_keys,
                                                               look_for_process, look_for_sso};
    ArecCredentialFound found = AREC_CREDENTIAL_ABSENT;

    for (size_t i = 0; found == AREC_CREDENTIAL_ABSENT && i < G_N_ELEMENTS (looks); i++) {
        found = looks[i](profile, out, error);
    }
    return found;
}

ArecCredentialFound
arec_credentials_profile_look (ArecCredentialSearch *search, const ArecAwsConfig *config,
                               const char *profile, ArecCredential **out, GError **error)
{
    return look_at_profile (&(Profile){search, config->profiles, profile, 0}, out, error);
}
