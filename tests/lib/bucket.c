#include "bucket.h"

#include <stdlib.h>
#include <string.h>

#include <arec/error.h>

#define ROOM 2048

static const char *
parameter (const ArecS3Parameter *parameters, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        g_assert_true (i == 0 || strcmp (parameters[i - 1].name, parameters[i].name) < 0);
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp (parameters[i].name, name) == 0) {
            return parameters[i].value;
        }
    }
    return NULL;
}

static void
note (TestBucket *bucket, const ArecS3Parameter *parameters, size_t n)
{
    GString *text = g_string_new (NULL);

    for (size_t i = 0; i < n; i++) {
        g_string_append_printf (text, "%s=%s&", parameters[i].name, parameters[i].value);
    }
    g_free (bucket->last);
    bucket->last = g_string_free (text, FALSE);
    bucket->n_pages++;
}

static void
append_s3 (GString *text, const char *key, size_t i)
{
    g_autofree char *encoded = arec_s3_sign_encode (key, true);

    g_string_append_printf (text,
                            "<Contents><Key>%s</Key><Size>%zu</Size><ETag>\"e%zu\"</ETag>"
                            "<LastModified>2024-01-02T03:04:05.000Z</LastModified></Contents>",
                            encoded, 100 + i, i);
}

static void
append_gcs (GString *text, const char *key, size_t i)
{
    g_string_append (text, text->str[text->len - 1] == '[' ? "{\"name\":\"" : ",{\"name\":\"");
    for (; *key; key++) {
        if (*key == '"' || *key == '\\' || (unsigned char)*key < ' ') {
            g_string_append_printf (text, "\\u%04x", (unsigned char)*key);
        } else {
            g_string_append_c (text, *key);
        }
    }
    g_string_append_printf (text,
                            "\",\"size\":\"%zu\",\"generation\":\"%zu\",\"etag\":\"CAE=\","
                            "\"updated\":\"2024-01-02T03:04:05.678Z\"}",
                            100 + i, 1000 + i);
}

/* The keys from number @at on. Returns the token of the next page; NULL: there is none. */
static char *
append_keys (const TestBucket *bucket, size_t at, const char *prefix, bool is_flat,
             void (*append) (GString *, const char *, size_t), GString *text)
{
    size_t n_given = 0;

    for (; at < bucket->n; at++) {
        char room[ROOM];
        const char *key = room;

        if (bucket->write_key) {
            bucket->write_key (at, room, ROOM);
        } else {
            key = bucket->keys[at];
        }
        if (!g_str_has_prefix (key, prefix) ||
            (is_flat && strchr (key + strlen (prefix), '/'))) {
            continue;
        }
        if (n_given++ == bucket->page_size) {
            return g_strdup_printf ("%zu", at);
        }
        append (text, key, at);
    }
    return NULL;
}

static bool
get_page (void *data, const ArecUrl *url, const ArecS3Parameter *parameters, size_t n,
          const ArecCancel *cancel, ArecBuffer *page, GError **error)
{
    TestBucket *bucket = data;
    bool is_s3 = url->scheme == AREC_URL_S3;
    const char *token = parameter (parameters, n, is_s3 ? "continuation-token" : "pageToken");
    const char *prefix = parameter (parameters, n, "prefix");
    bool is_flat = parameter (parameters, n, "delimiter") != NULL;
    GString *text = g_string_new (NULL);
    g_autofree char *next = NULL;

    g_assert_nonnull (prefix);
    g_assert_cmpuint (page->size, ==, 0);
    note (bucket, parameters, n);
    if (bucket->n_pages == bucket->cancels_at) {
        arec_cancel_set (bucket->cancel);
    }
    if (bucket->n_pages == bucket->fails_at || arec_cancel_is_set (cancel)) {
        g_string_free (text, TRUE);
        return arec_fail (error, bucket->fails_at ? bucket->failure : AREC_ERROR_CANCELLED,
                          "%s: no page %zu", url->bucket, bucket->n_pages);
    }
    if (bucket->text) {
        g_string_append (text, bucket->text);
    } else {
        g_string_append (text, is_s3 ? "<ListBucketResult><EncodingType>url</EncodingType>"
                                     : "{\"items\":[");
        next = append_keys (bucket, token ? strtoul (token, NULL, 10) : 0, prefix, is_flat,
                            is_s3 ? append_s3 : append_gcs, text);
        if (bucket->tokens) {
            g_free (next);
            next = g_strdup (bucket->tokens[bucket->n_pages - 1]);
        } else if (bucket->never_ends) {
            g_free (next);
            next = g_strdup_printf ("0%zu", bucket->n + bucket->n_pages);
        }
        if (is_s3 && next) {
            g_string_append_printf (text,
                                    "<IsTruncated>true</IsTruncated>"
                                    "<NextContinuationToken>%s</NextContinuationToken>",
                                    next);
        }
        g_string_append (text, is_s3 ? "</ListBucketResult>" : "]");
        if (!is_s3 && next) {
            g_string_append_printf (text, ",\"nextPageToken\":\"%s\"", next);
        }
        g_string_append (text, is_s3 ? "" : "}");
    }
    g_assert_true (arec_buffer_append (page, text->str, text->len));
    g_string_free (text, TRUE);
    return true;
}

ArecBucketPages
test_bucket_pages (TestBucket *bucket)
{
    return (ArecBucketPages){get_page, bucket};
}

void
test_bucket_reset (TestBucket *bucket)
{
    g_clear_pointer (&bucket->last, g_free);
    bucket->n_pages = 0;
}
