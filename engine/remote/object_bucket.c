#include "remote/object_bucket.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"

struct ArecObjectBucket {
    ArecHttpSigner signer;
    ArecUrlScheme scheme;
    char *name;
    bool has_server;
    ArecUrl server;
    ArecAddressing addressing;
    bool is_requester_paying;
    char *billing_project;
    ArecCredentials *credentials;
    char *place;  /* of the server, tells those of one name apart */
    char *origin; /* at first */

    pthread_mutex_t lock; /* of what follows */
    char *region;
    bool has_learned; /* the region, from an answer */
    ArecCredential *credential;
    unsigned version; /* changes with each of these */
};

/* What is known at one time. */
typedef struct {
    char *region;
    ArecCredential *credential;
    unsigned version;
} Knowledge;

static void
knowledge_clear (Knowledge *knowledge)
{
    g_free (knowledge->region);
    arec_credential_unref (knowledge->credential);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Knowledge, knowledge_clear)

static void
know (ArecObjectBucket *bucket, Knowledge *out)
{
    pthread_mutex_lock (&bucket->lock);
    *out = (Knowledge){
        .region = g_strdup (bucket->region),
        .credential = bucket->credential ? arec_credential_ref (bucket->credential) : NULL,
        .version = bucket->version,
    };
    pthread_mutex_unlock (&bucket->lock);
}

static bool
find_endpoint (const ArecObjectBucket *bucket, const char *region, ArecEndpoint *out,
               GError **error)
{
    const ArecEndpointChoice choice = {
        .scheme = bucket->scheme,
        .bucket = bucket->name,
        .server = bucket->has_server ? &bucket->server : NULL,
        .region = region,
        .addressing = bucket->addressing,
    };

    return arec_endpoint_find (&choice, out, error);
}

/* ---- credentials ---- */

/* Takes @credential. */
static void
take_credential (ArecObjectBucket *bucket, ArecCredential *credential)
{
    pthread_mutex_lock (&bucket->lock);
    if (credential != bucket->credential) {
        bucket->version++;
    }
    arec_credential_unref (bucket->credential);
    bucket->credential = credential;
    pthread_mutex_unlock (&bucket->lock);
}

static bool
prepare (ArecHttpSigner *signer, const ArecCancel *cancel, GError **error)
{
    ArecObjectBucket *bucket = (ArecObjectBucket *)signer;
    ArecCredential *credential;

    if (!bucket->credentials) {
        return true;
    }
    if (!arec_credentials_get (bucket->credentials, cancel, &credential, error)) {
        return false;
    }
    take_credential (bucket, credential);
    return true;
}

static bool
renew (ArecHttpSigner *signer, unsigned version, const ArecCancel *cancel, GError **error)
{
    ArecObjectBucket *bucket = (ArecObjectBucket *)signer;
    g_auto (Knowledge) known = {0};

    know (bucket, &known);
    if (known.version != version) {
        return true;
    }
    if (!bucket->credentials ||
        !arec_credentials_refuse (bucket->credentials, known.credential)) {
        return arec_fail (error, AREC_ERROR_NOT_FOUND, "there are no newer credentials");
    }
    return prepare (signer, cancel, error);
}

/* ---- requests ---- */

/* The path of @subject, not encoded. Returns (transfer full). */
static char *
path_of (const ArecObjectBucket *bucket, const ArecEndpoint *endpoint,
         const ArecHttpSubject *subject)
{
    if (subject->key) {
        return g_strconcat (endpoint->path, "/", subject->key, NULL);
    }
    if (bucket->scheme == AREC_URL_GS) {
        return g_strconcat (endpoint->server, "/storage/v1/b/", bucket->name, "/o", NULL);
    }
    return g_strdup (endpoint->path[0] ? endpoint->path : "/");
}

static void
write_unsigned (const ArecEndpoint *endpoint, const char *path, const ArecHttpSubject *subject,
                ArecHttpSigned *out)
{
    g_autofree char *encoded = arec_s3_sign_encode (path, true);
    g_autofree char *query = arec_s3_sign_query (subject->parameters, subject->n_parameters);

    out->url = g_strconcat (endpoint->origin, encoded, query[0] ? "?" : "", query, NULL);
}

static bool
write_s3 (const ArecObjectBucket *bucket, const Knowledge *known, const ArecEndpoint *endpoint,
          const char *path, const ArecHttpSubject *subject, ArecHttpSigned *out, GError **error)
{
    const ArecS3Request request = {
        .method = "GET",
        .host = endpoint->authority,
        .path = path,
        .parameters = subject->parameters,
        .n_parameters = subject->n_parameters,
        .region = known->region,
        .service = "s3",
        .is_requester_paying = bucket->is_requester_paying,
    };
    ArecS3Signed written;

    if (!arec_s3_sign (&request, &known->credential->parts.keys,
                       g_get_real_time() / G_USEC_PER_SEC, &written, error)) {
        return false;
    }
    out->url = g_strconcat (endpoint->origin, written.target, NULL);
    out->headers = g_steal_pointer (&written.headers);
    arec_s3_signed_clear (&written);
    return true;
}

static bool
is_header_text (const char *text)
{
    while (g_ascii_isgraph (*text)) {
        text++;
    }
    return *text == '\0';
}

static bool
write_gcs (const ArecObjectBucket *bucket, const Knowledge *known, const ArecEndpoint *endpoint,
           const char *path, const ArecHttpSubject *subject, ArecHttpSigned *out,
           GError **error)
{
    const ArecCredentialParts *parts = known->credential ? &known->credential->parts : NULL;
    const char *project = bucket->billing_project;
    size_t n = 0;

    if (!project && parts) {
        project = parts->quota_project;
    }
    if ((parts && !is_header_text (parts->token)) || (project && !is_header_text (project))) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "the token or the project that pays holds a byte that no header of"
                          " HTTP can hold");
    }
    write_unsigned (endpoint, path, subject, out);
    out->headers = g_new0 (char *, 3);
    if (parts) {
        out->headers[n++] = g_strconcat ("authorization: Bearer ", parts->token, NULL);
    }
    if (project) {
        out->headers[n++] = g_strconcat ("x-goog-user-project: ", project, NULL);
    }
    return true;
}

static bool
sign (ArecHttpSigner *signer, const ArecHttpSubject *subject, ArecHttpSigned *out,
      GError **error)
{
    ArecObjectBucket *bucket = (ArecObjectBucket *)signer;
    g_auto (Knowledge) known = {0};
    g_auto (ArecEndpoint) endpoint = {0};
    g_autofree char *path = NULL;
    ArecHttpSigned written = {0};

    know (bucket, &known);
    if (!find_endpoint (bucket, known.region, &endpoint, error)) {
        return false;
    }
    path = path_of (bucket, &endpoint, subject);
    written.version = known.version;
    if (bucket->scheme == AREC_URL_GS) {
        if (!write_gcs (bucket, &known, &endpoint, path, subject, &written, error)) {
            return false;
        }
    } else if (!known.credential) {
        write_unsigned (&endpoint, path, subject, &written);
    } else if (!write_s3 (bucket, &known, &endpoint, path, subject, &written, error)) {
        return false;
    }
    *out = written;
    return true;
}

/* ---- regions ---- */

/* The region that an answer names; NULL: none. */
static const char *
region_of (const ArecHttpAnswer *answer, const ArecS3Fault *fault)
{
    const char *region = answer->region[0] || !fault ? answer->region : fault->region;

    return arec_endpoint_is_region (region) ? region : NULL;
}

static bool
learn (ArecHttpSigner *signer, unsigned version, const ArecHttpAnswer *answer,
       const ArecS3Fault *fault)
{
    ArecObjectBucket *bucket = (ArecObjectBucket *)signer;
    const char *region = region_of (answer, fault);
    bool is_new;

    pthread_mutex_lock (&bucket->lock);
    if (version == bucket->version && bucket->scheme == AREC_URL_S3 && region &&
        !bucket->has_learned && strcmp (region, bucket->region) != 0) {
        g_free (bucket->region);
        bucket->region = g_strdup (region);
        bucket->has_learned = true;
        bucket->version++;
    }
    is_new = version != bucket->version;
    pthread_mutex_unlock (&bucket->lock);
    return is_new;
}

/* ---- made, freed ---- */

static void
free_bucket (ArecHttpSigner *signer)
{
    ArecObjectBucket *bucket = (ArecObjectBucket *)signer;

    arec_credential_unref (bucket->credential);
    pthread_mutex_destroy (&bucket->lock);
    arec_url_clear (&bucket->server);
    g_free (bucket->name);
    g_free (bucket->billing_project);
    g_free (bucket->place);
    g_free (bucket->origin);
    g_free (bucket->region);
    g_free (bucket);
}

static const ArecHttpSignerOps signer_ops = {
    .prepare = prepare, .renew = renew, .sign = sign, .learn = learn, .free = free_bucket};

static void
copy_server (const ArecUrl *server, ArecObjectBucket *bucket)
{
    bucket->has_server = true;
    bucket->server = (ArecUrl){.scheme = server->scheme,
                               .form = server->form,
                               .host = g_strdup (server->host),
                               .port = server->port,
                               .key = g_strdup (server->key)};
    bucket->place = arec_url_shown (server);
}

ArecObjectBucket *
arec_object_bucket_new (const ArecObjectBucketOptions *options, GError **error)
{
    g_autoptr (ArecObjectBucket) bucket = g_new0 (ArecObjectBucket, 1);
    g_auto (ArecEndpoint) endpoint = {0};

    bucket->signer = (ArecHttpSigner){.refs = 1, .ops = &signer_ops};
    pthread_mutex_init (&bucket->lock, NULL);
    bucket->scheme = options->scheme;
    bucket->name = g_strdup (options->name);
    if (options->server) {
        copy_server (options->server, bucket);
    }
    bucket->addressing = options->addressing;
    bucket->is_requester_paying = options->is_requester_paying;
    bucket->billing_project = g_strdup (options->billing_project);
    bucket->credentials = options->credentials;
    bucket->region = g_strdup (options->region);
    if (!find_endpoint (bucket, bucket->region, &endpoint, error)) {
        return NULL;
    }
    bucket->origin = g_steal_pointer (&endpoint.origin);
    return g_steal_pointer (&bucket);
}

ArecObjectBucket *
arec_object_bucket_ref (ArecObjectBucket *bucket)
{
    return (ArecObjectBucket *)arec_http_signer_ref (&bucket->signer);
}

void
arec_object_bucket_unref (ArecObjectBucket *bucket)
{
    arec_http_signer_unref (bucket ? &bucket->signer : NULL);
}

/* ---- targets ---- */

static ArecHttpTarget *
new_target (ArecObjectBucket *bucket, ArecHttpSubject *subject)
{
    g_autofree char *url = g_strconcat (bucket->scheme == AREC_URL_GS ? "gs://" : "s3://",
                                        bucket->name, "/", subject->key ? subject->key : "",
                                        bucket->place ? "\n" : NULL, bucket->place, NULL);

    return arec_http_target_new_signed (&bucket->signer, url, bucket->origin, subject);
}

ArecHttpTarget *
arec_object_bucket_target (ArecObjectBucket *bucket, const char *key)
{
    ArecHttpSubject subject;

    arec_http_subject_init (&subject, key, NULL, 0);
    return new_target (bucket, &subject);
}

ArecHttpTarget *
arec_object_bucket_listing (ArecObjectBucket *bucket, const ArecS3Parameter *parameters,
                            size_t n)
{
    ArecHttpSubject subject;

    arec_http_subject_init (&subject, NULL, parameters, n);
    return new_target (bucket, &subject);
}
