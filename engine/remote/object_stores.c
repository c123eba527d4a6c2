#include "remote/object_stores.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "remote/credentials_aws.h"
#include "remote/credentials_gcs.h"

struct ArecObjectStores {
    ArecObjectStoresOptions options; /* with texts of its own */
    ArecCredentials *aws, *gcs;

    pthread_mutex_t lock; /* of what follows */
    GHashTable *buckets;  /* `s3://b` to its ArecObjectBucket */
};

static ArecAwsAccount
aws_account (const ArecObjectStoresOptions *options)
{
    return (ArecAwsAccount){.environment = options->environment,
                            .is_anonymous = options->is_anonymous,
                            .profile = options->aws_profile,
                            .region = options->region};
}

ArecObjectStores *
arec_object_stores_new (const ArecObjectStoresOptions *options)
{
    ArecObjectStores *stores = g_new0 (ArecObjectStores, 1);
    const ArecAwsAccount aws = aws_account (options);
    const ArecGcsAccount gcs = {.environment = options->environment,
                                .is_anonymous = options->is_anonymous};

    stores->options = *options;
    stores->options.environment.directory = arec_environment_path (&options->environment, ".");
    stores->options.endpoint_url = g_strdup (options->endpoint_url);
    stores->options.region = g_strdup (options->region);
    stores->options.aws_profile = g_strdup (options->aws_profile);
    stores->options.billing_project = g_strdup (options->billing_project);
    stores->aws = arec_credentials_aws_new (&aws);
    stores->gcs = arec_credentials_gcs_new (&gcs);
    pthread_mutex_init (&stores->lock, NULL);
    stores->buckets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                             (GDestroyNotify)arec_object_bucket_unref);
    return stores;
}

void
arec_object_stores_stop (ArecObjectStores *stores)
{
    arec_credentials_stop (stores->aws);
    arec_credentials_stop (stores->gcs);
}

void
arec_object_stores_free (ArecObjectStores *stores)
{
    if (!stores) {
        return;
    }
    g_hash_table_unref (stores->buckets);
    arec_credentials_free (stores->aws);
    arec_credentials_free (stores->gcs);
    pthread_mutex_destroy (&stores->lock);
    g_free ((char *)stores->options.environment.directory);
    g_free ((char *)stores->options.endpoint_url);
    g_free ((char *)stores->options.region);
    g_free ((char *)stores->options.aws_profile);
    g_free ((char *)stores->options.billing_project);
    g_free (stores);
}

/* ---- where to look for a setting ---- */

typedef struct {
    const char *variables[3]; /* of the environment, the first that is set; NULL: no more */
    const char *key;          /* of a profile of AWS; NULL: none has it */
} Setting;

static const Setting aws_region = {{"AWS_REGION", "AWS_DEFAULT_REGION"}, "region"};
static const Setting aws_endpoint = {{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"},
                                     "endpoint_url"};
static const Setting gcs_emulator = {
    {"CLOUD_STORAGE_EMULATOR_ENDPOINT", "STORAGE_EMULATOR_HOST"}, NULL};

/* @option  what was typed, which goes first; NULL: nothing.
 * @where   (out) where the value is from, for messages.
 * @value   (out) (transfer full) NULL: nothing says it. */
static bool
find_setting (const ArecObjectStores *stores, const Setting *setting, const char *option,
              const char *option_name, const char **where, char **value, GError **error)
{
    const ArecAwsAccount account = aws_account (&stores->options);

    *where = option_name;
    *value = g_strdup (option);
    for (size_t i = 0; !*value && setting->variables[i]; i++) {
        *where = setting->variables[i];
        *value = g_strdup (arec_environment_get (&account.environment, *where));
    }
    if (*value || !setting->key) {
        return true;
    }
    *where = setting->key;
    return arec_credentials_aws_setting (&account, setting->key, value, error);
}

/* ---- a bucket ---- */

/* What decides where a bucket lies. */
typedef struct {
    ArecUrl server;
    bool has_server;
    bool is_emulated; /* no credentials are sent */
    char *region;
} Place;

static void
place_clear (Place *place)
{
    arec_url_clear (&place->server);
    g_free (place->region);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Place, place_clear)

/* @text  of a server; without a scheme, as Google's emulators are named, it is http. */
static bool
take_server (Place *place, const char *text, const char *where, GError **error)
{
    g_autofree char *url =
        arec_url_is_url (text) ? g_strdup (text) : g_strconcat ("http://", text, NULL);

    if (!arec_url_parse (url, AREC_URL_ENDPOINT, &place->server, error)) {
        g_prefix_error (error, "%s: ", where);
        return false;
    }
    place->has_server = true;
    return true;
}

static bool
find_server (const ArecObjectStores *stores, ArecUrlScheme scheme, Place *place, GError **error)
{
    const Setting *setting = scheme == AREC_URL_S3 ? &aws_endpoint : &gcs_emulator;
    const char *option = stores->options.endpoint_url, *where;
    g_autofree char *text = NULL;

    if (!find_setting (stores, setting, option, "--endpoint-url", &where, &text, error)) {
        return false;
    }
    place->is_emulated = scheme == AREC_URL_GS && text && !option;
    return !text || take_server (place, text, where, error);
}

static bool
find_region (const ArecObjectStores *stores, Place *place, GError **error)
{
    const char *where;

    if (!find_setting (stores, &aws_region, stores->options.region, "--region", &where,
                       &place->region, error)) {
        return false;
    }
    if (!place->region) {
        place->region = g_strdup (AREC_ENDPOINT_DEFAULT_REGION);
    }
    return arec_endpoint_is_region (place->region) ||
           arec_fail (error, AREC_ERROR_INVALID,
                      "%s: '%s' is no region: those have letters, digits and hyphens", where,
                      place->region);
}

static ArecObjectBucket *
new_bucket (const ArecObjectStores *stores, const ArecUrl *url, GError **error)
{
    const ArecObjectStoresOptions *options = &stores->options;
    g_auto (Place) place = {0};
    ArecObjectBucketOptions bucket = {
        .scheme = url->scheme,
        .name = url->bucket,
        .addressing = options->addressing,
        .is_requester_paying = options->is_requester_paying,
        .billing_project = options->billing_project,
    };

    if (!find_server (stores, url->scheme, &place, error) ||
        (url->scheme == AREC_URL_S3 && !find_region (stores, &place, error))) {
        return NULL;
    }
    bucket.server = place.has_server ? &place.server : NULL;
    bucket.region = place.region;
    if (!place.is_emulated) {
        bucket.credentials = url->scheme == AREC_URL_S3 ? stores->aws : stores->gcs;
    }
    return arec_object_bucket_new (&bucket, error);
}

/* ---- the table ---- */

static ArecObjectBucket *
find_locked (ArecObjectStores *stores, const char *name)
{
    ArecObjectBucket *bucket = g_hash_table_lookup (stores->buckets, name);

    return bucket ? arec_object_bucket_ref (bucket) : NULL;
}

ArecObjectBucket *
arec_object_stores_bucket (ArecObjectStores *stores, const ArecUrl *url, GError **error)
{
    g_autofree char *name =
        g_strconcat (url->scheme == AREC_URL_GS ? "gs://" : "s3://", url->bucket, NULL);
    ArecObjectBucket *bucket, *earlier;

    pthread_mutex_lock (&stores->lock);
    bucket = find_locked (stores, name);
    pthread_mutex_unlock (&stores->lock);
    if (bucket) {
        return bucket;
    }
    bucket = new_bucket (stores, url, error);
    if (!bucket) {
        return NULL;
    }
    pthread_mutex_lock (&stores->lock);
    earlier = find_locked (stores, name); /* of another thread */
    if (!earlier) {
        g_hash_table_insert (stores->buckets, g_steal_pointer (&name),
                             arec_object_bucket_ref (bucket));
    }
    pthread_mutex_unlock (&stores->lock);
    if (!earlier) {
        return bucket;
    }
    arec_object_bucket_unref (bucket);
    return earlier;
}
