#include <arec/remote_options.h>

#include <string.h>

#include <arec/error.h>
#include <arec/text.h>

#include "remote/aws_config.h"
#include "remote/endpoint.h"
#include "remote/url.h"

#define MAX_DEADLINE 86400 /* seconds */
#define MAX_REQUESTS 1024

static bool
set_deadline (const char *value, ArecRemoteOptions *options, GError **error)
{
    char *end;
    double seconds = g_ascii_strtod (value, &end);

    if (end == value || *end || !(seconds >= 0.001 && seconds <= MAX_DEADLINE)) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "'%s' is not a number of seconds from 0.001 to %d", value,
                          MAX_DEADLINE);
    }
    options->request_deadline = (uint64_t)(seconds * 1e6 + 0.5);
    return true;
}

static bool
set_max_requests (const char *value, ArecRemoteOptions *options, GError **error)
{
    uint64_t n;

    if (!g_ascii_string_to_unsigned (value, 10, 1, MAX_REQUESTS, &n, NULL)) {
        return arec_fail (error, AREC_ERROR_INVALID, "'%s' is not a number from 1 to %d", value,
                          MAX_REQUESTS);
    }
    options->max_requests = (unsigned)n;
    return true;
}

static bool
set_prefetch (const char *value, ArecRemoteOptions *options, GError **error)
{
    uint64_t bytes;

    if (!arec_size_parse (value, &bytes, error)) {
        return false;
    }
    options->prefetch = MIN (bytes, (uint64_t)INT64_MAX);
    options->has_prefetch = true;
    return true;
}

static bool
set_endpoint_url (const char *value, ArecRemoteOptions *options, GError **error)
{
    g_auto (ArecUrl) url = {0};

    if (!arec_url_parse (value, AREC_URL_ENDPOINT, &url, error)) {
        return false;
    }
    options->endpoint_url = g_intern_string (value);
    return true;
}

static bool
set_region (const char *value, ArecRemoteOptions *options, GError **error)
{
    if (!arec_endpoint_is_region (value)) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "'%s' is no region: those have letters, digits and hyphens", value);
    }
    options->region = g_intern_string (value);
    return true;
}

static bool
set_addressing (const char *value, ArecRemoteOptions *options, GError **error)
{
    bool is_virtual = strcmp (value, "virtual") == 0;

    if (!is_virtual && strcmp (value, "path") != 0) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "invalid value: %s, expected auto, virtual or path", value);
    }
    options->addressing = is_virtual ? AREC_ADDRESSING_VIRTUAL : AREC_ADDRESSING_PATH;
    return true;
}

/* Of printable bytes without spaces, as headers hold them. */
static bool
set_word (const char *value, const char **word, GError **error)
{
    const char *at = value;

    while (g_ascii_isgraph (*at)) {
        at++;
    }
    if (at == value || *at) {
        return arec_fail (error, AREC_ERROR_INVALID, "'%s' is no name", value);
    }
    *word = g_intern_string (value);
    return true;
}

static bool
set_aws_profile (const char *value, ArecRemoteOptions *options, GError **error)
{
    if (value[0] == '\0') {
        return arec_fail (error, AREC_ERROR_INVALID, "a profile has a name");
    }
    options->aws_profile = g_intern_string (value);
    return true;
}

static bool
set_anonymous (const char *value, ArecRemoteOptions *options, GError **error)
{
    (void)value;
    (void)error;
    options->anonymous = true;
    return true;
}

static bool
set_requester_pays (const char *value, ArecRemoteOptions *options, GError **error)
{
    (void)value;
    (void)error;
    options->requester_pays = true;
    return true;
}

static bool
set_billing_project (const char *value, ArecRemoteOptions *options, GError **error)
{
    return set_word (value, &options->billing_project, error);
}

static void
unset_deadline (ArecRemoteOptions *options)
{
    options->request_deadline = 0;
}

static void
unset_max_requests (ArecRemoteOptions *options)
{
    options->max_requests = 0;
}

static void
unset_prefetch (ArecRemoteOptions *options)
{
    options->has_prefetch = false;
}

static void
unset_endpoint_url (ArecRemoteOptions *options)
{
    options->endpoint_url = NULL;
}

static void
unset_region (ArecRemoteOptions *options)
{
    options->region = NULL;
}

static void
unset_addressing (ArecRemoteOptions *options)
{
    options->addressing = AREC_ADDRESSING_AUTO;
}

static void
unset_aws_profile (ArecRemoteOptions *options)
{
    options->aws_profile = NULL;
}

static void
unset_anonymous (ArecRemoteOptions *options)
{
    options->anonymous = false;
}

static void
unset_requester_pays (ArecRemoteOptions *options)
{
    options->requester_pays = false;
}

static void
unset_billing_project (ArecRemoteOptions *options)
{
    options->billing_project = NULL;
}

static const struct {
    ArecRemoteOption option;
    bool (*set) (const char *value, ArecRemoteOptions *options, GError **error);
    void (*unset) (ArecRemoteOptions *options);
} table[AREC_N_REMOTE_OPTIONS] = {
    {{"request-deadline", "SECONDS", "How long a server may take for a range (default: 60)"},
     set_deadline,
     unset_deadline},
    {{"max-requests", "N", "Requests to a server at the same time (default: 32)"},
     set_max_requests,
     unset_max_requests},
    {{"prefetch", "SIZE", "Bytes that servers are asked for ahead of readers (default: auto)"},
     set_prefetch,
     unset_prefetch},
    {{"endpoint-url", "URL", "Server of s3:// and gs:// (default: by scheme and region)"},
     set_endpoint_url,
     unset_endpoint_url},
    {{"region", "NAME", "Region of S3 (default: as AWS's tools find it, else us-east-1)"},
     set_region,
     unset_region},
    {{"addressing", "auto|virtual|path", "Whether buckets stand in hosts or in paths"},
     set_addressing,
     unset_addressing},
    {{"aws-profile", "NAME", "Profile of AWS's files (default: AWS_PROFILE, else default)"},
     set_aws_profile,
     unset_aws_profile},
    {{"anonymous", NULL, "Look for no credentials, and sign nothing"},
     set_anonymous,
     unset_anonymous},
    {{"requester-pays", NULL, "Pay for requests to buckets of S3 whose owners do not"},
     set_requester_pays,
     unset_requester_pays},
    {{"billing-project", "NAME", "Project of Google Cloud that pays for requests"},
     set_billing_project,
     unset_billing_project},
};

const ArecRemoteOption *
arec_remote_option (size_t i)
{
    return &table[i].option;
}

size_t
arec_remote_option_find (const char *name)
{
    size_t i = 0;

    while (i < AREC_N_REMOTE_OPTIONS && strcmp (table[i].option.name, name) != 0) {
        i++;
    }
    g_return_val_if_fail (i < AREC_N_REMOTE_OPTIONS, 0);
    return i;
}

bool
arec_remote_option_set (size_t i, const char *value, ArecRemoteOptions *options, GError **error)
{
    if (value && strcmp (value, "auto") == 0) {
        table[i].unset (options);
        return true;
    }
    return table[i].set (value, options, error);
}

bool
arec_remote_is_aws_profile (const char *name)
{
    const ArecEnvironment environment = {.get = NULL};
    g_auto (ArecAwsConfig) config = {0};

    return arec_aws_config_read (&environment, &config, NULL) &&
           arec_aws_profiles_has (config.profiles, name);
}
