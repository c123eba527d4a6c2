#include "remote/credentials_aws.h"

#include "base/error.h"
#include "remote/aws_config.h"
#include "remote/credential_search.h"
#include "remote/credentials_container.h"
#include "remote/credentials_environment.h"
#include "remote/credentials_instance.h"
#include "remote/credentials_profile.h"
#include "remote/credentials_sts.h"

typedef struct {
    ArecAwsAccount account; /* its texts are owned */
} Aws;

/* ---- places ---- */

static ArecCredentialFound
look_at_web_identity (ArecCredentialSearch *search, const void *account, ArecCredential **out,
                      GError **error)
{
    const ArecEnvironment *environment = search->environment;
    const char *path = arec_environment_get (environment, "AWS_WEB_IDENTITY_TOKEN_FILE");
    const ArecAwsRole role = {.arn = arec_environment_get (environment, "AWS_ROLE_ARN"),
                              .session =
                                  arec_environment_get (environment, "AWS_ROLE_SESSION_NAME")};

    (void)account;
    if (!path || !role.arn) {
        return arec_credential_search_note (search,
                                            "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN: %s",
                                            path || role.arn ? "only one is set" : "not set");
    }
    return arec_credentials_sts_exchange (search, &role, path, out, error);
}

/* Region and server of STS, as far as options and environment do not say. */
static void
take_settings (ArecCredentialSearch *search, const ArecAwsConfig *config, const char *profile)
{
    const char *region = arec_aws_profiles_get (config->profiles, profile, "region");
    const char *url = arec_aws_profiles_get (config->profiles, profile, "endpoint_url");

    if (!search->has_region && region && *region) {
        search->region = region;
    }
    if (!search->sts_url && url && *url) {
        search->sts_url = url;
    }
}

static ArecCredentialFound
look_at_profile (ArecCredentialSearch *search, const ArecAwsConfig *config, const char *profile,
                 bool is_named, ArecCredential **out, GError **error)
{
    ArecCredentialSearch inner = *search;
    ArecCredentialFound found;

    if (!arec_aws_profiles_has (config->profiles, profile)) {
        return is_named ? arec_fail (error, AREC_ERROR_NOT_FOUND, "profile %s: not in %s",
                                     profile, config->places)
                        : arec_credential_search_note (search, "profile %s: not in %s", profile,
                                                       config->places);
    }
    take_settings (&inner, config, profile);
    found = arec_credentials_profile_look (&inner, config, profile, out, error);
    return found == AREC_CREDENTIAL_ABSENT
               ? arec_credential_search_note (search, "profile %s in %s: no credentials",
                                              profile, config->places)
               : found;
}

static ArecCredentialFound
look_at_files (ArecCredentialSearch *search, const void *account, ArecCredential **out,
               GError **error)
{
    const ArecAwsAccount *aws = account;
    g_auto (ArecAwsConfig) config = {0};
    bool is_named;
    const char *profile =
        arec_aws_config_profile (search->environment, aws->profile, &is_named);

    return arec_aws_config_read (search->environment, &config, error)
               ? look_at_profile (search, &config, profile, is_named, out, error)
               : AREC_CREDENTIAL_BROKEN;
}

/* A profile that an option names goes before the environment. */
static const ArecCredentialPlace places[] = {
    arec_credentials_environment_look, look_at_web_identity, look_at_files,
    arec_credentials_container_look, arec_credentials_instance_look};

#define FIRST_OF_PROFILE 2

/* ---- the whole ---- */

static const char *
first_of (const ArecEnvironment *environment, const char *one, const char *other)
{
    const char *value = arec_environment_get (environment, one);

    return value ? value : arec_environment_get (environment, other);
}

static bool
search_places (const ArecAwsAccount *account, const ArecPatience *patience, GString *looked,
               ArecCredential **out, GError **error)
{
    const ArecEnvironment *environment = &account->environment;
    const char *region = account->region
                             ? account->region
                             : first_of (environment, "AWS_REGION", "AWS_DEFAULT_REGION");
    const size_t first = account->profile ? FIRST_OF_PROFILE : 0;
    ArecCredentialSearch search = {
        .environment = environment,
        .patience = patience,
        .ca_file = account->ca_file,
        .has_region = region != NULL,
        .region = region ? region : "us-east-1",
        .sts_url = first_of (environment, "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"),
        .looked = looked,
    };

    return arec_credential_search_run (&search, "AWS", places + first,
                                       G_N_ELEMENTS (places) - first, account, out, error);
}

static bool
fetch (void *data, const ArecPatience *patience, ArecCredential **out, GError **error)
{
    const Aws *aws = data;
    GString *looked;
    bool ok;

    if (aws->account.is_anonymous) {
        *out = NULL;
        return true;
    }
    looked = g_string_new (NULL);
    ok = search_places (&aws->account, patience, looked, out, error);
    g_string_free (looked, TRUE);
    return ok;
}

static void
free_aws (void *data)
{
    Aws *aws = data;

    g_free ((char *)aws->account.environment.directory);
    g_free ((char *)aws->account.profile);
    g_free ((char *)aws->account.region);
    g_free ((char *)aws->account.ca_file);
    g_free (aws);
}

ArecCredentials *
arec_credentials_aws_new (const ArecAwsAccount *account)
{
    static const ArecCredentialsOrigin origin = {.fetch = fetch, .free = free_aws};
    Aws *aws = g_new0 (Aws, 1);

    aws->account = *account;
    aws->account.environment.directory = arec_environment_path (&account->environment, ".");
    aws->account.profile = g_strdup (account->profile);
    aws->account.region = g_strdup (account->region);
    aws->account.ca_file = g_strdup (account->ca_file);
    return arec_credentials_new (&origin, aws);
}

bool
arec_credentials_aws_setting (const ArecAwsAccount *account, const char *key, char **out,
                              GError **error)
{
    g_auto (ArecAwsConfig) config = {0};
    bool is_named;
    const char *profile =
        arec_aws_config_profile (&account->environment, account->profile, &is_named);
    const char *value;

    if (!arec_aws_config_read (&account->environment, &config, error)) {
        return false;
    }
    value = arec_aws_profiles_get (config.profiles, profile, key);
    *out = value && *value ? g_strdup (value) : NULL;
    return true;
}
